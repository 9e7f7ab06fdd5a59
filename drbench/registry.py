"""Find plugins by name and load them.

A plugin is registered by an entry point of its distribution (groups `drbench.datasets`,
`drbench.models`, `drbench.metrics`), or by the dict `PLUGINS` of a file given with --plugins or
DRBENCH_PLUGINS, which overrides. Names are listed from metadata and source text alone: nothing is
imported before `load`.
"""

import ast
import functools
import hashlib
import importlib
import importlib.util
import os
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import PathFinder
from importlib.metadata import Distribution, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, final

from drbench.errors import (
    DrbenchError,
    MissingExtraError,
    PluginError,
    RequestError,
    UnknownNameError,
)

Kind = Literal["dataset", "model", "metric"]
KINDS: tuple[Kind, ...] = ("dataset", "model", "metric")
VARIABLE = "DRBENCH_PLUGINS"
_EXTRAS = {"torch": "train", "datasets": "hub", "huggingface_hub": "hub"}


class PluginWarning(UserWarning):
    """A plugin that is broken, was left out, or stands behind another of its name."""


@final
@dataclass(frozen=True)
class Plugin:
    """One registered name: where it comes from, without having imported it."""

    kind: Kind
    name: str
    distribution: str
    """Name of the distribution, or of the file given with --plugins."""
    version: str
    """Version of the distribution; of a file the start of its SHA-256."""
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
        MissingExtraError
            If it needs an optional dependency of drbench that is not installed.
        """
        try:
            module = import_file(self.file) if self.file else importlib.import_module(self.module)
            return getattr(module, self.attribute)
        except DrbenchError:
            raise
        except (Exception, SystemExit) as error:  # an import may fail in any way: say its cause
            if isinstance(error, ModuleNotFoundError) and error.name in _EXTRAS:
                raise MissingExtraError(error.name, _EXTRAS[error.name]) from error
            raise PluginError(
                f"The {self.kind} plugin {self.name!r} of {self.origin} cannot be loaded: "
                f"{type(error).__name__}: {error}. `drbench plugins list` shows its file."
            ) from error

    @property
    def origin(self) -> str:
        """Where the plugin comes from, for people: a file, or a distribution and its version."""
        return str(self.file) if self.file else f"{self.distribution} {self.version}"

    @property
    def source(self) -> Path | None:
        """The plugin's source file, found without importing anything; None if there is none."""
        return self.file or _module_file(self.module)

    @property
    def problem(self) -> str:
        """Why the plugin cannot work, as far as its source text tells; empty if it seems sound."""
        if self.source is None:
            return f"there is no module {self.module}"
        try:
            _parsed(self.source)
        except (OSError, SyntaxError, ValueError) as error:
            return f"{type(error).__name__}: {error}"
        return ""

    @property
    def summary(self) -> str:
        """First line of the docstring of the class or function, read from the source text."""
        text = ast.get_docstring(self._definition) if self._definition else None
        return (text or "").partition("\n")[0]

    def stated(self, keyword: str) -> str:
        """A text that a decorator is given by keyword, read from the source; empty without."""
        decorators = self._definition.decorator_list if self._definition else []
        for call in (node for node in decorators if isinstance(node, ast.Call)):
            for argument in call.keywords:
                if argument.arg == keyword and isinstance(argument.value, ast.Constant):
                    return str(argument.value.value)
        return ""

    @property
    def _definition(self) -> ast.ClassDef | ast.FunctionDef | None:
        if self.source is None or self.problem:
            return None
        for node in _parsed(self.source).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == self.attribute:
                return node
        return None


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
    """Register the plugins of files or folders (what --plugins does).

    They are kept in the environment, so that worker processes find them too.
    """
    for path in paths:
        if not path.exists():
            raise RequestError(f"--plugins {path}: there is no such file or folder.")
    joined = [str(path.resolve()) for path in paths]
    os.environ[VARIABLE] = os.pathsep.join(filter(None, [os.environ.get(VARIABLE), *joined]))


def plugin_files() -> list[Path]:
    """Files named by DRBENCH_PLUGINS and --plugins; of a folder, its files that hold PLUGINS."""
    files: list[Path] = []
    for entry in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
        path = Path(entry).expanduser().resolve()
        if not path.exists():
            raise RequestError(f"{VARIABLE} names {path}, which does not exist.")
        if path.is_dir():
            files += [file for file in sorted(path.glob("*.py")) if b"PLUGINS" in file.read_bytes()]
        else:
            files.append(path)
    return list(dict.fromkeys(files))


