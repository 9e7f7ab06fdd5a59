"""What changed from one board to another, for whoever reviews it."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, final

from drbench.board.board import Cell, Leaderboard, Row, Summary
from drbench.errors import BoardError, MissingBoardError
from drbench.trust.reading import parse_model, read_model
from drbench.trust.store import BOARD, RECORDS, SUBMISSIONS, built_board

TOLERANCE = 1e-9
"""By how much a score may differ without being another one."""
LARGEST = 512 * 2**20
"""Bytes of a leaderboard.json that are read."""

What = Literal["row", "run", "score", "mean", "rank"]


@final
@dataclass(frozen=True)
class Difference:
    """One thing that is not the same on two boards."""

    what: What
    row: str
    """The row, for people: its submitter, what it is of, and the start of its id."""
    name: str
    """Which metric, or which run."""
    old: str | float | None
    """Before; None for what is new."""
    new: str | float | None
    """Now; None for what is gone."""


def read_board(place: str | Path) -> Leaderboard:
    """A board: a folder (built anew from its entries), a leaderboard.json, or `git:REV:PATH`.

    Raises
    ------
    BoardError
        If there is none, or it is invalid.
    """
    if str(place).startswith("git:"):
        return _from_git(str(place))
    path = Path(place)
    if any((path / name).is_dir() for name in (RECORDS, SUBMISSIONS)):
        return built_board(path)
    if path.is_dir():
        path = path / BOARD
    if not path.exists():
        raise MissingBoardError(
            f"{place} is no board: expected a folder with {RECORDS}, or a {BOARD}."
        )
    return read_model(path, Leaderboard, limit=LARGEST)


def diff(old: Leaderboard, new: Leaderboard, *, tolerance: float = TOLERANCE) -> list[Difference]:
    """All that differs: rows, runs, scores, means, ranks."""
    before = {row.id: row for row in old.rows}
    after = {row.id: row for row in new.rows}
    differences: list[Difference] = []
    for name in [*before, *(name for name in after if name not in before)]:
        if name not in after:
            row = before[name]
            differences.append(Difference("row", title(row), "", _runs(row), None))
        elif name not in before:
            row = after[name]
            differences.append(Difference("row", title(row), "", None, _runs(row)))
        else:
            differences += _row_differences(before[name], after[name], tolerance)
    return differences


def title(row: Row) -> str:
    """A row, for people."""
    where = row.target.name if row.kind == "source" else f"{row.source.name} to {row.target.name}"
    return f"{row.track} {where} {row.model} of {row.submitter}, {row.level} ({row.id[:8]})"


def scores_by_run(row: Row) -> dict[str, dict[str, float | None]]:
    """Every value of each run that counts: scores, factors and parts, before and after.

    By key; nothing of those that do not count.
    """
    scores: dict[str, dict[str, float | None]] = {run.key: {} for run in row.runs}
    for metric, cell in row.metrics.items():
        for name, stage, summary in _summaries(metric, cell):
            for run, value in zip(row.runs, summary.values or (), strict=False):
                scores[run.key][f"{name} {stage}"] = value
    return scores


def differs(a: float | None, b: float | None, tolerance: float) -> bool:
    """Whether two values are not the same, or one is missing."""
    if a is None or b is None:
        return a is not b
    return abs(a - b) > tolerance


def _summaries(metric: str, cell: Cell) -> Iterator[tuple[str, str, Summary]]:
    changes = {metric: cell.score}
    changes |= {f"{metric} of {name}": change for name, change in cell.per_factor.items()}
    changes |= {f"{metric} {name}": change for name, change in cell.parts.items()}
    for name, change in changes.items():
        yield name, "after", change.after
        if change.before is not None:
            yield name, "before", change.before


def _runs(row: Row) -> str:
    """How many runs a row has."""
    return f"{len(row.all_runs)} {'run' if len(row.all_runs) == 1 else 'runs'}"


def _row_differences(old: Row, new: Row, tolerance: float) -> Iterator[Difference]:
    name = title(new)
    before, after = scores_by_run(old), scores_by_run(new)
    now = {run.key: run for run in new.all_runs}
    for run in old.all_runs:
        if run.key not in now:
            yield Difference("run", name, run.key, f"by {run.by}", None)
            continue
        scores, others = before.get(run.key, {}), after.get(run.key, {})
        if not (scores and others):  # a run that does not count shows no scores
            if now[run.key].entry_hash != run.entry_hash:
                old_hash, new_hash = run.entry_hash, now[run.key].entry_hash
                yield Difference("run", name, f"{run.key[:12]} entry", old_hash, new_hash)
            continue
        for which in [*scores, *(which for which in others if which not in scores)]:
            was, now_is = scores.get(which), others.get(which)
            if differs(was, now_is, tolerance):
                yield Difference("score", name, f"{run.key[:12]} {which}", was, now_is)
    earlier = {run.key for run in old.all_runs}
    for run in new.all_runs:
        if run.key not in earlier:
            yield Difference("run", name, run.key, None, f"by {run.by}")
    for metric in sorted(old.metrics.keys() | new.metrics.keys()):
        a, b = old.metrics.get(metric), new.metrics.get(metric)
        if differs(_mean(a), _mean(b), tolerance):
            yield Difference("mean", name, metric, _mean(a), _mean(b))
        if _rank(a) != _rank(b):
            yield Difference("rank", name, metric, _rank(a), _rank(b))


def _mean(cell: Cell | None) -> float | None:
    return cell.score.after.mean if cell else None


def _rank(cell: Cell | None) -> str | None:
    if cell is None or cell.rank is None:
        return None
    rank = cell.rank
    return f"{rank.place} ({rank.best} to {rank.worst}) of {rank.of}"


def _from_git(place: str) -> Leaderboard:
    """A leaderboard.json of a commit; PATH is that file or its folder, relative to here."""
    revision, colon, path = place.removeprefix("git:").partition(":")
    if not (revision and colon and path) or revision.startswith("-"):
        raise BoardError(f"{place}: expected git:REV:PATH, such as git:main:leaderboard.")
    file = path if path.endswith(".json") else f"{path.rstrip('/')}/{BOARD}"
    command = ["git", "show", f"{revision}:./{file}"]
    try:
        done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    except OSError as error:
        raise BoardError(
            f"{place} needs git, which cannot be started: {error.strerror}."
        ) from error
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().splitlines() or ["git gave no reason"]
        raise BoardError(f"{place} cannot be read: {reason[0][:200]}.")
    try:
        return parse_model(done.stdout.decode(), Leaderboard, where=place)
    except UnicodeDecodeError as error:
        raise BoardError(f"{place} is not UTF-8 text: {error.reason}.") from error
