"""Arrays prepared once, kept in the cache, and mapped into memory ever after."""

import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
import numpy as np
from jaxtyping import UInt8

from drbench.errors import DrbenchError
from drbench.files import cache_dir, canonical_json, replacing, sha256_file, sha256_text, write_text
from drbench.progress import progress


def open_prepared(
    name: str,
    *,
    inputs: Iterable[Path] = (),
    shape: tuple[int, ...],
    chunks: Callable[[], Iterator[UInt8[np.ndarray, "..."]]],
    make: bool = True,
) -> UInt8[np.ndarray, "..."] | None:
    """Open an array of the cache, making it first if it is not there.

    Parameters
    ----------
    name : str
        What the array holds, including the version of the code that fills it.
    inputs : paths
        Files it is computed from: other bytes are another array.
    shape : tuple of int
        Its shape; the first axis is the row.
    chunks : callable
        Yields consecutive blocks of rows, uint8, in order.
    make : bool
        Whether to make the array if it is missing; otherwise None is returned.

    Returns
    -------
    array : uint8, read-only, memory-mapped

    Raises
    ------
    DrbenchError
        If the cache cannot be written or is too small, or the chunks are not what was announced.
    """
    path = prepared_path(f"{name}-{{}}.npy", name, shape, fingerprint(inputs))
    if not path.exists() and not make:
        return None
    with made_once(path) as missing:
        if missing:
            write_array(path, name, shape, chunks())
    return mapped(path)


def prepared_path(pattern: str, *content: object) -> Path:
    """Place in the cache of what is made from `content`: its hash fills the braces."""
    return cache_dir() / "prepared" / pattern.format(sha256_text(canonical_json(content))[:16])


def mapped(path: Path) -> np.ndarray:
    """An array of the cache, read-only, its pages read when they are touched."""
    return np.load(path, mmap_mode="r").view(np.ndarray)


@contextmanager
def made_once(path: Path) -> Iterator[bool]:
    """Whether `path` must be made in this block; other processes that want it wait.

    Raises
    ------
    DrbenchError
        If the cache cannot be written.
    """
    if path.exists():
        yield False
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(f"{path}.lock"):
            yield not path.exists()
    except OSError as error:
        raise DrbenchError(
            f"Cannot keep {path}: {error.strerror or error}. Set DRBENCH_CACHE to a folder that "
            "can be written."
        ) from error


def write_array(
    path: Path, name: str, shape: tuple[int, ...], chunks: Iterator[UInt8[np.ndarray, "..."]]
) -> None:
    """Write consecutive blocks of rows as one uint8 array, whole or not at all.

    Raises
    ------
    DrbenchError
        If the disk is too small, or the blocks are not what was announced.
    """
    needed, free = math.prod(shape), shutil.disk_usage(path.parent).free
    if needed > free:
        raise DrbenchError(
            f"Preparing {name} needs {needed / 1e6:,.0f} MB in {path.parent}, where "
            f"{free / 1e6:,.0f} MB are free: free some, or set DRBENCH_CACHE to a larger disk."
        )
    label = f"preparing {name}, once ({needed / 1e6:,.0f} MB in {path.parent})"
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    with replacing(path) as partial, partial.open("wb") as file, progress(label, shape[0]) as step:
        # Written, not mapped: on a full disk a write fails cleanly where a mapped page kills.
        np.lib.format.write_array_header_1_0(file, header)
        rows = 0
        for chunk in chunks:
            if chunk.shape[1:] != shape[1:] or chunk.dtype != np.uint8:
                raise DrbenchError(
                    f"Preparing {name}: rows of shape {chunk.shape[1:]} and type {chunk.dtype} "
                    f"came, uint8 of shape {shape[1:]} was expected."
                )
            file.write(chunk.tobytes())
            rows += len(chunk)
            step(len(chunk))
        if rows != shape[0]:
            raise DrbenchError(f"Preparing {name}: {rows} rows came, {shape[0]} were expected.")


def fingerprint(paths: Iterable[Path]) -> str:
    """SHA-256 of what the paths hold: of a file its bytes, of a folder its files' names and bytes.

    Remembered while sizes and times of change stay the same. Of a folder that is the time of the
    folder itself, so that a million images are not asked one by one: a file that was added,
    removed or replaced is noticed, bytes that were overwritten in place are not.
    """
    places = [path.absolute() for path in paths]
    if not places:
        return ""
    stats = [path.stat() for path in places]
    seen = [
        [str(path), stat.st_size, stat.st_mtime_ns]
        for path, stat in zip(places, stats, strict=True)
    ]
    memo = prepared_path("hash-{}.json", *seen)
    if memo.exists():
        return str(json.loads(memo.read_text(encoding="utf-8"))["sha256"])
    files = [(path, name) for path in places for name in _names_in(path)]
    whole = hashlib.sha256()
    with progress("hashing the maker's files, once", len(files)) as advance:
        for path, name in files:
            whole.update((name + sha256_file(path / name if name else path)).encode())
            advance()
    digest = whole.hexdigest()
    write_text(memo, json.dumps({"sha256": digest}))
    return digest


def _names_in(path: Path) -> list[str]:
    """Names of the files of a folder; of a file nothing, since its own name does not count."""
    if not path.is_dir():
        return [""]
    with os.scandir(path) as entries:
        return sorted(entry.name for entry in entries if entry.is_file())
