"""Several boards into one."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import final

from drbench.board.entry import Entry, Submission, submission_of
from drbench.errors import BoardError
from drbench.trust.evidence import weights_name, weights_problem
from drbench.trust.problems import problems_of
from drbench.trust.store import RECORDS, SUBMISSIONS, Files, locked, name_of, put, read_files


@final
@dataclass(frozen=True)
class Merged:
    """What came to a board, relative to its folder."""

    records: tuple[str, ...]
    """Entries that are new, or newer than what was there."""
    submissions: tuple[str, ...]
    evidence: tuple[str, ...]
    conflicts: tuple[str, ...]
    """Runs of which there were two different files, a sentence each."""


def merge(into: Path, *boards: Path, records: bool = False, submitter: str | None = None) -> Merged:
    """Bring what is on boards into one; all, or nothing. leaderboard.json is not built.

    Parameters
    ----------
    into : path
    *boards : path
    records : bool
        Whether entries come as they are, from boards that one keeps oneself; otherwise they come
        as submissions, without numbers.
    submitter : str, optional
        Under whose name submissions come; by default the names that they have.

    Raises
    ------
    BoardError
        If a file of any board is invalid.
    """
    sent = [
        (board, document)
        for board in boards
        for document in _sent(_checked(board), records=records, submitter=submitter)
    ]
    with locked(into):
        present = _present(into)
        entered = {(entry.submitter, entry.key) for entry in present.entries.values()}
        newest: dict[str, tuple[Path, Entry | Submission]] = {}
        conflicts: list[str] = []
        for board, document in sent:
            name = name_of(document)
            if isinstance(document, Submission) and (document.submitter, document.key) in entered:
                continue  # it is checked already
            _, rival = newest.get(name, (into, present.documents.get(into / name)))
            if rival is not None and rival != document:
                newer = _newer(rival, document)
                kept = "replaces" if newer is document else "is older than"
                conflicts.append(
                    f"{board / name} {kept} another {type(document).__name__.lower()}."
                )
                if newer is rival:
                    continue
            newest[name] = board, document
        new = {n: each for n, each in newest.items() if present.documents.get(into / n) != each[1]}
        weights = {
            digest: board / weights_name(digest)
            for board, document in new.values()
            for digest in document.weights.values()
        }
        evidence = put(into, [document for _, document in new.values()], weights)
    return Merged(
        records=tuple(sorted(name for name in new if name.startswith(RECORDS))),
        submissions=tuple(sorted(name for name in new if name.startswith(SUBMISSIONS))),
        evidence=tuple(evidence),
        conflicts=tuple(conflicts),
    )


def _present(board: Path) -> Files:
    """What a board holds that may not be there yet."""
    there = any((board / name).is_dir() for name in (RECORDS, SUBMISSIONS))
    return read_files(board).required() if there else Files({}, {}, ())


def _newer(rival: Entry | Submission, document: Entry | Submission) -> Entry | Submission:
    """Of two entries the one that was made last; of submissions the one that comes now."""
    if isinstance(rival, Entry) and isinstance(document, Entry):
        return document if document.checked > rival.checked else rival
    return document


def _sent(files: Files, *, records: bool, submitter: str | None) -> Iterator[Entry | Submission]:
    """What of a board goes to another."""
    if records:
        yield from files.documents.values()
        return
    for document in files.documents.values():
        if isinstance(document, Entry):
            yield submission_of(document, submitter)
        else:
            yield document.model_copy(update={"submitter": submitter or document.submitter})


def _checked(board: Path) -> Files:
    """What a board holds, valid, with its weights.

    Raises
    ------
    BoardError
        With the first problem.
    """
    files = read_files(board).required()
    for problem in files.misnamed(board):
        raise BoardError(problem)
    for path, document in files.documents.items():
        for problem in problems_of(document):
            raise BoardError(f"{path}: {problem}")
    for digest in files.weights:
        if problem := weights_problem(board / weights_name(digest), digest):
            raise BoardError(problem)
    return files
