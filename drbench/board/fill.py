"""Which cells of the official table are empty, and the commands that fill each."""

from dataclasses import dataclass
from typing import final

from drbench.board.board import Leaderboard, Row
from drbench.board.official import CELLS, METRICS, RESIZED, SIDE, OfficialCell
from drbench.board.ranking import PRESCRIBED
from drbench.board.rows import is_prescribed
from drbench.runs.defaults import SAMPLE
from drbench.runs.identity import stored_training_key


@final
@dataclass(frozen=True)
class Filling:
    """How far a cell of the official table is."""

    cell: OfficialCell
    wanted: int
    """Seeds that fill it."""
    verified: tuple[int, ...]
    """Prescribed seeds that the board's keeper trained, of the submitter who has the most."""
    waiting: tuple[int, ...]
    """Other seeds of that submitter, whose weights alone were checked."""
    commands: tuple[str, ...]
    """What fills it; none if it is full."""


def fill(board: Leaderboard, seeds: int = PRESCRIBED) -> list[Filling]:
    """Every cell of the official table, with the commands that it lacks.

    A cell is a model with one beta, trained on a source and fine-tuned on a target with the
    published budgets and sizes, on the makers' own images, all of them, and scored on as many with
    all that was published.
    """
    return [_filling(cell, board, seeds) for cell in CELLS]


def _filling(cell: OfficialCell, board: Leaderboard, wanted: int) -> Filling:
    training = stored_training_key(cell.seeded(0))
    rows = [
        row
        for row in board.official
        if row.training == training and row.sample >= SAMPLE and row.metrics.keys() >= METRICS
    ]
    submitters = sorted({row.submitter for row in rows})
    runs = max((_runs(rows, name, wanted) for name in submitters), key=_progress, default=_NONE)
    verified, waiting = runs
    missing = [seed for seed in range(wanted) if seed not in {**verified, **waiting}]
    commands = _training(cell, missing)
    if waiting:
        names = " ".join(waiting.values())
        commands.append(f"drbench leaderboard verify {names} --level retrained --write")
    return Filling(cell, wanted, tuple(verified), tuple(waiting), tuple(commands))


_Runs = tuple[dict[int, str], dict[int, str]]
_NONE: _Runs = ({}, {})


def _runs(rows: list[Row], submitter: str, wanted: int) -> _Runs:
    """SUBMITTER/KEY of a submitter's prescribed seeds: trained anew, and encoded again only."""
    levels: dict[str, dict[int, str]] = {"retrained": {}, "re-encoded": {}}
    for row in rows:
        for run in row.runs if row.submitter == submitter else ():
            if is_prescribed(run.seeds, wanted):
                levels[row.level].setdefault(run.seeds[0], f"{submitter}/{run.key}")
    done = levels["retrained"]
    rest = {seed: name for seed, name in levels["re-encoded"].items() if seed not in done}
    return done, rest


def _progress(runs: _Runs) -> tuple[int, int]:
    return len(runs[0]), len(runs[1])


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
