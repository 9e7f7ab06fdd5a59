"""`drbench plugins`."""

import keyword
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from drbench import registry
from drbench.cli.frame import Table, emit
from drbench.cli.listing import warn_if_broken
from drbench.errors import MissingExtraError, PluginError, RequestError, UnknownNameError

app = typer.Typer(help="Plugins: where they come from, whether they conform, a new one.")

Finding = tuple[str, str, str, str]
"""Status (ok, problem, not checked), kind, name, sentence."""


@app.command("list")
def list_() -> None:
    """List every plugin, with its distribution and its file."""
    known = [plugin for kind in registry.KINDS for plugin in registry.plugins(kind).values()]
    rows = [
        (plugin.name, plugin.kind, plugin.distribution, plugin.version, _shown(plugin.source))
        for plugin in known
    ]
    for plugin in known:
        warn_if_broken(plugin)
    columns = ("name", "kind", "distribution", "version", "file")
    problems = [plugin.problem or None for plugin in known]
    document = [
        {**dict(zip(columns, row, strict=True)), "problem": problem}
        for row, problem in zip(rows, problems, strict=True)
    ]
    emit(document, Table(columns, rows))


@app.command()
def check(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATH|NAME]...", help="Plugin files, folders, names. Default: all."
        ),
    ] = None,
) -> None:
    """Try plugins out and print one line for each problem; exit 1 if there is any."""
    findings = [finding for plugin in _chosen(what or []) for finding in _findings(plugin)]
    columns = ("status", "kind", "name", "finding")
    document = [dict(zip(columns, finding, strict=True)) for finding in findings]
    emit(document, Table(columns, findings))
    if any(status == "problem" for status, *_ in findings):
        raise typer.Exit(1)


@app.command()
def new(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="dataset, model or metric.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name to register.")],
) -> None:
    """Write NAME.py, a complete plugin to change into your own."""
    path = Path(f"{name}.py")
    text = rendered(kind, name)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise RequestError(f"{path} exists already: choose another name or folder.") from error
    print(f"{path} written. Try it: drbench plugins check {path}")


def rendered(kind: str, name: str) -> str:
    """The template of a kind of plugin, with a name filled in.

    Raises
    ------
    RequestError
        For a kind that does not exist, or a name that is taken or cannot be a Python name.
    """
    for known in registry.KINDS:
        if kind == known:
            taken = registry.plugins(known).get(name)
            break
    else:
        raise RequestError(f"No kind of plugin {kind!r}: use {', '.join(registry.KINDS)}.")
    if taken:
        raise RequestError(f"The {kind} name {name!r} is taken by {taken.origin}: choose another.")
    template = Path(__file__).parents[1] / "templates" / f"{kind}.py"
    text = template.read_text(encoding="utf-8")
    title = "".join(part.capitalize() for part in name.split("_"))
    defined = name if kind == "metric" else title
    if (
        not re.fullmatch(r"[a-z][a-z0-9_]*", name)
        or keyword.iskeyword(name)
        or re.search(rf"\b{defined}\b", text)
    ):
        raise RequestError(
            f"{name!r} cannot name a plugin file: use lower case letters, digits and underscores, "
            "and no word that Python or the template uses."
        )
    return re.sub("[Tt]emplate", lambda match: name if match[0] == "template" else title, text)


def _chosen(what: list[str]) -> Iterator[registry.Plugin]:
    """Plugins of the given files and names; every plugin if none is given."""
    paths = [
        Path(text) for text in what if text.endswith(".py") or "/" in text or Path(text).is_dir()
    ]
    registry.use_files(*paths)
    known = [plugin for kind in registry.KINDS for plugin in registry.plugins(kind).values()]
    if not what:
        yield from known
    for text in what:
        if (path := Path(text)) in paths:
            inside = [p for p in known if p.file and path.resolve() in (p.file, p.file.parent)]
            if not inside:
                advice = "no file in it holds PLUGINS." if path.is_dir() else "see the warning."
                raise PluginError(f"{path} registers no plugin: {advice}")
            yield from inside
        elif named := [plugin for plugin in known if plugin.name == text]:
            yield from named
        else:
            raise UnknownNameError("plugin", text, [plugin.name for plugin in known])


def _findings(plugin: registry.Plugin) -> Iterator[Finding]:
    from drbench.checks import check_plugin, unopened_origins

    def finding(status: str, sentence: str) -> Finding:
        return status, plugin.kind, plugin.name, sentence

    try:
        problems = check_plugin(plugin)
    except MissingExtraError as error:
        yield finding("not checked", str(error))
        return
    except PluginError as error:
        yield finding("problem", str(error))
        return
    yield from (finding("problem", problem) for problem in problems)
    if problems:
        return
    loaded: Any = plugin.load()
    unopened = unopened_origins(loaded) if plugin.kind == "dataset" else []
    if not unopened or len(unopened) < len(loaded.spec.origins):
        yield finding("ok", "")
    yield from (finding("not checked", sentence) for sentence in unopened)


def _shown(path: Path | None) -> str | None:
    return None if path is None else str(path)
