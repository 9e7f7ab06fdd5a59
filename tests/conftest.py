"""Shared by all tests: where real images may lie, and a cache of their own."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# The same examples every time, so that a change fails for what it did; DRBENCH_FUZZ draws others.
hypothesis.settings.register_profile("drbench", derandomize="DRBENCH_FUZZ" not in os.environ)
hypothesis.settings.load_profile("drbench")

# Networks in tests are tiny: more threads only wait for each other. Set before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def samples() -> Path:
    """Folder of real images, laid out like a data root; optional."""
    folder = Path(os.environ.get("DRBENCH_SAMPLES", ROOT.parent / "shared" / "samples"))
    if not folder.is_dir():
        pytest.skip(f"no real images in {folder}: set DRBENCH_SAMPLES to a folder that has them")
    return folder.resolve()


@pytest.fixture(scope="session")
def session_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for the whole session, so that what is prepared once serves every test."""
    cache = tmp_path_factory.mktemp("cache")
    compiled = ROOT / ".pytest_cache" / "numba"  # by the state of the sources, so never stale
    compiled.mkdir(parents=True, exist_ok=True)
    (cache / "numba").symlink_to(compiled)
    return cache


@pytest.fixture(autouse=True)
def _own_folders(session_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's data, cache and plugins out of the tests."""
    monkeypatch.setenv("DRBENCH_CACHE", str(session_cache))
    monkeypatch.delenv("DRBENCH_DATA", raising=False)
    monkeypatch.delenv("DRBENCH_PLUGINS", raising=False)


@pytest.fixture(scope="session")
def make_record() -> Callable[..., Any]:
    """Makes records that no run was done for; see records.py beside this file."""
    from records import make_record  # after OMP_NUM_THREADS is set: it imports drbench

    return make_record
