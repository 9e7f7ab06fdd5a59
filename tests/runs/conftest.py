"""One small source run and one small transfer, shared by the tests of runs."""

import os
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from drbench import execute


@pytest.fixture(scope="session")
def small() -> SimpleNamespace:
    """Specs small enough to run in seconds; see small.py beside this file."""
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("small.py"))))


@pytest.fixture(scope="session")
def runs(
    tmp_path_factory: pytest.TempPathFactory, session_cache: Path, small: SimpleNamespace
) -> Path:
    """A folder with the run `source` and the run `target` that starts from it."""
    os.environ["DRBENCH_CACHE"] = str(session_cache)
    folder = tmp_path_factory.mktemp("runs")
    execute(small.source_spec(), out=folder / "source")
    execute(small.target_spec(), out=folder / "target", source=folder / "source")
    return folder
