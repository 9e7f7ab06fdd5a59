"""A stranger's distribution, installed into a fresh environment and used by name."""

import json
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Runs the Python of a fresh environment that has drbench-example installed.

    What drbench needs is taken over from the running environment; the example is installed by pip.
    """
    folder = tmp_path_factory.mktemp("fresh")
    source = shutil.copytree(ROOT / "plugins" / "example", folder / "example")
    venv.create(folder / "venv", with_pip=False)
    interpreter = str(folder / "venv" / "bin" / "python")
    install = [sys.executable, "-m", "pip", "--python", interpreter, "install", "--no-deps"]
    quiet = [
        "--quiet",
        "--disable-pip-version-check",
        "--constraint",
        str(ROOT / "constraints.txt"),
    ]
    subprocess.run([*install, *quiet, str(source)], check=True, cwd=folder)
    packages = next((folder / "venv").glob("lib/python*/site-packages"))
    shared = sysconfig.get_path("purelib")
    (packages / "shared.pth").write_text(f"import site; site.addsitedir({shared!r})\n")

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [interpreter, *arguments],
            capture_output=True,
            text=True,
            cwd=folder,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture
def drbench(python: Callable[..., str]) -> Callable[..., str]:
    return partial(python, "-m", "drbench")


def test_its_names_are_listed_with_their_distribution(drbench) -> None:
    listed = {
        entry["name"]: entry for entry in json.loads(drbench("plugins", "list", "--json", "-"))
    }
    for name in ("example_disks", "example_pca", "example_ratio"):
        assert listed[name]["distribution"] == "drbench-example"
        assert "fresh" in listed[name]["file"]
    assert "dsprites" in listed


def test_all_three_conform(drbench) -> None:
    out = drbench("plugins", "check", "example_disks", "example_pca", "example_ratio")
    assert [line.split()[:3] for line in out.splitlines()[1:]] == [
        ["ok", "dataset", "example_disks"],
        ["ok", "model", "example_pca"],
        ["ok", "metric", "example_ratio"],
    ]


def test_its_own_test_passes(python) -> None:
    assert "1 passed" in python("-m", "pytest", "-q", "example/test_drbench_example.py")


def test_a_run_uses_all_three_by_name(drbench, tmp_path: Path) -> None:
    out = tmp_path / "run"
    drbench(
        "train", "--dataset", "example_disks", "--origin", "rendered", "--model", "example_pca",
        "--set", "latents=4", "--set", "lr=1e-3", "--steps", "3", "--sample", "60",
        "--metric", "example_ratio", "--out", str(out),
    )  # fmt: skip
    record = json.loads((out / "record.json").read_text())
    assert record["spec"]["data"]["name"] == "example_disks"
    assert record["spec"]["hyperparameters"] == {"latents": 4}
    assert 0 < record["scores"]["after"]["example_ratio"]["value"] <= 1
    for plugin in ("dataset:example_disks", "model:example_pca", "metric:example_ratio"):
        assert record["provenance"]["plugins"][plugin]["distribution"] == "drbench-example"
