"""The file that a representation is kept in, and finding one in a folder."""

import json
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from drbench.data.spec import Factor
from drbench.errors import RepresentationError
from drbench.files import write_bytes
from drbench.representation.representation import Interventions, Representation

FILE = "representation.safetensors"
FORMAT_VERSION = "1"
_ARRAYS = ("mean", "sampled", "codes", "values", "rows", "latent_groups", "split_groups")
_PAIR_ARRAYS = ("factor", "mean", "sampled", "redrawn", "rows")


def header(representation: Representation) -> dict[str, str]:
    """All that is not an array, as the metadata of the file."""
    about = {
        "version": FORMAT_VERSION,
        "factors": [factor.model_dump(mode="json") for factor in representation.factors],
        "notes": representation.notes,
    }
    return {"drbench": json.dumps(about, sort_keys=True)}


def tensors(representation: Representation) -> dict[str, np.ndarray]:
    """The arrays that a representation has, by their name in the file."""
    arrays = {name: getattr(representation, name) for name in _ARRAYS}
    if representation.interventions is not None:
        pairs = representation.interventions
        arrays |= {f"pairs.{name}": getattr(pairs, name) for name in _PAIR_ARRAYS}
    return {name: array for name, array in arrays.items() if array is not None}


def write(representation: Representation, folder: Path) -> Path:
    """Write a representation into a folder, atomically."""
    path = folder / FILE
    arrays = {name: np.ascontiguousarray(a) for name, a in tensors(representation).items()}
    # Serialised in memory first: a full disk is then an OSError, which `replacing` explains.
    content = save(arrays, metadata=header(representation))
    write_bytes(path, content)
    return path


def read_any(path: Path) -> Representation:
    """Read a file or folder of drbench's own, or a folder in the layout of the seed paper's code.

    Raises
    ------
    RepresentationError
        If there is no representation, or a damaged one.
    """
    from drbench.representation.npz_csv import load_npz_csv

    file = path if path.is_file() else path / FILE
    if file.is_file() and file.suffix == ".safetensors":
        return _read(file)
    if (path / "representations.npz").is_file():
        return load_npz_csv(path)
    what = "holds no representation" if path.exists() else "does not exist"
    raise RepresentationError(
        f"{path} {what}: expected a folder with {FILE} (what `drbench encode` writes), or with "
        "representations.npz and classes.csv."
    )


def _read(file: Path) -> Representation:
    try:
        with safe_open(file, framework="np") as opened:
            header = opened.metadata() or {}
            arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        about = json.loads(header["drbench"])
        if about["version"] != FORMAT_VERSION:
            raise RepresentationError(
                f"{file} has format version {about['version']}, this drbench reads "
                f"{FORMAT_VERSION}: upgrade drbench, or encode again."
            )
        factors = TypeAdapter(tuple[Factor, ...]).validate_python(about["factors"])
        pairs = {
            name: arrays.pop(f"pairs.{name}") for name in _PAIR_ARRAYS if f"pairs.{name}" in arrays
        }
        interventions = Interventions(**pairs) if pairs else None
        notes = tuple(about["notes"])
        return Representation(**arrays, factors=factors, interventions=interventions, notes=notes)
    except (SafetensorError, KeyError, TypeError, ValueError, ValidationError) as error:
        raise RepresentationError(
            f"{file} is no representation of drbench, or damaged ({error}): encode again."
        ) from error
