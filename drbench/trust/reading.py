"""Reading JSON that strangers sent: refused with a reason, or exactly what it says."""

import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from drbench.errors import BoardError
from drbench.frozen import Frozen, first_problem

MAX_BYTES = 16 * 2**20
MAX_DEPTH = 32
MAX_DIGITS = 20
"""Of a whole number, its sign included: any of 64 bits."""
LARGEST_NUMBER = 1e100
"""Sums and squares of some such numbers are finite; no number of a network is as large."""
MIGRATE = "rewrite the board once with `drbench leaderboard migrate --as NAME`."
T = TypeVar("T", bound=Frozen)


def read_model(path: Path, model: type[T], *, limit: int = MAX_BYTES) -> T:
    """Read a JSON file into a model, converting nothing.

    Raises
    ------
    BoardError
        For a file that is no regular file, too large, not UTF-8, not JSON, nested too deeply, with
        duplicate keys, NaN, infinities or numbers beyond `LARGEST_NUMBER`, texts with line breaks
        or other characters that do not show, unknown keys or wrong types, or of another version
        of the format.
    """
    return parse_model(read_text(path, limit), model, where=path)


def parse_model(text: str, model: type[T], *, where: object) -> T:
    """Read a text into a model as `read_model` reads a file; `where` names it in errors."""
    document = check_json(text, where)
    if isinstance(document, dict):
        _require_version(document.get("schema_version"), model, where)
    try:
        return model.model_validate_json(text, strict=True)
    except ValidationError as error:
        place, what = first_problem(error)
        place = place[:80] or "as a whole"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise BoardError(
            f"{where} is no valid {model.__name__.lower()}: {place!r}: {what[:300]!r}{more}. "
            "Send the file as drbench wrote it."
        ) from error


def _require_version(written: object, model: type[Frozen], where: object) -> None:
    current = str(model.model_fields["schema_version"].default)
    if written == current:
        return
    if written is None:
        raise BoardError(f"{where} has no schema_version. Send the file as drbench wrote it.")
    if written == "1.0":
        raise BoardError(f"{where} is of version 1.0 of the format: {MIGRATE}")
    raise BoardError(
        f"{where} is of version {str(written)[:20]!r} of the format, but this drbench reads "
        f"{current}: install the drbench that wrote it, or a newer one."
    )


def read_text(path: Path, limit: int = MAX_BYTES) -> str:
    """Text of a regular file of at most `limit` bytes; symbolic links are not followed."""
    try:
        if path.is_symlink() or not path.is_file():
            raise BoardError(f"{path} is no regular file: put the JSON file itself there.")
        with path.open("rb") as file:
            content = file.read(limit + 1)  # no more, even if it grows meanwhile
        if len(content) > limit:
            raise BoardError(f"{path} is too large: at most {limit:,} bytes are read.")
        return content.decode()
    except UnicodeDecodeError as error:
        raise BoardError(f"{path} is not UTF-8 text: {error.reason}.") from error
    except OSError as error:
        raise BoardError(f"{path} cannot be read: {error.strerror}.") from error


def check_json(text: str, path: object) -> Any:
    """Read JSON; refuse what parsers disagree on, and what would hide from a reader's eye.

    Raises
    ------
    BoardError
        With the path and the reason.
    """
    try:
        document = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_refused,
            parse_float=_bounded,
            parse_int=_short,
        )
        _check_nested(document)
        return document
    except RecursionError as error:
        raise BoardError(f"{path} is nested too deeply: at most {MAX_DEPTH} levels.") from error
    except json.JSONDecodeError as error:
        raise BoardError(
            f"{path} is no JSON, or only half of it: {error.msg} in line {error.lineno}."
        ) from error
    except ValueError as error:
        raise BoardError(f"{path}: {error}.") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique: dict[str, Any] = {}
    for key, value in pairs:
        if key in unique:
            raise ValueError(f"the key {key[:80]!r} comes twice in one object")
        unique[key] = value
    return unique


def _refused(constant: str) -> float:
    raise ValueError(f"{constant} is no number of JSON: write null, with a reason")


def _bounded(digits: str) -> float:
    number = float(digits)
    if not abs(number) <= LARGEST_NUMBER:
        raise ValueError(f"the number {digits[:20]} is too large: at most {LARGEST_NUMBER:g}")
    return number


def _short(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"the number {digits[:20]}... has more than {MAX_DIGITS} digits")
    return int(digits)


def _check_nested(document: Any) -> None:
    level, depth = [document], 0
    while level:
        inner: list[Any] = []
        for value in level:
            if isinstance(value, str):
                _check_visible(value)
            elif isinstance(value, dict):
                inner += [*value.keys(), *value.values()]
            elif isinstance(value, list):
                inner += value
            if isinstance(value, dict | list) and depth == MAX_DEPTH:
                raise RecursionError
        level, depth = inner, depth + 1


def _check_visible(text: str) -> None:
    if not text.isprintable():
        hidden = next(character for character in text if not character.isprintable())
        raise ValueError(
            f"a text holds a line break or another character that does not show, "
            f"U+{ord(hidden):04X}"
        )
