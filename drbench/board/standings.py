"""Who leads a board, for people at a terminal: a short table for each ranking group."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

from drbench.board.board import Cell, Leaderboard, Row
from drbench.board.rows import comparable, labels, place, settings

COLUMNS = ("metric", "rank", "model", "seeds", "before", "after", "gain", "level")
LINES = 200
"""Lines beyond which a board is for the page, not for a terminal."""


@final
@dataclass(frozen=True)
class Standing:
    """Rows that are ranked among each other by one metric, the best first."""

    title: str
    lines: tuple[tuple[Any, ...], ...]
    """Values of `COLUMNS`, a line for each row."""


def standings(board: Leaderboard) -> list[Standing]:
    """Tables of a board, one for each metric and what it ranks together, official ones first."""
    blocks: defaultdict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in board.rows:
        for metric in row.metrics:
            blocks[metric, comparable(row, metric), row.level].append(row)
    titles = Counter(_title(metric, rows[0]) for (metric, *_), rows in blocks.items())
    tables = []
    for (metric, *_), rows in blocks.items():
        title = _title(metric, rows[0])
        if titles[title] > 1:
            title += f"; {settings(rows[0], rows[0].metrics[metric])}"
        tables.append(Standing(title, _lines(metric, rows, board.ranking.n_prescribed)))
    return tables


def _title(metric: str, row: Row) -> str:
    apart = "" if row.level == "retrained" else ", weights from the authors"
    # Or a gain below 0 would read as a loss.
    lower = " (lower is better)" if row.metrics[metric].direction == "lower" else ""
    return f"{row.track}: {metric}{lower} on {place(row)}{apart}"


def _lines(metric: str, rows: Sequence[Row], n_prescribed: int) -> tuple[tuple[Any, ...], ...]:
    names = labels(rows)
    cells = {row.id: row.metrics[metric] for row in rows}

    def order(row: Row) -> tuple[bool, int, str, str]:
        rank = cells[row.id].rank
        return rank is None, rank.place if rank else 0, names[row.id], row.id

    return tuple(
        _line(metric, names[row.id], cells[row.id], row, n_prescribed)
        for row in sorted(rows, key=order)
    )


def _line(metric: str, label: str, cell: Cell, row: Row, n_prescribed: int) -> tuple[Any, ...]:
    rank = None
    if cell.rank:
        # First of one is no rank.
        alone, span = cell.rank.of == 1, f"({cell.rank.best}-{cell.rank.worst})"
        rank = "alone" if alone else f"{cell.rank.place} {span}"
    score = cell.score
    means = [each.mean if each else None for each in (score.before, score.after, score.gain)]
    return (metric, rank, label, f"{row.n_seeds} of {n_prescribed}", *means, row.level)
