"""Reading JSON that strangers sent: refused with a reason, or exactly what it says."""

import json
import math
import unicodedata
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from drbench.errors import BoardError
from drbench.frozen import Frozen, first_problem

MAX_BYTES = 16 * 2**20
MAX_DEPTH = 32
T = TypeVar("T", bound=Frozen)


def read_model(path: Path, model: type[T]) -> T:
    """Read a JSON file into a model, converting nothing.

    Raises
    ------
    BoardError
        For a file that is no regular file, too large, not UTF-8, not JSON, nested too deeply, with
        duplicate keys, NaN or infinities, invisible characters, unknown keys or wrong types.
    """
    text = read_text(path)
    check_json(text, path)
    try:
        return model.model_validate_json(text, strict=True)
    except ValidationError as error:
        where, what = first_problem(error)
        where = where[:80] or "as a whole"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise BoardError(
            f"{path} is no valid {model.__name__.lower()}: {where!r}: {what}{more}. "
            "Send the file as drbench wrote it."
        ) from error


def read_text(path: Path) -> str:
    """Text of a regular file of at most 16 MiB; symbolic links are not followed."""
    try:
        if path.is_symlink() or not path.is_file():
            raise BoardError(f"{path} is no regular file: put the JSON file itself there.")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise BoardError(f"{path} has {size:,} bytes: at most {MAX_BYTES:,} are read.")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BoardError(f"{path} is not UTF-8 text: {error.reason}.") from error
    except OSError as error:
        raise BoardError(f"{path} cannot be read: {error.strerror}.") from error


def check_json(text: str, path: Path) -> None:
    """Refuse what parsers of JSON disagree on, and what would hide from a reader's eye.

    Raises
    ------
    BoardError
        With the path and the reason.
    """
    try:
        document = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_refused, parse_float=_finite
        )
        _check_nested(document)
    except RecursionError as error:
        raise BoardError(f"{path} is nested too deeply: at most {MAX_DEPTH} levels.") from error
    except json.JSONDecodeError as error:
        raise BoardError(
            f"{path} is no JSON, or only half of it: {error.msg} in line {error.lineno}."
        ) from error
    except ValueError as error:
        raise BoardError(f"{path}: {error}.") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key[:80]!r} comes twice in one object")
        found[key] = value
    return found


def _refused(constant: str) -> float:
    raise ValueError(f"{constant} is no number of JSON: write null, with a reason")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"the number {digits[:20]} is too large for a float")
    return number


def _check_nested(document: Any) -> None:
    level, depth = [document], 0
    while level:
        if depth > MAX_DEPTH:
            raise RecursionError
        for value in level:
            if isinstance(value, str):
                _check_visible(value)
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inner += [*value.keys(), *value.values()]
            elif isinstance(value, list):
                inner += value
        level, depth = inner, depth + 1


def _check_visible(text: str) -> None:
    if text.isascii() and text.isprintable():
        return
    for character in text:
        if character not in "\n\t" and unicodedata.category(character).startswith("C"):
            raise ValueError(f"a text holds the invisible character U+{ord(character):04X}")
