"""Real runs, small and done once, with the board that holds them and their weights."""

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from runs.small import source_spec, target_spec

from drbench import Scoring, execute
from drbench.trust.store import add, submit, write_board

SEEDS = (0, 1)
SCORING = Scoring(sample=40, pairs=20, metrics={"mig": {"bins": 5}})


@pytest.fixture(scope="session")
def real_runs(tmp_path_factory: pytest.TempPathFactory, session_cache: Path) -> SimpleNamespace:
    """Folders source/SEED and target/SEED of runs of two seeds, and what they are on boards."""
    os.environ["DRBENCH_CACHE"] = str(session_cache)
    folder = tmp_path_factory.mktemp("real")
    specs = {}
    for seed in SEEDS:
        source = source_spec(seed=seed, scoring=SCORING)
        specs[seed] = target_spec(source, scoring=SCORING)
        execute(source, out=folder / "source" / str(seed))
        execute(
            specs[seed], out=folder / "target" / str(seed), source=folder / "source" / str(seed)
        )
    add(folder / "board", folder / "target", name="ann")
    write_board(folder / "board")
    submit(folder / "sent", folder / "target" / "0", name="bob")
    return SimpleNamespace(folder=folder, specs=specs)


@pytest.fixture
def real_board(real_runs: SimpleNamespace, tmp_path: Path) -> Path:
    """A copy of ann's board of the real transfers, for a test to spoil."""
    return Path(shutil.copytree(real_runs.folder / "board", tmp_path / "board"))


@pytest.fixture
def sent(real_runs: SimpleNamespace, tmp_path: Path) -> Path:
    """A copy of what bob submits: the transfer of seed 0."""
    return Path(shutil.copytree(real_runs.folder / "sent", tmp_path / "sent"))
