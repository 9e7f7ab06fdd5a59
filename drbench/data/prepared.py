"""Arrays prepared once, kept in the cache, and mapped into memory ever after."""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator
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
    """
    key = sha256_text(canonical_json([name, shape, [_fingerprint(path) for path in inputs]]))[:16]
    path = cache_dir() / "prepared" / f"{name}-{key}.npy"
    if not path.exists():
        if not make:
            return None
        path.parent.mkdir(parents=True, exist_ok=True)
        # Two processes that start together: the second waits, then finds the file.
        with filelock.FileLock(f"{path}.lock"):
            if not path.exists():
                _write(path, name, shape, chunks())
    return np.load(path, mmap_mode="r")


def _write(path: Path, name: str, shape: tuple[int, ...], chunks: Iterator[np.ndarray]) -> None:
    needed, free = int(np.prod(shape)), shutil.disk_usage(path.parent).free
    if needed > free:
        raise DrbenchError(
            f"Preparing {name} needs {needed / 1e6:,.0f} MB in {path.parent}, where "
            f"{free / 1e6:,.0f} MB are free: free some, or set DRBENCH_CACHE to a larger disk."
        )
    label = f"preparing {name}, once ({needed / 1e6:,.0f} MB in {path.parent})"
    with replacing(path) as partial, progress(label, shape[0]) as advance:
        array = np.lib.format.open_memmap(partial, mode="w+", dtype=np.uint8, shape=shape)
        row = 0
        for chunk in chunks:
            array[row : row + len(chunk)] = chunk
            row += len(chunk)
            advance(len(chunk))
        if row != shape[0]:
            raise DrbenchError(f"Preparing {name}: {row} rows came, {shape[0]} were expected.")
        array.flush()


def _fingerprint(path: Path) -> str:
    """SHA-256 of a file, remembered for as long as its size and time of change stay the same."""
    stat = path.stat()
    seen = [str(path.resolve()), stat.st_size, stat.st_mtime_ns]
    memo = cache_dir() / "prepared" / f"hash-{sha256_text(canonical_json(seen))[:16]}.json"
    if memo.exists():
        return str(json.loads(memo.read_text(encoding="utf-8"))["sha256"])
    digest = sha256_file(path)
    write_text(memo, json.dumps({"file": seen[0], "sha256": digest}))
    return digest
