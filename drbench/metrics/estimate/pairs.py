"""Association of latents with factors, from pairs of images that differ in one factor only.

Pairs come from interventions where a representation carries them. Elsewhere they are those of the
sample: rows that agree on every other factor form a line, and the average over all ways to draw
disjoint random pairs from the lines has a closed form, so that nothing is drawn.
"""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, final

import numpy as np
from jaxtyping import Bool, Float, Int, UInt64

from drbench.metrics.estimate.factors import target
from drbench.metrics.estimate.scaling import Scaling
from drbench.representation.representation import Representation

REFUSED_BELOW = 30
"""With fewer pairs than this a correlation says nothing."""
WARNED_BELOW = 300
"""With fewer pairs than this a latent of pure noise can pass for one that ignores the factor."""
BLOCKS = 20
"""Blocks of the jackknife: enough for a standard error that is itself good to about 16 %."""
_SHORT = 50
"""Rows of a line up to which lines are added up side by side."""
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
            x, y = (scaling.apply(z).compress(active, axis=1) for z in (first, second))
            order = np.random.default_rng([seed, j]).permutation(len(x))
            found[j] = _moments_of_pairs(x[order], y[order])
    rest = [j for j in factors if j not in found]
    if rest:
        keys = level_keys(representation, seed)
        repeats = lines_of(keys.sum(axis=0))
        rows = np.minimum.reduceat(repeats.order, repeats.starts)
        latents = scaling.apply(representation.latents.take(rows, axis=0))
        latents = latents.compress(active, axis=1)  # latents[:, active] would be column by column
        keys = keys[:, rows]
        whole = keys.sum(axis=0)
        powers = np.hstack([latents, latents**2])
        found |= {j: _moments_of_lines(powers, lines_of(whole - keys[j])) for j in rest}
    return {j: found[j] for j in factors}


def level_keys(representation: Representation, seed: int) -> UInt64[np.ndarray, "factor n"]:
    """A random 64-bit number for each level of each factor, at every row.

    Rows that agree on some factors have equal sums of their keys (modulo 2^64), and no others have:
    two of a million rows are mixed up with a probability of 3e-8. Sorting by such sums puts lines
    side by side and, among each other, in random order.
    """
    rng = np.random.default_rng(seed)
    keys = np.empty(representation.codes.shape[::-1], dtype=np.uint64)
    for j, factor in enumerate(representation.factors):
        levels = target(representation, j)
        if factor.size is None:
            levels = np.unique(levels, return_inverse=True)[1]
        keys[j] = rng.integers(2**64, size=int(levels.max()) + 1, dtype=np.uint64)[levels]
    return keys


@final
class Lines(NamedTuple):
    """Rows put in lines."""

    order: Int[np.ndarray, "k"]
    """Rows, line by line."""
    starts: Int[np.ndarray, "line"]
    """Where each line starts in `order`."""
    size: Int[np.ndarray, "line"]
    """Rows of each line."""


def lines_of(keys: UInt64[np.ndarray, "n"]) -> Lines:
    """Lines of rows with equal keys, in the order of the keys.

    Examples
    --------
    >>> [part.tolist() for part in lines_of(np.array([5, 3, 5], dtype=np.uint64))]
    [[1, 0, 2], [0, 1], [1, 2]]
    """
    order = np.argsort(keys)
    ordered = keys[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    return Lines(order, starts, np.diff(starts, append=len(keys)))


def longer(lines: Lines) -> Lines:
    """Those of two rows or more.

    Examples
    --------
    >>> [part.tolist() for part in longer(lines_of(np.array([5, 3, 5], dtype=np.uint64)))]
    [[0, 2], [0], [2]]
    """
    several = lines.size > 1
    size = lines.size[several]
    return Lines(lines.order[np.repeat(several, lines.size)], np.cumsum(size) - size, size)


def line_totals(
    table: Float[np.ndarray, "n column"], lines: Lines
) -> Float[np.ndarray, "line column"]:
    """Sum of a table over the rows of each line."""
    if lines.size.max(initial=0) > _SHORT:
        return np.add.reduceat(table.take(lines.order, axis=0), lines.starts, axis=0)
    # A sum for every line is slow where lines are many and short: add up their first rows, then
    # all second ones, and so on.
    total = table.take(lines.order[lines.starts], axis=0)
    left, place = np.flatnonzero(lines.size > 1), 1
    while len(left):
        total[left] += table.take(lines.order[lines.starts[left] + place], axis=0)
        place += 1
        left = left[lines.size[left] > place]
    return total


def block_starts(units: int) -> Int[np.ndarray, "block"]:
    """Where the jackknife's blocks start among units in random order."""
    count = min(BLOCKS, units)
    return np.arange(count) * units // max(count, 1)


def _moments_of_pairs(
    x: Float[np.ndarray, "pair latent"], y: Float[np.ndarray, "pair latent"]
) -> PairMoments:
    """Sums over pairs in random order."""
    starts = block_starts(len(x))
    sums = [np.add.reduceat(part, starts, axis=0) for part in (x, y, x**2, y**2, x * y)]
    weight = np.diff(starts, append=len(x)).astype(np.float64)
    return PairMoments("interventions", len(x), weight, np.stack(sums, axis=1))


def _moments_of_lines(powers: Float[np.ndarray, "k twice"], lines: Lines) -> PairMoments:
    """Expected sums over the pairs of lines in random order, from latents and their squares.

    A line of m rows gives m * floor(m / 2) pairs, any two of its rows equally often.
    """
    lines = longer(lines)
    total, squares = np.split(line_totals(powers, lines), 2, axis=1)
    if not len(total):
        return PairMoments("sample", 0, np.zeros(0), np.zeros((0, 5, total.shape[1])))
    size = lines.size.astype(np.float64)
    each = np.floor(size / 2)  # pairs that hold a given row as their first
    once = each / (size - 1)  # times that two given rows meet, in this order
    blocks = block_starts(len(size))

    def weighted(weight: Float[np.ndarray, "line"], table: Float[np.ndarray, "line latent"]) -> Any:
        return np.add.reduceat(weight[:, None] * table, blocks, axis=0)

    x, xx = weighted(each, total), weighted(each, squares)
    xy = weighted(once, total**2 - squares)
    weight = np.add.reduceat(each * size, blocks)
    return PairMoments("sample", int(weight.sum()), weight, np.stack([x, x, xx, xx, xy], axis=1))


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
