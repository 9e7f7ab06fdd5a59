"""Three estimators of total-order Sobol indices, from sums that can be left out block by block.

S_T[d, j] = E[Var(z_d | all factors but j)] / Var(z_d): the share of a latent's variance that is
left once every other factor is known. In the order of preference:

- interventions: pairs whose values of factor j are *distinct*. Jansen's mean((x - y)^2) / 2 is for
  values drawn independently, which are equal once in n_j times: (1 - 1/n_j) as much.
- grid: rows that agree on every other factor form a line. The variance within lines, with m - 1 in
  the denominator, is that of distinct values too, so the same (1 - 1/n_j) applies. Rows of one
  combination are averaged first.
- regression: what boosted trees that know every factor but j leave over, less what trees that know
  all factors leave over. It needs no two images that differ in one factor only.

Noise is the variance within combinations where they repeat, or what trees that know all factors
leave over. It is taken off the numerator.

What trees leave over falls as they see more rows. Trees that see half of the rows say how fast: the
regression goes on by as much as the second half gained, and counts that step as an error.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, final

import numpy as np
from jaxtyping import Float, Int, UInt64

from drbench.metrics.estimate.pairs import (
    REFUSED_BELOW,
    block_starts,
    level_keys,
    line_totals,
    lines_of,
    longer,
)
from drbench.metrics.estimate.regression import Folds, squared_errors
from drbench.representation.representation import Representation

Estimator = Literal["interventions", "grid", "regression"]
_WEIGHT, _NOISY, _REPEATS, _ROWS = range(4)
_NUMERATOR, _WITHIN, _TOTAL, _POWER = range(4)


@final
@dataclass(frozen=True)
class SobolSums:
    """Sums that one factor's indices follow from, in blocks that can be left out one at a time."""

    estimator: Estimator
    """How they were taken."""
    pairs: int | None
    """Pairs of images that differ in the factor only, or as many as OMES would count in the sample;
    None for regression."""
    shrink: float
    """Variance of independent values over that of distinct ones."""
    counts: Float[np.ndarray, "block 4"]
    """Degrees of freedom of the numerator, noise variances in it, repeats, rows."""
    sums: Float[np.ndarray, "block 4 latent"]
    """Numerator, squares within combinations, latents, their squares."""
    gain: Float[np.ndarray, "2 latent"]
    """By how much half of the rows lowered the error of trees that know all factors, and of those
    that lack this one; 0 where nothing is fitted."""

    @property
    def tells_noise(self) -> bool:
        """Whether combinations repeat often enough to tell noise from signal."""
        return bool(self.counts[:, _REPEATS].sum() >= REFUSED_BELOW)

    def index(self) -> Float[np.ndarray, "latent"]:
        """Total-order index of each latent, not clipped."""
        return self._index(*self._all())[0]

    def noise(self) -> Float[np.ndarray, "latent"]:
        """Share of each latent's variance that is noise; 0 where that cannot be told."""
        return self._noise(*self._all())[0]

    def index_error(self) -> Float[np.ndarray, "latent"]:
        """Standard error of each index; NaN if there is a single block."""
        return np.hypot(_jackknife(self.index_without_each_block()), self.misfit)

    def noise_error(self) -> Float[np.ndarray, "latent"]:
        """Standard error of each share of noise; NaN if there is a single block."""
        return np.hypot(_jackknife(self.noise_without_each_block()), self.gain[0])

    @property
    def misfit(self) -> Float[np.ndarray, "latent"]:
        """Standard error of each index that no block shows: what the trees may still miss."""
        return np.hypot(*self.gain)

    def index_without_each_block(self) -> Float[np.ndarray, "block latent"]:
        """Indices with each block left out; no rows if there is a single block."""
        return self._index(*self._left()) if len(self.counts) > 1 else self.sums[:0, 0]

    def noise_without_each_block(self) -> Float[np.ndarray, "block latent"]:
        """Noise shares with each block left out; no rows if there is a single block."""
        return self._noise(*self._left()) if len(self.counts) > 1 else self.sums[:0, 0]

    def _all(self) -> tuple[Float[np.ndarray, "1 4"], Float[np.ndarray, "1 4 latent"]]:
        return self.counts.sum(axis=0, keepdims=True), self.sums.sum(axis=0, keepdims=True)

    def _left(self) -> tuple[Float[np.ndarray, "block 4"], Float[np.ndarray, "block 4 latent"]]:
        return self.counts.sum(axis=0) - self.counts, self.sums.sum(axis=0) - self.sums

    def _noise(
        self, counts: Float[np.ndarray, "b 4"], sums: Float[np.ndarray, "b 4 latent"]
    ) -> Float[np.ndarray, "b latent"]:
        if not self.tells_noise:
            return np.zeros(sums[:, _WITHIN].shape)
        repeats = np.maximum(counts[:, _REPEATS, None], 1.0)
        return sums[:, _WITHIN] / repeats / _variance(counts, sums)

    def _index(
        self, counts: Float[np.ndarray, "b 4"], sums: Float[np.ndarray, "b 4 latent"]
    ) -> Float[np.ndarray, "b latent"]:
        noise = self._noise(counts, sums) * counts[:, _NOISY, None]
        signal = sums[:, _NUMERATOR] / _variance(counts, sums) - noise
        return self.shrink * signal / np.maximum(counts[:, _WEIGHT, None], 1.0)


