"""SAP under the conventions of other libraries."""

from dataclasses import dataclass, replace
from typing import Literal, final

import numpy as np
from jaxtyping import Float, Int

from drbench.conventions.convention import Choices, Convention, NoValueError, Parts
from drbench.conventions.factors import SingleValued, factors_of
from drbench.conventions.memory import remembered
from drbench.conventions.rows import DRAWN, Protocol, split_by
from drbench.metrics.estimate.parallel import in_parallel
from drbench.metrics.estimate.scaling import Scaling
from drbench.metrics.estimate.splits import Split
from drbench.metrics.predict.fits import explained
from drbench.metrics.sap import PUBLISHED_PENALTY, gap, penalty
from drbench.representation.representation import Representation


@final
@dataclass(frozen=True)
class Sap(Choices):
    """What the definition of SAP leaves open.

    `latents`: the penalty of a support vector machine makes its accuracy depend on their scale.
    Constant ones score 0 if standardised, else what is guessed without them. `penalty` C is of the
    summed loss: the same number weighs the less, the fewer rows there are to train on.
    `score of a latent`: accuracy of a linear support vector machine, or R^2 of a straight line
    through the classes' numbers.
    """

    rows: Protocol = "a third held out"
    latents: Literal["standardised", "as they are"] = "standardised"
    penalty: Literal["100 over the rows", "0.01"] = "100 over the rows"
    score_of_a_latent: Literal["accuracy", "R^2"] = "accuracy"
    single_valued_factors: SingleValued = "left out"

    def score(self, representation: Representation, seed: int) -> Parts:
        factors = factors_of(representation, self.single_valued_factors)
        key = (
            representation.fingerprint,
            replace(self, single_valued_factors="left out"),
            factors,
            seed,
        )
        found = remembered(key, lambda: self._scores(representation, factors, seed))
        return {"sap": float(np.mean([gap(scores) for scores in found.values()]))}

    def _scores(
        self, representation: Representation, factors: tuple[int, ...], seed: int
    ) -> dict[int, Float[np.ndarray, "latent"]]:
        latents = representation.latents
        if self.latents == "standardised":
            latents = Scaling.of(latents).apply(latents)
        calls = {}
        for j in factors:
            labels, split = representation.codes[:, j], split_by(self.rows, representation, j, seed)
            if self.score_of_a_latent == "accuracy" and np.ptp(labels[split.train]) == 0:
                name = representation.factors[j].name
                raise NoValueError(f"scikit-learn refuses to fit {name}: one class to train on")
            calls[j] = (latents, labels, split, self._penalty(len(split.train)))
        function = _accuracies if self.score_of_a_latent == "accuracy" else _explained
        return in_parallel(function, calls, f"predictors of one latent, {self.rows}")

    def _penalty(self, rows: int) -> float:
        return PUBLISHED_PENALTY if self.penalty == "0.01" else penalty(rows)


def _accuracies(
    latents: Float[np.ndarray, "n latent"],
    labels: Int[np.ndarray, "n"],
    split: Split,
    penalty: float,
) -> Float[np.ndarray, "latent"]:
    from sklearn.svm import LinearSVC

    scores = np.zeros(latents.shape[1])
    for d in np.flatnonzero(latents.any(axis=0)):
        # The libraries solve the dual of the same problem.
        model = LinearSVC(C=penalty, class_weight="balanced", dual=False, random_state=0)
        model.fit(latents[split.train, d, None], labels[split.train])
        predicted = model.predict(latents[split.test, d, None])
        scores[d] = np.mean(predicted == labels[split.test])
    return scores


def _explained(
    latents: Float[np.ndarray, "n latent"], labels: Int[np.ndarray, "n"], split: Split, _: float
) -> Float[np.ndarray, "latent"]:
    from sklearn.linear_model import LinearRegression

    scores = np.zeros(latents.shape[1])
    seen, truth = labels[split.train].astype(np.float64), labels[split.test].astype(np.float64)
    for d, z in enumerate(latents.T):
        line = LinearRegression().fit(z[split.train, None], seen)
        scores[d] = explained(truth, line.predict(z[split.test, None]))
    return scores


_LIBRARY = Sap(
    rows="10,000 and 5,000 drawn",
    latents="as they are",
    penalty="0.01",
    single_valued_factors="counted",
)
_SCALE = "The latents are not standardised: their scale alone moves the score."
CONVENTIONS = (
    Convention(
        "disentanglement_lib",
        "google-research/disentanglement_lib, evaluation/metrics/sap_score.py: _compute_sap; "
        "config/unsupervised_study_v1/metric_configs/sap_score.gin",
        _LIBRARY,
        faults=(_SCALE, DRAWN),
    ),
    Convention(
        "disent",
        "nmichlo/disent 0.8, disent/metrics/_sap.py: metric_sap",
        _LIBRARY,
        faults=(_SCALE, DRAWN),
    ),
    Convention(
        "Ubisoft review",
        "ubisoft/ubisoft-laforge-disentanglement-metrics, src/metrics/sap.py: _sap_regression; "
        "src/experiments/config.py",
        Sap(
            rows="all rows, tested on themselves",
            latents="as they are",
            score_of_a_latent="R^2",
            single_valued_factors="counted",
        ),
        faults=(
            "Classes are regressed as numbers: those of a factor without an order (shape, object) "
            "have none to regress.",
        ),
    ),
)
