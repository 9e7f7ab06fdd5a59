"""Which rows a library trains and tests on."""

import math
from typing import Literal

import numpy as np
from jaxtyping import Int

from drbench.metrics.estimate.splits import Split, split_rows
from drbench.representation.representation import Representation

Protocol = Literal[
    "a third held out",
    "10,000 and 5,000 drawn",
    "first two thirds, last third",
    "all rows, tested on themselves",
]
TRAINED, TESTED = 10_000, 5_000
IN_ORDER = (
    "Rows are split in file order: where they are sorted, the last third holds classes that were "
    "never trained on."
)
DRAWN = (
    "Rows to train and to test on are drawn apart but may be the same: in a small data set nothing "
    "is held out."
)
SAME_ROWS = "Nothing is held out: in a small sample, noise scores above chance."


def split_by(protocol: Protocol, representation: Representation, factor: int, seed: int) -> Split:
    """Rows to train and to test on.

    `a third held out` is drbench's split (`drbench.metrics.estimate.splits`). `10,000 and 5,000
    drawn` stands for fresh images, which a representation cannot supply. If it holds every
    combination of classes, its rows are all there is, and both lots are drawn from them with
    replacement, as the libraries would. Otherwise fresh images would hardly repeat: both lots are
    drawn without replacement and apart, a third of the rows for testing if there are too few.
    """
    n = len(representation.codes)
    if protocol == "a third held out":
        return split_rows(representation, factor, seed)
    if protocol == "10,000 and 5,000 drawn":
        return _drawn(representation, seed)
    if protocol == "first two thirds, last third":
        first = math.ceil(n * (2 / 3))
        return Split(np.arange(first), np.arange(first, n))
    return Split(np.arange(n), np.arange(n))


def is_complete(representation: Representation) -> bool:
    """Whether every combination of classes is there."""
    combinations = math.prod(factor.size or 0 for factor in representation.factors)
    return combinations <= len(representation.codes) and combinations == len(
        np.unique(representation.codes, axis=0)
    )


def drawn(representation: Representation, seed: int) -> Int[np.ndarray, "k"]:
    """10,000 rows for a score without a test, by the rule of `split_by`."""
    rng, n = np.random.default_rng(seed), len(representation.codes)
    if is_complete(representation):
        return rng.integers(n, size=TRAINED)
    return rng.permutation(n)[:TRAINED]


def _drawn(representation: Representation, seed: int) -> Split:
    rng, n = np.random.default_rng(seed), len(representation.codes)
    if is_complete(representation):
        return Split(rng.integers(n, size=TRAINED), rng.integers(n, size=TESTED))
    shuffled, tested = rng.permutation(n), min(TESTED, n // 3)
    return Split(shuffled[tested : tested + TRAINED], shuffled[:tested])
