"""The contract: what is found by name, and with which hyperparameters."""

from pathlib import Path

import pytest

from drbench import RequestError, load_model
from drbench.errors import PluginError, UnknownNameError


def test_hyperparameters_given_as_text_are_converted() -> None:
    assert load_model("beta_vae", beta="2", latents="6").model_dump() == {
        "beta": 2.0,
        "latents": 6,
        "width": 128,
    }


def test_the_nearest_name_is_suggested() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'ada_gvae'"):
        load_model("adagvae")


def test_an_infinite_beta_is_refused() -> None:
    with pytest.raises(RequestError, match="beta"):
        load_model("beta_vae", beta="inf")


def test_a_plugin_that_is_no_model_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "odd.py"
    file.write_text("def thing():\n    pass\n\nPLUGINS = {'models': {'odd': thing}}\n")
    monkeypatch.setenv("DRBENCH_PLUGINS", str(file))
    with pytest.raises(PluginError, match=r"odd.* is no drbench.Encoder"):
        load_model("odd")
