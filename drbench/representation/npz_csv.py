"""Reading representations that drbench did not write: representations.npz and classes.csv."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np

from drbench.errors import RepresentationError
from drbench.files import unreadable
from drbench.representation.representation import Representation, latent_matrix


def load_npz_csv(folder: Path) -> Representation:
    """Read a folder in the layout of the seed paper's released code.

    `representations.npz` holds `mean` and optionally `sampled`, each (n, latent); `classes.csv` a
    header of factor names and n rows of class values, integer, float or text.

    Raises
    ------
    RepresentationError
        For a missing or damaged file, a header that does not fit, or lengths that differ.
    """
    names, table = _read_csv(folder / "classes.csv")
    latents = _read_npz(folder / "representations.npz")
    mean = latent_matrix(latents["mean"], "mean latents")
    if len(table) != len(mean):
        turned = " Are the latents transposed?" if len(table) == mean.shape[1] else ""
        raise RepresentationError(
            f"{folder}: representations.npz has {len(mean)} rows, classes.csv has "
            f"{len(table)}: they must describe the same images in the same order.{turned}"
        )
    representation = Representation.from_arrays(mean, table, factors=names)
    if "sampled" not in latents:
        return representation
    return replace(representation, sampled=latent_matrix(latents["sampled"], "sampled latents"))


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as file:
            if file.read(2) != b"PK":
                raise RepresentationError(f"{path} is no NPZ file: write it with numpy.savez.")
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in ("mean", "sampled") if name in archive}
            found = list(archive)
    except RepresentationError:
        raise
    except (OSError, ValueError, EOFError) as error:
        problem = f"is no readable NPZ file: {error}"
        if "allow_pickle" in str(error):
            problem = "holds Python objects, which are never loaded: write arrays of numbers"
        raise RepresentationError(f"{path} {problem}.") from error
    except Exception as error:
        # zipfile and zlib raise their own errors for a truncated archive.
        raise RepresentationError(f"{path} is damaged: {error}.") from error
    if "mean" not in arrays:
        raise RepresentationError(
            f"{path} lacks the array 'mean' (n, latent): it holds {', '.join(found) or 'nothing'}."
        )
    return arrays


def _read_csv(path: Path) -> tuple[list[str], np.ndarray]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            lines = [(reader.line_num, row) for row in reader if not _is_blank(row)]
    except FileNotFoundError as error:
        raise RepresentationError(
            f"{path} is missing: a header of factor names, then a row of classes an image."
        ) from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RepresentationError(f"{path} cannot be read: {unreadable(error)}.") from error
    if len(lines) < 2:
        raise RepresentationError(f"{path} holds no classes below its header.")
    header = [name.strip() for name in lines[0][1]]
    if len(header) == 1 and (found := [mark for mark in ";\t|" if mark in header[0]]):
        raise RepresentationError(
            f"{path}: entries are separated by {found[0]!r}, expected commas: write it again with "
            "commas."
        )
    body = [[entry.strip() for entry in row] for _, row in lines[1:]]
    for number, row in lines[1:]:
        if len(row) != len(header):
            raise RepresentationError(
                f"{path} line {number}: {len(row)} entries, but the header names {len(header)} "
                "factors."
            )
    if "" in header:
        raise RepresentationError(
            f"{path}: column {header.index('') + 1} has no name. Is it a row number? Leave it out."
        )
    if all(_is_number(name) for name in header):
        raise RepresentationError(
            f"{path}: the first line must name the factors; it holds numbers."
        )
    for name, column in zip(header, zip(*body, strict=True), strict=True):
        counts_rows = all(map(str.isdigit, column)) and len(set(column)) == len(body)
        if counts_rows and len(header) > 1 and len(body) > 20:
            raise RepresentationError(
                f"{path}: every row has its own class in column {name!r}. Is it a row number? "
                "Leave it out."
            )
    return header, np.array(body, dtype=object)


def _is_blank(row: list[str]) -> bool:
    return not row or (len(row) == 1 and not row[0].strip())


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