def _variance(
    counts: Float[np.ndarray, "b 4"], sums: Float[np.ndarray, "b 4 latent"]
) -> Float[np.ndarray, "b latent"]:
    rows = np.maximum(counts[:, _ROWS, None], 1.0)
    variance = sums[:, _POWER] / rows - (sums[:, _TOTAL] / rows) ** 2
    # Latents have variance 1; a block can hold all that varies of one.
    return np.where(variance > 1e-12, variance, 1.0)


def _jackknife(replicas: Float[np.ndarray, "block latent"]) -> Float[np.ndarray, "latent"]:
    """Standard error; NaN without replicas."""
    if not len(replicas):
        return np.full(replicas.shape[1], np.nan)
    return np.sqrt((len(replicas) - 1) * replicas.var(axis=0))


@final
@dataclass(frozen=True)
class Cells:
    """Combinations of classes that occur, in random order."""

    keys: UInt64[np.ndarray, "factor cell"]
    """See `level_keys`."""
    rows: Int[np.ndarray, "cell"]
    """Rows of each combination."""
    totals: Float[np.ndarray, "cell twice"]
    """Sums of latents, and of their squares."""
    within: Float[np.ndarray, "cell latent"]
    """Sums of squares about the mean of the combination."""

    @classmethod
    def of(
        cls, representation: Representation, latents: Float[np.ndarray, "n latent"], seed: int
    ) -> "Cells":
        """Combinations of a sample and its latents, which have mean 0 and variance 1."""
        keys = level_keys(representation, seed)
        lines = lines_of(keys.sum(axis=0))
        repeated, repeats = lines.size > 1, longer(lines)
        first = lines.order[lines.starts]
        total = latents.take(first, axis=0)
        power, within = total**2, np.zeros(total.shape)
        total[repeated] = line_totals(latents, repeats)
        power[repeated] = line_totals(latents**2, repeats)
        about = power[repeated] - total[repeated] ** 2 / repeats.size[:, None]
        within[repeated] = np.maximum(about, 0.0)
        return cls(keys[:, first], lines.size, np.hstack([total, power]), within)

    @cached_property
    def means(self) -> Float[np.ndarray, "cell twice"]:
        """Mean latents, and their squares."""
        if self.rows.max() == 1:
            return self.totals
        mean = self.totals[:, : self.within.shape[1]] / self.rows[:, None]
        return np.hstack([mean, mean**2])


