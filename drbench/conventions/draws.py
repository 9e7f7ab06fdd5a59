"""Draws of rows that share a factor's class, as other libraries make them."""

from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from drbench.conventions.convention import NoValueError
from drbench.conventions.factors import SingleValued, factors_of
from drbench.conventions.mig import binned_by
from drbench.conventions.rows import is_complete
from drbench.metrics.estimate.draws import Classmates, Drawn, Sharing, Statistic
from drbench.metrics.estimate.factors import Selection, select
from drbench.metrics.estimate.splits import Split
from drbench.representation.representation import Representation

Rows = Literal[
    "a third held out", "fresh", "first two thirds, last third", "all rows, tested on themselves"
]
Factors = Literal["as they are", "10 bins"]
Count = Literal["10,000 and 5,000", "800 and 800"]
Scale = Literal["accuracy", "0 at chance"]


def draw(
    representation: Representation,
    latents: Float[np.ndarray, "n latent"],
    statistic: Statistic,
    *,
    rows: Rows,
    factors: Factors,
    single_valued: SingleValued,
    batch: int,
    count: Count,
    seed: int,
) -> tuple[Drawn, Drawn]:
    """Draws to train and to test on, as many for each factor.

    The libraries draw the factor by lot, and have classes of a single row, which are left out here.
    `fresh` images are all rows for both where they hold every combination of classes, since the
    libraries would draw from these, and else rows apart, two thirds of them to train on.
    """
    if rows == "a third held out":
        sharing = Sharing.of(representation, select(representation), seed)
    else:
        codes = representation.codes
        if factors == "10 bins":
            codes = binned_by("of the unit interval", codes.astype(np.float64), 10)
        used, split = factors_of(representation, single_valued), _split(rows, representation, seed)
        train, test = ({j: _mates(part, codes[part, j]) for j in used} for part in split)
        sharing = Sharing(Selection(used, {}, ()), train, test)
    draws = 15_000 if count == "10,000 and 5,000" else 2_400
    trained, tested = sharing.draw(latents, statistic, draws=draws, batch=batch, seed=seed)
    if count == "800 and 800":
        trained = Drawn(trained.statistics[::2], trained.factor[::2])
    return trained, tested


def scaled(accuracy: float, factors: int, scale: Scale) -> float:
    """Accuracy, or where it lies between that of a guess among the factors and 1."""
    chance = 1 / factors
    return accuracy if scale == "accuracy" else (accuracy - chance) / (1 - chance)


def differences_of_any_pair(
    latents: Float[np.ndarray, "n latent"],
    mates: Classmates,
    shape: tuple[int, int],
    rng: np.random.Generator,
) -> Float[np.ndarray, "draw latent"]:
    """Mean absolute difference of any row and one of its class, perhaps itself."""
    first = rng.integers(len(mates.order), size=shape)
    second = mates.start[first] + rng.integers(mates.size[first])
    return np.abs(latents[mates.order[first]] - latents[mates.order[second]]).mean(axis=1)


def differences_by_class(
    latents: Float[np.ndarray, "n latent"],
    mates: Classmates,
    shape: tuple[int, int],
    rng: np.random.Generator,
) -> Float[np.ndarray, "draw latent"]:
    """Mean absolute difference of two rows of a class, each class equally often."""
    starts, sizes = _classes(mates)
    chosen = rng.integers(len(starts), size=shape)
    start, size = starts[chosen], sizes[chosen]
    first = rng.integers(size)
    second = (first + 1 + rng.integers(size - 1)) % size
    apart = latents[mates.order[start + first]] - latents[mates.order[start + second]]
    return np.abs(apart).mean(axis=1)


def variances_by_class(
    latents: Float[np.ndarray, "n latent"],
    mates: Classmates,
    shape: tuple[int, int],
    rng: np.random.Generator,
) -> Float[np.ndarray, "draw latent"]:
    """Variance over rows of a class, each class equally often, no row twice before all were."""
    starts, sizes = _classes(mates)
    found = np.empty((shape[0], latents.shape[1]))
    for i, chosen in enumerate(rng.integers(len(starts), size=shape[0])):
        passes = -(-shape[1] // sizes[chosen])
        members = np.tile(np.arange(sizes[chosen]), (passes, 1))
        drawn = rng.permuted(members, axis=1).ravel()[: shape[1]]
        found[i] = latents[mates.order[starts[chosen] + drawn]].var(axis=0)
    return found


def _classes(mates: Classmates) -> tuple[Int[np.ndarray, "class"], Int[np.ndarray, "class"]]:
    starts = np.unique(mates.start)
    return starts, mates.size[starts]


def _mates(rows: Int[np.ndarray, "k"], classes: Int[np.ndarray, "k"]) -> Classmates:
    counts = np.bincount(classes)
    shared = counts[classes] > 1
    if not shared.any():
        raise NoValueError("no two rows share a class of some factor")
    return Classmates.of(rows[shared], classes[shared])


def _split(rows: Rows, representation: Representation, seed: int) -> Split:
    n = len(representation.codes)
    first = -(-2 * n // 3)
    if rows == "first two thirds, last third":
        return Split(np.arange(first), np.arange(first, n))
    if rows == "fresh" and not is_complete(representation):
        shuffled = np.random.default_rng(seed).permutation(n)
        return Split(shuffled[:first], shuffled[first:])
    return Split(np.arange(n), np.arange(n))
