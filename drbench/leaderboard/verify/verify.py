"""Checking that records are what they claim to be: rescored, re-encoded or retrained."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, final

from drbench.errors import BoardError, RequestError
from drbench.leaderboard.build import group_id
from drbench.leaderboard.copies import find_copies
from drbench.leaderboard.evidence import without_evidence
from drbench.leaderboard.problems import record_problems
from drbench.leaderboard.reading import read_model
from drbench.leaderboard.store import (
    load_verifications,
    locked,
    record_files,
    record_name,
    verification_name,
    write_board,
    write_verifications,
)
from drbench.leaderboard.verification import (
    STATES,
    Level,
    State,
    Verification,
    Verifications,
    record_hash,
    state_of,
)
from drbench.leaderboard.verify.elsewhere import made_elsewhere
from drbench.leaderboard.verify.findings import DiffersError, RefutedError, UnverifiableError
from drbench.leaderboard.verify.rescore import rescore
from drbench.progress import part_of, say
from drbench.runs.provenance import library_versions
from drbench.runs.record import Record

Outcome = Literal["rescored", "re-encoded", "retrained", "refuted", "not verified"]


@final
@dataclass(frozen=True)
class Verdict:
    """What checking one record came to."""

    key: str
    outcome: Outcome
    reason: str = ""
    """Why it is refuted, or could not be verified; empty otherwise."""
    checks: dict[str, float] = field(default_factory=dict)
    """Largest difference that each check found."""
    notes: tuple[str, ...] = ()
    """What could not be compared."""

    @property
    def holds(self) -> bool:
        """Whether the record was found to be right, at some level."""
        return self.outcome not in ("refuted", "not verified")


def verify(
    board: Path,
    keys: Iterable[str] = (),
    *,
    every: bool = False,
    level: Level | None = None,
    by: str | None = None,
    write: bool = False,
    on_verdict: Callable[[Verdict], None] | None = None,
) -> list[Verdict]:
    """Check records of a board.

    Parameters
    ----------
    board : path
    keys : iterable of str
        Keys, or unambiguous beginnings of keys; none for all that are not verified as far yet.
    every : bool
        All records, whatever they are.
    level : {"rescored", "re-encoded", "retrained"}, optional
        How far to check. By default: re-encoded, or rescored where images or model are not here.
    by : str, optional
        Who checks; needed to write.
    write : bool
        Whether verdicts go to the board, each as soon as it is there, and leaderboard.json is
        built again. What could not be verified is never written: it says nothing of a record.
    on_verdict : callable, optional
        Called with each verdict as soon as it is there.

    Returns
    -------
    list of Verdict
        In the order of the keys.

    Raises
    ------
    RequestError
        For a key that no record, or more than one, begins with; without a name to write.
    BoardError
        If there is no such board, one of its files is invalid, or it cannot be written.
    """
    if write != (by is not None):
        raise RequestError(
            "--write needs --by NAME: a verification says who checked."
            if write
            else "--by names who checked in what --write writes: add --write, or leave out --by."
        )
    files = {path: read_model(path, Record) for path in record_files(board)}
    records = {record.key: record for record in files.values()}
    if write:
        with locked(board):  # a board that cannot be written is refused before the work
            pass
    chosen = _chosen(board, records, list(keys), every, level)
    if chosen:
        _announce(chosen, records, level)
    copied = {key: copy.sentence for copy in find_copies(files, board) for key in copy.keys}
    verdicts = []
    for number, record in enumerate(chosen, 1):
        with part_of(f"{record.key[:12]} ({number} of {len(chosen)})"):
            verdict = _Check(board, records, record, level).verdict(copied.get(record.key))
        if write and by is not None and verdict.outcome != "not verified":
            _append(board, record, verdict, by)
        verdicts.append(verdict)
        if on_verdict:
            on_verdict(verdict)
    if write and any(verdict.outcome != "not verified" for verdict in verdicts):
        write_board(board)
    return verdicts


def _chosen(
    board: Path, records: dict[str, Record], keys: list[str], every: bool, level: Level | None
) -> list[Record]:
    if keys:
        return [records[_resolved(key, records, board)] for key in dict.fromkeys(keys)]
    if every:
        return list(records.values())
    wanted = STATES.index(level or "re-encoded")
    known = {each.key: each for each in load_verifications(board)}
    states: dict[str, State] = {
        key: state_of(record, known.get(key)) for key, record in records.items()
    }
    return [
        record
        for key, record in records.items()
        if states[key] != "refuted" and STATES.index(states[key]) < wanted
    ]


def _resolved(key: str, records: dict[str, Record], board: Path) -> str:
    found = [each for each in records if key and each.startswith(key)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise RequestError(f"No record of {board} has a key that begins with {key[:64]!r}.")
    raise RequestError(
        f"{len(found)} records of {board} have keys that begin with {key!r}: give more digits."
    )


def _announce(chosen: list[Record], records: dict[str, Record], level: Level | None) -> None:
    """Say how much work it is, before it begins."""
    many = f"verifying {len(chosen)} {'run' if len(chosen) == 1 else 'runs'}"
    if level != "retrained":
        phases = "scoring the latents" + ("" if level == "rescored" else ", then encoding again")
        say(f"{many}: {phases}.")
        return
    seconds = sum(
        sum(records[spec.key].provenance.seconds.values())
        for record in chosen
        for spec in record.spec.chain
        if spec.key in records
    )
    absent = {spec.key for r in chosen for spec in r.spec.chain if spec.key not in records}
    more = f", not counting {len(absent)} sources that are not on the board" if absent else ""
    say(f"{many}: training again takes about {seconds / 60:.1f} min by their records{more}.")


@final
class _Check:
    """The checks of one record, level by level."""

    def __init__(
        self, board: Path, records: dict[str, Record], record: Record, level: Level | None
    ) -> None:
        self.board, self.records, self.record, self.level = board, records, record, level
        self.outcome: Outcome = "not verified"
        self.checks: dict[str, float] = {}
        self.notes: list[str] = []

    def verdict(self, copied: str | None) -> Verdict:
        reason = ""
        try:
            self._run(copied)
        except DiffersError as error:
            elsewhere = made_elsewhere(self.record)
            self.outcome, reason = "refuted", str(error)
            if elsewhere:
                self.outcome = "not verified"
                reason += f" The record was made otherwise, though: {', '.join(elsewhere)}."
        except RefutedError as error:
            self.outcome, reason = "refuted", str(error)
        except UnverifiableError as error:
            self.outcome, reason = "not verified", str(error)
        except Exception as error:  # noqa: BLE001 - one record must not stop the check of the others
            self.outcome = "not verified"
            reason = f"the check failed: {type(error).__name__}: {error}"
        return Verdict(self.record.key, self.outcome, reason, self.checks, tuple(self.notes))

    def _run(self, copied: str | None) -> None:
        for problem in record_problems(self.record):
            raise UnverifiableError(f"it is not valid: {problem}")
        if copied and self.level != "retrained":
            raise UnverifiableError(f"{copied} Only training again tells which of them is genuine.")
        reached: Outcome = "not verified"
        if self.level == "retrained" and without_evidence(self.board, [self.record]):
            self.notes.append("It has no evidence on the board: it was trained again only.")
        else:
            reached = self._evidence()
        if self.level == "retrained":
            reached = self._retrain(copied)
        self.outcome = reached

    def _evidence(self) -> Outcome:
        latents, self.checks["scores"] = rescore(self.board, self.record)
        if self.level == "rescored":
            return "rescored"
        try:
            from drbench.leaderboard.verify.reencode import reencode
        except ImportError as error:
            return self._as_far_as("rescored", UnverifiableError(f"encoding needs torch: {error}."))
        try:
            found = reencode(self.board, self.record, latents)
        except UnverifiableError as error:
            return self._as_far_as("rescored", error)
        self.checks |= found.checks
        self.notes += [*found.notes, *self._source_notes()]
        return "re-encoded"

    def _as_far_as(self, reached: Outcome, error: UnverifiableError) -> Outcome:
        """Stop at a weaker level, unless a stronger one was asked for."""
        if self.level == "re-encoded":
            raise error
        self.notes.append(f"Not encoded again: {error}")
        return reached

    def _source_notes(self) -> list[str]:
        """Whether a transfer began with what the board's own record of its source ended with."""
        spec, hashes = self.record.spec, self.record.provenance.encoder_hash
        source = self.records.get(spec.init.key) if spec.init else None
        if source and source.provenance.encoder_hash["after"] != hashes["before"]:
            return [
                "It began with other weights than its source's record on this board ended with."
            ]
        return []

    def _retrain(self, copied: str | None) -> Outcome:
        from drbench.leaderboard.verify.retrain import retrain

        row = [each for each in self.records.values() if group_id(each) == group_id(self.record)]
        found = retrain(self.record, row)
        self.checks["retrained scores"] = found.apart
        if found.exact:
            self.notes.append("The encoder came back bit for bit.")
        elif copied:
            raise UnverifiableError(f"{copied} Trained again, the encoder came out otherwise.")
        return "retrained"


def _append(board: Path, record: Record, verdict: Verdict, by: str) -> None:
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
