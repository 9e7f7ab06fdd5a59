"""The folder of a leaderboard: what lies where, and adding to it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import final

from filelock import FileLock

from drbench.board.board import Leaderboard
from drbench.board.build import build
from drbench.errors import BoardError
from drbench.files import sha256_text, write_text
from drbench.runs.folder import RunFolder, run_folders
from drbench.runs.record import Record
from drbench.trust.evidence import bring_evidence, evidence_of_run
from drbench.trust.journal import JOURNAL, commit, finish, is_pending
from drbench.trust.problems import record_problems
from drbench.trust.reading import parse_versioned, read_model, read_text
from drbench.trust.verification import Verifications, record_hash

RECORD = "record.json"
BOARD = "leaderboard.json"
RECORDS = "records"
VERIFICATIONS = "verifications"
LOCK = ".lock"


def find_records(path: Path) -> list[Path]:
    """Record files of a run: the file itself, RUN/record.json, or those of RUN/0, RUN/1, ...

    Raises
    ------
    RunError
        If there is no run.
    BoardError
        If a run has no record, because it is not finished.
    """
    if path.is_file():
        return [path]
    if (path / RECORD).is_file():
        return [path / RECORD]
    files = [run / RECORD for run in run_folders(path)]
    for file in files:
        if not file.is_file():
            raise BoardError(
                f"{file} is missing: finish that run with --resume, or add the finished ones by "
                "their own folders."
            )
    return files


def add(board: Path, *runs: Path) -> list[Record]:
    """Copy the records of runs into a board; all of them, or none if one is refused.

    Evidence (the encoder's weights and the latents) goes along where the run's folder holds it
    whole; a record that comes without stays self-reported until its evidence is added.

    Parameters
    ----------
    board : path
        Folder of the leaderboard; made if there is none.
    *runs : path
        Run folders, folders of numbered runs, or record files.

    Returns
    -------
    list of Record
        Those that were new; a record that is there already, content and all, is left alone.

    Raises
    ------
    RunError, BoardError
        For a run without a record, an invalid record, another record of the same run, or files of
        evidence that are not what their record says.
    """
    files = [file for run in runs for file in find_records(run)]
    given = [(file, read_model(file, Record)) for file in files]
    for file, record in given:
        for problem in record_problems(record):
            raise BoardError(f"{file}: {problem}")
    evidence: dict[str, Path] = {}
    for file, record in given:
        evidence |= evidence_of_run(RunFolder(file.parent), record)
    with locked(board):
        new: dict[str, Record] = {}
        for file, record in given:
            place = board / RECORDS / f"{record.key}.json"
            there = new.get(record.key)
            if there is None and (place.exists() or place.is_symlink()):
                there = read_model(place, Record)
            if there is None:
                new[record.key] = record
            elif there != record:
                raise BoardError(
                    f"{file} is another record of a run that is on the board already ({place}): "
                    "runs are published once; delete that one first if this one shall replace it."
                )
        bring_evidence(board, evidence)
        commit(board, {record_name(record.key): record.to_json() for record in new.values()})
    return list(new.values())


def record_name(key: str) -> str:
    """Path of a record, relative to its board's folder."""
    return f"{RECORDS}/{key}.json"


def verification_name(key: str) -> str:
    """Path of a record's verifications, relative to its board's folder."""
    return f"{VERIFICATIONS}/{key}.json"


@final
@dataclass(frozen=True)
class Files:
    """The records and verifications of a board, read."""

    records: dict[Path, Record]
    checks: dict[Path, Verifications]
    """Each holds for the record that it was made of, even if that was of an older version."""
    older: frozenset[Path]
    """Files of an older version, and verifications of such records."""
    problems: tuple[str, ...]
    """Why the other files cannot be read."""

    def misnamed(self) -> list[str]:
        """Problems of files that are not named after their keys."""
        read: dict[Path, Record | Verifications] = {**self.records, **self.checks}
        return [
            f"{path} must be named after its key, {each.key}.json."
            for path, each in read.items()
            if path.stem != each.key
        ]

    def required(self) -> "Files":
        """The same, if all can be read.

        Raises
        ------
        BoardError
            With the first problem.
        """
        for problem in self.problems:
            raise BoardError(problem)
        return self


def read_files(board: Path, *, major: bool = False) -> Files:
    """Read all records and verifications of a board, of older major versions too if asked.

    Raises
    ------
    BoardError
        If there is no such board; files that cannot be read are the result's problems.
    """
    records: dict[Path, Record] = {}
    checks: dict[Path, Verifications] = {}
    problems: list[str] = []
    older: set[Path] = set()
    hashes: dict[str, str] = {}
    keys: dict[str, str] = {}
    for path in record_files(board):
        try:
            text = read_text(path)
            records[path], is_old = parse_versioned(text, Record, where=path, major=major)
        except BoardError as error:
            problems.append(str(error))
            continue
        if is_old:
            older.add(path)
            hashes[sha256_text(text)] = record_hash(records[path])
            keys[path.stem] = records[path].key
    for path in verification_files(board):
        try:
            read, is_old = parse_versioned(read_text(path), Verifications, where=path, major=major)
        except BoardError as error:
            problems.append(str(error))
            continue
        checks[path] = read.carried(hashes, keys)
        if is_old or checks[path] != read:
            older.add(path)
    return Files(records, checks, frozenset(older), tuple(problems))


def load_board(board: Path) -> list[Record]:
    """All records of a board, sorted by key.

    Raises
    ------
    BoardError
        If there is no such board, or for the first file that is invalid.
    """
    return list(read_files(board).required().records.values())


def load_verifications(board: Path) -> list[Verifications]:
    """What others have checked of a board's records, sorted by key.

    Raises
    ------
    BoardError
        If there is no such board, or for the first file that is invalid.
    """
    return list(read_files(board).required().checks.values())


def record_files(board: Path) -> list[Path]:
    """Record files of a board, sorted by name."""
    _require_settled(board)
    require_board(board)
    return sorted((board / RECORDS).glob("[!.]*.json"))


def require_board(board: Path) -> None:
    """Refuse a folder that is no board, before a lock is made in it."""
    if not (board / RECORDS).is_dir() and not is_pending(board):
        raise BoardError(
            f"{board} is no leaderboard: it has no folder {RECORDS}. Add a run with "
            "`drbench leaderboard add RUN`."
        )


def _require_settled(board: Path) -> None:
    """Wait for whoever is moving files; of an interrupted command nobody shall see the half."""
    lock = board / LOCK
    if is_pending(board) and lock.is_file() and not lock.is_symlink():
        with suppress(OSError), FileLock(lock):
            pass
    if is_pending(board):
        # Who only reads writes nothing, least of all what a stranger's board says is half done.
        raise BoardError(
            f"{board / JOURNAL} is what an interrupted command left: finish it with `drbench "
            "leaderboard build`, or delete it in a board that you were sent."
        )


def verification_files(board: Path) -> list[Path]:
    """Files of verifications of a board, sorted by name; none if there is no such folder."""
    return sorted((board / VERIFICATIONS).glob("[!.]*.json"))


def built_board(board: Path) -> Leaderboard:
    """What the records and verifications of a board give.

    Raises
    ------
    BoardError
        If there is no such board, or for a file of it that is invalid.
    """
    files = read_files(board).required()
    return build(files.records.values(), files.checks.values())


def write_board(board: Path) -> Leaderboard:
    """Build leaderboard.json from the records of a board and write it atomically.

    Raises
    ------
    BoardError
        If there is no such board, or for a record that is invalid.
    """
    require_board(board)
    with locked(board):
        built = built_board(board)
        write_text(board / BOARD, built.to_json())
    return built


def write_verifications(board: Path, checks: Mapping[str, Verifications]) -> None:
    """Write files of verifications by key, all or none; the caller holds the lock."""
    commit(board, {verification_name(key): each.to_json() for key, each in checks.items()})


@contextmanager
def locked(board: Path) -> Iterator[None]:
    """Hold a board's lock, made with the folder if there is none; finish what was interrupted."""
    lock = FileLock(board / LOCK)
    try:
        board.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise BoardError(f"Cannot write to the board {board}: {error.strerror}.") from error
    try:
        finish(board)
        yield
    finally:
        lock.release()
