"""What is published of a board, and bringing it into another."""

import re
from pathlib import Path

from drbench.board.board import Leaderboard
from drbench.board.schema import write_schemas
from drbench.errors import BoardError
from drbench.files import sha256_file, write_text
from drbench.publish.merge import merge
from drbench.publish.page.write import PAGE, write_page
from drbench.trust.evidence import EVIDENCE
from drbench.trust.store import BOARD, RECORDS, SUBMISSIONS, built_board, write_board

README = "README.md"
FOLDERS = (RECORDS, SUBMISSIONS, EVIDENCE, "schema")
"""Where a board's files lie, besides its own folder."""
_NAME = re.compile(
    rf"({RECORDS}|{SUBMISSIONS})/[a-z0-9][a-z0-9_.-]{{0,63}}/[0-9a-f]{{64}}\.json"
    rf"|{EVIDENCE}/[0-9a-f]{{64}}\.safetensors"
    r"|schema/[a-z]+\.schema\.json"
    rf"|{re.escape(BOARD)}|{re.escape(PAGE)}|{re.escape(README)}"
)


def may_be_published(path: str) -> bool:
    """Whether a path, relative to a board's folder, is one of a board's files.

    Examples
    --------
    >>> may_be_published("leaderboard.json"), may_be_published("records/../../secret.json")
    (True, False)
    """
    return _NAME.fullmatch(path) is not None


def published_files(board: Path) -> list[str]:
    """Files of a board that are published, relative to its folder, sorted; links are left out."""
    paths = [path for name in FOLDERS for path in (board / name).rglob("*")]
    paths += [board / BOARD, board / PAGE, board / README]
    return sorted(
        relative
        for path in paths
        if path.is_file()
        and not path.is_symlink()
        and may_be_published(relative := path.relative_to(board).as_posix())
    )


def digests(board: Path) -> dict[str, str]:
    """SHA-256 of each file of a board that is published, by its path."""
    return {path: sha256_file(board / path) for path in published_files(board)}


def bring(board: Path, folder: Path) -> Leaderboard:
    """Merge a board into another folder, derive there what is derived, and return that board.

    A README that is there already stays: it is its owner's. The page is drawn again if either has
    one. Where only submissions come, nothing is derived: that is for who keeps the other board.

    Raises
    ------
    BoardError
        If either is invalid.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BoardError(
            f"{folder} cannot be made ({error.strerror}): publish to another folder."
        ) from error
    merge(folder, board, records=True)
    if not (board / RECORDS).is_dir():
        return built_board(folder)
    write_schemas(folder / "schema")
    if (board / README).is_file() and not (folder / README).exists():
        write_text(folder / README, (board / README).read_text(encoding="utf-8"))
    built = write_board(folder)
    if (board / PAGE).is_file() or (folder / PAGE).is_file():
        write_page(folder)
    return built
