"""Real runs, small and done once, with the board that holds them and their evidence."""

import os
import runpy
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from drbench import Scoring, execute
from drbench.trust.store import add, write_board

SMALL = Path(__file__).resolve().parents[1] / "runs" / "small.py"
SEEDS = (0, 1, 2)
Forger = runpy.run_path(str(Path(__file__).with_name("forging.py")))["Forger"]


@pytest.fixture(scope="session")
def real_runs(tmp_path_factory: pytest.TempPathFactory, session_cache: Path) -> SimpleNamespace:
    """Folders source/SEED and target/SEED of runs of three seeds, and their specs."""
    os.environ["DRBENCH_CACHE"] = str(session_cache)
    small = SimpleNamespace(**runpy.run_path(str(SMALL)))
    folder = tmp_path_factory.mktemp("real")
    scoring = Scoring(sample=40, pairs=20, metrics={"omes": {}, "mig": {"bins": 5}})
    specs = {}
    for seed in SEEDS:
        source = small.source_spec(seed=seed, scoring=scoring)
        target = small.target_spec(source, scoring=scoring)
        execute(source, out=folder / "source" / str(seed))
        execute(target, out=folder / "target" / str(seed), source=folder / "source" / str(seed))
        specs[seed] = target
    board = folder / "board"
    add(board, folder / "source", folder / "target")
    write_board(board)
    return SimpleNamespace(folder=folder, specs=specs, board=board)


@pytest.fixture
def real_board(real_runs: SimpleNamespace, tmp_path: Path) -> Path:
    """A copy of the board of the real runs, for a test to spoil."""
    shutil.copytree(real_runs.board, tmp_path / "board")
    return tmp_path / "board"


@pytest.fixture
def target(real_board: Path, real_runs: SimpleNamespace) -> Any:
    """The transfer of seed 0, for a forger."""
    return Forger(real_board, real_runs.specs[0])
