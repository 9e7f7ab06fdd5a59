"""The folder of a leaderboard: records/KEY.json, one a run, and leaderboard.json made of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from drbench.errors import BoardError
from drbench.files import write_text
from drbench.leaderboard.board import Leaderboard
from drbench.leaderboard.build import build
from drbench.leaderboard.reading import read_model
from drbench.runs.folder import run_folders
from drbench.runs.record import Record

RECORD = "record.json"
BOARD = "leaderboard.json"
RECORDS = "records"


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
        For a run without a record, an invalid record, or another record of the same run.
    """
    files = [file for run in runs for file in find_records(run)]
    given = [(file, read_model(file, Record)) for file in files]
    with _lock(board):
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
        for record in new.values():
            write_text(board / RECORDS / f"{record.key}.json", record.to_json())
    return list(new.values())


def load_board(board: Path) -> list[Record]:
    """All records of a board, sorted by key.

    Raises
    ------
    BoardError
        If there is no such board, or for the first record that is invalid.
    """
    return [read_model(path, Record) for path in record_files(board)]


def record_files(board: Path) -> list[Path]:
    """Record files of a board, sorted by name."""
    folder = board / RECORDS
    if not folder.is_dir():
        raise BoardError(
            f"{board} is no leaderboard: it has no folder {RECORDS}. Add a run with "
            "`drbench leaderboard add RUN`."
        )
    return sorted(folder.glob("[!.]*.json"))


def write_board(board: Path) -> Leaderboard:
    """Build leaderboard.json from the records of a board and write it atomically.

    Raises
    ------
    BoardError
        If there is no such board, or for a record that is invalid.
    """
    record_files(board)  # refuses a folder that is no board before a lock is made in it
    with _lock(board):
        built = build(load_board(board))
        write_text(board / BOARD, built.to_json())
    return built


@contextmanager
def _lock(board: Path) -> Iterator[None]:
    lock = FileLock(board / ".lock")
    try:
        board.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise BoardError(f"Cannot write to the board {board}: {error.strerror}.") from error
    try:
        yield
    finally:
        lock.release()
