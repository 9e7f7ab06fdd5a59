"""What verifying writes to a board: verdicts, and that what others said of its records goes."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from drbench.errors import BoardError
from drbench.progress import say
from drbench.runs.provenance import library_versions
from drbench.runs.record import Record
from drbench.trust.reading import read_model
from drbench.trust.store import (
    VERIFICATIONS,
    locked,
    record_name,
    verification_name,
    write_board,
    write_verifications,
)
from drbench.trust.verification import Verification, Verifications, record_hash
from drbench.trust.verify.verdict import Verdict


def discard(board: Path, records: Sequence[Record]) -> None:
    """Remove all verifications of some records, unread, and build leaderboard.json without them.

    Raises
    ------
    BoardError
        If that cannot be done; then leaderboard.json is not built.
    """
    folder = board / VERIFICATIONS
    if folder.is_symlink():
        raise BoardError(f"{folder} is a link: a board's files lie in its own folder.")
    with locked(board):
        paths = [board / verification_name(record.key) for record in records]
        there = [path for path in paths if path.exists() or path.is_symlink()]
        for path in there:
            try:
                path.unlink()
            except OSError as error:
                raise BoardError(
                    f"Cannot remove the verifications {path}: {error.strerror}."
                ) from error
    if there:
        say(f"verifications of {len(there)} records that the board came with are removed.")
        write_board(board)


def append(board: Path, record: Record, verdict: Verdict, by: str) -> None:
    """Add a verdict to a record's verifications; those of an older record of the run go."""
    assert verdict.outcome != "not verified"
    own = record_hash(record)
    new = Verification(
        record_hash=own,
        state=verdict.outcome,
        by=by,
        date=datetime.now(UTC).date(),
        versions=library_versions(),
        checks=verdict.checks,
        notes=tuple(filter(None, (verdict.reason, *verdict.notes))),
    )
    with locked(board):
        if record_hash(read_model(board / record_name(record.key), Record)) != own:
            raise BoardError(
                f"{board / record_name(record.key)} changed while it was verified: verify it again."
            )
        path = board / verification_name(record.key)
        known: Sequence[Verification] = ()
        if path.exists() or path.is_symlink():
            known = read_model(path, Verifications).verifications
        kept = [each for each in known if each.record_hash == own]
        checks = Verifications(key=record.key, verifications=(*kept, new))
        write_verifications(board, {record.key: checks})
