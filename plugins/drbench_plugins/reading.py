"""Arrays inside NPZ and HDF5 files, read block by block so that memory stays small."""

import math
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, final

import numpy as np

from drbench import DataError


@final
@dataclass(frozen=True)
class StoredArray:
    """One array of an NPZ or HDF5 file, not yet read."""

    path: Path
    member: str
    """Its name: of an NPZ the key, of an HDF5 file the path of the data set."""
    shape: tuple[int, ...]
    dtype: np.dtype

    def blocks(self, rows: int = 1024) -> Iterator[np.ndarray]:
        """Consecutive blocks of at most `rows` rows.

        Raises
        ------
        DataError
            If the file ends early or its bytes are damaged.
        """
        counts = [min(rows, self.shape[0] - start) for start in range(0, self.shape[0], rows)]
        with _explained(self.path, self.member):
            if self.path.suffix == ".npz":
                yield from self._npz_blocks(counts)
            else:
                yield from self._hdf5_blocks(counts)

    def _npz_blocks(self, counts: list[int]) -> Iterator[np.ndarray]:
        with _npz_stream(self.path, self.member) as (stream, _, _):
            for count in counts:
                size = count * math.prod(self.shape[1:]) * self.dtype.itemsize
                data = stream.read(size)
                if len(data) != size:
                    raise EOFError("it ends early")
                yield np.frombuffer(data, self.dtype).reshape(count, *self.shape[1:])

    def _hdf5_blocks(self, counts: list[int]) -> Iterator[np.ndarray]:
        import h5py

        with h5py.File(self.path, "r") as file:
            start = 0
            for count in counts:
                yield file[self.member][start : start + count]
                start += count


def stored_array(path: Path, member: str) -> StoredArray:
    """Find an array in an NPZ file (suffix .npz) or else in an HDF5 file. Pickles are refused.

    Raises
    ------
    DataError
        If the file is damaged or of another kind, or has no such array.
    """
    with _explained(path, member):
        if path.suffix == ".npz":
            with _npz_stream(path, member) as (_, shape, dtype):
                return StoredArray(path, member, shape, dtype)
        import h5py

        with h5py.File(path, "r") as file:
            stored = file[member]
            return StoredArray(path, member, stored.shape, stored.dtype)


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


@contextmanager
def _explained(path: Path, member: str) -> Iterator[None]:
    """Turn what goes wrong inside a file into one sentence."""
    try:
        yield
    except KeyError as error:
        raise DataError(
            f"{path} holds no array {member!r}: it is not the maker's file. Fetch it again."
        ) from error
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(
            f"{path} cannot be read ({member}: {error}): it is truncated or of another kind. "
            "Fetch it again."
        ) from error
