"""Sets that are files: read once, kept in the cache at the size that is asked for."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Float, Int, UInt8

from drbench.data.codes import code_dtype
from drbench.data.files.prepared import fingerprint, made_once, prepared_path
from drbench.data.files.rows import open_rows, write_rows
from drbench.data.ground_truth import GroundTruth, conversion
from drbench.data.imaging import resize_area
from drbench.data.spec import DatasetSpec, Origin


@final
@dataclass(frozen=True)
class Contents:
    """What a maker's files hold, in row order."""

    codes: Int[np.ndarray, "n factor"]
    """Class of each factor in each row; -1 in the column of a continuous factor."""
    images: Iterable[UInt8[np.ndarray, "k height width channel"]]
    """Consecutive blocks of images, each of one size; read once, block by block."""
    values: Float[np.ndarray, "n factor"] | None = None
    """Real values of the factors, where known."""
    groups: Int[np.ndarray, "n"] | None = None
    """Split group of each row, where the spec declares one."""
    notes: tuple[str, ...] = ()
    """What users should know about these files."""


def open_stored(
    spec: DatasetSpec,
    origin: Origin,
    *,
    inputs: Iterable[Path],
    size: tuple[int, int] | None,
    read: Callable[[], Contents],
) -> GroundTruth:
    """Open what was read from files, reading them first if the cache does not hold it yet.

    Parameters
    ----------
    spec : DatasetSpec
        Declaration; its name and version are part of the key.
    origin : Origin
        Which origin the files are.
    inputs : paths
        Files and folders that `read` reads: other bytes are another entry of the cache.
    size : (height, width), optional
        Size at which the images are kept, by area; None for that of the spec.
    read : callable
        Reads the files.

    Raises
    ------
    DrbenchError
        If the cache cannot be written or is too small.
    DataError
        Whatever `read` finds wrong, or if what is in the cache is damaged.
    """
    height, width = size or spec.image_shape[:2]
    name = f"{_file_name(spec.name)}-{origin}-{spec.version}-{height}x{width}"
    declared = spec.model_dump(mode="json", include={"name", "factors"})
    folder = prepared_path(f"{name}-{{}}", name, declared, fingerprint(inputs))
    path = folder / "images.npy"
    with made_once(path) as missing:
        if missing:
            _write(path, name, spec, (height, width), read())
    images, kept = open_rows(path)
    notes = tuple(kept["notes"].tolist())
    shape = (height, width, spec.image_shape[2])
    if shape != spec.image_shape:
        notes = (*notes, conversion(spec.image_shape, shape))
    return GroundTruth(
        spec.model_copy(update={"image_shape": shape}),
        origin,
        kept["codes"],
        images.__getitem__,
        values=kept.get("values"),
        groups=kept.get("groups"),
        notes=notes,
    )


def _file_name(name: str) -> str:
    """A name as a part of a path: that of an open set is a path itself."""
    return re.sub(r"[^\w.-]+", "_", name)[-60:]


def _write(
    path: Path, name: str, spec: DatasetSpec, size: tuple[int, int], contents: Contents
) -> None:
    labels = {
        "codes": contents.codes.astype(code_dtype(spec.sizes)),
        "notes": np.array(contents.notes, dtype=str),
        "values": contents.values,
        "groups": contents.groups,
    }
    there = {part: array for part, array in labels.items() if array is not None}
    shape = (len(contents.codes), *size, spec.image_shape[2])
    write_rows(path, name, shape, _resized(contents.images, size), **there)


def _resized(
    blocks: Iterable[UInt8[np.ndarray, "k height width channel"]], size: tuple[int, int]
) -> Iterator[UInt8[np.ndarray, "k new_height new_width channel"]]:
    for block in blocks:
        yield block if block.shape[1:3] == size else resize_area(block, *size)
