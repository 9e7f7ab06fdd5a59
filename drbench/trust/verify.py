"""Checking runs on this machine, each in a process of its own: its numbers beside the board's.

A difference says how far machines are apart, and refutes nothing.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, final

from drbench.board.entry import Entry, Level, Submission
from drbench.board.rows import declared
from drbench.errors import BoardError, DrbenchError, RequestError
from drbench.progress import say
from drbench.runs.folder import RunFolder
from drbench.runs.record import Record, Stage
from drbench.trust.evidence import weights_name, weights_of_run, weights_problem
from drbench.trust.problems import problems_of
from drbench.trust.process import RUN, Request, checked_alone
from drbench.trust.reading import read_model
from drbench.trust.store import (
    RECORDS,
    entry_of,
    locked,
    name_of,
    read_files,
    replace_entry,
    write_board,
)

MINUTES = 60.0
"""How long the check of one run may take unless said."""
Outcome = Literal["new", "confirmed", "differs", "not checked"]


@final
@dataclass(frozen=True)
class Comparison:
    """One score, here and on the board."""

    metric: str
    stage: Stage
    board: float | None
    """None for a submission, which has no numbers."""
    here: float | None
    tolerance: float
    """How far the same weights may be apart on two machines, as the metric declares."""

    @property
    def apart(self) -> float:
        """How far they are; infinite where one of them has no value."""
        if self.board is None or self.here is None:
            return 0.0 if self.board is self.here else float("inf")
        return abs(self.board - self.here)


@final
@dataclass(frozen=True)
class Verdict:
    """What checking one run came to."""

    name: str
    """SUBMITTER/KEY."""
    level: Level
    outcome: Outcome
    """new: there was nothing on the board to compare with; confirmed: every score is within its
    tolerance; differs: one is not; not checked: it could not be done here."""
    reason: str = ""
    """Why it could not be checked, or was not written."""
    scores: tuple[Comparison, ...] = ()


def verify(
    board: Path,
    names: Iterable[str] = (),
    *,
    every: bool = False,
    level: Level = "re-encoded",
    by: str | None = None,
    minutes: float = MINUTES,
    on_verdict: Callable[[Verdict], None] | None = None,
) -> list[Verdict]:
    """Check submissions and entries of a board.

    Parameters
    ----------
    board : path
    names : iterable of str
        SUBMITTER/KEY, or unambiguous beginnings; none for all submissions that wait.
    every : bool
        All entries and submissions.
    level : {"re-encoded", "retrained"}
        Whether the weights that came are encoded with, or the run is trained anew, its source
        included.
    by : str, optional
        Whose machine this is. Then what is found goes to the board as it comes, in place of the
        older entry and of the submission; what was trained anew is never replaced by what was
        encoded only.
    minutes : float
        How long one check may take.
    on_verdict : callable, optional
        Called with each verdict as soon as it is there.

    Returns
    -------
    list of Verdict
        In the order of the names.

    Raises
    ------
    RequestError
        For a name that nothing, or more than one thing, begins with.
    BoardError
        If there is no such board, one of its files is invalid, or it cannot be written.
    """
    files = read_files(board).required()
    chosen = _chosen(files.documents, files.waiting, list(names), every)
    if by is not None:
        with locked(board):  # a board that cannot be written is refused before the work
            pass
    verdicts = []
    with TemporaryDirectory(prefix="drbench-verify-") as workspace:
        for number, document in enumerate(chosen, 1):
            run = f"{document.submitter}/{document.key[:12]}"
            say(f"{level}: {run} ({number} of {len(chosen)})")
            check = _Check(board, Path(workspace) / str(number), document, level, by)
            verdicts.append(check.verdict(minutes))
            if on_verdict:
                on_verdict(verdicts[-1])
    if by is not None and any(verdict.outcome != "not checked" for verdict in verdicts):
        write_board(board)
    return verdicts


def _name(document: Entry | Submission) -> str:
    return f"{document.submitter}/{document.key}"


def _chosen(
    documents: dict[Path, Entry | Submission],
    waiting: list[Submission],
    names: list[str],
    every: bool,
) -> list[Entry | Submission]:
    """What to check: of a run that is an entry and a submission at once, the entry."""
    unique: dict[str, Entry | Submission] = {}
    for document in documents.values():
        unique.setdefault(_name(document), document)
    if every:
        return list(unique.values())
    if not names:
        return list(waiting)
    chosen = {}
    for name in names:
        matches = [each for each in unique if name and each.startswith(name)]
        if len(matches) != 1:
            raise RequestError(
                f"{len(matches) or 'Nothing'} on the board begins with {name[:80]!r}: give more "
                f"of SUBMITTER/KEY, as files below {RECORDS} are called, or nothing for all that "
                "waits."
            )
        chosen[matches[0]] = unique[matches[0]]
    return list(chosen.values())


@final
@dataclass(frozen=True)
class _Check:
    """The check of one run."""

    board: Path
    folder: Path
    document: Entry | Submission
    level: Level
    by: str | None

    def verdict(self, minutes: float) -> Verdict:
        name = _name(self.document)
        try:
            record = self._record(minutes)
            scores = tuple(_compared(self.document, record))
            reason = "" if self.by is None else self._write(record, self.by)
        except DrbenchError as error:
            return Verdict(name, self.level, "not checked", str(error))
        if isinstance(self.document, Submission):
            return Verdict(name, self.level, "new", reason, scores)
        differs = any(each.apart > each.tolerance for each in scores)
        return Verdict(name, self.level, "differs" if differs else "confirmed", reason, scores)

    def _record(self, minutes: float) -> Record:
        """What a process of its own makes of the run."""
        for problem in problems_of(self.document):
            raise BoardError(problem)
        weights = {}
        if self.level == "re-encoded":
            for stage, digest in self.document.weights.items():
                path = (self.board / weights_name(digest)).absolute()
                if problem := weights_problem(path, digest):
                    raise BoardError(problem)
                weights[stage] = str(path)
        request = Request(spec=self.document.spec, level=self.level, weights=weights)
        return checked_alone(self.folder, request, minutes=minutes)

    def _write(self, record: Record, by: str) -> str:
        """Put what was found on the board; why not, if it was not."""
        document = self.document
        there = self.board / name_of(document)
        if read_model(there, type(document)) != document:
            raise BoardError(f"{there} changed meanwhile: verify it again.")
        if isinstance(document, Entry) and (document.level, self.level) == (
            "retrained",
            "re-encoded",
        ):
            return "not written: the board has what was trained anew"
        entry = entry_of(record, submitter=document.submitter, level=self.level, by=by)
        trained = self.level == "retrained"
        weights = weights_of_run(RunFolder(self.folder / RUN), record) if trained else {}
        replace_entry(self.board, entry, weights)
        return ""


def _compared(document: Entry | Submission, record: Record) -> Iterator[Comparison]:
    """Every score of a checked run, and what the board has for it."""
    theirs = document.record.scores if isinstance(document, Entry) else {}
    for stage in sorted(record.scores, reverse=True):  # before, then after
        for metric, result in record.scores[stage].items():
            earlier = theirs.get(stage, {}).get(metric)
            tolerance = declared(metric).tolerance
            board = earlier.value if earlier else None
            yield Comparison(metric, stage, board, result.value, tolerance)
