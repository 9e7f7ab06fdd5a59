"""Inferring factors from the labels that outsiders have: integers, reals or text."""

from collections.abc import Sequence
from typing import Any, NamedTuple, final

import numpy as np
from jaxtyping import Float, Int, Shaped

from drbench.arrays import to_numpy
from drbench.data.codes import NO_CLASS
from drbench.data.spec import Factor
from drbench.errors import RepresentationError

_LEAST_SHARE = 0.5
"""Share of the classes up to the largest that must occur for whole numbers to be classes."""
_NO_LABEL = ("nan", "NaN", "NAN", "NA", "N/A", "<NA>", "null", "NULL")
"""What tables of text say where a label is missing."""


@final
class Labels(NamedTuple):
    """Labels of a sample, as a representation holds them."""

    factors: tuple[Factor, ...]
    """Factors of variation, in the order of the columns."""
    codes: Int[np.ndarray, "n factor"]
    """Class of each factor; -1 in the column of a continuous factor."""
    values: Float[np.ndarray, "n factor"] | None
    """The labels as numbers, where some were given as real ones."""
    notes: tuple[str, ...]
    """How labels were read, where it is not obvious."""


def read_labels(codes: Any, factors: Sequence[Factor | str] | None = None) -> Labels:
    """Read a table of labels.

    Without declared factors each column is read by these rules. Text that is all numbers counts as
    numbers. Other text is classes in alphabetical order. Whole numbers are classes: as they are
    where they are 0 or more and at least half of the classes up to the largest occur, else
    numbered by rank. Other reals are classes numbered by rank if each value occurs twice or more
    on average (0.75, 0.9, 1.05 of a grid), and a continuous factor otherwise.

    Parameters
    ----------
    codes : array-like (n, factor) or (n,)
        Labels: an array, a list, a tensor, or a frame of pandas or polars.
    factors : sequence of Factor or str, optional
        A column with a declaration is held to it: it is classes, or values of a continuous factor.
        One with a name is inferred. Default: the names of a frame's columns, else factor_0, ...

    Raises
    ------
    RepresentationError
        For labels that are missing, NaN, infinite or of no readable type, or that do not fit the
        declared factors.
    """
    table = _table(codes)
    if isinstance(factors, str):
        raise RepresentationError(f"factors is {factors!r}, expected a list of names.")
    chosen = list(factors or _names(codes))
    if not chosen:
        chosen = [f"factor_{j}" for j in range(table.shape[1])]
    if len(chosen) != table.shape[1]:
        raise RepresentationError(
            f"{len(chosen)} factors are named, but the codes have {table.shape[1]} columns."
        )
    columns = [
        _declared(table[:, j], factor) if isinstance(factor, Factor)
        else _inferred(table[:, j], str(factor))
        for j, factor in enumerate(chosen)
    ]  # fmt: skip
    real = any(column.is_real for column in columns)
    return Labels(
        tuple(column.factor for column in columns),
        np.stack([column.codes for column in columns], axis=1),
        np.stack([column.values for column in columns], axis=1) if real else None,
        tuple(column.note for column in columns if column.note),
    )


@final
class _Column(NamedTuple):
    factor: Factor
    codes: Int[np.ndarray, "n"]
    values: Float[np.ndarray, "n"]
    note: str = ""
    is_real: bool = False


def _names(codes: Any) -> list[str]:
    """Names of the columns of a frame; none where they are numbers, or there is no frame."""
    columns = list(getattr(codes, "columns", ()))
    return columns if all(isinstance(name, str) for name in columns) else []


def _table(codes: Any) -> Shaped[np.ndarray, "n factor"]:
    try:
        table = to_numpy(codes)
    except (TypeError, ValueError, RuntimeError) as error:
        raise RepresentationError(f"The codes are not an array of labels: {error}.") from error
    if table.ndim == 1:
        table = table[:, None]
    if table.ndim != 2 or not table.shape[1]:
        raise RepresentationError(f"The codes have shape {table.shape}, expected (n, factor).")
    if not len(table):
        raise RepresentationError("The codes have no rows.")
    return table


