"""Which cells of the official table are empty, and the commands that fill each."""

from dataclasses import dataclass
from typing import final

from drbench.board.board import Budget, Leaderboard, Row
from drbench.board.official import (
    BATCH,
    CELLS,
    DIFFERENT,
    HYPERPARAMETERS,
    LEARNING_RATE,
    METRICS,
    RESIZED,
    SAMPLE,
    SEEDS,
    SIDE,
    SOURCE_STEPS,
    TARGET_STEPS,
    OfficialCell,
)
from drbench.board.ranking import VERIFIED
from drbench.runs.spec import DataRef


@final
@dataclass(frozen=True)
class Filling:
    """How far a cell of the official table is."""

    cell: OfficialCell
    wanted: int
    """Seeds that fill it."""
    verified: tuple[int, ...]
    """Seeds that were re-encoded or retrained."""
    waiting: tuple[int, ...]
    """Seeds on the board that were not."""
    commands: tuple[str, ...]
    """What fills it; none if it is full."""


def fill(board: Leaderboard, seeds: int = SEEDS) -> list[Filling]:
    """Every cell of the official table, with the commands that it lacks.

    A cell is a model with one beta, trained on a source and fine-tuned on a target with the
    published budgets and sizes, on the makers' own images, all of them, and scored on as many with
    all that was published.
    """
    return [_filling(cell, board, seeds) for cell in CELLS]


def _filling(cell: OfficialCell, board: Leaderboard, wanted: int) -> Filling:
    rows = [row for row in board.official if _is_of(row, cell)]
    row = max(rows, key=lambda row: (len(_verified(row)), row.n_seeds), default=None)
    verified = _verified(row) if row else {}
    runs = {run.seeds[0]: run for run in row.all_runs} if row else {}
    waiting = {
        seed: run.key
        for seed, run in runs.items()
        if seed not in verified and run.state != "refuted"
    }
    lacking = wanted - len(verified) - len(waiting)
    free = (seed for seed in range(wanted + len(runs)) if seed not in runs)
    commands = _training(cell, [seed for seed, _ in zip(free, range(lacking), strict=False)])
    if len(verified) < wanted and waiting:
        keys = " ".join(sorted(waiting.values()))
        # No default could say who checks: the shell knows who types.
        commands.append(
            f'drbench leaderboard verify {keys} --level re-encoded --write --by "$USER"'
        )
    return Filling(cell, wanted, tuple(verified), tuple(waiting), tuple(commands))


def _verified(row: Row) -> dict[int, str]:
    """Keys of the runs that others have re-encoded, by the source's seed."""
    return {run.seeds[0]: run.key for run in row.runs if run.state in VERIFIED}


def _is_of(row: Row, cell: OfficialCell) -> bool:
    source_resized = row.source.resize == SIDE or cell.source not in RESIZED
    return (
        [budget.training.steps for budget in row.budgets] == [SOURCE_STEPS, TARGET_STEPS]
        and all(_is_published(budget, cell) for budget in row.budgets)
        and row.model == cell.model
        and source_resized
        and _is_whole(row.source, cell.source)
        and _is_whole(row.target, cell.target)
        and row.scoring.sample >= SAMPLE
        and row.scoring.metrics.keys() >= METRICS
    )


def _is_published(budget: Budget, cell: OfficialCell) -> bool:
    """Whether a training is the published one, but for its steps."""
    expected = HYPERPARAMETERS | {"beta": cell.beta}
    training = budget.training
    return (
        all(budget.hyperparameters.get(name) == value for name, value in expected.items())
        and (training.batch, training.lr, training.k) == (BATCH, LEARNING_RATE, DIFFERENT)
        and training.distinct
        and training.warmup == 0
    )


def _is_whole(data: DataRef, name: str) -> bool:
    """Whether all of a data set was used, at the published size."""
    return data.name == name and not data.levels and data.resize in (None, SIDE)


def _training(cell: OfficialCell, seeds: list[int]) -> list[str]:
    """Commands that train, transfer and add some seeds."""
    if not seeds:
        return []
    source = f"runs/official/{cell.source}-{cell.model}-beta{cell.beta:g}"
    target = f"{source}-{cell.target}"
    resize = f" --resize {SIDE}" if cell.source in RESIZED else ""
    numbers = ",".join(map(str, seeds))
    return [
        f"drbench train --dataset {cell.source}{resize} --model {cell.model} "
        f"--set beta={cell.beta:g} --seeds {numbers} --resume --out {source}",
        f"drbench transfer {source} --target {cell.target} --resume --out {target}",
        f"drbench leaderboard add {target}",
    ]
