"""The command line: parse, call one function, print.

A command imports what it calls inside its function, so that `drbench --help` and the lists cost
nothing. To add one: write its module, import it here, register it below.
"""

import sys
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from drbench import registry
from drbench._version import __version__
from drbench.cli import datasets, demo, leaderboard, metrics, models, plugins, runs, scoring
from drbench.cli.frame import note
from drbench.errors import DrbenchError, RequestError

EVERYWHERE = "Before or after any command: --plugins PATH, --debug."
_UsageError: Any = typer.BadParameter.__mro__[1]  # typer has no public name for it
_INTERRUPTED = 130

app = typer.Typer(
    add_completion=False,
    epilog=EVERYWHERE,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich" if sys.stdout.isatty() else None,
)
app.add_typer(datasets.app, name="datasets")
app.add_typer(models.app, name="models")
app.add_typer(metrics.app, name="metrics")
app.add_typer(plugins.app, name="plugins")
app.add_typer(leaderboard.app, name="leaderboard")
app.command()(demo.demo)
app.command()(runs.train)
app.command()(runs.transfer)
app.command()(scoring.encode)
app.command()(scoring.score)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    plugin_paths: Annotated[
        list[Path] | None,
        typer.Option("--plugins", metavar="PATH", help="Plugin file or folder; repeatable."),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    """Measure how disentangled a representation is, and whether that survives real images."""
    if version:
        print(f"drbench {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit
    registry.use_files(*plugin_paths or ())
    if overrides := registry.overrides():
        note(overrides)


def main() -> None:
    """Run the command line: the console script."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code: 0 done, 1 failed, 2 wrong request, 130 stopped."""
    debug = "--debug" in arguments
    with warnings.catch_warnings():
        warnings.simplefilter("always", registry.PluginWarning)
        warnings.showwarning = lambda message, *_, **__: note(f"warning: {message}")
        try:
            command = typer.main.get_command(app)
            code = command.main(hoisted(arguments), prog_name="drbench", standalone_mode=False)
        except (KeyboardInterrupt, typer.Abort):
            code = _INTERRUPTED
        except Exception as error:  # noqa: BLE001 - the last stop of every error
            if debug:
                traceback.print_exc()
            code, sentence = _explained(error)
            note(f"error: {sentence}")
    if code == _INTERRUPTED:
        note("error: interrupted.")
    return code or 0


def hoisted(arguments: Sequence[str]) -> list[str]:
    """Move --plugins PATH and --debug, wherever they stand, to the front.

    Examples
    --------
    >>> hoisted(["datasets", "list", "--plugins", "mine.py"])
    ['--plugins', 'mine.py', 'datasets', 'list']
    """
    front: list[str] = []
    rest: list[str] = []
    remaining = iter(arguments)
    for argument in remaining:
        if argument == "--":
            rest += [argument, *remaining]
        elif argument == "--plugins":
            path = next(remaining, None)
            if path is None or path.startswith("-"):
                raise RequestError("--plugins needs the path of a file or a folder.")
            front += [argument, path]
        elif argument == "--debug" or argument.startswith("--plugins="):
            front.append(argument)
        else:
            rest.append(argument)
    return front + rest


def _explained(error: Exception) -> tuple[int, str]:
    """Exit code and sentence of an error."""
    if isinstance(error, DrbenchError):
        return error.exit_code, str(error)
    if isinstance(error, _UsageError):
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "drbench"
        return 2, f"{error.format_message().rstrip('.')}. See `{path} --help`."
    if isinstance(error, OSError) and error.strerror:
        return 1, f"{error.strerror}{f': {error.filename}' if error.filename else ''}."
    return 1, f"{type(error).__name__}: {error} (unexpected: run again with --debug to see where)."
