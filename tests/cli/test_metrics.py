import json
from pathlib import Path

import pytest

from drbench import registry
from drbench.cli import run


def test_list_gives_every_metric(capsys) -> None:
    assert run(["metrics", "list", "--json", "-"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in listed] == registry.names("metric")
    assert all(entry["summary"] for entry in listed)
    assert {entry["cost"] for entry in listed} <= {"quick", "seconds", "minutes"}


@pytest.mark.parametrize("name", registry.names("metric"))
def test_show_gives_all_that_is_declared(name: str, capsys) -> None:
    metric = registry.load("metric", name)
    assert run(["metrics", "show", name]) == 0
    out = capsys.readouterr().out
    declared = (metric.title, metric.measures, metric.source, metric.definition)
    for text in (*declared, *metric.invariances, *metric.defaults, *metric.faults):
        assert text in out
    shown = dict(line.split(maxsplit=1) for line in out.splitlines() if len(line.split()) == 2)
    assert (shown["better"], shown["takes"]) == (metric.direction, metric.cost)
    assert run(["metrics", "show", name, "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["range"] == list(metric.range)
    assert document["parameters"] == metric.defaults


def test_what_is_no_metric_is_named(tmp_path: Path, capsys) -> None:
    (tmp_path / "mine.py").write_text("def f(): ...\nPLUGINS = {'metrics': {'mine': f}}\n")
    assert run(["metrics", "show", "mine", "--plugins", str(tmp_path)]) == 1
    assert "error: The metric plugin 'mine' of " in capsys.readouterr().err
