"""Writing files whole or not at all, hashing them, and where drbench keeps its own."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import platformdirs

from drbench.errors import DrbenchError


def cache_dir() -> Path:
    """Folder of derived files (prepared images, weights): DRBENCH_CACHE, else the user's cache."""
    chosen = os.environ.get("DRBENCH_CACHE")
    return Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("drbench")


@contextmanager
def cache_at(folder: Path) -> Iterator[None]:
    """Another cache folder inside the block: for what must not use, or leave, anything prepared."""
    before = os.environ.get("DRBENCH_CACHE")
    os.environ["DRBENCH_CACHE"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["DRBENCH_CACHE"]
        else:
            os.environ["DRBENCH_CACHE"] = before


def data_dir() -> Path:
    """Folder of the makers' files: DRBENCH_DATA, else `data` in the cache folder."""
    chosen = os.environ.get("DRBENCH_DATA")
    return Path(chosen).expanduser() if chosen else cache_dir() / "data"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, moved onto it only if the block succeeds.

    Whoever reads `path` sees the old file or the whole new one, whatever interrupts the writer.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
        os.close(handle)
    except OSError as error:
        raise DrbenchError(
            f"Cannot write {path}: {error.strerror}. Choose another folder or free some space."
        ) from error
    partial = Path(name)
    try:
        yield partial
        partial.chmod(0o644)
        partial.replace(path)
    except OSError as error:
        raise DrbenchError(
            f"Writing {path} failed: {error.strerror or error}. What was there before is untouched."
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically."""
    with replacing(path) as partial:
        partial.write_bytes(content)


def unreadable(error: Exception) -> str:
    """Why a table of text cannot be read, in plain words."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text: save it anew as 'CSV UTF-8', as spreadsheets call it"
    return str(error)


def canonical_json(value: Any) -> str:
    """One text for one value: sorted keys, no spaces, no NaN."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def sha256_text(text: str) -> str:
    """SHA-256 of a text, as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
