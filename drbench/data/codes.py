"""Arithmetic between rows and codes, on complete grids and on incomplete sets alike.

Everything is vectorised and none of it walks over images. On a complete grid in row-major order a
row is the mixed-radix number of its classes; elsewhere rows are found by binary search.
"""

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Int

from drbench.data.spec import Factor
from drbench.errors import RequestError

NO_CLASS = -1
"""Code of a continuous factor, which has values and no classes."""


def code_dtype(sizes: Sequence[int]) -> np.dtype:
    """Narrowest signed integer type that holds every class."""
    return np.dtype(np.int16 if max(sizes, default=1) <= 2**15 else np.int32)


def grid_codes(sizes: Any) -> Int[np.ndarray, "n factor"]:
    """All combinations of classes in row-major order: the last factor varies fastest.

    Parameters
    ----------
    sizes : array-like of int
        Number of classes of each factor, 1 or more.

    Raises
    ------
    RequestError
        If they are no such numbers.

    Examples
    --------
    >>> grid_codes([2, 2]).tolist()
    [[0, 0], [0, 1], [1, 0], [1, 1]]
    """
    sizes = np.atleast_1d(sizes).tolist()
    if not all(isinstance(size, int) and size >= 1 for size in sizes):
        raise RequestError(
            f"A grid needs a whole number of classes, 1 or more, of each factor; it got {sizes}."
        )
    codes = np.empty((*sizes, len(sizes)), dtype=code_dtype(sizes))
    for factor, size in enumerate(sizes):
        shape = [1] * len(sizes)
        shape[factor] = size
        codes[..., factor] = np.arange(size).reshape(shape)
    return codes.reshape(math.prod(sizes), len(sizes))


def stray_class(codes: Int[np.ndarray, "n factor"], factors: Sequence[Factor]) -> str:
    """What lies outside its factor's classes, in words; empty if nothing does.

    Examples
    --------
    >>> stray_class(np.array([[0], [3]]), [Factor(name="x", kind="ordinal", size=3)])
    'factor x has a class 3, outside 0 to 2'
    """
    for factor, column in zip(factors, codes.T, strict=True):
        low, high = int(column.min(initial=0)), int(column.max(initial=0))
        if factor.size is not None and (low < 0 or high >= factor.size):
            wrong = low if low < 0 else high
            return f"factor {factor.name} has a class {wrong}, outside 0 to {factor.size - 1}"
    return ""


def row_numbers(rows: Any, count: int) -> Int[np.ndarray, "k"]:
    """Numbers of rows, given as any array-like of whole numbers.

    Raises
    ------
    RequestError
        If they are not a list of whole numbers from 0 to count - 1.
    """
    try:
        numbers = np.asarray(rows)
    except (TypeError, ValueError):
        numbers = np.empty(())
    if numbers.size == 0 and numbers.ndim == 1:
        return numbers.astype(np.int64)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
        what = f"{numbers.dtype} of shape {numbers.shape}" if numbers.ndim else repr(rows)
        raise RequestError(
            f"Rows are asked for by a list of their numbers, such as [0, 1], not by {what}."
        )
    if numbers.min() < 0 or numbers.max() >= count:
        wrong = numbers.min() if numbers.min() < 0 else numbers.max()
        raise RequestError(f"There is no row {wrong}: the rows are 0 to {count - 1:,}.")
    return numbers


def strides(sizes: Sequence[int]) -> Int[np.ndarray, "factor"]:
    """Rows between neighbouring classes of each factor in a row-major grid."""
    radices = [max(size, 1) for size in sizes]
    return np.array([math.prod(radices[i + 1 :]) for i in range(len(radices))], dtype=np.int64)


def absent(codes: Int[np.ndarray, "n factor"], factors: Sequence[Factor]) -> str:
    """What an incomplete set lacks, in words; empty if every combination of classes is there.

    Examples
    --------
    >>> factors = Factor(name="shape", kind="categorical", size=3), Factor(name="x", size=2,
    ...     kind="ordinal")
    >>> absent(np.array([[0, 0], [0, 1], [2, 0]]), factors)
    '3 of 6 combinations of classes are there; none has shape 1'
    """
    sizes = [factor.size or 0 for factor in factors]
    total = math.prod(max(size, 1) for size in sizes)
    index = CodeIndex(codes, sizes)
    there = total if index.is_grid else len(np.unique(index.keys(codes)))
    if there == total:
        return ""
    lacking = []
    for factor, column in zip(factors, codes.T, strict=True):
        gone = np.setdiff1d(np.arange(factor.size or 0), column)
        if len(gone):
            runs = np.split(gone, np.flatnonzero(np.diff(gone) > 1) + 1)
            spans = [f"{run[0]}" if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs]
            lacking.append(f"{factor.name} {', '.join(spans)}")
    return f"{there:,} of {total:,} combinations of classes are there" + (
        f"; none has {'; '.join(lacking)}" if lacking else ""
    )


