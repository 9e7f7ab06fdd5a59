"""Who leads a board, for people at a terminal: a short table for each ranking group."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

from drbench.board.board import Cell, Leaderboard, Row
from drbench.board.groups import group, place, settings

COLUMNS = ("metric", "rank", "model", "seeds", "before", "after", "gain", "checked")
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
    blocks: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in board.rows:
        for metric, cell in row.metrics.items():
            blocks[metric, group(row, cell)].append(row)
    titles = Counter(_title(metric, rows[0]) for (metric, _), rows in blocks.items())
    found = []
    for (metric, _), rows in blocks.items():
        title = _title(metric, rows[0])
        if titles[title] > 1:
            title += f"; {settings(rows[0], rows[0].metrics[metric])}"
        found.append(Standing(title, _lines(metric, rows)))
    return found


def _title(metric: str, row: Row) -> str:
    what = "trained on" if row.kind == "source" else "transferred to"
    return f"{row.track}: {metric}, {what} {place(row)}"


def _lines(metric: str, rows: Sequence[Row]) -> tuple[tuple[Any, ...], ...]:
    labels = _labels(rows)
    cells = {row.id: row.metrics[metric] for row in rows}

    def order(row: Row) -> tuple[bool, int, str, str]:
        rank = cells[row.id].rank
        return rank is None, rank.place if rank else 0, labels[row.id], row.id

    return tuple(
        _line(metric, labels[row.id], cells[row.id], row) for row in sorted(rows, key=order)
    )


def _line(metric: str, label: str, cell: Cell, row: Row) -> tuple[Any, ...]:
    rank = None
    if cell.rank:
        # First of one is no rank.
        alone, span = cell.rank.of == 1, f"({cell.rank.best}-{cell.rank.worst})"
        rank = "alone" if alone else f"{cell.rank.place} {span}"
    score = cell.score
    means = [each.mean if each else None for each in (score.before, score.after, score.gain)]
    checked = "no" if row.state == "self-reported" else row.state
    return (metric, rank, label, row.n_seeds, *means, checked)


def _labels(rows: Sequence[Row]) -> dict[str, str]:
    """Model of each row, with its source where these differ, and settings where those do."""
    labels = {}
    for row in rows:
        others = [_settings(other) for other in rows if other.model == row.model]
        varied = [
            f"{name}={value}"
            for name, value in _settings(row).items()
            if any(other.get(name) != value for other in others)
        ]
        source = f"{row.source.name}: " if len({each.source.name for each in rows}) > 1 else ""
        labels[row.id] = " ".join([source + row.model, *varied])
    return {
        name: label if list(labels.values()).count(label) == 1 else f"{label} {name[:8]}"
        for name, label in labels.items()
    }


def _settings(row: Row) -> dict[str, Any]:
    """What was set in the last training of a row, and the steps of each."""
    last = row.budgets[-1]
    steps = "+".join(str(budget.training.steps) for budget in row.budgets)
    return last.hyperparameters | {"lr": last.training.lr, "steps": steps}
