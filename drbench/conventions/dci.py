"""DCI under the conventions of other libraries."""

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, final

import numpy as np
from jaxtyping import Float

from drbench.conventions.convention import Choices, Convention, Parts
from drbench.conventions.factors import SingleValued, factors_of
from drbench.conventions.memory import remembered
from drbench.conventions.regressors import Regression, Regressor, regress
from drbench.conventions.rows import DRAWN, IN_ORDER, Protocol, split_by
from drbench.conventions.trees import fit_trees
from drbench.metrics.dci import compactness, modularity, weighted
from drbench.metrics.estimate.parallel import in_parallel
from drbench.metrics.predict.fits import explained
from drbench.representation.representation import Representation

_LARGE = 10_000
"""Values of all latents from which on forests take minutes."""


@final
class _Found(NamedTuple):
    """What a predictor of one factor found."""

    importances: Float[np.ndarray, "latent"]
    informativeness: float


@final
@dataclass(frozen=True)
class Dci(Choices):
    """What the definition of DCI leaves open.

    `predictor`: of the classes (trees), or of their numbers from 0 to 1 (Lasso, forest).
    `informativeness` of such numbers. `dead latents`: one without importance has weight 0; the
    review's loop ends at the first of them, so that all latents behind it have weight 0 as well.
    """

    rows: Protocol = "a third held out"
    predictor: Literal["boosted trees"] | Regressor = "boosted trees"
    informativeness: Literal["accuracy or R^2", "1 - 12 * squared error"] = "accuracy or R^2"
    completeness: Literal["weighted mean", "plain mean"] = "weighted mean"
    dead_latents: Literal["have weight 0", "end the loop"] = "have weight 0"
    single_valued_factors: SingleValued = "left out"

    def score(self, representation: Representation, seed: int) -> Parts:
        found = self._found(representation, seed)
        importance = np.stack([each.importances for each in found], axis=1)
        per_factor = compactness(importance)
        plain = self.completeness == "plain mean"
        weights = np.ones(len(found)) if plain else importance.sum(axis=0)
        counted = importance.copy()
        if self.dead_latents == "end the loop":
            counted[np.logical_or.accumulate(importance.sum(axis=1) == 0)] = 0.0
        return {
            "disentanglement": modularity(counted),
            "completeness": weighted(per_factor, weights),
            "informativeness": float(np.mean([each.informativeness for each in found])),
        }

    def takes_minutes(self, representation: Representation) -> bool:
        return self.predictor == "random forest" and representation.latents.size > _LARGE

    def _found(self, representation: Representation, seed: int) -> list[_Found]:
        factors = factors_of(representation, self.single_valued_factors)
        if self.predictor == "boosted trees":
            latents = tuple(range(representation.latents.shape[1]))
            fits = fit_trees(representation, dict.fromkeys(factors, latents), self.rows, seed)
            return [_Found(fits[j].importances, fits[j].test) for j in factors]
        key = (representation.fingerprint, self.predictor, self.rows, factors, seed)
        results = remembered(key, lambda: self._regressions(representation, factors, seed))
        return [_Found(found.importances, self._judged(found)) for found in results.values()]

    def _regressions(
        self, representation: Representation, factors: tuple[int, ...], seed: int
    ) -> dict[int, Regression]:
        calls = {}
        for j in factors:
            split = split_by(self.rows, representation, j, seed)
            numbers = representation.codes[:, j].astype(np.float64)
            calls[j] = (self.predictor, representation.latents, numbers, split, seed)
        return in_parallel(regress, calls, f"{self.predictor}, factors")

    def _judged(self, found: Regression) -> float:
        if self.informativeness == "accuracy or R^2":
            return explained(found.truth, found.predicted)
        return float(max(1 - 12 * np.mean((found.truth - found.predicted) ** 2), 0.0))


_LIBRARY = Dci(rows="10,000 and 5,000 drawn", single_valued_factors="counted")
_REVIEW = Dci(
    rows="all rows, tested on themselves",
    predictor="Lasso",
    informativeness="1 - 12 * squared error",
    completeness="plain mean",
    dead_latents="end the loop",
    single_valued_factors="counted",
)
_REVIEW_FAULTS = (
    "Nothing is held out: informativeness is that of the rows it was fitted to.",
    "Classes are regressed as numbers: those of a factor without an order (shape, object) have "
    "none to regress.",
    "1 - 12 * squared error takes the factor for uniform on [0, 1]: one of few levels varies more, "
    "and must be predicted better for the same score.",
    "The loop over latents breaks off at the first one without importance: those behind it do not "
    "count, so that the order of latents moves the score.",
)

CONVENTIONS = (
    Convention(
        "disentanglement_lib",
        "google-research/disentanglement_lib, evaluation/metrics/dci.py: _compute_dci; "
        "config/unsupervised_study_v1/metric_configs/dci.gin",
        _LIBRARY,
        faults=("The trees are not seeded.", DRAWN),
    ),
    Convention(
        "disent",
        "nmichlo/disent 0.8, disent/metrics/_dci.py: metric_dci",
        _LIBRARY,
        faults=("The trees are not seeded; boost_mode changes them to others.", DRAWN),
    ),
    Convention(
        "Ubisoft review (Lasso)",
        "ubisoft/ubisoft-laforge-disentanglement-metrics, src/metrics/dci.py: dci(model='lasso')",
        _REVIEW,
        faults=_REVIEW_FAULTS,
    ),
    Convention(
        "Ubisoft review (forest)",
        "ubisoft/ubisoft-laforge-disentanglement-metrics, src/metrics/dci.py: "
        "dci(model='random_forest')",
        replace(_REVIEW, predictor="random forest"),
        faults=(
            *_REVIEW_FAULTS,
            "The forest is not seeded: from run to run D moves by hundredths.",
        ),
    ),
    Convention(
        "seed paper's code",
        "JacopoDapueto/transfer_disentanglement, src/evaluation/metrics/dci.py: compute_dci",
        Dci(rows="first two thirds, last third", single_valued_factors="counted"),
        faults=("The trees are not seeded.", IN_ORDER),
    ),
)
