"""Find plugins by name and load them.

A plugin is registered by an entry point of its distribution (groups `drbench.datasets`,
`drbench.models`, `drbench.metrics`), or by the dict `PLUGINS` of a file given with --plugins or
DRBENCH_PLUGINS, which overrides. Names are listed from metadata and source text alone: nothing is
imported before `load`.
"""

import ast
import functools
import importlib
import importlib.util
import os
import sys
import warnings
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from drbench.errors import DrbenchError, PluginError, RequestError, UnknownNameError

Kind = Literal["dataset", "model", "metric"]
KINDS: tuple[Kind, ...] = ("dataset", "model", "metric")


class PluginWarning(UserWarning):
    """A plugin that was left out, or that took another's place."""


@dataclass(frozen=True)
class Plugin:
    """One registered name: where it comes from, without having imported it."""

    kind: Kind
    name: str
    distribution: str
    version: str
    module: str
    attribute: str
    file: Path | None = None
    """The file given with --plugins; None for an installed distribution."""

    def load(self) -> Any:
        """Import the plugin and return its object.

        Raises
        ------
        PluginError
            If the module cannot be imported or lacks the attribute.
        """
        try:
            module = _import_file(self.file) if self.file else importlib.import_module(self.module)
            return getattr(module, self.attribute)
        except DrbenchError:
            raise
        except Exception as error:  # a plugin's import may fail in any way; the cause is passed on
            raise PluginError(
                f"The {self.kind} plugin {self.name!r} of {self.origin} cannot be loaded: "
                f"{type(error).__name__}: {error}"
            ) from error

    @property
    def origin(self) -> str:
        """Where the plugin comes from, for people: a file, or a distribution and its version."""
        return str(self.file) if self.file else f"{self.distribution} {self.version}"

    @property
    def source(self) -> Path | None:
        """The plugin's source file, found without importing the module itself."""
        if self.file:
            return self.file
        try:
            spec = importlib.util.find_spec(self.module)
        except ImportError:
            return None
        return Path(spec.origin) if spec and spec.origin else None

    @property
    def summary(self) -> str:
        """First line of the docstring of the class or function, read from the source text."""
        source = self.source
        if source is None:
            return ""
        try:
            tree = ast.parse(source.read_text(encoding="utf-8"))
        except (OSError, SyntaxError):
            return ""
        for node in tree.body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == self.attribute:
                return (ast.get_docstring(node) or "").partition("\n")[0]
        return ""


def plugins(kind: Kind) -> dict[str, Plugin]:
    """Every registered plugin of a kind, sorted by name."""
    found = dict(_installed(kind))
    for path in plugin_files():
        found |= {plugin.name: plugin for plugin in _in_file(path) if plugin.kind == kind}
    return dict(sorted(found.items()))


def names(kind: Kind) -> list[str]:
    """Sorted names of every registered plugin of a kind."""
    return list(plugins(kind))


def find(kind: Kind, name: str) -> Plugin:
    """The plugin registered under a name.

    Raises
    ------
    UnknownNameError
        With the nearest registered name.
    """
    known = plugins(kind)
    if name not in known:
        raise UnknownNameError(kind, name, known, hint=f"`drbench {kind}s list` shows all.")
    return known[name]


def load(kind: Kind, name: str) -> Any:
    """Import the plugin registered under a name and return its object."""
    return find(kind, name).load()


def use_files(*paths: Path) -> None:
    """Register the plugins of files or folders for this process (what --plugins does)."""
    for path in paths:
        if not path.exists():
            raise RequestError(f"--plugins {path}: no such file or folder.")
    earlier = os.environ.get("DRBENCH_PLUGINS", "")
    joined = [str(path.resolve()) for path in paths]
    os.environ["DRBENCH_PLUGINS"] = os.pathsep.join(filter(None, [earlier, *joined]))


def plugin_files() -> list[Path]:
    """Files named by DRBENCH_PLUGINS and --plugins; of a folder, its files that hold PLUGINS."""
    files: list[Path] = []
    for entry in filter(None, os.environ.get("DRBENCH_PLUGINS", "").split(os.pathsep)):
        path = Path(entry).expanduser().resolve()
        if not path.exists():
            raise RequestError(f"DRBENCH_PLUGINS names {path}, which does not exist.")
        files += sorted(path.glob("*.py")) if path.is_dir() else [path]
    return list(dict.fromkeys(files))


def overrides() -> list[str]:
    """One line for each file in use: what it registers, and what that replaces."""
    lines = []
    for path in plugin_files():
        found = _in_file(path)
        if not found:
            continue
        described = [
            f"{p.kind} {p.name}"
            + (f" (replaces {old.origin})" if (old := _installed(p.kind).get(p.name)) else "")
            for p in found
        ]
        lines.append(f"plugins from {path}: {', '.join(described)}")
    return lines


@functools.cache
def _installed(kind: Kind) -> dict[str, Plugin]:
    """Plugins of installed distributions. drbench's own name wins over another's, with a word."""
    found: dict[str, Plugin] = {}
    registered = [(e.dist, e) for e in entry_points(group=f"drbench.{kind}s") if e.dist]
    registered.sort(key=lambda pair: (pair[0].name != "drbench", pair[0].name, pair[1].name))
    for distribution, point in registered:
        plugin = Plugin(kind, point.name, distribution.name, distribution.version,
                        point.module, point.attr)  # fmt: skip
        first = found.setdefault(point.name, plugin)
        if (first.module, first.attribute) != (plugin.module, plugin.attribute):
            warnings.warn(
                f"the {kind} {point.name!r} of {plugin.origin} is left out: "
                f"{first.origin} has that name already.",
                PluginWarning,
                stacklevel=2,
            )
    return found


@functools.cache
def _in_file(path: Path) -> tuple[Plugin, ...]:
    """Plugins that a file's PLUGINS dict names, read as text; a broken file gives a warning."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
        return tuple(_declared(tree, path))
    except (OSError, SyntaxError, UnicodeDecodeError, PluginError) as error:
        warnings.warn(
            f"the plugin file {path} is left out: {type(error).__name__}: {error}",
            PluginWarning,
            stacklevel=2,
        )
        return ()


def _declared(tree: ast.Module, path: Path) -> list[Plugin]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and [ast.unparse(t) for t in node.targets] == ["PLUGINS"]:
            break
    else:
        return []
    found = []
    try:
        groups = {ast.literal_eval(key): group for key, group in _items(node.value)}
        for kind in KINDS:
            for key, value in _items(groups.pop(f"{kind}s", ast.Dict([], []))):
                found.append(Plugin(kind, ast.literal_eval(key), path.stem, "file", path.stem,
                                    ast.unparse(value), path))  # fmt: skip
    except (TypeError, ValueError):
        groups = {"": ast.Dict([], [])}
    if groups:
        raise PluginError(
            'PLUGINS must be a dict like {"datasets": {"name": Class}, "models": {}, "metrics": {}}'
        )
    return found


def _items(node: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    if not isinstance(node, ast.Dict) or None in node.keys:
        raise TypeError
    return [(key, value) for key, value in zip(node.keys, node.values, strict=True) if key]


def _import_file(path: Path) -> ModuleType:
    name = f"drbench_plugin_file_{path.stem}"
    loaded = sys.modules.get(name)
    if loaded is not None and loaded.__file__ == str(path):
        return loaded
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before execution: dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
