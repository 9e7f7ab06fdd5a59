"""Arrays prepared once, kept in the cache, and mapped into memory ever after."""

import hashlib
import io
import math
import os
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, final

import filelock
import numpy as np
from jaxtyping import Int, UInt8, UInt32

from drbench.errors import DataError, DrbenchError
from drbench.files import (
    cache_dir,
    canonical_json,
    replacing,
    sha256_file,
    sha256_text,
    write_bytes,
)
from drbench.progress import progress

_BLOCK = 4096
"""Bytes that share a checksum, at least."""


def open_prepared(
    name: str,
    *,
    inputs: Iterable[Path] = (),
    shape: tuple[int, ...],
    chunks: Callable[[], Iterator[UInt8[np.ndarray, "..."]]],
    make: bool = True,
) -> "Rows | None":
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
    if not make and not _is_whole(path):
        return None
    with made_once(path) as missing:
        if missing:
            write_rows(path, name, shape, chunks())
    return open_rows(path)[0]


def prepared_path(pattern: str, *content: object) -> Path:
    """Place in the cache of what is made from `content`: its hash fills the braces."""
    return cache_dir() / "prepared" / pattern.format(sha256_text(canonical_json(content))[:16])


@final
class Rows:
    """Rows of an array of the cache, mapped into memory: each is checked when it is first read.

    A row, or a block of short ones, has a checksum of its own: nothing is read that is not asked
    for, and a flipped byte is found wherever it is read.
    """

    def __init__(self, path: Path, array: UInt8[np.ndarray, "..."], sums: np.ndarray) -> None:
        self._path, self._array, self._sums = path, array, sums
        self._block = _block_rows(array.shape)
        self._is_checked = np.zeros(len(sums), dtype=bool)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._array)

    def __getitem__(self, rows: Int[np.ndarray, "..."]) -> UInt8[np.ndarray, "..."]:
        """The rows of these numbers, in an array of their own.

        Raises
        ------
        DataError
            If one of them is not what was written.
        """
        self._check(rows // self._block)
        return self._array[rows]

    def whole(self) -> UInt8[np.ndarray, "..."]:
        """All rows, read-only and still mapped."""
        self._check(np.arange(len(self._sums)))
        return self._array

    def _check(self, blocks: Int[np.ndarray, "..."]) -> None:
        for block in np.unique(blocks[~self._is_checked[blocks]]).tolist():
            start = block * self._block
            if zlib.crc32(self._array[start : start + self._block].data) != self._sums[block]:
                raise _damaged(self._path, f"row {start} or one near it is not what was written")
        self._is_checked[blocks] = True


def write_rows(
    path: Path,
    name: str,
    shape: tuple[int, ...],
    chunks: Iterator[UInt8[np.ndarray, "..."]],
    **beside: Any,
) -> None:
    """Write consecutive blocks of rows as one uint8 array, whole or not at all.

    Their checksums and the arrays `beside` them are one archive, of which ZIP keeps checksums.

    Raises
    ------
    DrbenchError
        If the disk is too small, or the blocks are not what was announced.
    """
    sums = _write_array(path, name, shape, chunks)
    with replacing(_archive(path)) as partial, partial.open("wb") as file:
        np.savez(file, sums=sums, **beside)


def open_rows(path: Path) -> tuple[Rows, dict[str, np.ndarray]]:
    """What `write_rows` wrote: the rows, and the arrays beside them.

    Raises
    ------
    DataError
        If it is damaged.
    """
    try:
        with zipfile.ZipFile(_archive(path)) as archive:  # reads all of a member and checks it
            beside = {
                member.removesuffix(".npy"): np.load(io.BytesIO(archive.read(member)))
                for member in archive.namelist()
            }
        array = np.load(path, mmap_mode="r").view(np.ndarray)
        sums = beside.pop("sums")
    except Exception as error:  # a damaged file fails in any way
        raise _damaged(path, str(error)) from error
    if array.dtype != np.uint8 or -(-len(array) // _block_rows(array.shape)) != len(sums):
        raise _damaged(path, "its header is not what was written")
    return Rows(path, array, sums), beside


def _block_rows(shape: tuple[int, ...]) -> int:
    """Rows that share a checksum: one image, or short rows of some thousand bytes together."""
    return -(-_BLOCK // max(math.prod(shape[1:]), 1))


def _archive(path: Path) -> Path:
    return path.with_suffix(".npz")


def _is_whole(path: Path) -> bool:
    return path.exists() and _archive(path).exists()


def _damaged(path: Path, why: str) -> DataError:
    return DataError(
        f"{path} is damaged ({why}). Delete it and run the same command again: it is made anew."
    )


@contextmanager
def made_once(path: Path) -> Iterator[bool]:
    """Whether `path` must be made in this block; other processes that want it wait.

    Raises
    ------
    DrbenchError
        If the cache cannot be written.
    """
    if _is_whole(path):
        yield False
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(f"{path}.lock"):
            for left in path.parent.glob(f".{path.stem}.*.partial"):
                left.unlink()  # of a process that was killed: nobody else is at work here
            yield not _is_whole(path)
    except OSError as error:
        raise DrbenchError(
            f"Cannot keep {path}: {error.strerror or error}. Set DRBENCH_CACHE to a folder that "
            "can be written."
        ) from error


def _write_array(
    path: Path, name: str, shape: tuple[int, ...], chunks: Iterator[UInt8[np.ndarray, "..."]]
) -> UInt32[np.ndarray, "n"]:
    needed, free = math.prod(shape), shutil.disk_usage(path.parent).free
    if needed > free:
        raise DrbenchError(
            f"Preparing {name} needs {needed / 1e6:,.0f} MB in {path.parent}, where "
            f"{free / 1e6:,.0f} MB are free: free some, or set DRBENCH_CACHE to a larger disk."
        )
    with replacing(path) as partial:
        try:
            return _fill(partial, name, shape, chunks)
        except OSError as error:
            raise DrbenchError(
                f"Preparing {name} in {path.parent} failed: {error.strerror or error}. Free some "
                "space, or set DRBENCH_CACHE to a larger disk."
            ) from error


def _fill(
    partial: Path, name: str, shape: tuple[int, ...], chunks: Iterator[UInt8[np.ndarray, "..."]]
) -> UInt32[np.ndarray, "n"]:
    """Write the array; the checksums of its rows."""
    size = math.prod(shape) / 1e6
    label = f"preparing {name}, once ({size:,.0f} MB in {partial.parent})"
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    with partial.open("wb") as file, progress(label, shape[0]) as step:
        # Written, not mapped: on a full disk a write fails cleanly where a mapped page kills.
        np.lib.format.write_array_header_1_0(file, header)
        sums: list[int] = []
        rows, block = 0, _block_rows(shape)
        for chunk in chunks:
            if chunk.shape[1:] != shape[1:] or chunk.dtype != np.uint8:
                raise DrbenchError(
                    f"Preparing {name}: rows of shape {chunk.shape[1:]} and type {chunk.dtype} "
                    f"came, uint8 of shape {shape[1:]} was expected."
                )
            chunk = np.ascontiguousarray(chunk)
            file.write(chunk.data)
            for part in filter(len, np.split(chunk, range(-rows % block, len(chunk), block))):
                if rows % block == 0:
                    sums.append(0)
                sums[-1] = zlib.crc32(part.data, sums[-1])
                rows += len(part)
            step(len(chunk))
        if rows != shape[0]:
            raise DrbenchError(f"Preparing {name}: {rows} rows came, {shape[0]} were expected.")
    return np.array(sums, dtype=np.uint32)


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
