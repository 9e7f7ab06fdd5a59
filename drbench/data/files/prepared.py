"""Arrays prepared once, kept in the cache, and mapped into memory ever after."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock
import numpy as np
from jaxtyping import UInt8

from drbench.data.files.rows import Rows, is_whole, open_rows, write_rows
from drbench.errors import DataError, DrbenchError
from drbench.files import (
    cache_dir,
    canonical_json,
    sha256_file,
    sha256_text,
    write_bytes,
)
from drbench.progress import progress


def open_prepared(
    name: str,
    *,
    inputs: Iterable[Path] = (),
    shape: tuple[int, ...],
    chunks: Callable[[], Iterator[UInt8[np.ndarray, "..."]]],
    make: bool = True,
) -> Rows | None:
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
    rows : Rows
        Its rows, uint8, memory-mapped and checked as they are read.

    Raises
    ------
    DataError
        If what is in the cache is damaged.
    DrbenchError
        If the cache cannot be written or is too small, or the chunks are not what was announced.
    """
    path = prepared_path(f"{name}-{{}}.npy", name, shape, fingerprint(inputs))
    if not make and not is_whole(path):
        return None
    with made_once(path) as missing:
        if missing:
            write_rows(path, name, shape, chunks())
    return open_rows(path)[0]


def prepared_path(pattern: str, *content: object) -> Path:
    """Place in the cache of what is made from `content`: its hash fills the braces."""
    return cache_dir() / "prepared" / pattern.format(sha256_text(canonical_json(content))[:16])


@contextmanager
def made_once(path: Path) -> Iterator[bool]:
    """Whether `path` must be made in this block; other processes that want it wait.

    Raises
    ------
    DrbenchError
        If the cache cannot be written.
    """
    if is_whole(path):
        yield False
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(f"{path}.lock"):
            for left in path.parent.glob(f".{path.stem}.*.partial"):
                left.unlink()  # of a process that was killed: nobody else is at work here
            yield not is_whole(path)
    except OSError as error:
        raise DrbenchError(
            f"Cannot keep {path}: {error.strerror or error}. Set DRBENCH_CACHE to a folder that "
            "can be written."
        ) from error


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
        memo = prepared_path("hash-{}.txt", *seen)
        remembered = memo.read_bytes() if memo.exists() else b""
        if remembered == _memo_of(digest := remembered[:64].decode(errors="replace")):
            return digest
        digest = _hashed(places)
    except OSError as error:
        raise DataError(
            f"{error.filename or places[0]} cannot be read: {error.strerror or error}. Make it "
            "readable, or fetch it again."
        ) from error
    # A cache that can only be read may hold the set all the same; what is not remembered is
    # hashed again.
    with suppress(DrbenchError):
        write_bytes(memo, _memo_of(digest))
    return digest


def _memo_of(digest: str) -> bytes:
    """A digest with a checksum of its own, so that a damaged one is not believed."""
    return f"{digest} {sha256_text(digest)[:8]}".encode()


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
