"""Changing several files of a board at once: all of them, or none, whatever interrupts it."""

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from drbench.errors import BoardError
from drbench.files import write_text

JOURNAL = ".commit"
"""Folder of files that are decided, on their way to their places."""
_DRAFT = ".draft."
_NAME = re.compile(r"(records|submissions)/[a-z0-9][a-z0-9_.-]{0,63}/[0-9a-f]{64}\.json")


def commit(board: Path, files: Mapping[str, str]) -> None:
    """Write entries and submissions, by path relative to the board; the caller holds its lock.

    All are written aside first; then one rename decides, and what follows is only moving them to
    their places, which `finish` does again if it is interrupted.

    Raises
    ------
    BoardError
        If the board cannot be written to, and then nothing has changed.
    """
    if not files:
        return
    for name in files:
        if not _NAME.fullmatch(name):
            raise BoardError(f"{name} is no place of an entry or of a submission.")
    try:
        aside = Path(tempfile.mkdtemp(dir=board, prefix=_DRAFT))
        try:
            for name, text in files.items():
                write_text(aside / name, text)
            list(_moves(board, aside))  # refused before it is decided, not after
            aside.rename(board / JOURNAL)
        finally:
            shutil.rmtree(aside, ignore_errors=True)  # nothing is there after the rename
    except OSError as error:
        raise BoardError(f"Cannot write to the board {board}: {error.strerror}.") from error
    finish(board)


def is_pending(board: Path) -> bool:
    """Whether files are on their way, or a command was interrupted while they were."""
    journal = board / JOURNAL
    return journal.is_symlink() or journal.exists()


def finish(board: Path) -> None:
    """Move what was decided to its places, drop what was not; the caller holds the lock.

    Raises
    ------
    BoardError
        If it cannot be done, or what lies there is nothing that `commit` leaves: boards come from
        strangers, and no file may be moved into or out of other folders for them.
    """
    for draft in board.glob(f"{_DRAFT}*"):
        shutil.rmtree(draft, ignore_errors=True)
    if not is_pending(board):
        return
    journal = board / JOURNAL
    try:
        for path, place in list(_moves(board, journal)):
            place.parent.mkdir(parents=True, exist_ok=True)
            path.replace(place)
        shutil.rmtree(journal)
    except OSError as error:
        raise BoardError(
            f"Cannot finish what an earlier command began in {journal}: {error.strerror}."
        ) from error


def _moves(board: Path, folder: Path) -> Iterator[tuple[Path, Path]]:
    """Each file of a journal, and its place on the board."""
    if folder.is_symlink() or not folder.is_dir():
        raise BoardError(f"{folder} is no folder of drbench's: delete it.")
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        linked = path.is_symlink()
        if path.is_dir() and not linked:
            continue
        if linked or not path.is_file() or not _NAME.fullmatch(name):
            raise BoardError(f"{path} is no file that drbench left: delete {folder}.")
        place = board / name
        for parent in (place.parent, place.parent.parent):
            if parent.is_symlink():
                raise BoardError(f"{parent} is a link: a board's files lie in its own folder.")
        yield path, place
