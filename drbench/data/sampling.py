"""Which rows are held out, trained on, paired and scored: all from codes and a seed.

Rows are drawn by arithmetic on whole arrays; no image is touched. On a complete grid a partner is
found by strides, elsewhere by binary search. Draws that fall outside the allowed rows are drawn
again, so that what is returned is uniform over what is allowed.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int

from drbench.data.ground_truth import GroundTruth
from drbench.data.partners import drawn_partners, part_of
from drbench.errors import RequestError

SPLIT_STREAM, INTERVENTION_STREAM, SAMPLE_STREAM, BATCH_STREAM = range(4)
"""Second entries of seeds, so that one seed gives independent draws for each purpose."""

_MOST_DRAWS = 2**22
_LARGEST_ROUND = 2**16


def split_rows(truth: GroundTruth, seed: int, share: float = 0.2) -> Bool[np.ndarray, "n"]:
    """Rows that training never sees.

    A set has one split, whatever it is cut down to: a row of a cut is held out if that row of the
    whole set is.

    Parameters
    ----------
    truth : GroundTruth
        If it declares split groups, whole groups are held out.
    seed : int
        Equal seeds hold out equal rows.
    share : float
        Share of the whole set's rows to hold out, in (0, 1): exact to the row; with groups, to the
        group. A cut has as many of them as fall into it.

    Returns
    -------
    held_out : (n,) bool
        At least one row (or group) is held out and at least one is left.

    Raises
    ------
    RequestError
        If there are not two rows, or groups, to part, or a cut has rows of one part only.
    """
    if not 0 < share < 1:
        raise RequestError(f"The held-out share is {share}: choose one between 0 and 1.")
    if truth.cut is not None:
        held_out = split_rows(truth.cut.whole, seed, share)[truth.cut.rows]
        if held_out.all() or not held_out.any():
            part = "for training" if held_out.all() else "held out"
            raise RequestError(
                f"{truth.spec.name} is cut down to {len(truth):,} images, of which seed {seed} "
                f"leaves none {part}: keep more levels, or choose another seed."
            )
        return held_out
    rng = np.random.default_rng([seed, SPLIT_STREAM])
    n = len(truth)
    if truth.groups is None:
        units, sizes = np.arange(n), None
    else:
        _, units, sizes = np.unique(truth.groups, return_inverse=True, return_counts=True)
    count = n if sizes is None else len(sizes)
    if count < 2:
        what = "image" if sizes is None else f"group ({truth.spec.split_group})"
        raise RequestError(
            f"{truth.spec.name} has one {what} only: held-out rows need two, keep more of the data."
        )
    order = rng.permutation(count)
    if sizes is None:
        wanted = round(share * n)
    else:
        wanted = int(np.argmin(np.abs(np.cumsum(sizes[order]) - share * n))) + 1
    chosen = np.zeros(count, dtype=bool)
    chosen[order[: min(max(wanted, 1), count - 1)]] = True
    return chosen if sizes is None else chosen[units]


def scored_rows(held_out: Bool[np.ndarray, "n"], sample: int, seed: int) -> Int[np.ndarray, "k"]:
    """At most `sample` of the held-out rows: sorted, none twice, the same for the same seed."""
    rows = np.flatnonzero(held_out)
    if len(rows) <= sample:
        return rows
    rng = np.random.default_rng([seed, SAMPLE_STREAM])
    return np.sort(rng.choice(rows, sample, replace=False, shuffle=False))


def image_rows(
    allowed: Bool[np.ndarray, "n"], count: int, rng: np.random.Generator
) -> Int[np.ndarray, "count"]:
    """Allowed rows, drawn uniformly and with replacement.

    Raises
    ------
    RequestError
        If no row is allowed.
    """
    rows = np.empty(0, dtype=np.int64)
    # Drawing and discarding spares a list of millions of allowed rows.
    for size in _rounds(count):
        drawn = rng.integers(len(allowed), size=size)
        rows = np.concatenate([rows, drawn[allowed[drawn]]])
        if len(rows) >= count:
            return rows[:count]
    listed = np.flatnonzero(allowed)
    if not len(listed):
        raise RequestError("No row is left to train on: hold out less, or keep more of the data.")
    return rng.choice(listed, count)


def weak_pairs(
    truth: GroundTruth,
    allowed: Bool[np.ndarray, "n"],
    *,
    count: int,
    k: int,
    distinct: bool,
    rng: np.random.Generator,
) -> tuple[Int[np.ndarray, "pair"], Int[np.ndarray, "pair"], Int[np.ndarray, "pair k"]]:
    """Pairs of images whose codes differ in k factors.

    Parameters
    ----------
    truth : GroundTruth
        Factors with classes, of which k are redrawn in each pair. Continuous factors, and those
        with a single class present, never change.
    allowed : (n,) bool
        Rows that may appear.
    count : int
        Number of pairs.
    k : int
        Factors redrawn in a pair.
    distinct : bool
        Whether a redrawn factor must take another class, so that exactly k differ; otherwise it
        may keep its own and at most k differ.
    rng : numpy Generator

    Returns
    -------
    first, second : (pair,) int
        Rows; uniform over the allowed pairs. Where several rows share their classes, each of them
        comes as second as often as the others.
    changed : (pair, k) int
        Columns of the redrawn factors, ascending.

    Raises
    ------
    RequestError
        If fewer than k factors vary, or no allowed pair could be found.
    """
    varying = np.flatnonzero(truth.index.varying)
    if not len(varying):
        raise RequestError(
            f"{truth.spec.name} has no factor that varies, so there are no pairs: train a model "
            "that needs single images only, such as beta_vae."
        )
    if not 1 <= k <= len(varying):
        raise RequestError(
            f"Pairs that differ in k={k} factors: {truth.spec.name} has {len(varying)} factors "
            f"that vary, so choose k from 1 to {len(varying)}."
        )
    drawn: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    missing = count
    for size in _rounds(count):
        base = rng.integers(len(allowed), size=size)
        base = base[allowed[base]]
        changed = np.sort(varying[_subsets(len(base), len(varying), k, rng)], axis=1)
        partner = _redrawn(truth, base, changed, distinct, rng)
        good = (partner >= 0) & allowed[partner]
        drawn.append((base[good], partner[good], changed[good]))
        missing -= int(good.sum())
        if missing <= 0:
            first, second, columns = (np.concatenate(part) for part in zip(*drawn, strict=True))
            return first[:count], second[:count], columns[:count]
    raise RequestError(
        f"{truth.spec.name}: {_MOST_DRAWS:,} draws gave {count - missing} of {count} pairs that "
        f"differ in k={k} factors among {int(allowed.sum()):,} rows. Choose another k, or a data "
        "set in which more combinations of factors exist."
    )


@final
@dataclass(frozen=True)
class InterventionRows:
    """Rows of pairs that differ in one factor only."""

    factor: Int[np.ndarray, "pair"]
    """Column of the factor that differs."""
    rows: Int[np.ndarray, "pair 2"]
    """Base row and partner."""
    redrawn: Float[np.ndarray, "factor"]
    """Share of base rows drawn again for want of an allowed partner; NaN where no pair exists."""


def intervention_rows(
    truth: GroundTruth, allowed: Bool[np.ndarray, "n"], pairs: int, rng: np.random.Generator
) -> InterventionRows:
    """For each factor, pairs of allowed rows that differ in that factor only.

    Base rows are drawn without replacement, in the same order for every factor; the partner has
    any other class of the factor for which there is an allowed row, and is any of those rows. A
    base row that has none is passed over for the next one.

    Parameters
    ----------
    truth : GroundTruth
    allowed : (n,) bool
        Rows that may appear.
    pairs : int
        Pairs per factor; fewer where fewer base rows have a partner.
    rng : numpy Generator
    """
    part = part_of(truth, allowed)
    bases = rng.permutation(part.bases)
    redrawn = np.full(len(truth.spec.factors), np.nan)
    drawn = [np.empty((0, 2), dtype=np.int64)]
    counts = np.zeros(len(redrawn), dtype=np.int64)
    for factor in np.flatnonzero(truth.index.varying):
        rows, tried = drawn_partners(part, bases, int(factor), pairs, rng)
        drawn.append(rows)
        counts[factor] = len(rows)
        if len(rows):
            redrawn[factor] = 1 - len(rows) / tried
    factors = np.repeat(np.arange(len(redrawn)), counts)
    return InterventionRows(factors, part.in_set(np.concatenate(drawn)), redrawn)


def partnerless_share(
    truth: GroundTruth, allowed: Bool[np.ndarray, "n"] | None = None, block: int = 2**14
) -> Float[np.ndarray, "factor"]:
    """Share of rows that have no partner: no row that differs in the one factor only.

    Parameters
    ----------
    truth : GroundTruth
    allowed : (n,) bool, optional
        Rows that may appear; all by default.
    block : int
        Rows that are looked at together.

    Returns
    -------
    share : (factor,)
        In [0, 1]; 0 everywhere on a complete grid, NaN for a continuous factor.
    """
    part = part_of(truth, np.ones(len(truth), dtype=bool) if allowed is None else allowed)
    share = np.full(len(truth.spec.factors), np.nan)
    for factor, size in enumerate(truth.spec.sizes):
        if size == 0 or not len(part.bases):
            continue
        alone = 0
        for start in range(0, len(part.bases), block):
            _, exists = part.neighbours(part.bases[start : start + block], factor)
            alone += int((~exists.any(axis=1)).sum())
        share[factor] = alone / len(part.bases)
    return share


def _rounds(count: int) -> list[int]:
    """Sizes of successive rounds of draws: the first usually suffices, later ones grow."""
    sizes, total = [2 * count + 8], 0
    while (total := total + sizes[-1]) < _MOST_DRAWS:
        sizes.append(max(sizes[0], min(2 * sizes[-1], _LARGEST_ROUND)))
    return sizes


def _subsets(
    count: int, total: int, k: int, rng: np.random.Generator
) -> Int[np.ndarray, "count k"]:
    """Independent subsets of k out of `total` things."""
    if k == 1:
        return rng.integers(total, size=(count, 1))
    return np.argsort(rng.random((count, total)), axis=1)[:, :k]


def _redrawn(
    truth: GroundTruth,
    base: Int[np.ndarray, "pair"],
    changed: Int[np.ndarray, "pair k"],
    distinct: bool,
    rng: np.random.Generator,
) -> Int[np.ndarray, "pair"]:
    """The row that equals the base but for redrawn classes of some factors; -1 where none is."""
    index = truth.index
    sizes = np.array(index.sizes)[changed]
    codes = index.codes[base]
    own = np.take_along_axis(codes, changed, axis=1).astype(np.int64)
    new = (own + rng.integers(1, sizes)) % sizes if distinct else rng.integers(sizes)
    shift = ((new - own) * index.strides[changed]).sum(axis=1)
    return index.rows(index.row_keys(base) + shift, rng)
