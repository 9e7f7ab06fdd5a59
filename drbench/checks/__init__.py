"""Conformance of plugins, for `drbench plugins check` and for the tests of whoever writes one.

Each check returns the problems it found, one sentence each; an empty list means that the plugin
keeps its contract as far as this can be tried out.

Examples
--------
>>> from drbench.checks import assert_conforms
>>> def test_my_plugins_conform():
...     assert_conforms(MyDataset, MyModel, my_metric)
"""

from typing import Any

from drbench.checks.dataset import check_dataset, unopened_origins
from drbench.checks.metric import check_metric
from drbench.checks.model import check_model
from drbench.data.dataset import Dataset
from drbench.metrics.metric import Metric
from drbench.registry import Plugin

__all__ = [
    "assert_conforms",
    "check_dataset",
    "check_metric",
    "check_model",
    "check_plugin",
    "unopened_origins",
]


def check_plugin(plugin: Plugin) -> list[str]:
    """Problems of a registered plugin, its registration included.

    Raises
    ------
    PluginError, MissingExtraError
        If it cannot be loaded.
    """
    loaded = plugin.load()
    if plugin.kind == "dataset":
        problems, name = check_dataset(loaded), _name_of(getattr(loaded, "spec", None))
    elif plugin.kind == "model":
        problems, name = check_model(loaded), _name_of(loaded)
    else:
        problems, name = check_metric(loaded), _name_of(loaded)
    if name is not None and name != plugin.name:
        problems.append(f"it is registered as {plugin.name!r} and calls itself {name!r}")
    return problems


def assert_conforms(*plugins: Any) -> None:
    """Fail with every problem of data set classes, model classes and metrics.

    Raises
    ------
    AssertionError
        Also for a data set of which nothing could be opened: give an opened one to
        `check_dataset`, or skip the test where the files are not.
    """
    problems = []
    for plugin in plugins:
        if isinstance(plugin, Metric):
            found = check_metric(plugin)
        elif isinstance(plugin, type) and issubclass(plugin, Dataset):
            unopened = unopened_origins(plugin)
            found = check_dataset(plugin) + unopened * (len(unopened) == len(plugin.spec.origins))
        else:
            found = check_model(plugin)
        label = getattr(plugin, "__name__", None) or getattr(plugin, "name", repr(plugin))
        problems += [f"{label}: {problem}" for problem in found]
    if problems:
        raise AssertionError("\n".join(problems))


def _name_of(loaded: Any) -> str | None:
    return getattr(loaded, "name", None)
