import json
import sys

from drbench import registry
from drbench.cli import run


def test_list_gives_every_model(capsys) -> None:
    assert run(["models", "list", "--json", "-"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in listed] == registry.names("model")
    assert all(entry["summary"] for entry in listed)


def test_show_gives_each_hyperparameter_with_type_limits_default_and_meaning(capsys) -> None:
    assert run(["models", "show", "beta_vae"]) == 0
    lines = capsys.readouterr().out.splitlines()
    row = next(line for line in lines if line.startswith("latents"))
    assert row.split(maxsplit=5)[:5] == ["latents", "integer", ">=", "1", "10"]
    assert row.endswith(".")
    assert any(line.split() == ["supervision", "images"] for line in lines)


def test_show_as_json_holds_the_same(capsys) -> None:
    assert run(["models", "show", "ada_gvae", "--json", "-"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["supervision"] == "pairs"
    assert shown["hyperparameters"]["width"]["default"] == 128
    assert shown["hyperparameters"]["beta"]["type"] == "number >= 0"


def test_without_torch_show_says_what_to_install_and_list_works(monkeypatch, capsys) -> None:
    for name in [name for name in sys.modules if name.startswith(("drbench_plugins.models",))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "drbench.models.model", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert run(["models", "show", "beta_vae"]) == 1
    err = capsys.readouterr().err
    assert err == "error: This needs torch, which is not installed: pip install 'drbench[train]'\n"
    assert run(["models", "list"]) == 0


def test_an_unknown_model_is_a_wrong_request(capsys) -> None:
    assert run(["models", "show", "betavae"]) == 2
    assert "did you mean 'beta_vae'?" in capsys.readouterr().err
