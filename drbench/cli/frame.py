"""What the commands share: options, settings, and output for people and for programs."""

import json as json_text
import math
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any

import typer

from drbench.errors import RequestError
from drbench.table import Table as Table  # for all that print one

Setting = str | int | float | bool | None

_json_target: ContextVar[Path | None] = ContextVar("json_target", default=None)


def _json_file(value: Path | None) -> Path | None:
    return value or _json_target.get()


JsonOption = Annotated[
    Path | None,
    typer.Option(
        "--json", metavar="FILE", help="Write JSON here; - is stdout.", callback=_json_file
    ),
]
"""For commands that look at the file themselves; `emit` finds it without."""
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Change a parameter; repeatable."),
]
RootOption = Annotated[
    Path | None,
    typer.Option("--root", metavar="DIR", help="Folder of official files, not DRBENCH_DATA."),
]


def fits(table: Table) -> bool:
    """Whether no line of a table needs to be folded where it is printed."""
    width = shutil.get_terminal_size().columns
    return not sys.stdout.isatty() or max(map(len, table.lines), default=0) <= width


def emit(document: Any, *blocks: Table | str, json: Path | None = None) -> None:
    """Print a command's result, and write it as JSON if that was asked for.

    Parameters
    ----------
    document : JSON-able value
        The result for programs.
    *blocks : Table or str
        The same result for people; not printed if the JSON goes to standard output.
    json : path, optional
        Where the JSON goes, `-` is standard output; by default where --json says.

    Raises
    ------
    DrbenchError
        If the file cannot be written.
    """
    json = _json_file(json)
    if json is not None:
        text = json_text.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        if str(json) == "-":
            sys.stdout.write(text)
            return
        from drbench.files import write_text

        write_text(json, text)
    for number, block in enumerate(blocks):
        if number:
            print()
        if isinstance(block, str):
            print(block)
            continue
        if sys.stdout.isatty():
            _print_rich(block)
        else:
            _print_plain(block)
        if block.notes:
            print("", *block.notes, sep="\n")


@contextmanager
def json_goes_to(file: Path | None) -> Iterator[None]:
    """Set what `emit` takes for --json inside the block."""
    token = _json_target.set(file)
    try:
        yield
    finally:
        _json_target.reset(token)


def parse_settings(
    settings: Iterable[str] | None, *, option: str = "--set", example: str = "lr=1e-3"
) -> dict[str, Setting]:
    """Read `--set` options, or others of their form: `NAME=VALUE`.

    The value is an int, a float, true, false, none or text.

    Raises
    ------
    RequestError
        For a setting without name or `=`, or one that is given twice.

    Examples
    --------
    >>> parse_settings(["lr=1e-3", "width=32", "omes.pooling=max", "distinct=false"])
    {'lr': 0.001, 'width': 32, 'omes.pooling': 'max', 'distinct': False}
    """
    parsed: dict[str, Setting] = {}
    for setting in settings or ():
        name, equals, value = setting.partition("=")
        name = name.strip()
        if not (name and equals):
            raise RequestError(
                f"{option} {setting}: expected NAME=VALUE, such as {option} {example}."
            )
        if name in parsed:
            raise RequestError(f"{option} {name} is given twice: keep one.")
        parsed[name] = _value(value.strip())
    return parsed


def parse_settings_by_id(settings: Iterable[str] | None) -> dict[str, dict[str, Setting]]:
    """Read `--set` options that name whose parameter they set: `ID.NAME=VALUE`.

    Raises
    ------
    RequestError
        For a setting without ID.

    Examples
    --------
    >>> parse_settings_by_id(["omes.pooling=max", "mig.bins=10", "omes.alpha=1"])
    {'omes': {'pooling': 'max', 'alpha': 1}, 'mig': {'bins': 10}}
    """
    grouped: dict[str, dict[str, Setting]] = {}
    for name, value in parse_settings(settings).items():
        owner, dot, parameter = name.partition(".")
        if not (owner and dot and parameter):
            raise RequestError(
                f"--set {name}: expected ID.NAME=VALUE, such as --set omes.pooling=max."
            )
        grouped.setdefault(owner, {})[parameter] = value
    return grouped


def parse_names(names: str | None) -> tuple[str, ...] | None:
    """Names between commas; None if there is no text.

    Examples
    --------
    >>> parse_names("shape, size")
    ('shape', 'size')
    """
    if names is None:
        return None
    return tuple(name.strip() for name in names.split(",") if name.strip())


def _value(text: str) -> Setting:
    words: dict[str, Setting] = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    for number in (int, float):
        try:
            value = number(text)
        except ValueError:
            continue
        return value if math.isfinite(value) else text
    return text


def _print_plain(table: Table) -> None:
    if table.title:
        print(table.title)
    for line in table.lines:
        print(line)


def _print_rich(table: Table) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = RichTable(
        title=table.title or None,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        show_header=any(table.columns),
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for header, right in zip(table.columns, table.numeric, strict=True):
        shown.add_column(header, justify="right" if right else "left", overflow="fold")
    for row in table.cells:
        shown.add_row(*map(Text, row))
    Console().print(shown)
