"""Reading what drbench did not write: representations.npz and classes.csv."""

import csv
from pathlib import Path
from typing import NamedTuple, final

import numpy as np
from jaxtyping import Float, Shaped

from drbench.arrays import latent_matrix
from drbench.errors import RepresentationError
from drbench.files import unreadable

NPZ, CSV = "representations.npz", "classes.csv"


@final
class NpzCsv(NamedTuple):
    """What a folder in the layout of the seed paper's released code holds."""

    mean: Float[np.ndarray, "n latent"]
    sampled: Float[np.ndarray, "n latent"] | None
    names: list[str]
    """Names of the factors; none where there is no table of classes."""
    classes: Shaped[np.ndarray, "n factor"] | None
    """Class of each factor, as text; None where there is no table."""


def read(folder: Path) -> NpzCsv:
    """Read a folder in the layout of the seed paper's released code.

    `representations.npz` holds `mean` and optionally `sampled`, each (n, latent); `classes.csv` a
    header of factor names and n rows of class values, integer, float or text. Without the table
    there are latents alone.

    Raises
    ------
    RepresentationError
        For a missing or damaged file, a header that does not fit, or lengths that differ.
    """
    latents = _read_npz(folder / NPZ)
    mean = latent_matrix(latents["mean"], "mean latents")
    sampled = latent_matrix(latents["sampled"], "sampled latents") if "sampled" in latents else None
    if not (folder / CSV).exists():
        return NpzCsv(mean, sampled, [], None)
    names, table = _read_csv(folder / CSV)
    if len(table) != len(mean):
        turned = " Are the latents transposed?" if len(table) == mean.shape[1] else ""
        raise RepresentationError(
            f"{folder}: {NPZ} has {len(mean)} rows, {CSV} has {len(table)}: they must describe the "
            f"same images in the same order.{turned}"
        )
    return NpzCsv(mean, sampled, names, table)


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as file:
            if file.read(2) != b"PK":
                raise RepresentationError(f"{path} is no NPZ file: write it with numpy.savez.")
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in ("mean", "sampled") if name in archive}
            names = list(archive)
    except RepresentationError:
        raise
    except (OSError, ValueError, EOFError) as error:
        problem = f"is no readable NPZ file: {error}"
        if "allow_pickle" in str(error):
            problem = "holds Python objects, which are never loaded: write arrays of numbers"
        raise RepresentationError(f"{path} {problem}.") from error
    except Exception as error:
        # zipfile, zlib and the reader of array headers raise errors of their own.
        raise RepresentationError(f"{path} is damaged: {error}.") from error
    if "mean" not in arrays:
        raise RepresentationError(
            f"{path} lacks the array 'mean' (n, latent): it holds {', '.join(names) or 'nothing'}."
        )
    return arrays


def _read_csv(path: Path) -> tuple[list[str], np.ndarray]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            lines = [(reader.line_num, row) for row in reader if not _is_blank(row)]
    except UnicodeDecodeError as error:
        raise RepresentationError(
            f"{path} is not written in UTF-8 (byte {error.start} is no character of it): save it "
            "as UTF-8."
        ) from error
    except (OSError, csv.Error) as error:
        raise RepresentationError(f"{path} cannot be read: {unreadable(error)}.") from error
    if len(lines) < 2:
        raise RepresentationError(f"{path} holds no classes below its header.")
    header = [name.strip() for name in lines[0][1]]
    if len(header) == 1 and (marks := [mark for mark in ";\t|" if mark in header[0]]):
        raise RepresentationError(
            f"{path}: entries are separated by {marks[0]!r}, expected commas: write it again with "
            "commas."
        )
    body = [[entry.strip() for entry in row] for _, row in lines[1:]]
    for number, row in lines:
        if not "".join(row).isprintable():
            raise RepresentationError(
                f"{path} line {number} holds characters that cannot be printed: is it damaged?"
            )
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
