"""Rewriting a board whose files are of an older version of the format."""

from pathlib import Path

from drbench.trust.journal import commit
from drbench.trust.store import (
    locked,
    read_files,
    record_name,
    require_board,
    verification_name,
)


def migrate(board: Path) -> list[str]:
    """Rewrite the records and verifications of a board in the current version, all or none.

    Verifications go on to hold for the records that they were made of. leaderboard.json is not
    built.

    Returns
    -------
    list of str
        Files that were rewritten, relative to the board's folder, by their new names.

    Raises
    ------
    BoardError
        If there is no such board, or for the first file that is invalid or of an unknown version.
    """
    require_board(board)
    with locked(board):
        files = read_files(board, major=True).required()
        texts: dict[str, str] = {}
        stale: list[Path] = []
        for path, record in files.records.items():
            if path in files.older:
                texts[record_name(record.key)] = record.to_json()
                stale += [path] if path.stem != record.key else []
        for path, checks in files.checks.items():
            if path in files.older:
                texts[verification_name(checks.key)] = checks.to_json()
                stale += [path] if path.stem != checks.key else []
        commit(board, texts)
        for path in stale:
            path.unlink()
    return sorted(texts)