def overrides() -> str:
    """One line on the files in use: what they register, and what that replaces; empty if none."""
    if not plugin_files():
        return ""
    used = [plugin for kind in KINDS for plugin in plugins(kind).values() if plugin.file]
    described = []
    for plugin in used:
        old = _installed(plugin.kind).get(plugin.name)
        instead = f", instead of {old.origin}" if old else ""
        described.append(f"{plugin.kind} {plugin.name} ({plugin.file}{instead})")
    return f"plugins from files: {', '.join(described) or 'none'}"


@functools.cache
def _installed(kind: Kind) -> dict[str, Plugin]:
    """Plugins of installed distributions. drbench's own name wins over another's, with a word."""
    found: dict[str, Plugin] = {}
    points = [(*_identity(p.dist), p) for p in entry_points(group=f"drbench.{kind}s") if p.dist]
    points.sort(key=lambda point: (point[0] != "drbench", *point[:2], point[2].name))
    for distribution, version, point in points:
        module, _, attribute = (part.strip() for part in point.value.partition(":"))
        plugin = Plugin(kind, point.name, distribution, version, module, attribute)
        first = found.setdefault(point.name, plugin)
        if first != plugin:
            _warn(
                f"the {kind} {point.name!r} of {plugin.origin} is left out: "
                f"{first.origin} has that name already."
            )
    return found


@functools.cache
def _identity(dist: Distribution) -> tuple[str, str]:
    """Name and version; each look at them parses the distribution's metadata."""
    return dist.name, dist.version


@functools.cache
def _in_file(path: Path) -> tuple[Plugin, ...]:
    """Plugins that a file's PLUGINS dict names, read as text; a broken file gives a warning."""
    try:
        version = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        return tuple(
            Plugin(kind, name, path.name, version, path.stem, attribute, path)
            for kind, name, attribute in _declared(_parsed(path))
        )
    except (OSError, SyntaxError, ValueError, PluginError) as error:
        cause = str(error) if isinstance(error, PluginError) else f"{type(error).__name__}: {error}"
        _warn(f"the plugin file {path} is left out: {cause}")
        return ()


def _declared(tree: ast.Module) -> Iterator[tuple[Kind, str, str]]:
    """Kind, name and attribute of each entry of a module's PLUGINS."""
    wrong = PluginError(
        "it must hold PLUGINS, a dict such as "
        '{"datasets": {"name": Class}, "models": {"name": Class}, "metrics": {"name": function}}.'
    )
    assigned = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and [ast.unparse(t) for t in node.targets] == ["PLUGINS"]
    ]
    if not assigned:
        raise wrong
    kinds = {f"{kind}s": kind for kind in KINDS}
    for group, entries in _text_items(assigned[-1], wrong):
        if group not in kinds:
            raise wrong
        for name, value in _text_items(entries, wrong):
            if not isinstance(value, ast.Name):
                raise wrong
            yield kinds[group], name, value.id


def _text_items(node: ast.expr, wrong: PluginError) -> Iterator[tuple[str, ast.expr]]:
    """Items of a dict display whose keys are text."""
    if not isinstance(node, ast.Dict):
        raise wrong
    for key, value in zip(node.keys, node.values, strict=True):
        if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
            raise wrong
        yield key.value, value


@functools.cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes(), filename=str(path))


@functools.cache
def _module_file(module: str) -> Path | None:
    """File of a module. Its packages are searched and not imported, as find_spec would do."""
    top, *parts = module.split(".")
    spec = importlib.util.find_spec(top) if top else None
    for part in parts:
        if spec is None or spec.submodule_search_locations is None:
            return None
        spec = PathFinder.find_spec(f"{spec.name}.{part}", spec.submodule_search_locations)
    return Path(spec.origin) if spec and spec.origin else None


def import_file(file: Path) -> ModuleType:
    """Import a Python file under a name that no other file or version of it has.

    Raises
    ------
    Exception
        Whatever the file raises, and ImportError if it is no Python file.
    """
    place = str(file.resolve()).encode()
    name = f"drbench_file_{file.stem}_{hashlib.sha256(place + file.read_bytes()).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before execution: dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _warn(message: str) -> None:
    warnings.warn(message, PluginWarning, stacklevel=2)
