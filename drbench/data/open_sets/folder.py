"""`folder:PATH`: a folder of images, its sub-folders or a CSV file their factors."""

import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Shaped, UInt8

from drbench.data.open_sets.columns import read_columns
from drbench.data.open_sets.open_set import OpenSet
from drbench.data.open_sets.photographs import decoded
from drbench.errors import DataError, RequestError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"})
"""Files that count as images."""
TABLES = ("metadata.csv", "labels.csv")
"""Tables that are looked for in a folder."""
_NAMES = ("file_name", "filename", "file", "path", "image")
"""Headers of the column that names the file, the first that is there."""

Columns = dict[str, Shaped[np.ndarray, "n"]]


def folder_set(reference: str, picked: Sequence[str] | None) -> OpenSet:
    """Find the images of a folder, and their factors.

    With `metadata.csv` or `labels.csv` in the folder, or if the path is that of a CSV file, each
    of its rows is an image: one column, `file_name`, has its path in the folder, the others are
    factors. Otherwise each level of sub-folders is a factor, `folder` or `folder_1`, `folder_2`,
    and images lie at one depth.

    Parameters
    ----------
    reference : str
        Path of the folder or of the CSV file.
    picked : sequence of str, optional
        Columns that are factors; see `drbench.data.open_sets.columns.read_columns`.

    Raises
    ------
    RequestError
        If there is no such folder, or nothing in it.
    DataError
        If the table does not fit the images.
    """
    path = Path(reference).expanduser()
    found = [path] if path.is_file() else [path / name for name in TABLES]
    table = next((file for file in found if file.is_file()), None)
    if table is None and not path.is_dir():
        raise RequestError(f"folder:{reference}: there is no folder {path}.")
    files, columns = _from_table(table) if table else _from_folders(path)
    labels = read_columns(columns, len(files), picked, where=str(table or path))
    if table and (others := _beside(files)):
        note = f"images that no row of {table.name} names are left out: {others:,}"
        labels = replace(labels, notes=(*labels.notes, note))
    return OpenSet(
        f"folder:{reference}",
        f"Images in {path}",
        labels,
        partial(_pictures, files),
        # Each file, not its folder: pictures that were edited in place are read anew.
        [*files, *([table] if table else [])],
    )


def _pictures(files: Sequence[Path]) -> Iterator[tuple[str, UInt8[np.ndarray, "h w 3"]]]:
    from PIL import Image

    for file in files:
        yield str(file), decoded(partial(Image.open, file), str(file))


def _from_table(table: Path) -> tuple[list[Path], Columns]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            header, *rows = [row for row in csv.reader(file) if row] or [[]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{table} cannot be read: {error}.") from error
    twice = [name for name in dict.fromkeys(header) if header.count(name) > 1]
    if twice:
        raise DataError(f"{table} has several columns {twice[0]!r}: name each differently.")
    named = next((name for name in _NAMES if name in header), None)
    if named is None or not rows:
        raise DataError(
            f"{table} needs a column {_NAMES[0]!r} and a row an image; its header is "
            f"{', '.join(header) or 'empty'}, its rows are {len(rows)}."
        )
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise DataError(
                f"{table} line {number}: {len(row)} entries, but the header has {len(header)}."
            )
    columns = dict(zip(header, map(_object_array, zip(*rows, strict=True)), strict=True))
    files = [table.parent / name for name in columns.pop(named)]
    missing = [file for file in files if not file.is_file()]
    if missing:
        raise DataError(
            f"{table} names {len(missing)} images that are not there, first {missing[0]}: paths "
            "are relative to the table."
        )
    return files, columns


def _from_folders(folder: Path) -> tuple[list[Path], Columns]:
    parents: dict[Path, tuple[str, ...]] = {}
    for place, inner, names in os.walk(folder, onerror=_unreadable):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        levels = Path(place).relative_to(folder).parts
        parents |= {Path(place, name): levels for name in sorted(names) if _is_image(name)}
    if not parents:
        raise RequestError(
            f"{folder} holds no images ({', '.join(sorted(SUFFIXES))}), nor {' or '.join(TABLES)}."
        )
    files = list(parents)
    depth = len(parents[files[0]])
    odd = next((file for file, levels in parents.items() if len(levels) != depth), None)
    if odd is not None:
        raise DataError(
            f"{odd} lies at another depth than {files[0]}: sub-folders are classes, so keep all "
            f"images equally deep, or name them in {TABLES[0]}."
        )
    factors = ["folder"] if depth == 1 else [f"folder_{level + 1}" for level in range(depth)]
    columns = map(_object_array, zip(*parents.values(), strict=True))
    return files, dict(zip(factors, columns, strict=True))


def _beside(files: Sequence[Path]) -> int:
    """Number of images in the same folders that are not among these."""
    known = set(files)
    return sum(
        _is_image(file.name) and file not in known
        for folder in {file.parent for file in files}
        for file in folder.iterdir()
    )


def _is_image(name: str) -> bool:
    return not name.startswith(".") and name.lower().endswith(tuple(SUFFIXES))


def _unreadable(error: OSError) -> None:
    raise DataError(
        f"{error.filename} cannot be read: {error.strerror}. Make it readable, or move it away."
    ) from error


def _object_array(entries: Sequence[str]) -> Shaped[np.ndarray, "n"]:
    return np.array(entries, dtype=object)
