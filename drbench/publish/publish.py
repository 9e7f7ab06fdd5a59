"""Publishing a board: merged into what is there already, so that nobody's run is lost."""

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
from drbench.publish.merge import merge
from drbench.publish.places.contents import bring, digests
from drbench.publish.places.folder import Folder
from drbench.publish.places.git import Git
from drbench.publish.places.place import MovedError, Place, shown
from drbench.trust.store import BOARD, RECORDS, SUBMISSIONS, built_board
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
    """Files with another content."""
    removed: tuple[str, ...]
    """Weights of entries that newer ones replace; nothing else is ever removed."""
    differences: tuple[Difference, ...]
    """Rows, runs, scores and ranks that are not what they were."""
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
    submit: bool = False,
    submitter: str | None = None,
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
    submit : bool
        Whether runs go as submissions, specs and weights alone, to a board that another keeps.
    submitter : str, optional
        Under whose name these go; by default the names that they have.

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
                sent = _submissions(board, Path(workspace), submitter) if submit else board
                return _attempt(sent, place, Path(workspace) / "place", message, dry_run)
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


def _submissions(board: Path, workspace: Path, submitter: str | None) -> Path:
    """A board with a board's runs as submissions."""
    merge(workspace / "submissions", board, submitter=submitter)
    return workspace / "submissions"


def _attempt(
    board: Path, place: Place, workspace: Path, message: str | None, dry_run: bool
) -> Publication:
    workspace.mkdir()
    stage = place.fetch(workspace, board)
    before = digests(stage.folder)
    there = any((stage.folder / name).is_dir() for name in (RECORDS, SUBMISSIONS))
    old = built_board(stage.folder) if there else build([])
    differences = tuple(diff(old, bring(board, stage.folder)))
    after = digests(stage.folder)
    added = [path for path in after if path not in before and path not in stage.elsewhere]
    changed = [path for path in after if path in before and after[path] != before[path]]
    removed = [path for path in before if path not in after]
    where = None
    if (added or changed) and not dry_run:
        text = (message or "").strip() or _message(added, changed)
        where = place.put(board, stage, [*added, *changed, *removed], text)
    return Publication(tuple(added), tuple(changed), tuple(removed), differences, place.name, where)


def _message(added: list[str], changed: list[str]) -> str:
    """What a commit is called: how many entries and submissions came."""
    counts = {
        word: sum(path.startswith(f"{folder}/") for path in [*added, *changed])
        for word, folder in (("entries", RECORDS), ("submissions", SUBMISSIONS))
    }
    parts = [f"{count} {word}" for word, count in counts.items() if count]
    return f"Leaderboard: {', '.join(parts) or 'built again'}"
