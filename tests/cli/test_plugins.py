import json
from pathlib import Path

import pytest

from drbench import registry
from drbench.cli import run

KINDS = registry.KINDS


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_list_gives_kind_distribution_version_and_file_of_each(capsys) -> None:
    assert run(["plugins", "list", "--json", "-"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert len(listed) == sum(len(registry.names(kind)) for kind in KINDS)
    for entry in listed:
        assert entry["kind"] in KINDS
        assert entry["distribution"] == "drbench"
        assert Path(entry["file"]).is_file()
        assert entry["problem"] is None


def test_list_shows_a_broken_plugin_and_goes_on(capsys) -> None:
    Path("bent.py").write_text("raise RuntimeError\nPLUGINS = {'metrics': {'bent': bent}}\n")
    assert run(["plugins", "list", "--plugins", "bent.py"]) == 0
    out = capsys.readouterr().out
    assert "bent.py" in out
    assert "omes" in out


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_conforms_as_it_is(kind: str, capsys) -> None:
    assert run(["plugins", "new", kind, "my_thing"]) == 0
    assert "drbench plugins check my_thing.py" in capsys.readouterr().out
    assert "emplate" not in Path("my_thing.py").read_text()
    assert run(["plugins", "check", "my_thing.py"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["ok", kind, "my_thing"]


def test_a_new_plugin_never_overwrites(capsys) -> None:
    Path("mine.py").write_text("precious")
    assert run(["plugins", "new", "model", "mine"]) == 2
    assert "mine.py exists already" in capsys.readouterr().err
    assert Path("mine.py").read_text() == "precious"


@pytest.mark.parametrize(
    ("kind", "name", "says"),
    [
        ("modle", "mine", "No kind of plugin 'modle'"),
        ("metric", "mig", "is taken by drbench"),
        ("metric", "My Metric", "cannot name a plugin file"),
        ("metric", "class", "cannot name a plugin file"),
        ("metric", "representation", "cannot name a plugin file"),
        ("model", "batch", "cannot name a plugin file"),
        ("dataset", "../mine", "cannot name a plugin file"),
    ],
)
def test_a_new_plugin_needs_a_kind_and_a_free_name(kind, name, says, capsys) -> None:
    assert run(["plugins", "new", kind, name]) == 2
    assert says in capsys.readouterr().err
    assert list(Path().iterdir()) == []


def test_check_prints_one_line_a_problem_and_fails(capsys) -> None:
    assert run(["plugins", "new", "metric", "mine"]) == 0
    path = Path("mine.py")
    path.write_text(path.read_text().replace("range=(0, 1)", "range=(0, 0.5)"))
    capsys.readouterr()
    assert run(["plugins", "check", "mine.py"]) == 1
    lines = capsys.readouterr().out.splitlines()[1:]
    assert lines == ["problem  metric  mine  a perfect code: the score 1 is outside 0 to 0.5"]


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import nowhere", "ModuleNotFoundError: No module named 'nowhere'"),
        ("mine = 3", "it is 3, not made by the decorator drbench.metric"),
    ],
)
def test_check_reports_what_does_not_load_or_is_something_else(code, says, capsys) -> None:
    Path("mine.py").write_text(f"{code}\nPLUGINS = {{'metrics': {{'mine': mine}}}}\n")
    assert run(["plugins", "check", "mine.py"]) == 1
    assert says in capsys.readouterr().out


def test_check_never_calls_a_data_set_without_files_ok(capsys) -> None:
    assert run(["plugins", "check", "coil100", "--json", "-"]) == 0
    findings = json.loads(capsys.readouterr().out)
    assert [finding["status"] for finding in findings] == ["not checked"]
    assert "origin official is not checked: coil100: no " in findings[0]["finding"]


def test_check_takes_names_and_knows_none_but_registered_ones(capsys) -> None:
    assert run(["plugins", "check", "mig"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["ok", "metric", "mig"]
    assert run(["plugins", "check", "mog"]) == 2
    assert "did you mean 'mig'?" in capsys.readouterr().err


def test_check_of_a_file_without_plugins_fails(capsys) -> None:
    Path("mine.py").write_text("x = 1\n")
    assert run(["plugins", "check", "mine.py"]) == 1
    err = capsys.readouterr().err
    assert "it must hold PLUGINS" in err
    assert "error: mine.py registers no plugin: see the warning." in err