def _inferred(column: Shaped[np.ndarray, "n"], name: str) -> _Column:
    numbers = _numbers(column, name)
    if numbers is None:
        levels, codes = np.unique(column.astype(str), return_inverse=True)
        factor = Factor(name=name, kind="categorical", values=tuple(levels.tolist()))
        note = f"factor {name}: text classes, numbered in alphabetical order"
        return _Column(factor, codes.astype(np.int64), codes.astype(np.float64), note)
    levels = _levels(numbers)
    whole = np.array_equal(levels, np.rint(levels))
    if not whole and len(numbers) < 2 * len(levels):
        factor, codes = Factor(name=name, kind="continuous"), np.full(len(numbers), NO_CLASS)
        note = f"factor {name}: real numbers that hardly repeat, taken as continuous"
        return _Column(factor, codes, numbers, note, is_real=True)
    if whole and levels[0] >= 0 and _LEAST_SHARE * levels[-1] < len(levels):
        # Classes already, some of which the sample may lack.
        factor = Factor(name=name, kind="ordinal", size=int(levels[-1]) + 1)
        return _Column(factor, numbers.astype(np.int64), numbers)
    codes = np.searchsorted(levels, numbers)
    factor = Factor(name=name, kind="ordinal", values=tuple(levels.tolist()))
    note = f"factor {name}: {len(levels)} distinct numbers, taken as classes and numbered by rank"
    return _Column(factor, codes.astype(np.int64), numbers, note, is_real=True)


def _levels(numbers: Float[np.ndarray, "n"]) -> Float[np.ndarray, "level"]:
    """Distinct numbers in ascending order; whole ones need no sorting."""
    if numbers.min() >= 0 and numbers.max() < 2 * len(numbers):
        whole = numbers.astype(np.int64)
        if np.array_equal(whole, numbers):
            return np.flatnonzero(np.bincount(whole)).astype(np.float64)
    return np.unique(numbers)


def _declared(column: Shaped[np.ndarray, "n"], factor: Factor) -> _Column:
    numbers = _numbers(column, factor.name)
    if numbers is None:
        raise RepresentationError(
            f"The labels of the declared factor {factor.name} must be numbers: they hold text."
        )
    if factor.size is None:
        return _Column(factor, np.full(len(numbers), NO_CLASS), numbers, is_real=True)
    if not np.array_equal(numbers, np.rint(numbers)):
        raise RepresentationError(
            f"The labels of the declared factor {factor.name} must be whole numbers, 0 to "
            f"{factor.size - 1}: declare it as continuous if they are real."
        )
    return _Column(factor, numbers.astype(np.int64), numbers)


def _numbers(column: Shaped[np.ndarray, "n"], name: str) -> Float[np.ndarray, "n"] | None:
    """A column as finite numbers; None if it is text."""
    if column.dtype.kind not in "biufOUST":
        raise RepresentationError(
            f"The labels of factor {name} have type {column.dtype}: expected numbers or text."
        )
    entries = column.tolist()
    if column.dtype.kind in "OUST":
        if empty := sum(map(_is_missing, entries)):
            raise RepresentationError(f"Factor {name} lacks a label in {empty} rows.")
        if any("_" in str(entry) for entry in entries):
            return None  # Python reads 1_2 as 12, but in a table it is a name
    try:
        numbers = column.astype(np.float64)
    except OverflowError:
        numbers = np.full(len(column), 2.0**53)
    except (TypeError, ValueError) as error:
        if missing := sum(str(entry) in _NO_LABEL for entry in entries):
            raise RepresentationError(
                f"Factor {name} lacks a label in {missing} rows, where it says NaN or NA: leave "
                "those images out, or give the class a name."
            ) from error
        return None
    if not np.isfinite(numbers).all():
        raise RepresentationError(f"The labels of factor {name} hold NaN or infinite numbers.")
    if np.abs(numbers).max() >= 2**53 and column.dtype.kind != "f":
        raise RepresentationError(f"The labels of factor {name} exceed 2^53: number them from 0.")
    return numbers


def _is_missing(entry: object) -> bool:
    """Whether nothing is there; the frames' own marks of that cannot be compared, only named."""
    return entry is None or type(entry).__name__ in ("NAType", "NaTType") or entry in ("", b"")
