"""Train and test rows of the predictors behind a metric."""

from typing import NamedTuple, final

import numpy as np
from jaxtyping import Int

from drbench.metrics.estimate.factors import target
from drbench.representation.representation import Representation


@final
class Split(NamedTuple):
    """Two thirds of the rows to train on, one third to test on."""

    train: Int[np.ndarray, "k"]
    test: Int[np.ndarray, "k"]


def split_name(representation: Representation) -> str:
    """How rows are split: by group where the representation declares groups, else stratified."""
    return "stratified" if representation.split_groups is None else "groups"


def split_rows(representation: Representation, factor: int, seed: int) -> Split:
    """Split the rows for the predictor of one factor.

    Rows that share a split group stay together. Else the split is random and stratified: sorted by
    class, and at random within it, every third row is for testing, so that each class has its share
    to within one row. A continuous factor is split at random.
    """
    rng = np.random.default_rng(seed)
    n = len(representation.codes)
    if representation.split_groups is not None:
        return _by_group(representation.split_groups, rng)
    is_class = representation.factors[factor].size is not None
    stratum = representation.codes[:, factor] if is_class else np.zeros(n, dtype=np.int64)
    order = np.lexsort((rng.random(n), stratum))
    test = np.zeros(n, dtype=bool)
    test[order[2::3]] = True
    return Split(np.flatnonzero(~test), np.flatnonzero(test))


def split_fault(representation: Representation, factor: int, split: Split) -> str | None:
    """Why a factor cannot be predicted with a split, naming the factor and the class; else None."""
    name = representation.factors[factor].name
    column = target(representation, factor)
    if len(split.train) < 2 or not len(split.test):
        groups = representation.split_groups is not None
        what = "split groups" if groups else "rows"
        return f"factor {name}: too few {what} to hold a third of them out"
    if len(np.unique(column[split.train])) < 2:
        return f"factor {name} has a single value in the training rows"
    if representation.factors[factor].size is None:
        return None
    if representation.split_groups is None:
        present, counts = np.unique(column, return_counts=True)
        alone = present[counts < 2]
        if len(alone):
            return (
                f"factor {name}: class {alone[0]} has a single row, so it cannot be both trained "
                f"and tested on ({len(alone)} such classes): score more rows"
            )
    missing = np.setdiff1d(column[split.test], column[split.train])
    if len(missing):
        return (
            f"factor {name}: class {missing[0]} is missing in the training rows "
            f"({len(missing)} such classes): score more rows or more groups"
        )
    return None


def _by_group(groups: Int[np.ndarray, "n"], rng: np.random.Generator) -> Split:
    """Whole groups in random order, those to train on first, until two thirds of the rows."""
    names, number, counts = np.unique(groups, return_inverse=True, return_counts=True)
    order = rng.permutation(len(names))
    before = np.cumsum(counts[order]) - counts[order] / 2  # rows up to the middle of each group
    trained = before <= len(groups) * 2 / 3
    if len(names) > 1:
        trained[0], trained[-1] = True, False
    is_train = np.zeros(len(names), dtype=bool)
    is_train[order] = trained
    return Split(np.flatnonzero(is_train[number]), np.flatnonzero(~is_train[number]))
