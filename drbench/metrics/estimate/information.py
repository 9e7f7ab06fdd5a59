"""What binned latents tell of the factors: the shared ground of the information metrics."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, NamedTuple, final

import numpy as np
from jaxtyping import Float, Int
from pydantic import Field

from drbench.metrics.estimate.entropy import Binning, Entropies, discretise, joint_entropies
from drbench.metrics.estimate.factors import Selection, select
from drbench.metrics.estimate.results import result_of
from drbench.metrics.metric import Invariance
from drbench.metrics.result import MetricResult
from drbench.representation.representation import Representation

Bins = Annotated[int, Field(ge=2, le=10_000)]
NOTHING = 1e-12
"""Information in nats that is taken for 0: differences of entropies are no more exact."""
INVARIANCES: Mapping[Invariance, float] = {
    "permute_latents": 1e-9,
    # Values on the edge of a bin count to the one above, mirrored or not.
    "flip_signs": 0.05,
    "scale": 1e-6,
    "rename_classes": 1e-9,
    "reorder_rows": 1e-9,
    "append_constant": 1e-9,
    "label_type": 0.0,
    "jobs": 0.0,
}
"""What binned latents do not notice."""
TOLERANCE = 1e-3
"""A last bit takes a row into the next bin, which moves information by about one over the rows."""


@final
@dataclass(frozen=True)
class Binned:
    """Binned latents beside the classes of the factors that are scored."""

    entropies: Entropies
    """Of the latents, of the factors, and of each two together."""
    bins: int
    """Number of bins."""

    @classmethod
    def of(
        cls, latents: Int[np.ndarray, "n latent"], classes: Int[np.ndarray, "n factor"], bins: int
    ) -> "Binned":
        """Count bins of latents, 0 to bins - 1, and classes of factors, 0 or more."""
        return cls(joint_entropies(latents, classes, bins), bins)

    @cached_property
    def information(self) -> Float[np.ndarray, "latent factor"]:
        """Mutual information in nats, plug-in estimate."""
        table = self.entropies.latent[:, None] + self.entropy - self.joint_entropy
        return np.where(table < NOTHING, 0.0, table)

    @cached_property
    def shares(self) -> Float[np.ndarray, "latent factor"]:
        """Mutual information over the factor's entropy."""
        return self.information / self.entropy

    @property
    def joint_entropy(self) -> Float[np.ndarray, "latent factor"]:
        """Entropy of each latent and each factor together, in nats."""
        return self.entropies.joint

    @property
    def entropy(self) -> Float[np.ndarray, "factor"]:
        """Entropy of each factor in nats."""
        return self.entropies.factor


@final
class Score(NamedTuple):
    """What a metric makes of binned latents and two factors or more."""

    value: float | None
    """The score; None if no latent tells anything."""
    factors: Mapping[int, float]
    """Score of each factor that has one, by its number among those that are scored."""
    matrix: Float[np.ndarray, "latent factor"]
    """Association."""
    parts: Mapping[str, float] = {}
    """Named components."""


def binned_result(
    representation: Representation,
    selection: Selection,
    score: Callable[[Binned], Score],
    *,
    seed: int,
    bins: int,
    binning: Binning,
) -> MetricResult:
    """Score a code, the perfect code and the code with its rows shuffled, all binned alike."""
    used = selection.used
    parameters = {"seed": seed, "bins": bins, "binning": binning}
    matrix = np.full((representation.latents.shape[1], len(representation.factors)), np.nan)
    if not used:
        return result_of(
            representation, selection, value=None, scores={}, parameters=parameters, matrix=matrix
        )
    views = _views(representation, used, seed=seed, bins=bins, binning=binning)
    code, perfect, shuffled = (score(binned) for binned in views)
    matrix[:, list(used)] = code.matrix
    return result_of(
        representation,
        selection,
        value=code.value,
        scores={used[k]: value for k, value in code.factors.items()},
        parts=code.parts,
        parameters=parameters,
        reference=perfect.value,
        chance=shuffled.value,
        matrix=matrix,
        reason="no latent tells anything of any factor" if code.value is None else None,
    )


def classes_only(representation: Representation, name: str) -> Selection:
    """Factors that have classes, for a metric that bins scalar latents and never factors."""
    return select(
        representation,
        continuous=f"{name} bins latents, never factors",
        vectors=f"{name} bins scalar latents",
    )


def _views(
    representation: Representation,
    used: tuple[int, ...],
    *,
    seed: int,
    bins: int,
    binning: Binning,
) -> list[Binned]:
    """The code, the classes themselves as latents, and the code with its rows shuffled."""
    code = discretise(representation.latents, bins, binning).T
    classes = np.asfortranarray(representation.codes[:, list(used)], dtype=np.int64)
    perfect = discretise(classes.astype(np.float64), bins, binning).T
    order = np.random.default_rng(seed).permutation(len(classes))
    shuffled = code.take(order, axis=1)
    # Counted in one go: they share the factors.
    latent, factor, joint = joint_entropies(np.vstack([code, perfect, shuffled]).T, classes, bins)
    ends = [len(code), len(code) + len(perfect)]
    parts = zip(np.split(latent, ends), np.split(joint, ends), strict=True)
    return [Binned(Entropies(own, factor, both), bins) for own, both in parts]


def gaps(table: Float[np.ndarray, "row column"]) -> Float[np.ndarray, "row"]:
    """Largest entry of each row less the second largest; a single one is compared with 0.

    Examples
    --------
    >>> gaps(np.array([[1.0, 5.0, 3.0]])).tolist()
    [2.0]
    """
    padded = np.hstack([table, np.zeros((len(table), 1))]) if table.shape[1] < 2 else table
    ordered = np.sort(padded, axis=1)
    return ordered[:, -1] - ordered[:, -2]


def mean_by_factor(
    scores: Float[np.ndarray, "latent"], best: Int[np.ndarray, "latent"]
) -> dict[int, float]:
    """Mean score of the latents that tell most of each factor, by the factor's number.

    Examples
    --------
    >>> mean_by_factor(np.array([0.5, 1.0, 0.25]), np.array([0, 0, 3]))
    {0: 0.75, 3: 0.25}
    """
    return {int(j): float(scores[best == j].mean()) for j in np.unique(best)}