def from_interventions(
    cells: Cells,
    first: Float[np.ndarray, "pair latent"],
    second: Float[np.ndarray, "pair latent"],
    shrink: float,
    rng: np.random.Generator,
) -> SobolSums:
    """Sums over pairs of latents whose images differ in one factor only."""
    starts = block_starts(len(cells.rows))
    order = rng.permutation(len(first))
    each = np.arange(len(starts)) * len(first) // len(starts)
    half = (first - second)[order] ** 2 / 2
    weight = np.diff(each, append=len(first)).astype(np.float64)
    rows = np.add.reduceat(np.stack([cells.rows - 1, cells.rows], axis=1), starts, axis=0)
    sums = [np.add.reduceat(half, each, axis=0)]
    sums += [np.add.reduceat(part, starts, axis=0) for part in (cells.within, cells.totals)]
    return SobolSums(
        "interventions",
        len(first),
        shrink,
        np.hstack([weight[:, None], weight[:, None], rows]),
        np.hstack(sums).reshape(len(starts), 4, -1),
        np.zeros((2, half.shape[1])),
    )


def from_grid(cells: Cells, factor: int, shrink: float) -> SobolSums:
    """Sums over the lines of one factor in the sample."""
    lines = lines_of(cells.keys.sum(axis=0) - cells.keys[factor])
    order, starts, size = lines
    blocks, rows = block_starts(len(size)), cells.rows[order]
    first = starts[blocks]
    repeats = np.add.reduceat(rows - 1, first)
    # Only lines of several combinations vary: most have one.
    several, varied = size > 1, longer(lines)
    total, squares = np.split(line_totals(cells.means, varied), 2, axis=1)
    numerator = np.zeros((len(size), total.shape[1]))
    numerator[several] = squares - total**2 / varied.size[:, None]
    # Noise in the squares of a line's means about their own mean, in units of its variance.
    noisy = np.zeros(len(size))
    noisy[several] = (1 - 1 / varied.size) * line_totals(1 / cells.rows[:, None], varied)[:, 0]
    sums = [
        np.add.reduceat(numerator, blocks, axis=0),
        np.zeros((len(blocks), total.shape[1])),
        np.add.reduceat(cells.totals.take(order, axis=0), first, axis=0),
    ]
    if repeats.any():
        sums[1] = np.add.reduceat(cells.within.take(order, axis=0), first, axis=0)
    weights = [np.add.reduceat(size - 1, blocks), np.add.reduceat(noisy, blocks)]
    return SobolSums(
        "grid",
        int((varied.size * (varied.size // 2)).sum()),
        shrink,
        np.stack([*weights, repeats, np.add.reduceat(rows, first)], axis=1),
        np.hstack(sums).reshape(len(blocks), 4, -1),
        np.zeros((2, numerator.shape[1])),
    )


def from_regression(
    representation: Representation,
    latents: Float[np.ndarray, "n latent"],
    factors: tuple[int, ...],
    seed: int,
    rounds: int,
) -> dict[int, SobolSums]:
    """Sums over the rows for each of some factors; of none if nothing can be held out."""
    if not factors or not (folds := Folds.of(representation, seed)).fold.any():
        return {}
    every = tuple(range(len(representation.factors)))
    known = [every, *(tuple(k for k in every if k != j) for j in factors)]
    errors = squared_errors(representation, latents, known, folds, seed=seed, rounds=rounds)
    gains = (errors.half - errors.all).mean(axis=1)  # (case, latent)
    least, *more = 2 * errors.all - errors.half
    order, starts, _ = lines_of(folds.block)
    ones = np.ones(len(latents))
    counts = np.add.reduceat(np.stack([ones, 0 * ones, ones, ones], axis=1), starts, axis=0)
    found = {}
    for j, without, gain in zip(factors, more, gains[1:], strict=True):
        parts = np.stack([without - least, least, latents, latents**2], axis=1)[order]
        sums = np.add.reduceat(parts, starts, axis=0)
        found[j] = SobolSums("regression", None, 1.0, counts, sums, np.stack([gains[0], gain]))
    return found
