"""What a report is made of: plain data, no runs, no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, final

import numpy as np
from jaxtyping import Float, UInt8

from drbench.errors import RequestError


@final
@dataclass(frozen=True)
class Samples:
    """Images side by side."""

    images: UInt8[np.ndarray, "k height width channel"]
    caption: str = ""

    def __post_init__(self) -> None:
        _check_images(self.images, 4)


@final
@dataclass(frozen=True)
class Reconstructions:
    """Images, and below each what the model makes of it."""

    images: UInt8[np.ndarray, "k height width channel"]
    reconstructions: UInt8[np.ndarray, "k height width channel"]
    caption: str = ""

    def __post_init__(self) -> None:
        _check_images(self.images, 4)
        _check_images(self.reconstructions, 4)
        if len(self.images) != len(self.reconstructions):
            raise RequestError(
                f"{len(self.images)} images, but {len(self.reconstructions)} reconstructions: "
                "give one an image."
            )


@final
@dataclass(frozen=True)
class Traversal:
    """Decoded images along some latents, all others held still."""

    frames: UInt8[np.ndarray, "latent step height width channel"]
    labels: Sequence[str]
    """Name of each latent that is moved."""
    caption: str = ""

    def __post_init__(self) -> None:
        _check_images(self.frames, 5)
        if len(self.frames) != len(self.labels):
            raise RequestError(
                f"{len(self.frames)} rows of frames, but {len(self.labels)} labels: name each row."
            )


@final
@dataclass(frozen=True)
class Associations:
    """Association matrices S, one a model, side by side."""

    matrices: Mapping[str, Float[np.ndarray, "latent factor"]]
    """Matrix by the model's name, entries in [0, 1]; NaN where there is none."""
    factors: Sequence[str]
    """Names of the columns."""
    caption: str = ""

    def __post_init__(self) -> None:
        for model, matrix in self.matrices.items():
            if matrix.ndim != 2 or matrix.shape[1] != len(self.factors):
                raise RequestError(
                    f"The matrix of {model} has shape {matrix.shape}, expected (latent, "
                    f"{len(self.factors)}): a column a factor."
                )


@final
@dataclass(frozen=True)
class Table:
    """A table of text, for a terminal and for a page."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    """A row whose first cell is empty goes on with the block above it."""
    caption: str = ""
    notes: Sequence[str] = ()
    """What readers should know of single cells, say why one is missing."""


@final
@dataclass(frozen=True)
class Facts:
    """Names and values: what the images are, budgets, versions."""

    facts: Mapping[str, str]


Panel: TypeAlias = Samples | Reconstructions | Traversal | Associations | Table | Facts


@final
@dataclass(frozen=True)
class Section:
    """A heading, a sentence or two, and what there is to see."""

    title: str
    panels: Sequence[Panel] = field(default_factory=tuple)
    text: str = ""


def _check_images(images: np.ndarray, dimensions: int) -> None:
    if images.dtype != np.uint8 or images.ndim != dimensions or images.shape[-1] not in (1, 3):
        raise RequestError(
            f"Images are {images.dtype} of shape {images.shape}, expected uint8 in {dimensions} "
            "dimensions, the last of them 1 or 3 channels."
        )
