"""Reading a stranger's tensors: exactly what was expected of them, or a sentence.

Names, types and shapes are compared with what the record implies before any memory is taken.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Int
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open

from drbench.data.spec import Factor
from drbench.errors import BoardError, RepresentationError
from drbench.representation.files import FORMAT_VERSION
from drbench.representation.representation import Representation
from drbench.runs.record import Record
from drbench.trust.reading import check_json
from drbench.trust.verify.findings import RefutedError

MAX_HEADER = 2**20
"""Bytes of a file's header: names, types and shapes, with the metadata."""
_TYPES = {
    "mean": ("F32",), "sampled": ("F32",), "codes": ("I64",), "values": ("F32", "F64"),
    "rows": ("I64",), "split_groups": ("I64",), "pairs.factor": ("I64",), "pairs.mean": ("F32",),
    "pairs.sampled": ("F32",), "pairs.redrawn": ("F64",), "pairs.rows": ("I64",),
}  # fmt: skip
_NEEDED = {"mean", "codes", "rows"}
_NEEDED_OF_PAIRS = {"pairs.factor", "pairs.mean", "pairs.redrawn", "pairs.rows"}


class Layout(NamedTuple):
    """What a file holds, unread."""

    tensors: dict[str, tuple[str, tuple[int, ...]]]
    """Type and shape by name."""
    metadata: dict[str, str]


def read_layout(path: Path) -> Layout:
    """Read the header of a safetensors file.

    Raises
    ------
    RefutedError
        For a file that is none, or whose header is larger than any of ours.
    """
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
    if size > MAX_HEADER:
        raise RefutedError(
            f"{path} has a header of {size:,} bytes: at most {MAX_HEADER:,} are read."
        )
    try:
        with safe_open(path, framework="np") as opened:
            slices = {name: opened.get_slice(name) for name in opened.keys()}  # noqa: SIM118
            layout = {n: (s.get_dtype(), tuple(s.get_shape())) for n, s in slices.items()}
            return Layout(layout, dict(opened.metadata() or {}))
    except SafetensorError as error:
        raise RefutedError(f"{path} is no safetensors file, or a damaged one: {error}.") from error


def require_layout(
    path: Path, found: Layout, expected: dict[str, tuple[str, tuple[int, ...]]]
) -> None:
    """Compare names, types and shapes.

    Raises
    ------
    RefutedError
        With the first that is not as expected.
    """
    if odd := sorted(found.tensors.keys() ^ expected.keys()):
        word = "holds" if odd[0] in found.tensors else "lacks"
        raise RefutedError(
            f"{path} {word} a tensor {odd[0][:60]!r}, against what its record implies."
        )
    for name, (kind, shape) in expected.items():
        if found.tensors[name] != (kind, shape):
            other, given = found.tensors[name]
            raise RefutedError(f"{path}: {name} is {other} {given}, expected {kind} {shape}.")


def read_arrays(path: Path, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Some tensors of a file whose layout was compared."""
    with safe_open(path, framework="np") as opened:
        return {name: opened.get_tensor(name) for name in names}


def read_latents(path: Path, record: Record) -> Representation:
    """A representation that is of a record, as far as the record alone can tell.

    Raises
    ------
    RefutedError
        For other tensors, types, shapes, factors or notes than the record implies, NaN, codes or
        rows out of range, rows that are not in ascending order, or too many pairs.
    """
    found = read_layout(path)
    require_layout(path, found, _expected(path, found, record))
    _require_metadata(path, found, record)
    arrays = read_arrays(path, found.tensors)
    _require_rows(path, arrays["rows"])
    if "pairs.factor" in arrays:
        _require_pairs(path, arrays["pairs.factor"], arrays["pairs.rows"], record)
    try:
        return Representation.from_tensors(arrays, factors=record.factors, notes=record.notes)
    except RepresentationError as error:
        raise RefutedError(f"{path}: {error}") from error


def _expected(path: Path, found: Layout, record: Record) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Types and shapes that the record and the file's own numbers of latents and pairs imply."""
    names = found.tensors.keys()
    paired = any(name.startswith("pairs.") for name in names)
    needed = _NEEDED | (_NEEDED_OF_PAIRS if paired else set())
    if paired and "sampled" in names:
        needed = needed | {"pairs.sampled"}
    if paired != (record.provenance.pairs_hash is not None):
        raise RefutedError(f"{path} and its record disagree on whether there are interventions.")
    shape = found.tensors.get("mean", ("", ()))[1]
    if len(shape) != 2 or shape[1] < 1:
        raise RefutedError(f"{path}: mean latents have shape {shape}, expected (n, latent).")
    n, factors, latents = record.scored_rows, len(record.factors), shape[1]
    shapes: dict[str, tuple[int, ...]] = {
        "mean": (n, latents), "sampled": (n, latents), "codes": (n, factors),
        "values": (n, factors), "rows": (n,), "split_groups": (n,),
    }  # fmt: skip
    if paired:
        pairs = (*found.tensors.get("pairs.factor", ("", ()))[1], 0)[0]
        shapes |= {
            "pairs.factor": (pairs,), "pairs.mean": (pairs, 2, latents),
            "pairs.sampled": (pairs, 2, latents), "pairs.redrawn": (factors,),
            "pairs.rows": (pairs, 2),
        }  # fmt: skip
    chosen = [name for name in _TYPES if name in names & shapes.keys() or name in needed]
    return {name: (_type_of(found, name), shapes[name]) for name in chosen}


def _type_of(found: Layout, name: str) -> str:
    given = found.tensors.get(name, ("", ()))[0]
    return given if given in _TYPES[name] else _TYPES[name][0]


def _require_metadata(path: Path, found: Layout, record: Record) -> None:
    """Factors and notes are the record's own."""
    try:
        about = check_json(found.metadata["drbench"], path)
        factors = TypeAdapter(tuple[Factor, ...]).validate_python(about["factors"])
        same = about["version"] == FORMAT_VERSION and tuple(about["notes"]) == record.notes
    except (BoardError, KeyError, TypeError, ValidationError) as error:
        raise RefutedError(f"{path} does not say what it holds as drbench does.") from error
    if factors != record.factors:
        raise RefutedError(f"{path} is of other factors than its record.")
    if not same:
        raise RefutedError(f"{path} is of another version of its format, or has other notes.")


def _require_rows(path: Path, rows: Int[np.ndarray, "n"]) -> None:
    if len(rows) and (rows[0] < 0 or (np.diff(rows) <= 0).any()):
        raise RefutedError(
            f"{path}: rows are not in ascending order, each once, as a sample is drawn."
        )


def _require_pairs(
    path: Path,
    factor: Int[np.ndarray, "pair"],
    rows: Int[np.ndarray, "pair 2"],
    record: Record,
) -> None:
    if not len(factor) or rows.min() < 0:
        raise RefutedError(f"{path}: interventions are missing, or of rows below 0.")
    allowed = record.spec.scoring.pairs
    if max(Counter(factor.tolist()).values()) > allowed:
        raise RefutedError(f"{path} holds more than {allowed} interventions of a factor.")
