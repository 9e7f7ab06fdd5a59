"""Checking that records are what they claim to be: rescored, re-encoded or retrained."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import final

from drbench.board.build import group_id
from drbench.board.ranking import VERIFIED
from drbench.errors import RequestError
from drbench.progress import part_of, say
from drbench.runs.record import Record
from drbench.trust.copies import find_copies
from drbench.trust.evidence import without_evidence
from drbench.trust.problems import record_problems
from drbench.trust.reading import read_model
from drbench.trust.store import RECORDS, load_verifications, locked, record_files, write_board
from drbench.trust.verification import STATES, Level, State, state_of
from drbench.trust.verify.elsewhere import made_elsewhere
from drbench.trust.verify.findings import DiffersError, RefutedError, UnverifiableError
from drbench.trust.verify.rescore import rescore
from drbench.trust.verify.verdict import Outcome, Verdict
from drbench.trust.verify.written import append, discard


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
        All records, whatever they are; what the board says was verified of them counts for
        nothing, and goes if verdicts are written: a board that was sent may say anything.
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
    states = _states(board, records, nothing=every)
    chosen = _chosen(board, records, states, list(keys), every, level)
    if chosen:
        _announce(chosen, records, level)
    if write and every:
        discard(board, chosen)
    copied = {key: copy.sentence for copy in find_copies(files, board) for key in copy.keys}
    verdicts = []
    for number, record in enumerate(chosen, 1):
        with part_of(f"{record.key[:12]} ({number} of {len(chosen)})"):
            check = _Check(board, records, states, record, level)
            verdict = check.verdict(copied.get(record.key))
        if verdict.outcome != "not verified":
            if write and by is not None:
                append(board, record, verdict, by)
            if states[record.key] != "refuted":
                states[record.key] = verdict.outcome
        verdicts.append(verdict)
        if on_verdict:
            on_verdict(verdict)
    if write and any(verdict.outcome != "not verified" for verdict in verdicts):
        write_board(board)
    return verdicts


def _states(board: Path, records: Mapping[str, Record], *, nothing: bool) -> dict[str, State]:
    """How far each record was verified, by key; not at all if that shall count for nothing."""
    known = {} if nothing else {each.key: each for each in load_verifications(board)}
    return {key: state_of(record, known.get(key)) for key, record in records.items()}


def _chosen(
    board: Path,
    records: dict[str, Record],
    states: Mapping[str, State],
    keys: list[str],
    every: bool,
    level: Level | None,
) -> list[Record]:
    if keys:
        return [records[_resolved(key, records, board)] for key in dict.fromkeys(keys)]
    if every:
        return list(records.values())
    wanted = STATES.index(level or "re-encoded")
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
        raise RequestError(
            f"No record of {board} has a key that begins with {key[:64]!r}: give the first digits "
            f"of a file's name in {board / RECORDS}, or no key for all that are not verified."
        )
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
        self,
        board: Path,
        records: Mapping[str, Record],
        states: Mapping[str, State],
        record: Record,
        level: Level | None,
    ) -> None:
        self.board, self.records, self.states = board, records, states
        self.record, self.level = record, level
        self.outcome: Outcome = "not verified"
        self.checks: dict[str, float] = {}
        self.notes: list[str] = []
        self.doubt: str | None = None
        """Why the record may be another one's, which only training again settles."""

    def verdict(self, copied: str | None) -> Verdict:
        reason = ""
        try:
            self._run(copied and f"{copied} Only training again tells which of them is genuine.")
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

    def _doubt(self, sentence: str | None) -> None:
        """Stop there, unless the run is to be trained again."""
        if sentence and self.level != "retrained":
            raise UnverifiableError(sentence)
        self.doubt = self.doubt or sentence

    def _run(self, copied: str | None) -> None:
        for problem in record_problems(self.record):
            raise UnverifiableError(f"it is not valid: {problem}")
        self._doubt(copied)
        reached: Outcome = "not verified"
        if self.level == "retrained" and without_evidence(self.board, [self.record]):
            self.notes.append("It has no evidence on the board: it was trained again only.")
        else:
            reached = self._evidence()
        if self.level == "retrained":
            reached = self._retrain(reached)
        self.outcome = reached

    def _evidence(self) -> Outcome:
        latents, self.checks["scores"] = rescore(self.board, self.record)
        if self.level == "rescored":
            return "rescored"
        try:
            from drbench.trust.verify.reencode import reencode
        except ImportError as error:
            return self._as_far_as("rescored", UnverifiableError(f"encoding needs torch: {error}."))
        try:
            found = reencode(self.board, self.record, latents)
        except UnverifiableError as error:
            return self._as_far_as("rescored", error)
        self.checks |= found.checks
        self.notes += found.notes
        self._compare_source()
        return "re-encoded"

    def _as_far_as(self, reached: Outcome, error: UnverifiableError) -> Outcome:
        """Stop at a weaker level, unless a stronger one was asked for."""
        if self.level == "re-encoded":
            raise error
        self.notes.append(f"Not encoded again: {error}")
        return reached

    def _compare_source(self) -> None:
        """Whether a transfer began with what the board's own record of its source ended with."""
        spec, hashes = self.record.spec, self.record.provenance.encoder_hash
        if spec.init is None:
            return
        source = self.records.get(spec.init.key)
        if source is None:
            self.notes.append(
                f"Its source {spec.init.key[:12]} is not on this board: whether it began with what "
                "that ended with was not compared."
            )
        elif source.provenance.encoder_hash["after"] != hashes["before"]:
            other = (
                f"It began with other weights than its source {source.key[:12]} on this board "
                "ended with"
            )
            elsewhere = list(dict.fromkeys([*made_elsewhere(source), *made_elsewhere(self.record)]))
            if elsewhere:
                self.notes.append(f"{other}, but that was made otherwise: {', '.join(elsewhere)}.")
            else:
                self._doubt(f"{other}: only training both again tells whether they are its own.")

    def _retrain(self, reached: Outcome) -> Outcome:
        from drbench.trust.verify.retrain import retrain

        row = [
            each
            for each in self.records.values()
            if self.states[each.key] in VERIFIED and group_id(each) == group_id(self.record)
        ]
        found = retrain(self.record, row if reached in VERIFIED else [])
        self.checks["retrained scores"] = found.apart
        if found.exact:
            self.notes.append("The encoder came back bit for bit.")
        elif self.doubt:
            raise UnverifiableError(f"{self.doubt} Trained again, the encoder came out otherwise.")
        return "retrained"