@final
class CodeIndex:
    """Finds the rows that hold a combination of classes.

    Parameters
    ----------
    codes : (n, factor) int
        Classes of every row. Continuous factors (size 0) have none.
    sizes : sequence of int
        Number of classes per factor.
    apart : (n,) int, optional
        Rows are found from one another only where these are equal: which values the continuous
        factors have, as a number from 0.
    """

    def __init__(
        self,
        codes: Int[np.ndarray, "n factor"],
        sizes: Sequence[int],
        apart: Int[np.ndarray, "n"] | None = None,
    ) -> None:
        self.codes = codes
        self.sizes = tuple(sizes)
        self.strides = np.where(np.array(self.sizes) > 0, strides(sizes), 0)
        self._combinations = math.prod(max(size, 1) for size in sizes)
        self._apart = apart
        complete = apart is None and len(codes) == self._combinations
        self.is_grid = complete and self._in_row_major_order()
        # On a grid the key is the row: nothing is stored, however many rows there are.
        keys = np.empty(0, np.int64) if self.is_grid else self.row_keys(np.arange(len(codes)))
        self._order = np.argsort(keys, kind="stable")
        self._sorted = keys[self._order]

    @cached_property
    def varying(self) -> Bool[np.ndarray, "factor"]:
        """Whether at least two classes of each factor are present."""
        if self.is_grid:
            return np.array(self.sizes) > 1
        return self.codes.min(axis=0) < self.codes.max(axis=0)

    def _in_row_major_order(self, block: int = 2**16) -> bool:
        return all(
            np.array_equal(keys := self.keys(self.codes[start : start + block]),
                           np.arange(start, start + len(keys)))
            for start in range(0, len(self.codes), block)
        )  # fmt: skip

    def keys(self, codes: Int[np.ndarray, "... factor"]) -> Int[np.ndarray, "..."]:
        """Mixed-radix number of each combination."""
        keys = np.zeros(codes.shape[:-1], dtype=np.int64)
        for factor, stride in enumerate(self.strides):
            if stride:
                keys += codes[..., factor].astype(np.int64) * stride
        return keys

    def row_keys(self, rows: Int[np.ndarray, "k"]) -> Int[np.ndarray, "k"]:
        """Key of each row: that of its combination, and what keeps it apart from others."""
        if self.is_grid:
            return rows
        keys = self.keys(self.codes[rows])
        return keys if self._apart is None else keys + self._combinations * self._apart[rows]

    def rows(
        self, keys: Int[np.ndarray, "..."], rng: np.random.Generator | None = None
    ) -> Int[np.ndarray, "..."]:
        """Row of each key, -1 where none is; of several rows the first, or any of them by `rng`."""
        if self.is_grid:
            return keys
        if not len(self._sorted):
            return np.full(keys.shape, -1, dtype=np.int64)
        place = np.searchsorted(self._sorted, keys)
        if rng is not None:
            count = np.searchsorted(self._sorted, keys, side="right") - place
            place = place + rng.integers(np.maximum(count, 1))
        place = np.minimum(place, len(self._sorted) - 1)
        return np.where(self._sorted[place] == keys, self._order[place], -1)

    def neighbours(
        self, rows: Int[np.ndarray, "k"], factor: int
    ) -> tuple[Int[np.ndarray, "k level"], Bool[np.ndarray, "k level"]]:
        """Rows that differ from each given row in one factor only.

        Returns
        -------
        rows : (k, level) int
            For each class of the factor the first row with that class and all else equal; -1 if
            none.
        exists : (k, level) bool
            Whether there is such a row, the row itself not counted.
        """
        own = self.codes[rows, factor].astype(np.int64)
        levels = np.arange(self.sizes[factor])
        shift = (levels[None, :] - own[:, None]) * self.strides[factor]
        partners = self.rows(self.row_keys(rows)[:, None] + shift)
        return partners, (partners >= 0) & (levels[None, :] != own[:, None])
