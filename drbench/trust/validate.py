"""Checking a board: what is wrong with it, all of it, in sentences."""

from collections.abc import Iterator
from pathlib import Path

from drbench.board.build import build
from drbench.errors import BoardError
from drbench.files import sha256_file
from drbench.trust.evidence import EVIDENCE, evidence_problems, is_leftover
from drbench.trust.problems import problems_of
from drbench.trust.reading import read_text
from drbench.trust.store import (
    BOARD,
    LOCK,
    RECORDS,
    SUBMISSIONS,
    Files,
    read_files,
    require_board,
)

LARGEST = 512 * 2**20
"""Bytes of a leaderboard.json that are read."""
_SUBMITTED = (f"{SUBMISSIONS}/", f"{EVIDENCE}/")
"""Where a pull request may add files."""


def validate(board: Path, against: Path | None = None, *, derived: bool = True) -> list[str]:
    """Problems of a board, one sentence each; an empty list is a valid board.

    Checked are every entry and submission (a regular file whose place follows from its content,
    strict JSON as drbench writes it, its schema, keys equal to the hashes of specs, names, bounds,
    factors and ranges), the weights that they name, and leaderboard.json against the entries.

    Parameters
    ----------
    board : path
        Folder of the board.
    against : path, optional
        Folder that the board was before. It may have got submissions and their weights, and
        nothing else: entries are written by who keeps the board.
    derived : bool
        Whether leaderboard.json is checked; not needed of a board that is built anew anyway.

    Raises
    ------
    BoardError
        If there is no board in that folder, or none to compare with.
    """
    files = read_files(board)
    problems = [*files.problems]
    for path, document in files.documents.items():
        problems += [f"{path}: {problem}" for problem in problems_of(document)]
        if read_text(path) != document.to_json():
            problems.append(f"{path} is not as drbench writes it: send the file as it was written.")
    problems += files.misnamed(board)
    problems += _strangers(board, files)
    problems += evidence_problems(board, files.weights)
    if files.problems:
        problems.append(f"{board / BOARD} was not compared: mend the files it is made of first.")
    elif derived:
        problems += _derived(board, files)
    if against is not None:
        problems += _changes(against, board)
    return problems


def _strangers(board: Path, files: Files) -> Iterator[str]:
    """Files that do not belong where they are."""
    for name in (RECORDS, SUBMISSIONS):
        for path in sorted((board / name).rglob("*")):
            if path.is_dir() or is_leftover(path) or path in files.documents:
                continue
            if path.suffix != ".json" or path.parent.parent != board / name:
                yield f"{path} does not belong there: only SUBMITTER/KEY.json does."


def _derived(board: Path, files: Files) -> Iterator[str]:
    path = board / BOARD
    if not path.exists():
        if files.entries:
            yield f"{path} is missing: run `drbench leaderboard build`."
        return
    try:
        if read_text(path, LARGEST) != build(files.entries.values()).to_json():
            yield f"{path} is not what its records give: run `drbench leaderboard build`."
    except BoardError as error:
        yield str(error)


def _changes(base: Path, board: Path) -> Iterator[str]:
    """What differs from the board that was before, beyond submissions that are new."""
    if base.is_dir() and any(base.iterdir()):
        require_board(base)
    before, now = _contents(base), _contents(board)
    advice = "a pull request adds submissions and their weights, and changes nothing else"
    for name in sorted(before.keys() | now.keys()):
        if name not in now:
            yield f"{board / name} was published and is gone: {advice}."
        elif name not in before and not name.startswith(_SUBMITTED):
            yield f"{board / name} is new: {advice}."
        elif name in before and before[name] != now[name]:
            yield f"{board / name} is not what was published: {advice}."


def _contents(board: Path) -> dict[str, str]:
    """SHA-256 of every file of a board by its path, but for what a command left; links as such."""
    return {
        path.relative_to(board).as_posix(): "link" if path.is_symlink() else sha256_file(path)
        for path in sorted(board.rglob("*"))
        if (path.is_symlink() or path.is_file()) and not is_leftover(path) and path.name != LOCK
    }
