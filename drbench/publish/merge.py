"""Several people's boards into one."""

from dataclasses import dataclass
from pathlib import Path
from typing import final

from drbench.errors import BoardError
from drbench.files import canonical_json
from drbench.runs.record import Record
from drbench.trust.evidence import EVIDENCE, bring_evidence, evidence_files
from drbench.trust.journal import commit
from drbench.trust.names import name_problems
from drbench.trust.store import (
    RECORDS,
    locked,
    read_files,
    record_name,
    verification_name,
)
from drbench.trust.verification import Verification, Verifications


@final
@dataclass(frozen=True)
class Merged:
    """What came to a board, relative to its folder."""

    records: tuple[str, ...]
    verifications: tuple[str, ...]
    """Files that are new, or that hold more checks."""
    evidence: tuple[str, ...]


def merge(into: Path, *boards: Path) -> Merged:
    """Bring the records, verifications and evidence of boards into one; all, or nothing.

    leaderboard.json is not built. A record that is there already is left alone; of verifications
    the union is kept.

    Raises
    ------
    BoardError
        If two boards hold different records of one run, which are all named, or if a file of any
        is invalid.
    """
    sources = [Contents.read(board) for board in boards]
    with locked(into):
        known = Contents.read(into) if (into / RECORDS).is_dir() else Contents(into, {}, {}, {})
        conflicts = _conflicts([known, *sources])
        if conflicts:
            many = f"{len(conflicts)} {'conflict' if len(conflicts) == 1 else 'conflicts'}"
            raise BoardError(f"{many}, and nothing was merged. " + " ".join(conflicts))
        texts: dict[str, str] = {}
        for source in sources:
            texts |= {
                record_name(key): record.to_json()
                for key, record in source.records.items()
                if key not in known.records
            }
        records = tuple(sorted(texts))
        checks = {
            verification_name(key): merged.to_json()
            for key in {key for source in sources for key in source.checks}
            if (merged := _union(key, [known, *sources])) != known.checks.get(key)
        }
        evidence = {
            name: path
            for source in sources
            for name, path in source.evidence.items()
            if name not in known.evidence
        }
        bring_evidence(into, evidence)
        commit(into, texts | checks)
    return Merged(
        records, tuple(sorted(checks)), tuple(f"{EVIDENCE}/{name}" for name in sorted(evidence))
    )


@final
@dataclass(frozen=True)
class Contents:
    """What a board holds, checked."""

    board: Path
    records: dict[str, Record]
    """By key."""
    checks: dict[str, Verifications]
    """By key."""
    evidence: dict[str, Path]
    """By path below the folder of evidence."""

    @classmethod
    def read(cls, board: Path) -> "Contents":
        """Read a board.

        Raises
        ------
        BoardError
            If there is none, or for the first file that is invalid.
        """
        files = read_files(board).required()
        for problem in files.misnamed():
            raise BoardError(problem)
        for path, record in files.records.items():
            for problem in name_problems(record):
                raise BoardError(f"{path}: {problem}")
        records = {record.key: record for record in files.records.values()}
        checks = {each.key: each for each in files.checks.values()}
        return cls(board, records, checks, evidence_files(board))


def _conflicts(contents: list[Contents]) -> list[str]:
    first: dict[str, tuple[Path, Record]] = {}
    found = []
    for each in contents:
        for key, record in each.records.items():
            board, other = first.setdefault(key, (each.board, record))
            if other != record:
                found.append(
                    f"{board / record_name(key)} and {each.board / record_name(key)} are different "
                    "records of one run: keep one of them."
                )
    return found


def _union(key: str, contents: list[Contents]) -> Verifications:
    """All checks of a record, each once, in the order of their days."""
    unique: dict[str, Verification] = {}
    for each in contents:
        for check in each.checks[key].verifications if key in each.checks else ():
            unique[canonical_json(check.model_dump(mode="json"))] = check
    ordered = sorted(unique.items(), key=lambda item: (item[1].date, item[0]))
    return Verifications(key=key, verifications=tuple(check for _, check in ordered))
