"""Where numbers come from: versions, plugins, source tree, machine."""

import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from drbench import __version__, registry
from drbench.data.opening import find_dataset, is_open
from drbench.metrics.metric import load_metric
from drbench.runs.record import Software
from drbench.runs.spec import RunSpec

_COMPUTING = ("numpy", "torch", "scikit-learn", "pillow", "h5py")


def library_versions() -> dict[str, str]:
    """Versions of drbench, Python and the installed libraries that compute."""
    found = {"drbench": __version__, "python": platform.python_version()}
    for name in _COMPUTING:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def plugin_versions(names: Mapping[registry.Kind, list[str]]) -> dict[str, Software]:
    """Distribution and version of each named plugin, under `kind:name`."""
    found = {}
    for kind, listed in names.items():
        for name in listed:
            plugin = registry.find(kind, name)
            found[f"{kind}:{name}"] = Software(
                distribution=plugin.distribution,
                version=plugin.version,
                definition=_definition(kind, name),
            )
    return found


def plugins_of(spec: RunSpec) -> dict[str, Software]:
    """Distribution and version of every plugin that a run uses."""
    datasets = [run.data.name for run in spec.chain if not is_open(run.data.name)]
    return plugin_versions(
        {"dataset": datasets, "model": [spec.model], "metric": list(spec.scoring.metrics)}
    )


def _definition(kind: registry.Kind, name: str) -> str:
    """Version of what a plugin computes, as it declares it."""
    if kind == "metric":
        return load_metric(name).version
    if kind == "dataset":
        return find_dataset(name).spec.version
    from drbench.models.model import load_model

    model = load_model(name)
    weights = model.weights()
    return f"{model.version}, weights {weights.sha256[:12]}" if weights else model.version


def software(spec: RunSpec) -> dict[str, Any]:
    """What a run's provenance says of the moment, the programs and their source tree."""
    commit, dirty = git_state()
    return {
        "created": datetime.now(UTC).replace(microsecond=0),
        "versions": library_versions(),
        "plugins": plugins_of(spec),
        "git_commit": commit,
        "git_dirty": dirty,
    }


def git_state() -> tuple[str | None, bool | None]:
    """Commit of the checkout drbench runs from and whether it has changes; None if installed."""
    tree = Path(__file__).resolve().parents[2]
    if not (tree / "pyproject.toml").is_file() or not (tree / ".git").exists():
        return None, None
    try:
        commit = _git(tree, "rev-parse", "HEAD")
        return commit, bool(_git(tree, "status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.CalledProcessError):
        return None, None  # no git, or a checkout without a commit: there is nothing to report


def _git(tree: Path, *arguments: str) -> str:
    command = ["git", "-C", str(tree), *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    return done.stdout.strip()


def machine(device: str) -> str:
    """What the network runs on, for people."""
    if device.startswith("cuda"):
        import torch

        return f"cuda ({torch.cuda.get_device_name(device)})"
    return f"{device} ({platform.machine()}, {os.cpu_count()} cores)"
