"""What holds for every command."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from drbench import registry
from drbench.cli import COMMANDS, build_app, run
from drbench.cli.frame import Table, emit, parse_settings, parse_settings_by_id
from drbench.errors import DrbenchError, RequestError

PLUGIN = """
def steady(representation, *, seed):
    "Always the same."

PLUGINS = {"metrics": {"steady": steady}}
"""
BOXES = "─│┃━┏╭|"


@pytest.fixture
def plugin(tmp_path: Path) -> str:
    path = tmp_path / "mine.py"
    path.write_text(PLUGIN)
    return str(path)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--plugins", "{}", "metrics", "list"],
        ["metrics", "--plugins", "{}", "list"],
        ["metrics", "list", "--plugins", "{}"],
        ["metrics", "list", "--plugins={}"],
    ],
)
def test_plugins_may_stand_anywhere_and_are_said_in_one_line(
    arguments: list[str], plugin: str, capsys: pytest.CaptureFixture
) -> None:
    assert run([argument.format(plugin) for argument in arguments]) == 0
    out, err = capsys.readouterr()
    assert "steady" in out
    assert err == f"plugins from files: metric steady ({plugin})\n"


def test_plugins_may_come_from_the_environment(plugin, monkeypatch, capsys) -> None:
    monkeypatch.setenv("DRBENCH_PLUGINS", plugin)
    assert run(["metrics", "list"]) == 0
    assert "steady" in capsys.readouterr().out


def test_json_goes_to_standard_output_alone(capsys) -> None:
    assert run(["--json", "-", "metrics", "list"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in document] == registry.names("metric")


def test_json_goes_to_a_file_beside_the_table(tmp_path: Path, capsys) -> None:
    assert run(["metrics", "list", "--json", str(tmp_path / "out.json")]) == 0
    assert "omes" in capsys.readouterr().out
    assert len(json.loads((tmp_path / "out.json").read_text())) == len(registry.names("metric"))


def test_a_command_that_asks_for_the_json_file_gets_it(tmp_path: Path, monkeypatch) -> None:
    from drbench.cli import frame

    seen = []

    def echo(json: frame.JsonOption = None) -> None:
        seen.append(json)

    monkeypatch.setattr("drbench.cli.frame.echo", echo, raising=False)
    monkeypatch.setitem(COMMANDS, "echo", "frame:echo")
    assert run(["--json", "a.json", "echo"]) == run(["echo"]) == 0
    assert seen == [Path("a.json"), None]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["dataset", "list"], "Did you mean 'datasets'? See `drbench --help`."),
        (["datasets"], "See `drbench datasets --help`."),
        (["datasets", "list", "--nope"], "See `drbench datasets list --help`."),
        (["datasets", "show"], "See `drbench datasets show --help`."),
        (["datasets", "show", "dspritse"], "did you mean 'dsprites'?"),
        (["datasets", "list", "--plugins"], "--plugins needs a path after it."),
        (["datasets", "list", "--json", "a", "--json", "b"], "--json is given twice"),
        (["--plugins", "/nowhere", "datasets", "list"], "no such file or folder"),
    ],
)
def test_a_wrong_request_is_one_sentence_and_exit_2(arguments, says, capsys) -> None:
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert says in err


def failing(error: BaseException):
    def fail() -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (DrbenchError("It broke."), 1, "error: It broke.\n"),
        (RequestError("Not so."), 2, "error: Not so.\n"),
        (OSError(28, "No space left on device", "x.bin"), 1, "No space left on device: x.bin."),
        (ZeroDivisionError("oh"), 1, "error: ZeroDivisionError: oh (unexpected: run again with"),
        (KeyboardInterrupt(), 130, "error: interrupted. A run goes on with --resume.\n"),
        (typer.Exit(1), 1, ""),
    ],
    ids=lambda value: type(value).__name__,
)
def test_errors_become_one_line_and_an_exit_code(error, code, says, monkeypatch, capsys) -> None:
    monkeypatch.setattr("drbench.cli.frame.fail", failing(error), raising=False)
    monkeypatch.setitem(COMMANDS, "fail", "frame:fail")
    assert run(["fail"]) == code
    err = capsys.readouterr().err
    assert says in err
    assert "Traceback" not in err
    assert err.count("\n") <= 1


def test_debug_shows_the_traceback(monkeypatch, capsys) -> None:
    monkeypatch.setattr("drbench.cli.frame.fail", failing(DrbenchError("Oh.")), raising=False)
    monkeypatch.setitem(COMMANDS, "fail", "frame:fail")
    assert run(["fail", "--debug"]) == 1
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert err.endswith("error: Oh.\n")


def test_a_broken_plugin_file_is_one_warning_line(tmp_path: Path, capsys) -> None:
    (tmp_path / "mine.py").write_text("def (")
    assert run(["metrics", "list", "--plugins", str(tmp_path / "mine.py")]) == 0
    out, err = capsys.readouterr()
    assert "omes" in out
    assert [line for line in err.splitlines() if line.startswith("warning: ")] != []
    assert err.count("warning: ") == 1


def test_every_command_is_registered_and_says_what_holds_everywhere(capsys) -> None:
    assert run(["--help"]) == 0
    listed = capsys.readouterr().out
    for name in COMMANDS:
        assert f"\n  {name} " in listed
        assert run([name, "--help"]) == 0
        shown = capsys.readouterr().out
        assert "--plugins PATH" in shown
        assert not set(shown) & set(BOXES.replace("|", ""))


def test_only_the_command_that_is_asked_for_is_built() -> None:
    command = typer.main.get_command(build_app(["datasets", "list"]))
    assert list(command.commands) == ["datasets"]


def test_piped_output_has_no_boxes_and_no_wrapping(capsys) -> None:
    emit(None, Table(("name", "text", "n"), [("a", "word " * 60, 3), ("bb", None, 0.25)]))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert not set("".join(lines)) & set(BOXES)
    assert lines[1].split() == ["a", *["word"] * 60, "3"]
    assert lines[2].split() == ["bb", "-", "0.25"]
    assert {len(line) for line in lines} == {len(lines[0])}  # the numbers align on the right


def test_an_empty_table_is_its_header(capsys) -> None:
    emit([], Table(("name", "kind"), []))
    assert capsys.readouterr().out == "name  kind\n"


def test_a_terminal_gets_a_rich_table(monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    emit(None, Table(("name", "of"), [("omes", "[bold]not markup")], title="Scores"))
    out = capsys.readouterr().out
    assert "─" in out or "━" in out
    assert "[bold]not markup" in out


def test_not_a_number_never_reaches_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Out of range"):
        emit({"value": float("nan")}, json=tmp_path / "out.json")
    assert not (tmp_path / "out.json").exists()


def test_settings_are_read_as_numbers_flags_and_text() -> None:
    texts = ["a=1", "b=1e-3", "c=true", "d=None", "e=avg", "f=nan", "g=x=y", "h=-2"]
    assert list(parse_settings(texts).values()) == [1, 0.001, True, None, "avg", "nan", "x=y", -2]
    assert parse_settings(None) == {}


@pytest.mark.parametrize("text", ["a", "=1", "", "a=1 a=2"])
def test_a_setting_without_name_or_value_or_given_twice_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="--set"):
        parse_settings(text.split(" "))


def test_settings_of_metrics_need_an_id() -> None:
    assert parse_settings_by_id(["omes.alpha=0.5"]) == {"omes": {"alpha": 0.5}}
    with pytest.raises(RequestError, match=r"ID\.NAME=VALUE"):
        parse_settings_by_id(["alpha=0.5"])


def test_the_console_script_and_the_module_are_the_same_program() -> None:
    script = Path(sys.executable).with_name("drbench")
    for command in ([str(script)], [sys.executable, "-m", "drbench"]):
        done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
        assert done.stdout.startswith("drbench ")


def test_a_reader_that_leaves_early_is_no_error() -> None:
    command = f"{sys.executable} -m drbench plugins list | head -n 1"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, env=dict(os.environ), check=True
    )
    assert "Traceback" not in done.stderr
