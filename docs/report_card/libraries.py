"""The libraries of the report card, and an environment for each."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from drbench.errors import DrbenchError
from drbench.files import cache_dir


@dataclass(frozen=True)
class Library:
    """A library, and what `pip install` needs for its metrics to be imported."""

    name: str
    adapter: str  # function of adapters.py
    version: str
    needs: tuple[str, ...] = ()
    python: str | None = None  # other than the one that runs the report card


LIBRARIES = (
    Library("drbench", "drbench", ""),
    Library(
        "disent",
        "disent",
        "0.9.3",
        (
            "torch==2.13.0",
            "torchvision==0.28.0",
            "lightning==2.6.6",
            "numpy==2.5.5",
            "scikit-learn==1.9.1",
            "h5py",
            "requests",
        ),
        "3.12",
    ),
    Library(
        "disentanglement-lib",
        "disentanglement_lib",
        "1.5",
        (
            "tensorflow==1.14.0",
            "protobuf==3.20.3",
            "gin-config==0.3.0",
            "numpy==1.19.5",
            "scikit-learn==1.0.2",
        ),
        "3.7",
    ),
    Library("latte-metrics", "latte", "0.0.1a6", ("numpy==2.2.6", "scikit-learn==1.7.2"), "3.10"),
    Library(
        "latentverse",
        "latentverse",
        "0.3.5",
        ("numpy==2.4.6", "scikit-learn==1.9.1", "numba==0.68.1", "pandas", "matplotlib", "seaborn"),
    ),
    Library(
        "reliably-metrics", "reliably", "0.1.0", ("numpy==2.4.6", "scikit-learn==1.9.1", "scipy")
    ),
    Library(
        "avitai-artifex",
        "artifex",
        "0.1.15",
        ("avitai-artifex[benchmarks]==0.1.15", "jax==0.11.1", "scikit-learn==1.9.1"),
        "3.12",
    ),
    Library(
        "ml4h-latentverse",
        "ml4h_latentverse",
        "0.1.2",
        ("numpy==2.4.6", "scikit-learn==1.9.1", "pandas", "matplotlib", "seaborn"),
    ),
)
NOT_RUN = {
    "langspace 0.3.7": "scores its own language models on annotated sentences, not arrays",
    "drvi-py 0.2.8": "has scores of its own for cell types (LMS, MSAS, MSGS), none of these",
    "disentangle 0.0.5, pythae 0.1.2, multivae 1.0.3, proteovae 0.0.1, sevae 1.0.2, "
    "pi-vae-pytorch 1.1.0, sisal 0.1.0, langvae 0.6.13, pytorch-disentanglement-datasets 0.0.1": (
        "models, losses or data, no metric of disentanglement"
    ),
    "kowalski 0.0.2, reptrix 0.1.0, shesha-geometry 0.3.0, lsmetrics 0.3.0, latentmetrics 0.1.4, "
    "cpdrift 1.0.0": "metrics of other properties of representations",
    "indi 0.0.1, disentangled-net 0.1.0, disentangler 1.0": "other subjects under a like name",
    "ml4h-lse 0.1.0, latentevals 0.0.1": "empty distributions",
}
"""What a look through the package index found besides, and why it is not in the tables."""


def interpreter(library: Library) -> Path:
    """Python of the library's environment, which is made on first use.

    Raises
    ------
    DrbenchError
        Its version of Python is not on the PATH, or pip failed.
    """
    if library.name == "drbench":
        return Path(sys.executable)
    folder = cache_dir() / "report_card" / f"{library.name}-{library.version}"
    python = folder / "bin" / "python"
    installed = folder / "installed.txt"
    wanted = "\n".join(library.needs)
    if installed.is_file() and installed.read_text() == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    base = shutil.which(f"python{library.python}") if library.python else sys.executable
    if base is None:
        raise DrbenchError(f"python{library.python} is not on the PATH.")
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([base, "-m", "venv", str(folder)])
    _run([*pip, "--upgrade", "pip"])  # that of an old Python does not know every wheel
    _run([*pip, *library.needs])
    _run([*pip, "--no-deps", f"{library.name}=={library.version}"])
    installed.write_text(wanted)
    return python


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)  # noqa: S603 - pip and venv
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise DrbenchError(f"{' '.join(command[-3:])} failed: {lines[-1]}")
