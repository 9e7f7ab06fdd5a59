"""The command line: parse, call one function, print.

To add a command: write its module, and a line in COMMANDS. Only the module of the command that was
asked for is imported, and it imports what it calls inside its functions.
"""

import importlib
import sys
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from drbench import registry
from drbench._version import __version__
from drbench.cli.frame import json_goes_to
from drbench.errors import DrbenchError, MissingExtraError, RequestError
from drbench.progress import say

EVERYWHERE = (
    "Everywhere: --plugins PATH (plugin file or folder; repeatable), --json FILE (the result as "
    "JSON; - is stdout), --debug (tracebacks)."
)
_UsageError: Any = typer.BadParameter.__mro__[1]  # typer has no public name for it
_INTERRUPTED = 130

COMMANDS = {
    "demo": "demo:demo",
    "datasets": "datasets:app",
    "models": "models:app",
    "metrics": "metrics:app",
    "plugins": "plugins:app",
    "train": "runs:train",
    "transfer": "runs:transfer",
    "run": "studies:run",
    "study": "studies:app",
    "encode": "scoring:encode",
    "score": "scoring:score",
    "explain": "explaining:explain",
    "leaderboard": "leaderboard:app",
    "bench": "bench:bench",
}
"""Where each command (a function) or group of commands (a Typer app) is, as module:name."""


def main() -> None:
    """Run the command line: the console script."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code: 0 done, 1 failed, 2 wrong request, 130 stopped."""
    debug = "--debug" in arguments
    with warnings.catch_warnings():
        warnings.simplefilter("always", registry.PluginWarning)
        warnings.showwarning = lambda message, *_, **__: say(f"warning: {message}")
        try:
            code = _run(*split_everywhere(arguments))
        except (KeyboardInterrupt, typer.Abort):
            code = _INTERRUPTED
        except Exception as error:  # noqa: BLE001 - the last stop of every error
            if debug:
                traceback.print_exc()
            code, sentence = _explained(error)
            say(f"error: {sentence}")
    if code == _INTERRUPTED:
        say("error: interrupted. A run goes on with --resume.")
    return code


def split_everywhere(arguments: Sequence[str]) -> tuple[list[str], list[Path], Path | None]:
    """Take out the options that may stand anywhere: --plugins PATH, --json FILE, --debug.

    Typer itself would take each of them in one place only, and would import pydantic for them.

    Examples
    --------
    >>> rest, plugins, json = split_everywhere(["datasets", "list", "--plugins", "mine.py"])
    >>> rest, len(plugins), json
    (['datasets', 'list'], 1, None)
    """
    rest: list[str] = []
    paths: dict[str, list[Path]] = {"--plugins": [], "--json": []}
    remaining = iter(arguments)
    for argument in remaining:
        option, equals, value = argument.partition("=")
        if argument == "--":
            rest += [argument, *remaining]
        elif option in paths:
            path = value if equals else next(remaining, "")
            if not path or path.startswith("--"):
                raise RequestError(f"{option} needs a path after it.")
            paths[option].append(Path(path))
        elif argument != "--debug":
            rest.append(argument)
    if len(paths["--json"]) > 1:
        raise RequestError("--json is given twice: keep one.")
    return rest, paths["--plugins"], next(iter(paths["--json"]), None)


def build_app(arguments: Sequence[str] = ()) -> typer.Typer:
    """The command that the arguments ask for; without one that is known, all of them."""
    app = typer.Typer(
        add_completion=False,
        callback=_root,
        invoke_without_command=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich" if sys.stdout.isatty() else None,
    )
    wanted = next((argument for argument in arguments if argument in COMMANDS), None)
    for name in [wanted] if wanted else COMMANDS:
        module, _, attribute = COMMANDS[name].partition(":")
        found = getattr(importlib.import_module(f"drbench.cli.{module}"), attribute)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name)(found)
    return app


def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    """Measure how disentangled a representation is, and whether that survives real images."""
    if version:
        print(f"drbench {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


def _run(arguments: list[str], plugin_paths: list[Path], json: Path | None) -> int:
    registry.use_files(*plugin_paths)
    if overrides := registry.overrides():
        say(overrides)
    command = typer.main.get_command(build_app(arguments))
    defaults = _prepared(command)
    with json_goes_to(json):
        code = command.main(
            arguments, prog_name="drbench", standalone_mode=False, default_map=defaults
        )
    return code or 0


def _prepared(command: Any) -> dict[str, Any]:
    """Put the options that may stand anywhere below the help of every command.

    Returns the commands' defaults: with one for --help, typer need not import pydantic to find out
    that nobody asked for help.
    """
    command.epilog = EVERYWHERE
    inner = command.commands if isinstance(command, typer.core.TyperGroup) else {}
    return {"help": False} | {name: _prepared(each) for name, each in inner.items()}


def _explained(error: Exception) -> tuple[int, str]:
    """Exit code and sentence of an error."""
    if isinstance(error, ModuleNotFoundError) and error.name == "torch":
        error = MissingExtraError("torch", extra="train")
    if isinstance(error, DrbenchError):
        return error.exit_code, str(error)
    if isinstance(error, _UsageError):
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "drbench"
        message = error.format_message()
        ended = message if message.endswith((".", "?")) else f"{message}."
        return 2, f"{ended.replace('?.', '?')} See `{path} --help`."
    if isinstance(error, OSError) and error.strerror:
        return 1, f"{error.strerror}{f': {error.filename}' if error.filename else ''}."
    return 1, f"{type(error).__name__}: {error} (unexpected: run again with --debug to see where)."
