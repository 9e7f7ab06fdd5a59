"""Who leads a board, for people at a terminal: a short table for each source and target."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

from drbench.leaderboard.board import Cell, Leaderboard, Row

COLUMNS = ("metric", "rank", "model", "seeds", "before", "after", "gain", "checked")
LINES = 200
"""Lines beyond which a board is for the page, not for a terminal."""


@final
@dataclass(frozen=True)
class Standing:
    """Rows of one track, source and target, the best of each metric first."""

    title: str
    lines: tuple[tuple[Any, ...], ...]
    """Values of `COLUMNS`, a line for each metric of a row."""


def standings(board: Leaderboard) -> list[Standing]:
    """Tables of a board, the official track first; ranks count rows of other sources, too."""
    blocks: defaultdict[str, list[Row]] = defaultdict(list)
    for row in board.rows:
        what = "trained on" if row.kind == "source" else f"{row.source.name} to"
        blocks[f"{row.track}: {what} {row.target.name}"].append(row)
    return [Standing(title, _lines(rows)) for title, rows in blocks.items()]


def _lines(rows: Sequence[Row]) -> tuple[tuple[Any, ...], ...]:
    labels = _labels(rows)
    ordered = sorted(
        (metric, cell.rank is None, cell.rank.place if cell.rank else 0, labels[row.id], row.id)
        for row in rows
        for metric, cell in row.metrics.items()
    )
    by_id = {row.id: row for row in rows}
    return tuple(
        _line(metric, label, by_id[name].metrics[metric], by_id[name])
        for metric, _, _, label, name in ordered
    )


def _line(metric: str, label: str, cell: Cell, row: Row) -> tuple[Any, ...]:
    rank = f"{cell.rank.place} ({cell.rank.best}-{cell.rank.worst})" if cell.rank else None
    score = cell.score
    means = [each.mean if each else None for each in (score.before, score.after, score.gain)]
    checked = "no" if row.state == "self-reported" else row.state
    return (metric, rank, label, row.n_seeds, *means, checked)


def _labels(rows: Sequence[Row]) -> dict[str, str]:
    """Model of each row, with the settings in which rows of that model differ."""
    labels = {}
    for row in rows:
        settings = [_settings(other) for other in rows if other.model == row.model]
        varied = [
            f"{name}={value}"
            for name, value in _settings(row).items()
            if any(other.get(name) != value for other in settings)
        ]
        labels[row.id] = " ".join([row.model, *varied])
    return {
        name: label if list(labels.values()).count(label) == 1 else f"{label} {name[:8]}"
        for name, label in labels.items()
    }


def _settings(row: Row) -> dict[str, Any]:
    """What was set in the last training of a row, and the steps of each."""
    last = row.budgets[-1]
    steps = "+".join(str(budget.training.steps) for budget in row.budgets)
    return last.hyperparameters | {"lr": last.training.lr, "steps": steps}
