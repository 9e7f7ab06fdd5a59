"""An opened data set: codes of every row, and images on demand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, final

import numpy as np
from jaxtyping import Float, Int, UInt8

from drbench.data import imaging
from drbench.data.codes import CodeIndex, row_numbers, stray_class
from drbench.data.spec import DatasetSpec, Origin
from drbench.errors import DataError

Images = UInt8[np.ndarray, "k height width channel"]


@final
class Cut(NamedTuple):
    """Where a set that was cut down comes from."""

    whole: "GroundTruth"
    """The set before anything was cut from it."""
    rows: Int[np.ndarray, "n"]
    """Which of its rows are left, in their order."""


@final
@dataclass(frozen=True)
class GroundTruth:
    """Codes and images of one origin of a data set, lazy in its images.

    How images are kept (HDF5, NPZ, PNG files, a hub, a formula) is hidden in one callable.
    """

    spec: DatasetSpec
    """Declaration; its factors and image shape are those of this object, also after `subgrid`
    and `resized`."""
    origin: Origin
    """Whether these are the maker's files or a drawing of our own."""
    codes: Int[np.ndarray, "n factor"]
    """Class of each factor in each row; -1 in the column of a continuous factor."""
    images: Callable[[Any], Images]
    """Images of the given rows, (k, height, width, channel), 0 to 255. A plugin's function is
    called with an array (k,) of valid row numbers; it may be asked with any array-like."""
    values: Float[np.ndarray, "n factor"] | None = None
    """Real values of the factors, where known; needed for continuous factors."""
    groups: Int[np.ndarray, "n"] | None = None
    """Split group of each row, where the spec declares one."""
    notes: tuple[str, ...] = ()
    """What users should know about these files: what is missing, what was converted."""
    cut: Cut | None = None
    """Where the rows come from if `select` or `subgrid` cut the set down: a row is held out of
    training with the row of the whole set that it is."""

    def __post_init__(self) -> None:
        name, factors = self.spec.name, self.spec.factors
        for field in ("codes", "values", "groups"):
            if (array := getattr(self, field)) is not None:
                object.__setattr__(self, field, _array(f"{name}: {field}", array))
        if not isinstance(self.images, _Images):
            object.__setattr__(self, "images", _Images(self.images, len(self.codes)))
        if self.codes.ndim != 2 or self.codes.shape[1] != len(factors):
            raise DataError(
                f"{name}: codes have shape {self.codes.shape}, expected (n, {len(factors)})."
            )
        if self.codes.dtype.kind != "i":
            raise DataError(f"{name}: codes are {self.codes.dtype}, expected signed integers.")
        if not len(self.codes):
            raise DataError(f"{name}: there is not a single image.")
        if wrong := stray_class(self.codes, factors):
            raise DataError(f"{name}: {wrong}.")
        if self.values is None and 0 in self.spec.sizes:
            factor = factors[self.spec.sizes.index(0)]
            raise DataError(f"{name}: the continuous factor {factor.name} has no values.")

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.codes)

    @cached_property
    def index(self) -> CodeIndex:
        """Where each combination of classes is, and of each value of the continuous factors."""
        continuous = np.flatnonzero(np.array(self.spec.sizes) == 0)
        apart = None
        if len(continuous):
            assert self.values is not None  # __post_init__ has checked it
            _, apart = np.unique(self.values[:, continuous], axis=0, return_inverse=True)
        return CodeIndex(self.codes, self.spec.sizes, apart)

    def select(self, rows: Any, *, note: str = "") -> "GroundTruth":
        """The same data set with some of its rows only.

        Raises
        ------
        RequestError
            If one of them is no row's number.
        """
        rows = row_numbers(rows, len(self))
        cut = Cut(self, rows) if self.cut is None else Cut(self.cut.whole, self.cut.rows[rows])
        return replace(
            self,
            codes=self.codes[rows],
            images=lambda chosen: self.images(rows[chosen]),
            values=None if self.values is None else self.values[rows],
            groups=None if self.groups is None else self.groups[rows],
            notes=(*self.notes, note) if note else self.notes,
            cut=cut,
        )

    def subgrid(self, levels: Mapping[str, int]) -> "GroundTruth":
        """Keep evenly spaced classes of some factors, renumbered from 0.

        Parameters
        ----------
        levels : mapping of factor name to int
            How many classes stay, 1 to the factor's size.

        Raises
        ------
        RequestError
            For an unknown factor or a number out of range.
        """
        if not levels:
            return self
        spec, codes = self.spec.subgrid(levels), self.codes.copy()
        for column, factor in enumerate(self.spec.factors):
            if factor.name in levels:
                kept = factor.kept_classes(levels[factor.name])
                number = np.full(factor.size or 0, -1, dtype=codes.dtype)
                number[list(kept)] = np.arange(len(kept))
                codes[:, column] = number[codes[:, column]]
        dropped = (codes < 0) & (self.codes >= 0)
        rows = np.flatnonzero(~dropped.any(axis=1))
        return replace(self.select(rows), spec=spec, codes=codes[rows])

    def resized(self, height: int, width: int | None = None) -> "GroundTruth":
        """The same data set resized by area, to a square if only one side is given.

        Raises
        ------
        RequestError
            If a side is not a whole number from 1 to 4,096.
        """
        height, width = imaging.image_sides((height, height if width is None else width))
        if self.spec.image_shape[:2] == (height, width):
            return self
        return self._converted(
            (height, width, self.spec.image_shape[2]),
            lambda images: imaging.resize_area(images, height, width),
        )

    def with_channels(self, channels: int) -> "GroundTruth":
        """The same data set in grey (1) or colour (3)."""
        height, width, now = self.spec.image_shape
        if now == channels:
            return self
        return self._converted(
            (height, width, channels), lambda images: imaging.convert_channels(images, channels)
        )

    def _converted(
        self, shape: tuple[int, int, int], convert: Callable[[Images], Images]
    ) -> "GroundTruth":
        return replace(
            self,
            spec=self.spec.model_copy(update={"image_shape": shape}),
            images=lambda rows: convert(self.images(rows)),
            notes=(*self.notes, conversion(self.spec.image_shape, shape)),
        )


@final
class _Images:
    """A function from rows to images that is only asked for rows that there are."""

    def __init__(self, images: Callable[[Any], Images], count: int) -> None:
        self._images, self._count = images, count

    def __call__(self, rows: Any) -> np.ndarray:
        return self._images(row_numbers(rows, self._count))


def _array(what: str, entries: Any) -> np.ndarray:
    """An array-like as an array; one that is an array already as it is."""
    try:
        return np.asarray(entries)
    except ValueError as error:
        raise DataError(f"{what} are no table: their rows have several lengths.") from error


def conversion(old: tuple[int, int, int], new: tuple[int, int, int]) -> str:
    """The note about images that were resized or changed in their channels."""
    was, is_now = ("x".join(map(str, shape)) for shape in (old, new))
    return f"images converted from {was} to {is_now}"
