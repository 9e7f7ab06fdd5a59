"""Names: such that what a reader sees is what a program compares."""

import getpass
import re
import unicodedata
from collections.abc import Iterator

from drbench.errors import RequestError
from drbench.runs.record import Record
from drbench.runs.spec import RunSpec

MAX_LENGTH = 100
"""Characters of a name."""
_PLAIN = r"[A-Za-z0-9_][A-Za-z0-9_.+-]*"
_NAME = re.compile(_PLAIN)
_DATA = re.compile(rf"(folder:)?{_PLAIN}|hf:{_PLAIN}/{_PLAIN}(:{_PLAIN})?")


def own_name() -> str:
    """The name of whoever is logged in here, made plain.

    Examples
    --------
    >>> own_name() == plain(own_name())
    True
    """
    try:
        return plain(getpass.getuser())
    except (KeyError, OSError):  # nobody: in some containers a user has no name
        return "me"


def given_name(option: str, name: str | None) -> str:
    """The name that is given with an option, or one's own.

    Raises
    ------
    RequestError
        If nobody can be called so on a board.

    Examples
    --------
    >>> given_name("--as", "ann")
    'ann'
    """
    if name is None:
        return own_name()
    if not name or plain(name) != name:
        raise RequestError(
            f"{option} {name[:80]!r}: expected at most 64 of a-z, 0-9, '_', '.' and '-', a letter "
            f"or digit first and last, such as {plain(name)!r}."
        )
    return name


def plain(name: str) -> str:
    """A name in lower case, of letters, digits, and _ . - between them.

    Examples
    --------
    >>> plain("Ann O'Neill")
    'ann-o-neill'
    """
    return re.sub(r"[^a-z0-9_.-]+", "-", name.lower()).strip("_.-")[:64] or "me"


def spec_names(spec: RunSpec) -> Iterator[str]:
    """What is wrong with the names in a spec, a sentence each."""
    for each in spec.chain:
        for kind, name, pattern in (
            ("model", each.model, _NAME),
            ("data set", each.data.name, _DATA),
            *(("metric", metric, _NAME) for metric in each.scoring.metrics),
        ):
            if not pattern.fullmatch(name) or len(name) > MAX_LENGTH:
                yield (
                    f"{name[:80]!r} is no name of a {kind}: names have letters from a to z, "
                    f"digits, and _ . + - between them, at most {MAX_LENGTH} in all, and no path."
                )


def record_names(record: Record) -> Iterator[str]:
    """What is wrong with the names of factors and parts in a record, a sentence each."""
    names = {"factor": {factor.name for factor in record.factors}}
    names["part"] = {
        part for scores in record.scores.values() for each in scores.values() for part in each.parts
    }
    for kind, listed in names.items():
        for name in sorted(listed):
            if problem := unclear(name):
                yield f"the {kind} {name[:80]!r} {problem}."


def unclear(name: str) -> str:
    """Why a name may be taken for another one; empty if it may not.

    Examples
    --------
    >>> unclear("object shape"), unclear(" shape")
    ('', 'is empty, or begins or ends with a space')
    """
    if not name or name != name.strip():
        return "is empty, or begins or ends with a space"
    if len(name) > MAX_LENGTH:
        return f"has {len(name):,} characters: at most {MAX_LENGTH}"
    if not name.isprintable():
        return "holds a line break or another character that does not show"
    if unicodedata.normalize("NFKC", name) != name:
        return "has characters that look like others (it is not in Unicode's form NFKC)"
    return ""
