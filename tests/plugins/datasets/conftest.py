"""Files in the makers' layouts, and a cache that one test has for itself."""

import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest


@pytest.fixture(scope="session")
def layouts() -> SimpleNamespace:
    """Writers of small files in each official layout; see layouts.py beside this file."""
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("layouts.py"))))


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Names of images, whole or in part, in a cache that is empty at first."""
    cache = tmp_path / "own-cache"
    monkeypatch.setenv("DRBENCH_CACHE", str(cache))
    return lambda: [
        path.name for path in cache.rglob("*") if path.name.endswith((".partial", "images.npy"))
    ]
