"""Versions of the format: older minors are upgraded on reading, older majors by a command."""

from collections.abc import Callable
from typing import Any

from drbench.errors import BoardError
from drbench.frozen import Frozen

Document = dict[str, Any]
Upgrade = tuple[str, Callable[[Document], Document]]
"""Next version, and what makes its document."""

UPGRADES: dict[str, dict[str, Upgrade]] = {}
"""By the name of the model (Record, Verifications, Leaderboard), by version: one step each. Empty:
1.0 is the first version."""


def current_version(model: type[Frozen]) -> str:
    """The version that this drbench writes."""
    return str(model.model_fields["schema_version"].default)


def upgraded(document: Any, model: type[Frozen], *, where: object, major: bool = False) -> Any:
    """A document in the current version.

    Parameters
    ----------
    document : JSON value
        What was read; what has no known version is left for the model to refuse.
    model : type
        What it shall be read into.
    where : object
        What errors call the document.
    major : bool
        Whether to cross from one major version to the next, which reading does not.

    Raises
    ------
    BoardError
        For a newer version, an unknown one, or an older major that `major` was not asked for.
    """
    now = current_version(model)
    written = document.get("schema_version") if isinstance(document, dict) else None
    while isinstance(document, dict) and isinstance(document.get("schema_version"), str):
        version = document["schema_version"]
        if version == now:
            break
        step = UPGRADES.get(model.__name__, {}).get(version)
        if step is None:
            raise BoardError(
                f"{where} is of version {str(written)[:20]!r} of the format, but this drbench "
                f"reads {now}: install the drbench that wrote it, or a newer one."
            )
        if _major(step[0]) != _major(version) and not major:
            raise BoardError(
                f"{where} is of version {written} of the format, and this drbench reads {now}: "
                "rewrite the board once with `drbench leaderboard migrate`."
            )
        document = step[1](document)
        if document.get("schema_version") != step[0]:
            raise AssertionError(f"the upgrade of {model.__name__} {version} does not say so")
    return document


def _major(version: str) -> str:
    return version.partition(".")[0]
