"""Arrays prepared once, kept in the cache, and mapped into memory ever after."""

import json
import math
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
    key = sha256_text(canonical_json([name, shape, _fingerprint(inputs)]))[:16]
    path = cache_dir() / "prepared" / f"{name}-{key}.npy"
    if not path.exists():
        if not make:
            return None
        # Two processes that start together: the second waits, then finds the file.
        with _writable(path), filelock.FileLock(f"{path}.lock"):
            if not path.exists():
                _write(path, name, shape, chunks())
    return np.load(path, mmap_mode="r").view(np.ndarray)


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise DrbenchError(
            f"Cannot keep {path}: {error.strerror or error}. Set DRBENCH_CACHE to a folder that "
            "can be written."
        ) from error


def _write(path: Path, name: str, shape: tuple[int, ...], chunks: Iterator[np.ndarray]) -> None:
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


def _fingerprint(paths: Iterable[Path]) -> str:
    """SHA-256 of the files' contents, remembered while sizes and times of change stay the same."""
    files = [path.absolute() for path in paths]
    if not files:
        return ""
    stats = [path.stat() for path in files]
    seen = [
        [str(path), stat.st_size, stat.st_mtime_ns] for path, stat in zip(files, stats, strict=True)
    ]
    memo = cache_dir() / "prepared" / f"hash-{sha256_text(canonical_json(seen))[:16]}.json"
    if memo.exists():
        return str(json.loads(memo.read_text(encoding="utf-8"))["sha256"])
    digest = sha256_text("".join(sha256_file(path) for path in files))
    write_text(memo, json.dumps({"sha256": digest}))
    return digest
