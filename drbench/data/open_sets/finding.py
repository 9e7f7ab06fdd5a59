"""Which set a reference means: what it is called, what is in it, and where that lies."""

from collections.abc import Sequence
from pathlib import Path
from typing import final

from pydantic import ValidationError

from drbench.data.open_sets.open_set import OpenSet
from drbench.errors import DataError, RequestError, UnknownNameError
from drbench.files import cache_dir, write_text
from drbench.frozen import Frozen


@final
class _Place(Frozen):
    """Where images of one's own were when they were last named."""

    reference: str
    """`folder:PATH` or `hf:PATH:split`, the path in full."""
    pattern: str | None
    """What the names of their files look like."""


def find_open(
    reference: str,
    factors: Sequence[str] | None,
    *,
    pattern: str | None = None,
    name: str | None = None,
) -> OpenSet:
    """The set of `folder:PATH` or `hf:OWNER/NAME[:split]`.

    Parameters
    ----------
    reference : str
    factors : sequence of str, optional
        Columns that are factors; see `drbench.data.open_sets.columns.read_columns`.
    pattern : str, optional
        Of a folder, what the names of its files look like.
    name : str, optional
        What images on this disk are called; default: their folder's own name.

    Raises
    ------
    UnknownNameError, RequestError, DataError
        If there is no such set, or it cannot be read.
    """
    kind, _, place = reference.partition(":")
    if kind == "folder":
        from drbench.data.open_sets.folder import folder_set

        return folder_set(place, factors, pattern=pattern, name=name)
    if kind != "hf":
        raise UnknownNameError("kind of data set", f"{kind}:", ["folder:", "hf:"])
    if pattern is not None:
        raise RequestError("--pattern is for the names of files in a folder: leave it out.")
    from drbench.data.open_sets.hub import hub_set

    return hub_set(place, factors, name=name)


def remember(own: OpenSet, pattern: str | None) -> None:
    """Keep in the cache where images of one's own lie, so that `find_known` finds them."""
    place = _Place(reference=own.home, pattern=pattern)
    write_text(_memo(own.content), place.model_dump_json())


def find_known(name: str, content: str, factors: Sequence[str] | None) -> OpenSet:
    """The set of one's own with this name and content, where `remember` put it down.

    Raises
    ------
    RequestError
        If it was never named here, or is no longer where it was.
    DataError
        If its files have changed since.
    """
    kind, _, called = name.partition(":")
    own = called.partition(":")[0]
    advice = f"`drbench datasets show {kind}:PATH --name {own}` says where it is"
    try:
        place = _Place.model_validate_json(_memo(content).read_bytes())
    except (OSError, ValidationError) as error:
        raise RequestError(
            f"{name} is a folder of somebody's own, with the content {content[:12]}: this machine "
            f"does not know where it lies. {advice} (with its --pattern, if it had one)."
        ) from error
    try:
        opened = find_open(place.reference, factors, pattern=place.pattern, name=own)
    except RequestError as error:
        raise RequestError(f"{name}: {error} If it was moved, {advice}.") from error
    if opened.content != content:
        raise DataError(
            f"{name} has changed: {place.reference} had the content {content[:12]}, and has "
            f"{opened.content[:12]}. Put back what it held, or start a new run."
        )
    return opened


def _memo(content: str) -> Path:
    return cache_dir() / "own" / f"{content}.json"
