"""All that is known of a data set before one of its files is touched."""

import math
from typing import Literal, Self

from pydantic import model_validator

from drbench.frozen import Frozen

FactorKind = Literal["categorical", "ordinal", "cyclic", "continuous"]
Origin = Literal["official", "rendered"]


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
    def _size_from_values(cls, fields: dict[str, object]) -> dict[str, object]:
        values = fields.get("values")
        if fields.get("size") is None and isinstance(values, tuple | list):
            return fields | {"size": len(values)}
        return fields

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.kind == "continuous":
            if self.size is not None:
                raise ValueError(f"factor {self.name}: a continuous factor has no classes")
        elif self.size is None or self.size < 1:
            raise ValueError(f"factor {self.name}: size must be 1 or more")
        elif self.values is not None and len(self.values) != self.size:
            raise ValueError(f"factor {self.name}: {len(self.values)} values, {self.size} classes")
        return self


class RemoteFile(Frozen):
    """One file of the maker's."""

    url: str
    """Address of the file itself, not of a page about it."""
    name: str
    """File name under the data root."""
    hash: str | None = None
    """`sha256:...` or `md5:...`; None where the maker publishes none."""
    bytes: int | None = None
    """Size in bytes; None if unknown."""


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
    def _check(self) -> Self:
        names = self.factor_names
        if len(set(names)) != len(names):
            raise ValueError(f"data set {self.name}: two factors share a name")
        if not self.origins:
            raise ValueError(f"data set {self.name}: no origin")
        if min(self.image_shape) < 1:
            raise ValueError(f"data set {self.name}: image shape {self.image_shape}")
        return self

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
