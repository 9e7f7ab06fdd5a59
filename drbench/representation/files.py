"""The file of a representation: named arrays, and a header of all that is not an array."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from drbench.data.spec import Factor
from drbench.errors import RepresentationError
from drbench.files import write_bytes
from drbench.frozen import Frozen, first_problem

FILE = "representation.safetensors"
FORMAT_VERSION = "1"


class Header(Frozen):
    """All of a representation that is not an array."""

    version: str = FORMAT_VERSION
    """Version of this format."""
    factors: tuple[Factor, ...]
    """Factors of variation, in column order."""
    notes: tuple[str, ...] = ()
    """What was done on the way that readers should know."""

    @property
    def text(self) -> str:
        """One text for one header, as it is in the file."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True)


def write(folder: Path, arrays: Mapping[str, np.ndarray], header: Header) -> Path:
    """Write the file into a folder, atomically, and return its path."""
    path = folder / FILE
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    # Serialised in memory first: a full disk is then an OSError, which `replacing` explains.
    write_bytes(path, save(whole, metadata={"drbench": header.text}))
    return path


def read(path: Path) -> tuple[dict[str, np.ndarray], Header]:
    """Arrays by name, and the header.

    Raises
    ------
    RepresentationError
        For a file of something else, of another version, or a damaged one.
    """
    try:
        with safe_open(path, framework="np") as opened:
            about: Any = json.loads((opened.metadata() or {})["drbench"])
            arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        header = Header.model_validate(about)
    except ValidationError as error:
        if isinstance(about, dict) and about.get("version", FORMAT_VERSION) != FORMAT_VERSION:
            raise _other_version(path, about["version"]) from error
        raise damaged(path, ": ".join(filter(None, first_problem(error)))) from error
    except KeyError as error:
        raise damaged(path, "its metadata lack 'drbench'") from error
    except (SafetensorError, OSError, TypeError, ValueError, RecursionError) as error:
        raise damaged(path, error) from error
    if header.version != FORMAT_VERSION:
        raise _other_version(path, header.version)
    return arrays, header


def damaged(path: Path, why: object) -> RepresentationError:
    """The error of a file that holds no representation."""
    return RepresentationError(
        f"{path} is no representation of drbench, or damaged ({why}): encode again."
    )


def _other_version(path: Path, version: object) -> RepresentationError:
    return RepresentationError(
        f"{path} has format version {version}, this drbench reads {FORMAT_VERSION}: upgrade "
        "drbench, or encode again."
    )
