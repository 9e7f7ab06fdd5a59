"""`folder:PATH`: images whose sub-folders, file names or a CSV file are their factors."""

import csv
import os
import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Shaped, UInt8

from drbench.data.open_sets.columns import read_columns
from drbench.data.open_sets.open_set import OpenSet, own_name
from drbench.data.open_sets.photographs import rgb_pixels
from drbench.errors import DataError, RequestError
from drbench.files import unreadable

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"})
"""Files that count as images."""
TABLES = ("metadata.csv", "labels.csv", "classes.csv")
"""Tables that are looked for in a folder; the first that is there counts."""
_NAMES = ("file_name", "filename", "file", "path", "image")
"""Headers of the column that names the file, the first that is there."""
_EXAMPLE = "obj{object}__{angle}.png"

Columns = dict[str, Shaped[np.ndarray, "n"]]


def folder_set(
    reference: str,
    picked: Sequence[str] | None,
    *,
    pattern: str | None = None,
    name: str | None = None,
) -> OpenSet:
    """Find the images of a folder, and their factors.

    With a pattern its names in braces are factors. Otherwise, with `metadata.csv`, `labels.csv` or
    `classes.csv` in the folder, or if the path is that of a CSV file, each of its rows is an image:
    one column, `file_name`, has its path in the folder, the others are factors. Otherwise each
    level of sub-folders is a factor, `folder` or `folder_1`, `folder_2`, and images lie at one
    depth.

    Parameters
    ----------
    reference : str
        Path of the folder or of the CSV file.
    picked : sequence of str, optional
        Columns that are factors; see `drbench.data.open_sets.columns.read_columns`.
    pattern : str, optional
        What file names look like, such as `obj{object}__{angle}.png`; paths in the folder if it
        has a slash. Images of other names are left out.
    name : str, optional
        What the set is called; default: the folder's own name.

    Raises
    ------
    RequestError
        If there is no such folder, nothing in it, or no name like the pattern.
    DataError
        If the table does not fit the images.
    """
    path = Path(reference).expanduser()
    tables = [path] if path.is_file() else [path / table for table in TABLES]
    table = None if pattern else next((file for file in tables if file.is_file()), None)
    if table is None and not path.is_dir():
        raise RequestError(f"folder:{reference}: there is no folder {path}.")
    others, advice = 0, ""
    if pattern:
        files, columns, others = _from_names(path, pattern)
        picked = list(columns) if picked is None else picked
        advice = f"images whose names are not like {pattern} are left out: {others:,}"
    elif table:
        files, columns = _from_table(table)
        others = _beside(files)
        advice = f"images that no row of {table.name} names are left out: {others:,}"
    else:
        files, columns = _from_folders(path)
        advice = (
            f"factors may come from sub-folders, a table ({', '.join(TABLES)}) or the names of the "
            f"files, such as --pattern '{_EXAMPLE}'"
        )
    labels = read_columns(columns, len(files), picked, where=str(table or path))
    if others or not columns:
        labels = labels._replace(notes=(*labels.notes, advice))
    called = own_name(name, path.parent if path.is_file() else path)
    return OpenSet(
        f"folder:{called}",
        f"Images in a folder called {called}",
        labels,
        partial(_pictures, files),
        # Each file, not its folder: pictures that were edited in place are read anew.
        [*files, *([table] if table else [])],
        home=f"folder:{path.resolve()}",
        reading=pattern or "",
    )


def _pictures(files: Sequence[Path]) -> Iterator[tuple[str, UInt8[np.ndarray, "h w 3"]]]:
    from PIL import Image

    for file in files:
        yield str(file), rgb_pixels(partial(Image.open, file), str(file))


def _from_table(table: Path) -> tuple[list[Path], Columns]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            header, *rows = [row for row in csv.reader(file) if row] or [[]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{table} cannot be read: {unreadable(error)}.") from error
    twice = [name for name in dict.fromkeys(header) if header.count(name) > 1]
    if twice:
        raise DataError(f"{table} has several columns {twice[0]!r}: name each differently.")
    named = next((name for name in _NAMES if name in header), None)
    if named is None or not rows:
        raise DataError(
            f"{table} needs a column {_NAMES[0]!r} with the path of each image in its folder, and "
            f"a row an image; its header is {', '.join(header) or 'empty'}, its rows are "
            f"{len(rows)}."
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


def _from_names(folder: Path, pattern: str) -> tuple[list[Path], Columns, int]:
    """Images whose names are like the pattern, what stands in its braces, and how many others."""
    parts = re.split(r"\{([^\W\d]\w*)\}", pattern)
    names = parts[1::2]
    if not names or len(set(names)) < len(names) or any(mark in "".join(parts) for mark in "{}"):
        raise RequestError(
            f"--pattern {pattern!r}: expected names in braces, each once, such as {_EXAMPLE!r}."
        )
    parts[0::2] = map(re.escape, parts[0::2])
    parts[1::2] = [rf"(?P<{name}>[^/]+?)" for name in names]
    expression, images = re.compile("".join(parts)), _images(folder)
    matches = {
        file: match
        for file in images
        if (match := expression.fullmatch(
            file.relative_to(folder).as_posix() if "/" in pattern else file.name
        ))
    }  # fmt: skip
    if not matches:
        raise RequestError(
            f"--pattern {pattern!r} fits none of {len(images):,} images in {folder}: the first is "
            f"{images[0].relative_to(folder).as_posix()}."
        )
    columns = {name: _object_array([m[name] for m in matches.values()]) for name in names}
    return list(matches), columns, len(images) - len(matches)


def _images(folder: Path) -> list[Path]:
    """Images in a folder and below it, in the order of their paths."""
    images: list[Path] = []
    for place, inner, names in os.walk(folder, onerror=_fail):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        images += [Path(place, name) for name in sorted(names) if _is_image(name)]
    if not images:
        raise RequestError(
            f"{folder} holds no images ({', '.join(sorted(SUFFIXES))}), nor {' or '.join(TABLES)}."
        )
    return images


def _from_folders(folder: Path) -> tuple[list[Path], Columns]:
    files = _images(folder)
    parents = {file: file.relative_to(folder).parts[:-1] for file in files}
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
    named = set(files)
    return sum(
        _is_image(file.name) and file not in named
        for folder in {file.parent for file in files}
        for file in folder.iterdir()
    )


def _is_image(name: str) -> bool:
    return not name.startswith(".") and name.lower().endswith(tuple(SUFFIXES))


def _fail(error: OSError) -> None:
    raise DataError(
        f"{error.filename} cannot be read: {error.strerror}. Make it readable, or move it away."
    ) from error


def _object_array(entries: Sequence[str]) -> Shaped[np.ndarray, "n"]:
    return np.array(entries, dtype=object)
