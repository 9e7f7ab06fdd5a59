"""All that is known of a data set before one of its files is touched."""

import math
from collections.abc import Mapping
from typing import Literal

from pydantic import model_validator

from drbench.errors import RequestError
from drbench.frozen import Frozen

FactorKind = Literal["categorical", "ordinal", "cyclic", "continuous"]
Origin = Literal["official", "rendered", "own"]
"""The maker's files, a drawing computed from the classes, or images of one's own on this disk."""


class Factor(Frozen):
    """One factor of variation.

    Examples
    --------
    >>> Factor(name="shape", kind="categorical", values=("square", "ellipse", "heart")).size
    3
    """

    name: str
    """Name of the factor, in lower case with underscores."""
    kind: FactorKind
    """How its classes relate: unordered, ordered, ordered and closed to a ring, or real numbers."""
    size: int | None = None
    """Number of classes; taken from `values` if not given; None for a continuous factor."""
    values: tuple[float, ...] | tuple[str, ...] | None = None
    """What each class stands for, in class order; None if unknown or continuous."""

    @model_validator(mode="before")
    @classmethod
    def _size_from_values(cls, fields: object) -> object:
        values = fields.get("values") if isinstance(fields, dict) else None
        if not isinstance(fields, dict) or not isinstance(values, tuple | list):
            return fields
        size = fields.get("size")
        # A tuple, since what comes through here from JSON is a list, which strict reading refuses.
        return fields | {"values": tuple(values), "size": len(values) if size is None else size}

    @model_validator(mode="after")
    def _check(self) -> "Factor":
        if self.kind == "continuous":
            if self.size is not None:
                raise ValueError(f"factor {self.name}: a continuous factor has no classes")
        elif self.size is None or self.size < 1:
            raise ValueError(f"factor {self.name}: size must be 1 or more")
        elif self.values is not None and len(self.values) != self.size:
            raise ValueError(f"factor {self.name}: {len(self.values)} values, {self.size} classes")
        return self

    def kept_classes(self, count: int) -> tuple[int, ...]:
        """`count` evenly spaced classes: a line keeps both of its ends, a ring its equal gaps.

        Raises
        ------
        RequestError
            If there are not as many.
        """
        if self.size is None or not 1 <= count <= self.size:
            limit = "it is continuous" if self.size is None else f"it has {self.size}"
            raise RequestError(f"{count} classes of the factor {self.name}, but {limit}.")
        step = self.size / count if self.kind == "cyclic" else (self.size - 1) / max(count - 1, 1)
        return tuple(round(i * step) for i in range(count))

    def subset(self, classes: tuple[int, ...]) -> "Factor":
        """The factor with some of its classes, renumbered from 0."""
        values = self.values and tuple(self.values[level] for level in classes)
        return self.model_copy(update={"size": len(classes), "values": values})


class RemoteFile(Frozen):
    """One file of the maker's."""

    url: str
    """Address of the file itself, not of a page about it."""
    mirrors: tuple[str, ...] = ()
    """Other addresses of the same bytes, tried in this order if the first fails."""
    name: str
    """File name under the data root."""
    hash: str | None = None
    """`sha256:...` or `md5:...`; None where the maker publishes none."""
    bytes: int | None = None
    """Size in bytes; None if unknown."""
    same_as: str | None = None
    """Name of another file with the same content in another format: one of the two suffices."""
    in_place: bool = False
    """Whether the plugin reads an archive as it is, so that it need not be unpacked."""
    by_hand: str = ""
    """What a person must do to get it, where no program can: one sentence, empty otherwise."""


class DatasetSpec(Frozen):
    """Declaration of a data set."""

    name: str
    """Registered name."""
    version: str = "1"
    """Version of the plugin's reading or drawing; changes when its pixels or codes change."""
    summary: str
    """One line for people."""
    factors: tuple[Factor, ...]
    """Factors of variation, in the order of the code columns; the last varies fastest."""
    image_shape: tuple[int, int, int]
    """Height, width, channels."""
    origins: tuple[Origin, ...] = ("official",)
    """What the plugin can open: the maker's files, a drawing computed from the classes, or both."""
    real: bool = False
    """Photographs, not computer graphics."""
    three_d: bool = False
    """Scenes with depth, not flat shapes."""
    occlusions: bool = False
    """Objects or parts may be hidden."""
    independent: bool = True
    """Every combination of classes exists, so that no factor tells of another."""
    fully_annotated: bool = True
    """Every factor that varies has a label."""
    split_group: str | None = None
    """What must not be torn apart by a split (say, frames of one video); None if nothing."""
    folders: tuple[str, ...] = ()
    """Names under which the files may lie below the data root, first the preferred one."""
    files: tuple[RemoteFile, ...] = ()
    """The maker's files; empty for a data set that is only rendered."""
    licence: str
    """Licence of the data, or what is known of the terms."""
    citation: str
    """Whom to cite."""
    homepage: str = ""
    """The maker's page."""

    @model_validator(mode="after")
    def _check(self) -> "DatasetSpec":
        names = self.factor_names
        if len(set(names)) != len(names):
            raise ValueError(f"data set {self.name}: two factors share a name")
        if not self.origins:
            raise ValueError(f"data set {self.name}: no origin")
        if min(self.image_shape) < 1:
            raise ValueError(f"data set {self.name}: image shape {self.image_shape}")
        return self

    @property
    def default_origin(self) -> Origin:
        """The origin that is opened where none is named: official if there is one, else the first.

        Of two origins one is always official, so that the first is the only one.
        """
        return "official" if "official" in self.origins else self.origins[0]

    def require_origin(self, origin: str) -> None:
        """Refuse an origin that cannot be opened.

        Raises
        ------
        RequestError
            Naming those that can.
        """
        if origin not in self.origins:
            origins = " or ".join(self.origins)
            raise RequestError(
                f"{self.name} has no {origin} origin: it can be opened as {origins}."
            )

    def subgrid(self, levels: Mapping[str, int]) -> "DatasetSpec":
        """The declaration with `levels[name]` evenly spaced classes of each named factor.

        Raises
        ------
        RequestError
            For an unknown factor or more classes than it has.
        """
        for name in levels:
            if name not in self.factor_names:
                names = ", ".join(self.factor_names)
                raise RequestError(f"{self.name} has no factor {name!r}: its factors are {names}.")
        factors = tuple(
            f.subset(f.kept_classes(levels[f.name])) if f.name in levels else f
            for f in self.factors
        )
        return self.model_copy(update={"factors": factors})

    @property
    def factor_names(self) -> tuple[str, ...]:
        """Names of the factors, in column order."""
        return tuple(factor.name for factor in self.factors)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of classes per factor; 0 for a continuous factor."""
        return tuple(factor.size or 0 for factor in self.factors)

    @property
    def grid_size(self) -> int:
        """Number of combinations of classes."""
        return math.prod(factor.size or 1 for factor in self.factors)
