"""Rows of an array of the cache, with checksums that are verified as they are read."""

import io
import math
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Int, UInt8, UInt32

from drbench.errors import DataError, DrbenchError
from drbench.files import replacing
from drbench.progress import progress

_BLOCK = 4096
"""Bytes that share a checksum, at least."""


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


def is_whole(path: Path) -> bool:
    """Whether there is all that `write_rows` writes."""
    return path.exists() and _archive(path).exists()


def _damaged(path: Path, why: str) -> DataError:
    return DataError(
        f"{path} is damaged ({why}). Delete it and run the same command again: it is made anew."
    )


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
