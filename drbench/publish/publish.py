"""Publishing a board: merged into what is there already, so that nobody's record is lost."""

import random
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import final

from drbench.board.build import build
from drbench.errors import BoardError, RequestError
from drbench.files import canonical_json, sha256_text
from drbench.publish.diff import Difference, diff
from drbench.publish.places.contents import bring, digests
from drbench.publish.places.folder import Folder
from drbench.publish.places.git import Git
from drbench.publish.places.place import MovedError, Place, shown
from drbench.runs.record import Record
from drbench.trust.copies import copies
from drbench.trust.store import (
    BOARD,
    RECORDS,
    VERIFICATIONS,
    built_board,
    load_board,
    record_name,
)
from drbench.trust.validate import validate

ATTEMPTS = 20
"""How often others may publish first before giving up."""
LONGEST_PAUSE = 1.0
"""Seconds that are waited at most before trying again."""
_DERIVED = (BOARD, "schema/", "index.html", "README.md")


@final
@dataclass(frozen=True)
class Publication:
    """What publishing changed, or would change."""

    added: tuple[str, ...]
    """New files, relative to the board's folder."""
    changed: tuple[str, ...]
    """Files with another content; nothing is ever removed."""
    differences: tuple[Difference, ...]
    """Rows, runs, scores, states and ranks that are not what they were."""
    place: str
    """What was written to, or would be."""
    where: str | None
    """Where it is now: folder or commit; None if nothing was written."""


def publish(
    board: Path,
    target: str,
    *,
    branch: str | None = None,
    message: str | None = None,
    dry_run: bool = False,
) -> Publication:
    """Merge a board into a published one, and publish the result.

    Parameters
    ----------
    board : path
        Folder of the board; it is not changed.
    target : str
        A folder, `git:ADDRESS` or `git:ADDRESS#SUBFOLDER`.
    branch : str, optional
        Branch that is committed to; by default a new one, named after the content.
    message : str, optional
        Message of the commit.
    dry_run : bool
        Whether to write nothing.

    Raises
    ------
    RequestError
        For a target or branch that cannot be.
    BoardError
        If the board is invalid or disagrees with what is published, or if the target cannot be read
        or written.
    """
    if problems := validate(board, derived=False):  # leaderboard.json is built anew
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise BoardError(f"{board} is not published, for it is invalid: {problems[0]}{more}")
    place = find_place(target, board, branch=branch)
    for attempt in range(ATTEMPTS):
        # Of different lengths, so that several publishers fall out of step.
        time.sleep(random.uniform(0, min(0.1 * attempt, LONGEST_PAUSE)))  # noqa: S311 - no secret
        with tempfile.TemporaryDirectory(prefix="drbench-publish-") as workspace:
            try:
                return _attempt(board, place, Path(workspace), message, dry_run)
            except MovedError as error:
                reason = error
    raise BoardError(
        f"{place.name} changed {ATTEMPTS} times meanwhile ({reason}): try again later."
    )


def find_place(target: str, board: Path, *, branch: str | None = None) -> Place:
    """The place that a target names.

    Raises
    ------
    RequestError
        For a target without address, and for options that the kind of target does not have.
    """
    kind, colon, rest = target.partition(":")
    if kind == "git":
        url, _, subfolder = rest.partition("#")
        if not url:
            raise RequestError("git: needs an address after it, such as git:../boards.git#board.")
        return Git(url, subfolder, branch or _content_branch(board))
    if kind in {"hf", "hub"}:
        raise RequestError(
            f"{target} is no kind of target: a data set repository of the Hugging Face hub is a "
            "git repository, git:https://huggingface.co/datasets/OWNER/NAME."
        )
    if colon and "/" not in kind and not Path(target).exists():
        raise RequestError(
            f"{shown(target)} is no kind of target: expected git:ADDRESS or a folder, which is "
            "written ./NAME if it has a colon."
        )
    if branch:
        raise RequestError(f"--branch belongs to git: targets, but {target} is a folder.")
    return Folder(Path(target))


def _content_branch(board: Path) -> str:
    """A name that the same submission always has, and another one never."""
    content = {p: d for p, d in digests(board).items() if not p.startswith(_DERIVED)}
    return f"drbench/{sha256_text(canonical_json(content))[:12]}"


def _attempt(
    board: Path, place: Place, workspace: Path, message: str | None, dry_run: bool
) -> Publication:
    stage = place.fetch(workspace, board)
    before = digests(stage.folder)
    earlier = _records(stage.folder)
    old = built_board(stage.folder) if earlier else build([])
    differences = tuple(diff(old, bring(board, stage.folder)))
    if copied := set(copies(_records(stage.folder), stage.folder)):
        copied -= set(copies(earlier, stage.folder))  # what was there before is not this board's
        for problem in sorted(copied):
            raise BoardError(
                f"{board} is not published, for it does not go with {place.name}: {problem}"
            )
    after = digests(stage.folder)
    added = [path for path in after if path not in before and path not in stage.elsewhere]
    changed = [path for path in after if path in before and after[path] != before[path]]
    where = None
    if (added or changed) and not dry_run:
        title = (message or "").strip() or _message(added, changed)
        where = place.put(board, stage, [*added, *changed], title)
    return Publication(tuple(added), tuple(changed), differences, place.name, where)


def _records(board: Path) -> dict[Path, Record]:
    """Records of a board by their paths; none if it has no folder for them."""
    records = load_board(board) if (board / RECORDS).is_dir() else []
    return {board / record_name(record.key): record for record in records}


def _message(added: list[str], changed: list[str]) -> str:
    """What a commit is called: how many records are new, and how many were verified."""
    new = sum(path.startswith(f"{RECORDS}/") for path in added)
    verified = sum(path.startswith(f"{VERIFICATIONS}/") for path in [*added, *changed])
    parts = [f"{new} new {'record' if new == 1 else 'records'}"] if new else []
    parts += [f"{verified} verified"] if verified else []
    return f"Leaderboard: {', '.join(parts) or 'built again'}"
