"""One small source run and one small transfer, shared by the tests of runs."""

import os
from pathlib import Path

import pytest

from drbench import DataRef, Record, RunSpec, Scoring, execute
from drbench.runs.request import train_spec, transfer_spec

LEVELS = {"color": 3, "scale": 2, "orientation": 3, "pos_x": 4, "pos_y": 4}
SOURCE = DataRef(name="color_dsprites", origin="rendered", resize=16, levels=LEVELS)
TARGET = DataRef(name="noisy_dsprites", origin="rendered", levels={**LEVELS, "shape": 2} | {})
SCORING = Scoring(sample=120, pairs=60, metrics={"omes": {}, "mig": {"bins": 5}})


def source_spec(*, steps: int = 6, seed: int = 0) -> RunSpec:
    return train_spec(
        SOURCE, "ada_gvae", settings={"width": 4, "lr": 1e-3, "batch": 8}, steps=steps, seed=seed,
        scoring=SCORING,
    )  # fmt: skip


def target_spec(*, steps: int = 6) -> RunSpec:
    levels = {name: count for name, count in LEVELS.items() if name != "color"}
    data = DataRef(name="noisy_dsprites", origin="rendered", levels=levels)
    return transfer_spec(
        source_spec(), data, settings={}, steps=steps, seed=None, scoring=SCORING
    )


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory, session_cache: Path) -> Path:
    """A folder with the run `source` and the run `target` that starts from it."""
    os.environ["DRBENCH_CACHE"] = str(session_cache)
    folder = tmp_path_factory.mktemp("runs")
    execute(source_spec(), out=folder / "source")
    execute(target_spec(), out=folder / "target", source=folder / "source")
    return folder


@pytest.fixture(scope="session")
def target_record(runs: Path) -> Record:
    return Record.model_validate_json((runs / "target" / "record.json").read_bytes())
