"""Measure how disentangled a representation is, and whether that survives real images.

Public names, listed in `__init__.pyi`, are imported on first use, so that importing drbench costs
nothing and needs neither torch nor scikit-learn.
"""

import importlib
import re
from pathlib import Path
from typing import Any, Literal

from drbench._version import __version__ as __version__

_MODULES = {
    name: module
    for module, name in re.findall(
        r"^from (drbench\.\S+) import (\w+) as \w+$",
        Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
}

__all__ = sorted([*_MODULES, "__version__", "list_datasets", "list_metrics", "list_models", "plot"])


def list_datasets() -> list[str]:
    """Names of the registered data sets."""
    return _names("dataset")


def list_models() -> list[str]:
    """Names of the registered models."""
    return _names("model")


def list_metrics() -> list[str]:
    """Names of the registered metrics."""
    return _names("metric")


def _names(kind: Literal["dataset", "model", "metric"]) -> list[str]:
    from drbench import registry

    return registry.names(kind)


def __getattr__(name: str) -> Any:
    if name == "plot":
        return importlib.import_module("drbench.plot")
    if name not in _MODULES:
        raise AttributeError(f"module 'drbench' has no attribute {name!r}")
    try:
        value = getattr(importlib.import_module(_MODULES[name]), name)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        from drbench.errors import MissingExtraError

        raise MissingExtraError("torch", extra="train") from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
