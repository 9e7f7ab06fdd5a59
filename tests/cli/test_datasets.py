import json

import pytest

from drbench import registry
from drbench.cli import run
from drbench.data.dataset import find_dataset


def test_list_gives_name_distribution_and_summary_of_each(capsys) -> None:
    assert run(["datasets", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["name", "from", "summary"]
    assert [line.split()[0] for line in lines[1:]] == registry.names("dataset")
    assert all(" drbench " in line and line.endswith(".") for line in lines[1:])


def test_show_gives_the_whole_spec(capsys) -> None:
    spec = find_dataset("color_dsprites").spec
    assert run(["datasets", "show", "color_dsprites"]) == 0
    out = capsys.readouterr().out
    for text in (*spec.factor_names, spec.licence, spec.citation, spec.homepage, "5160960"):
        assert text in out
    assert run(["datasets", "show", "color_dsprites", "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document.pop("from").startswith("drbench ")
    assert document == spec.model_dump(mode="json")


def test_fetch_hands_the_spec_and_the_root_to_data_fetch(tmp_path, monkeypatch, capsys) -> None:
    asked = []
    monkeypatch.setattr("drbench.data.fetch.fetch", lambda *args: asked.append(args) or tmp_path)
    assert run(["datasets", "fetch", "dsprites", "--root", str(tmp_path)]) == 0
    assert asked == [(find_dataset("dsprites").spec, tmp_path)]
    assert capsys.readouterr().out == f"{tmp_path}\n"


@pytest.mark.parametrize("command", ["show", "fetch"])
def test_an_unknown_data_set_is_a_wrong_request(command: str, capsys) -> None:
    assert run(["datasets", command, "coil10"]) == 2
    assert "did you mean 'coil100'?" in capsys.readouterr().err
