"""Arrays prepared once, kept in the cache, and mapped into memory ever after."""

import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock
import numpy as np
from jaxtyping import UInt8

from drbench.errors import DataError, DrbenchError
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
            for left in path.parent.glob(f".{path.name}.*.partial"):
                left.unlink()  # of a process that was killed: nobody else is at work here
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
    with replacing(path) as partial:
        try:
            _fill(partial, name, shape, chunks)
        except OSError as error:
            raise DrbenchError(
                f"Preparing {name} in {path.parent} failed: {error.strerror or error}. Free some "
                "space, or set DRBENCH_CACHE to a larger disk."
            ) from error


def _fill(
    partial: Path, name: str, shape: tuple[int, ...], chunks: Iterator[UInt8[np.ndarray, "..."]]
) -> None:
    size = math.prod(shape) / 1e6
    label = f"preparing {name}, once ({size:,.0f} MB in {partial.parent})"
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    with partial.open("wb") as file, progress(label, shape[0]) as step:
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
    """SHA-256 of what the paths hold: bytes of files, and names where there is more than one.

    Names count from the folder that holds all: the whole may move, a file among others may not.
    Remembered while sizes and times of change stay the same. Of a folder that is the time of the
    folder itself, so that a million images are not asked one by one: a file that was added,
    removed or replaced is noticed, bytes that were overwritten in place are not.

    Raises
    ------
    DataError
        If one of them cannot be read.
    """
    places = [path.absolute() for path in paths]
    if not places:
        return ""
    try:
        stats = [path.stat() for path in places]
        seen = [
            [str(path), stat.st_size, stat.st_mtime_ns]
            for path, stat in zip(places, stats, strict=True)
        ]
        memo = prepared_path("hash-{}.json", *seen)
        if memo.exists():
            return str(json.loads(memo.read_text(encoding="utf-8"))["sha256"])
        digest = _hashed(places)
    except OSError as error:
        raise DataError(
            f"{error.filename or places[0]} cannot be read: {error.strerror or error}. Make it "
            "readable, or fetch it again."
        ) from error
    # A cache that can only be read may hold the set all the same; what is not remembered is
    # hashed again.
    with suppress(DrbenchError):
        write_text(memo, json.dumps({"sha256": digest}))
    return digest


def _hashed(places: Sequence[Path]) -> str:
    home = os.path.commonpath(places)
    files = [file for place in places for file in _files_of(place)]
    whole = hashlib.sha256()
    with progress("hashing the files, once", len(files)) as advance:
        for file in files:
            whole.update((os.path.relpath(file, home) + sha256_file(file)).encode())
            advance()
    return whole.hexdigest()


def _files_of(path: Path) -> list[Path]:
    """The files in a folder, by name; a file itself."""
    if not path.is_dir():
        return [path]
    with os.scandir(path) as entries:
        return [path / name for name in sorted(entry.name for entry in entries if entry.is_file())]
