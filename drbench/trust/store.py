"""The folder of a leaderboard: what lies where, and adding to it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar, final

from filelock import FileLock

from drbench.board.board import Leaderboard
from drbench.board.build import build
from drbench.board.entry import Entry, Level, Submission
from drbench.board.rows import declared
from drbench.errors import BoardError, MissingBoardError
from drbench.files import write_text
from drbench.runs.folder import RunFolder, run_folders
from drbench.runs.record import RECORD, Record
from drbench.trust.evidence import bring_weights, drop_weights, weights_of_run
from drbench.trust.journal import JOURNAL, commit, finish, is_pending
from drbench.trust.problems import problems_of
from drbench.trust.reading import MIGRATE, read_model

BOARD = "leaderboard.json"
RECORDS = "records"
SUBMISSIONS = "submissions"
LOCK = ".lock"
Document = TypeVar("Document", Entry, Submission)


def add(board: Path, *runs: Path, name: str) -> list[Entry]:
    """Add runs that were done on this machine to one's own board; all of them, or none.

    Parameters
    ----------
    board : path
        Folder of the leaderboard; made if there is none.
    *runs : path
        Run folders, or folders of numbered runs.
    name : str
        Of whoever did the runs and keeps the board.

    Returns
    -------
    list of Entry
        Those that were new, or newer than what was there.

    Raises
    ------
    RequestError
        If there is no such run, or if its plugin files are not named.
    RunError, BoardError
        For a run that is not finished, or lacks its weights; for a board of version 1.0.
    """

    def made(record: Record) -> Entry:
        done = record.provenance.created
        return entry_of(record, submitter=name, level="retrained", by=name, checked=done)

    return _added(board, runs, made)


def submit(board: Path, *runs: Path, name: str) -> list[Submission]:
    """Put runs into a folder to send to another's board: specs and weights; all, or none.

    Parameters, returns and raises as `add`.
    """

    def made(record: Record) -> Submission:
        weights = record.provenance.encoder_hash
        return Submission(submitter=name, spec=record.spec, weights=weights)

    return _added(board, runs, made)


def entry_of(
    record: Record, *, submitter: str, level: Level, by: str, checked: datetime | None = None
) -> Entry:
    """The entry of a record that this machine made, now unless said.

    Raises
    ------
    UnknownNameError
        If a metric is not registered here.
    """
    metrics = {metric for scores in record.scores.values() for metric in scores}
    return Entry(
        submitter=submitter,
        level=level,
        by=by,
        checked=checked or datetime.now(UTC).replace(microsecond=0),
        directions={metric: declared(metric).direction for metric in sorted(metrics)},
        record=record,
    )


def _added(board: Path, runs: Iterable[Path], made: Callable[[Record], Document]) -> list[Document]:
    for problem in _older(board):  # a board of two versions could not be migrated any more
        raise BoardError(problem)
    documents: dict[str, Document] = {}
    weights: dict[str, dict[str, Path]] = {}
    for place in [each for run in runs for each in run_folders(run)]:
        record = RunFolder.open(place).read_record()
        if record is None:
            raise BoardError(
                f"{place / RECORD} is missing: finish that run with --resume, or add the finished "
                "ones by their own folders."
            )
        document = made(record)
        for problem in problems_of(document):
            raise BoardError(f"{place}: {problem}")
        documents[name_of(document)] = document
        weights[name_of(document)] = weights_of_run(RunFolder(place), record)
    with locked(board):
        new = [each for name, each in documents.items() if is_newer(each, board / name)]
        put(board, new, {d: path for each in new for d, path in weights[name_of(each)].items()})
    return new


def put(
    board: Path, documents: Iterable[Entry | Submission], weights: Mapping[str, Path]
) -> list[str]:
    """Write entries and submissions, all or none, with their weights; the caller holds the lock.

    Parameters
    ----------
    board : path
    documents : iterable of Entry or Submission
        What lies in their places is replaced.
    weights : mapping of str to path
        Files of the weights that they name, by their SHA-256.

    Returns
    -------
    names : list of str
        New files of weights, relative to the board's folder.

    Raises
    ------
    BoardError
        If the board cannot be written to.
    """
    texts = {name_of(each): each.to_json() for each in documents}
    replaced = [name for name in texts if (board / name).exists()]
    names = bring_weights(board, weights)
    commit(board, texts)
    if replaced:
        drop_weights(board, read_files(board).required().weights)
    return names


def is_newer(document: Entry | Submission, place: Path) -> bool:
    """Whether a document is not what lies in its place, nor older than that."""
    if not (place.exists() or place.is_symlink()):
        return True
    if isinstance(document, Submission):
        return read_model(place, Submission) != document
    there = read_model(place, Entry)
    return there != document and there.checked <= document.checked


def name_of(document: Entry | Submission) -> str:
    """Path of an entry or a submission, relative to its board's folder."""
    folder = RECORDS if isinstance(document, Entry) else SUBMISSIONS
    return f"{folder}/{document.submitter}/{document.key}.json"


