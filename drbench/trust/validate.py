"""Checking a board: what is wrong with it, all of it, in sentences."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from drbench.board.board import Check, Leaderboard
from drbench.board.build import build
from drbench.errors import BoardError
from drbench.publish.diff import (
    LARGEST,
    differs,
    read_board,
    scores_by_run,
    title,
)
from drbench.publish.diff import TOLERANCE as CHANGE
from drbench.runs.record import Record
from drbench.trust.copies import copies
from drbench.trust.evidence import evidence_problems
from drbench.trust.problems import record_problems
from drbench.trust.reading import read_text
from drbench.trust.store import (
    BOARD,
    RECORDS,
    VERIFICATIONS,
    load_verifications,
    read_files,
    record_files,
    record_name,
    verification_files,
)
from drbench.trust.verification import STATES, Verification, Verifications, record_hash

Checks = Mapping[str, Sequence[Verification] | Sequence[Check]]
"""Verifications by a record's key, whole or as leaderboard.json has them."""


def validate(
    board: Path,
    against: str | Path | None = None,
    *,
    derived: bool = True,
    allow_verifications: bool = False,
) -> list[str]:
    """Problems of a board, one sentence each; an empty list is a valid board.

    Checked are: every file in records/ (a regular file named after its key, strict JSON as drbench
    writes it, the record's schema, the key equal to the hash of the spec), names, factors against
    the registered data set where its plugin is installed, scores against the metric's range
    likewise, numbers of rows, runs that were copied under another seed or name, verifications and
    evidence, and leaderboard.json against all of these.

    Parameters
    ----------
    board : path
        Folder of the board.
    against : path or str, optional
        Board that was published before, as `read_board` takes it: no run of it may be gone, have
        another score, or be less verified, unless it was refuted; and no run may bring a
        verification, or lack one, that differs from what was published: states are given by those
        who keep a board, not by who submits to it.
    derived : bool
        Whether leaderboard.json is checked; not needed of a board that is built anew anyway.
    allow_verifications : bool
        Whether verifications may differ from those that were published, as on a board of one's own.

    Raises
    ------
    BoardError
        If there is no board in that folder, or none to compare with.
    """
    base = read_board(against) if against is not None else None
    files = read_files(board)
    records, checks, problems = files.records, files.checks, [*files.problems]
    for path, record in records.items():
        problems += [f"{path}: {problem}" for problem in record_problems(record)]
    problems += files.misnamed()
    read: dict[Path, Record | Verifications] = {**records, **checks}
    problems += [
        f"{path} is not as drbench writes it: add the record with `drbench leaderboard add`."
        for path, each in read.items()
        if path not in files.older and read_text(path) != each.to_json()
    ]
    problems += _strangers(board)
    problems += copies(records, board)
    problems += _verification_problems(records, checks)
    problems += evidence_problems(board, records)
    if files.problems:
        problems.append(f"{board / BOARD} was not compared: mend the files it is made of first.")
        return problems
    try:
        built = build(records.values(), checks.values())
    except BoardError as error:
        return [*problems, str(error)]
    if derived:
        problems += _derived(board, built)
    if base is not None:
        problems += changes(base, built)
    if base is not None and against is not None and not allow_verifications:
        before, now = _summaries(base), _summaries(built)
        if (Path(against) / RECORDS).is_dir():  # or only a leaderboard.json, which says less
            before, now = _whole(load_verifications(Path(against))), _whole(checks.values())
        problems += _other_checks(
            {run.key: before.get(run.key, ()) for row in built.rows for run in row.all_runs}, now
        )
    return problems


def _strangers(board: Path) -> Iterator[str]:
    """Files that do not belong where they are."""
    for name, listed in (
        (RECORDS, record_files(board)),
        (VERIFICATIONS, verification_files(board)),
    ):
        folder = board / name
        if folder.is_symlink():
            yield f"{folder} is a link: a board's files lie in its own folder."
        if folder.is_dir():
            for path in sorted(folder.iterdir()):
                if path not in listed:
                    yield f"{path} does not belong there: only files named KEY.json do."


def changes(base: Leaderboard, board: Leaderboard) -> Iterator[str]:
    """What of a published board is gone from another, has other scores, or is less verified."""
    now = {run.key: run for row in board.rows for run in row.all_runs}
    scores = {key: found for row in board.rows for key, found in scores_by_run(row).items()}
    for row in base.rows:
        published = scores_by_run(row)
        for run in row.all_runs:
            if run.key not in now:
                yield f"the run {run.key[:12]} of {title(row)} was published and is gone."
                continue
            # Of a run that does not count there are no scores to compare.
            compared = run.key in published and run.key in scores
            if not compared and now[run.key].record_hash != run.record_hash:
                yield f"the run {run.key[:12]} was published with another record."
            state = now[run.key].state
            if state != "refuted" and STATES.index(state) < STATES.index(run.state):
                yield f"the run {run.key[:12]} was {run.state}, and is only {state} now."
        for key, before in published.items():
            for name, old in before.items():
                new = scores.get(key, before).get(name)
                if differs(old, new, CHANGE):
                    yield f"the run {key[:12]}: {name} was published as {old}, and is {new} now."


def _summaries(board: Leaderboard) -> Checks:
    return {run.key: run.checks for row in board.rows for run in row.all_runs}


def _whole(verifications: Iterable[Verifications]) -> Checks:
    return {each.key: each.verifications for each in verifications}


def _other_checks(base: Checks, board: Checks) -> Iterator[str]:
    """Verifications of runs in `base` that are on one of two boards only."""
    for key, published in base.items():
        missing: list[Verification | Check] = list(published)
        for check in board.get(key, ()):
            if check in missing:
                missing.remove(check)
                continue
            yield (
                f"the run {key[:12]} brings a verification that was not published, {check.state} "
                f"by {check.by}: states are given by maintainers; put {VERIFICATIONS}/{key}.json "
                "back as it was published, if it was, or allow it with --allow-verifications on a "
                "board of your own."
            )
        for lost in missing:
            yield (
                f"the run {key[:12]} lacks a verification that was published, {lost.state} by "
                f"{lost.by}: put {VERIFICATIONS}/{key}.json back as it was."
            )


def _verification_problems(
    records: dict[Path, Record], checks: dict[Path, Verifications]
) -> Iterator[str]:
    hashes = {record.key: record_hash(record) for record in records.values()}
    for path, each in checks.items():
        if each.key not in hashes:
            # A record that is there and cannot be read has a problem of its own.
            if not path.parents[1].joinpath(record_name(each.key)).exists():
                yield f"{path} verifies a record that is not on the board."
        elif any(check.record_hash != hashes[each.key] for check in each.verifications):
            yield f"{path} verifies another version of its record: verify it again."


def _derived(board: Path, built: Leaderboard) -> Iterator[str]:
    path = board / BOARD
    if not path.exists():
        yield f"{path} is missing: run `drbench leaderboard build`."
        return
    try:
        written = read_text(path, LARGEST)
    except BoardError as error:
        yield str(error)
        return
    if written != built.to_json():
        yield f"{path} is not what its records give: run `drbench leaderboard build`."
