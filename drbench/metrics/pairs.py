"""Association of latents with factors, from pairs of images that differ in one factor only.

Pairs come from interventions where a representation carries them. Elsewhere they are those of the
sample: rows that agree on every other factor form a line, and the average over all ways to draw
disjoint random pairs from the lines has a closed form, so that nothing is drawn.
"""

from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from jaxtyping import Bool, Float, Int

from drbench.metrics.factors import target
from drbench.metrics.scaling import Scaling
from drbench.representation import Representation

REFUSED_BELOW = 30
"""With fewer pairs than this a correlation says nothing."""
WARNED_BELOW = 300
"""With fewer pairs than this a latent of pure noise can pass for one that ignores the factor."""
BLOCKS = 20
"""Blocks of the jackknife: enough for a standard error that is itself good to about 16 %."""
_X, _Y, _XX, _YY, _XY = range(5)


@final
@dataclass(frozen=True)
class PairMoments:
    """Sums over the pairs of one factor, in blocks that can be left out one at a time."""

    origin: Literal["interventions", "sample"]
    """Where the pairs come from."""
    pairs: int
    """Number of pairs."""
    weight: Float[np.ndarray, "block"]
    """Pairs in each block."""
    sums: Float[np.ndarray, "block 5 latent"]
    """Sums of x, y, x^2, y^2 and x*y over the pairs of each block."""

    def association(self) -> Float[np.ndarray, "latent"]:
        """1 - |correlation| over all pairs: 1 = the factor changes the latent, 0 = it does not."""
        return _association(self.weight.sum(keepdims=True), self.sums.sum(axis=0, keepdims=True))[0]

    def without_each_block(self) -> Float[np.ndarray, "block latent"]:
        """The association with each block left out; no rows if there is a single block."""
        if len(self.weight) < 2:
            return np.empty((0, self.sums.shape[2]))
        return _association(self.weight.sum() - self.weight, self.sums.sum(axis=0) - self.sums)


def pair_moments(
    representation: Representation,
    factors: tuple[int, ...],
    active: Bool[np.ndarray, "latent"],
    scaling: Scaling,
    seed: int,
) -> dict[int, PairMoments]:
    """Sums over the pairs of each of some factors, for the active latents.

    Interventions are used where there are at least 30 of the factor, the sample's own pairs
    elsewhere. `seed` only shares the pairs out between the blocks of the jackknife.
    """
    found: dict[int, PairMoments] = {}
    for j in factors:
        first, second = representation.pairs(j)
        if len(first) >= REFUSED_BELOW:
            x, y = scaling.apply(first)[:, active], scaling.apply(second)[:, active]
            sums = np.stack([x, y, x**2, y**2, x * y], axis=1)
            rng = np.random.default_rng([seed, j])
            found[j] = _in_blocks("interventions", len(x), np.ones(len(x)), sums, rng)
    rest = [j for j in factors if j not in found]
    if rest:
        ranks = _ranks(representation)
        rows = np.unique(combination_ids(ranks), return_index=True)[1]
        latents, ranks = scaling.apply(representation.latents[rows])[:, active], ranks[rows]
        for j in rest:
            weight, sums = _line_sums(latents, combination_ids(np.delete(ranks, j, axis=1)))
            rng = np.random.default_rng([seed, j])
            found[j] = _in_blocks("sample", int(weight.sum()), weight, sums, rng)
    return {j: found[j] for j in factors}


def _ranks(representation: Representation) -> Int[np.ndarray, "n factor"]:
    """Levels of each factor that occur, numbered from 0; real values too."""
    columns = [target(representation, j) for j in range(len(representation.factors))]
    return np.stack([np.unique(column, return_inverse=True)[1] for column in columns], axis=1)


def combination_ids(ranks: Int[np.ndarray, "n column"]) -> Int[np.ndarray, "n"]:
    """Equal numbers for rows with equal entries, which are 0 or more.

    Examples
    --------
    >>> combination_ids(np.array([[0, 1], [1, 0], [0, 1]])).tolist()
    [1, 2, 1]
    """
    ids, count = np.zeros(len(ranks), dtype=np.int64), 1
    for column in ranks.T:
        size = int(column.max()) + 1
        if count * size > 2**62:  # real values in several columns: renumber what occurs
            kept, ids = np.unique(ids, return_inverse=True)
            count = len(kept)
        ids = ids * size + column
        count *= size
    return ids


def _line_sums(
    latents: Float[np.ndarray, "k latent"], lines: Int[np.ndarray, "k"]
) -> tuple[Float[np.ndarray, "line"], Float[np.ndarray, "line 5 latent"]]:
    """Number of pairs of each line, and their expected sums.

    A line of m rows gives m * floor(m / 2) pairs, any two of its rows equally often.
    """
    order = np.argsort(lines, kind="stable")
    starts = np.flatnonzero(np.diff(lines[order], prepend=-1))
    size = np.diff(starts, append=len(lines)).astype(np.float64)
    total = np.add.reduceat(latents[order], starts, axis=0)
    squares = np.add.reduceat(latents[order] ** 2, starts, axis=0)
    several = size > 1
    size, total, squares = size[several], total[several], squares[several]
    pairs = size * np.floor(size / 2)
    each = (pairs / size)[:, None]  # pairs that hold a given row as their first
    once = (pairs / (size * (size - 1)))[:, None]  # times that two given rows meet, in this order
    x, xx = each * total, each * squares
    return pairs, np.stack([x, x, xx, xx, once * (total**2 - squares)], axis=1)


def _in_blocks(
    origin: Literal["interventions", "sample"],
    pairs: int,
    weight: Float[np.ndarray, "unit"],
    sums: Float[np.ndarray, "unit 5 latent"],
    rng: np.random.Generator,
) -> PairMoments:
    count = min(BLOCKS, len(weight))
    if not count:
        return PairMoments(origin, pairs, weight, sums)
    order = rng.permutation(len(weight))
    starts = np.arange(count) * len(weight) // count
    return PairMoments(
        origin,
        pairs,
        np.add.reduceat(weight[order], starts),
        np.add.reduceat(sums[order], starts, axis=0),
    )


def _association(
    weight: Float[np.ndarray, "block"], sums: Float[np.ndarray, "block 5 latent"]
) -> Float[np.ndarray, "block latent"]:
    mean = sums / weight[:, None, None]
    variance_x = mean[:, _XX] - mean[:, _X] ** 2
    variance_y = mean[:, _YY] - mean[:, _Y] ** 2
    covariance = mean[:, _XY] - mean[:, _X] * mean[:, _Y]
    # Latents have variance 1 in the sample; less than rounding within the pairs means that no
    # pair moves them: no association, rather than 0 / 0.
    moves = np.minimum(variance_x, variance_y) > 1e-12
    scale = np.sqrt(np.where(moves, variance_x * variance_y, 1.0))
    return np.where(moves, 1.0 - np.minimum(np.abs(covariance / scale), 1.0), 0.0)