@final
@dataclass(frozen=True)
class Files:
    """The entries and submissions of a board, read."""

    entries: dict[Path, Entry]
    submissions: dict[Path, Submission]
    problems: tuple[str, ...]
    """Why the other files cannot be read."""

    @property
    def documents(self) -> dict[Path, Entry | Submission]:
        """Both."""
        return {**self.entries, **self.submissions}

    @property
    def waiting(self) -> list[Submission]:
        """Submissions of which no entry was made yet."""
        done = {(entry.submitter, entry.key) for entry in self.entries.values()}
        return [s for s in self.submissions.values() if (s.submitter, s.key) not in done]

    @property
    def weights(self) -> dict[str, Path]:
        """SHA-256 of all weights that are named, and a file that names them."""
        return {
            digest: path
            for path, document in self.documents.items()
            for digest in document.weights.values()
        }

    def misnamed(self, board: Path) -> list[str]:
        """Problems of files whose place is not what their content says."""
        return [
            f"{path} must be {name_of(document)}: its place follows from what it holds."
            for path, document in self.documents.items()
            if path != board / name_of(document)
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


def read_files(board: Path) -> Files:
    """Read all entries and submissions of a board.

    Raises
    ------
    BoardError
        If there is no such board; files that cannot be read are the result's problems.
    """
    _require_settled(board)
    require_board(board)
    problems = _older(board)
    entries = dict(_read(board / RECORDS, Entry, problems))
    submissions = dict(_read(board / SUBMISSIONS, Submission, problems))
    return Files(entries, submissions, tuple(problems))


def _older(board: Path) -> list[str]:
    """Why each record of version 1.0, which lay in no folder of a submitter, cannot be read."""
    return [
        f"{path} is a record of version 1.0 of the format: {MIGRATE}"
        for path in sorted((board / RECORDS).glob("[!.]*.json"))
    ]


def _read(
    folder: Path, model: type[Document], problems: list[str]
) -> Iterator[tuple[Path, Document]]:
    for parent in [folder, *sorted(folder.glob("*/"))]:
        if parent.is_symlink():
            problems.append(f"{parent} is a link: a board's files lie in its own folder.")
            return
    for path in sorted(folder.glob("*/[!.]*.json")):
        try:
            yield path, read_model(path, model)
        except BoardError as error:
            problems.append(str(error))


def load_entries(board: Path) -> list[Entry]:
    """All entries of a board, sorted by submitter and key.

    Raises
    ------
    BoardError
        If there is no such board, or for the first file that is invalid.
    """
    return list(read_files(board).required().entries.values())


def require_board(board: Path) -> None:
    """Refuse a folder that is no board, before a lock is made in it."""
    if not any((board / name).is_dir() for name in (RECORDS, SUBMISSIONS)) and not is_pending(
        board
    ):
        raise MissingBoardError(
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


def built_board(board: Path) -> Leaderboard:
    """What the entries of a board give.

    Raises
    ------
    BoardError
        If there is no such board, or for a file of it that is invalid.
    """
    return build(load_entries(board))


def write_board(board: Path) -> Leaderboard:
    """Build leaderboard.json from the entries of a board and write it atomically.

    Raises
    ------
    BoardError
        If there is no such board, or for an entry that is invalid.
    """
    require_board(board)
    with locked(board):
        built = built_board(board)
        write_text(board / BOARD, built.to_json())
    return built


def replace_entry(board: Path, entry: Entry, weights: Mapping[str, Path]) -> None:
    """Put the newest entry of a run on a board, in place of an older one and of its submission.

    Parameters, returns and raises as `put`, which is told of weights of this entry alone.
    """
    with locked(board):
        put(board, [entry], weights)
        submission = board / SUBMISSIONS / entry.submitter / f"{entry.key}.json"
        if submission.exists():
            submission.unlink()
            drop_weights(board, read_files(board).required().weights)


@contextmanager
def locked(board: Path) -> Iterator[None]:
    """Hold a board's lock, made with the folder if there is none; finish what was interrupted."""
    path = board / LOCK
    if path.is_symlink():  # some versions of filelock would empty what it points at
        raise BoardError(f"{path} is a link: delete it.")
    lock = FileLock(path)
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
