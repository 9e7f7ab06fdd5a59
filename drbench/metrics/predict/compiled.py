"""Functions compiled on their first call and kept on disk."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numba

from drbench.files import cache_dir

_SOURCES = ("splitting.py", "kernels.py")
"""Files whose functions call each other: numba notices a change in a function's own file alone."""

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Compile on the first call, without the interpreter's lock, and keep the result on disk."""
    chosen = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(_folder())
    try:
        return numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # no folder at all can be written to
        return numba.njit(nogil=True)(function)
    finally:
        numba.config.CACHE_DIR = chosen


def is_kept() -> bool:
    """Whether the functions were compiled on this machine before."""
    return any(_folder().rglob("kernels.grow_trees-*.nbi"))


def _folder() -> Path:
    return Path(numba.config.CACHE_DIR or cache_dir() / "numba" / _state())


def _state() -> str:
    """Digest of the sources, so that none is joined with an older compilation of another."""
    sources = b"".join((Path(__file__).parent / name).read_bytes() for name in _SOURCES)
    return hashlib.sha256(sources + numba.__version__.encode()).hexdigest()[:12]
