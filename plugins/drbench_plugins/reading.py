"""Arrays inside makers' files, read block by block so that memory stays small."""

import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, final

import numpy as np
from jaxtyping import Int, Real

from drbench import DataError

_SLAB = 2**25
"""Bytes read from an HDF5 file at once, where its chunks ask for more than a block."""


@final
@dataclass(frozen=True)
class StoredArray:
    """One array of an NPZ or HDF5 file, not yet read."""

    path: Path
    member: str
    """Its name: of an NPZ the key, of an HDF5 file the path of the data set."""
    shape: tuple[int, ...]
    dtype: np.dtype

    def require(self, shape: tuple[int | None, ...], kind: type[np.generic]) -> None:
        """Refuse an array of another shape (None: any length) or another kind of numbers.

        Raises
        ------
        DataError
            Naming what was found and what was expected.
        """
        fits = len(shape) == len(self.shape) and all(
            expected in (None, length) for expected, length in zip(shape, self.shape, strict=True)
        )
        if not fits or not np.issubdtype(self.dtype, kind):
            expected = ", ".join("n" if length is None else f"{length}" for length in shape)
            raise DataError(
                f"{self.path}: {self.member} is {self.dtype} of shape {self.shape}, expected "
                f"{kind.__name__} of shape ({expected}). Fetch the file again."
            )

    def whole(self) -> np.ndarray:
        """All of it.

        Raises
        ------
        DataError
            If the file ends early or its bytes are damaged.
        """
        blocks = list(self.blocks(max(self.shape[0], 1)))
        return np.concatenate(blocks) if blocks else np.empty(self.shape, self.dtype)

    def blocks(self, rows: int = 512) -> Iterator[np.ndarray]:
        """Consecutive blocks of at most `rows` rows.

        Raises
        ------
        DataError
            If the file ends early or its bytes are damaged.
        """
        with damage_named(self.path, self.member):
            if self.path.suffix == ".npz":
                with _npz_stream(self.path, self.member) as (stream, _, _):
                    yield from row_blocks(stream.read, self.shape, self.dtype, rows)
                    if stream.read(1):  # which is also when the archive's checksum is compared
                        raise ValueError("it is longer than its header says")
            else:
                yield from self._hdf5_blocks(rows)

    def _hdf5_blocks(self, rows: int) -> Iterator[np.ndarray]:
        import h5py

        with h5py.File(self.path, "r") as file:
            stored = file[self.member]
            slab = _slab(stored.chunks[0] if stored.chunks else 1, stored[:1].nbytes, rows)
            for start in range(0, len(stored), slab):
                read = stored[start : start + slab]
                yield from (read[first : first + rows] for first in range(0, len(read), rows))


def stored_array(path: Path, member: str) -> StoredArray:
    """Find an array in an NPZ file (suffix .npz) or else in an HDF5 file. Pickles are refused.

    Raises
    ------
    DataError
        If the file is damaged or of another kind, or has no such array.
    """
    with damage_named(path, member):
        if path.suffix == ".npz":
            with _npz_stream(path, member) as (_, shape, dtype):
                return StoredArray(path, member, shape, dtype)
        import h5py

        with h5py.File(path, "r") as file:
            stored = file[member]
            if not isinstance(stored, h5py.Dataset) or not stored.shape:
                raise KeyError(member)
            return StoredArray(path, member, stored.shape, stored.dtype)


def row_blocks(
    read: Callable[[int], bytes], shape: tuple[int, ...], dtype: np.dtype, rows: int
) -> Iterator[np.ndarray]:
    """Blocks of at most `rows` rows of an array whose bytes `read` gives next, in C order.

    Raises
    ------
    EOFError
        If they end early.
    """
    row_bytes = math.prod(shape[1:]) * dtype.itemsize
    for start in range(0, shape[0], rows):
        count = min(rows, shape[0] - start)
        data = read(count * row_bytes)
        if len(data) != count * row_bytes:
            raise EOFError("it ends early")
        yield np.frombuffer(data, dtype).reshape(count, *shape[1:])


def classes_of(
    labels: Real[np.ndarray, "n factor"],
    factors: Mapping[str, Sequence[int] | Sequence[float]],
    path: Path,
    *,
    tolerance: float = 1e-5,
) -> Int[np.ndarray, "n factor"]:
    """Class of each label: the rank of its value among those that its factor has.

    Parameters
    ----------
    labels : (n, factor) float or int
        Values as they are in the file.
    factors : mapping of str to numbers
        For each column the name of its factor and the factor's values, rising.
    path : Path
        The file, for the message.
    tolerance : float
        How far a label may lie from its value.

    Raises
    ------
    DataError
        If a label is none of its factor's values.
    """
    codes = np.empty(labels.shape, dtype=np.int16)
    for column, (name, values) in enumerate(factors.items()):
        levels, numbers = np.array(values, dtype=np.float64), labels[:, column]
        codes[:, column] = np.searchsorted((levels[1:] + levels[:-1]) / 2, numbers)
        # Written so that NaN, which is near nothing, is wrong too.
        wrong = np.flatnonzero(~(np.abs(levels[codes[:, column]] - numbers) <= tolerance))
        if len(wrong):
            raise DataError(
                f"{path}: row {wrong[0]} has {name} {numbers[wrong[0]]:g}, which is none of its "
                f"{len(levels)} values from {levels[0]:g} to {levels[-1]:g}. Fetch the file again."
            )
    return codes


@contextmanager
def damage_named(path: Path, member: str, *others: type[Exception]) -> Iterator[None]:
    """Turn what goes wrong inside a file into one sentence.

    Parameters
    ----------
    path, member : Path, str
        The file, and what is read from it.
    *others : exceptions
        What the format's own reader raises of a damaged file, beside the usual.

    Raises
    ------
    DataError
        Instead of the exceptions of the file's reader.
    """
    usual = (
        OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error, struct.error,
        tokenize.TokenError,
    )  # fmt: skip
    damaged: tuple[type[Exception], ...] = (*usual, *others)
    try:
        yield
    except KeyError as error:
        raise DataError(
            f"{path} holds no array {member!r}: it is not the maker's file. Fetch it again."
        ) from error
    except damaged as error:
        raise DataError(
            f"{path} cannot be read ({member}: {error}): it is truncated or of another kind. "
            "Fetch it again."
        ) from error


def _slab(chunk_rows: int, row_bytes: int, rows: int) -> int:
    """Rows to read at once from an HDF5 file, at least `rows`.

    Each read decompresses every chunk that it touches, and a chunk may hold many rows of few
    pixels: then a slab is a whole part of a chunk, as large as memory allows.
    """
    fitting = max(_SLAB // max(row_bytes, 1), rows)
    return max(math.ceil(chunk_rows / math.ceil(chunk_rows / fitting)), rows)


@contextmanager
def _npz_stream(path: Path, member: str) -> Iterator[tuple[IO[bytes], tuple[int, ...], np.dtype]]:
    with zipfile.ZipFile(path) as archive, archive.open(f"{member}.npy") as stream:
        major, _ = np.lib.format.read_magic(stream)
        read_header = (
            np.lib.format.read_array_header_1_0
            if major == 1
            else np.lib.format.read_array_header_2_0
        )
        shape, in_fortran_order, dtype = read_header(stream)
        if dtype.hasobject or in_fortran_order or not shape:
            raise ValueError("a plain array in C order is expected")
        yield stream, shape, dtype
