"""Names in records: such that what a reader sees is what a program compares."""

import re
import unicodedata
from collections.abc import Iterator

from drbench.runs.record import Record

MAX_LENGTH = 100
"""Characters of a name."""
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_OPEN = ("folder:", "hf:")
# Scripts by the first word of their letters' names. These are written beside each other and beside
# Latin in one language; letters of any other two are not, and may look alike.
_EAST_ASIAN = frozenset({"BOPOMOFO", "CJK", "HANGUL", "HIRAGANA", "KATAKANA"})
_COMMON = frozenset({"MODIFIER", "KATAKANA-HIRAGANA", "UNKNOWN"})


def name_problems(record: Record) -> Iterator[str]:
    """What is wrong with the names of a record, a sentence each."""
    plain = {"model": {record.spec.model}}
    plain["metric"] = {m for scores in record.scores.values() for m in scores}
    free = {"factor": {factor.name for factor in record.factors}}
    free["part"] = {
        part for scores in record.scores.values() for each in scores.values() for part in each.parts
    }
    for stage in record.spec.chain:
        plain["metric"] |= set(stage.scoring.metrics)
        names = free if stage.data.name.startswith(_OPEN) else plain
        names.setdefault("data set", set()).add(stage.data.name)
    for kind, found in plain.items():
        for name in sorted(found):
            if not _PLAIN.fullmatch(name) or ".." in name or len(name) > MAX_LENGTH:
                yield (
                    f"{name[:80]!r} is no name of a {kind}: names have letters from a to z, "
                    f"digits, and _ . + - between them, at most {MAX_LENGTH} in all."
                )
    for kind, found in free.items():
        for name in sorted(found):
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
    if not all(letter.isprintable() for letter in name):
        return "holds a line break or another character that does not show"
    if unicodedata.normalize("NFKC", name) != name:
        return "has characters that look like others (it is not in Unicode's form NFKC)"
    scripts = {_script(letter) for letter in name if letter.isalpha()} - _COMMON
    if len(scripts) > 1 and not scripts <= _EAST_ASIAN | {"LATIN"}:
        return f"mixes letters of {' and '.join(sorted(scripts))}, which may look alike"
    return ""


def _script(letter: str) -> str:
    return unicodedata.name(letter, "UNKNOWN").partition(" ")[0]
