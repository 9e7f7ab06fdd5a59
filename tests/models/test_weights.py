"""Weights on disk: whole, equal, and refused where they do not fit."""

from pathlib import Path

import pytest
import torch
from torch import nn

from drbench import load_model
from drbench.errors import PluginError, RunError
from drbench.models.inference import place, seeded_network
from drbench.models.weights import load_weights, save_weights


def network(seed: int = 0, **hyperparameters: int) -> nn.Module:
    model = load_model("beta_vae", **{"width": 8, **hyperparameters})
    return seeded_network(model, (16, 16, 3), seed)


def equal(a: nn.Module, b: nn.Module) -> bool:
    pairs = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    return all(torch.equal(x, y) for x, y in pairs)


def test_weights_come_back_exactly(tmp_path: Path) -> None:
    saved, other = network(0), network(1)
    place(saved, "cpu")  # channels-last in memory must not reach the file
    save_weights(tmp_path / "w", saved)
    load_weights(tmp_path / "w", other)
    assert equal(saved, other)


def test_equal_weights_are_equal_files(tmp_path: Path) -> None:
    for name in "ab":
        save_weights(tmp_path / name, network(0))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_parts_of_a_network_are_written_and_read_alone(tmp_path: Path) -> None:
    parts = load_model("beta_vae").encoding
    saved, other = network(0), network(1)
    decoder = {n: w.clone() for n, w in other.state_dict().items() if n.startswith("decoder")}
    save_weights(tmp_path / "w", saved, parts=parts)
    load_weights(tmp_path / "w", other, parts=parts)
    for name, weights in other.state_dict().items():
        kept = decoder.get(name, saved.state_dict()[name])
        assert torch.equal(weights, kept), name
    with pytest.raises(RunError, match="another network"):
        load_weights(tmp_path / "w", other)


def test_an_encoder_is_less_than_the_whole_network(tmp_path: Path) -> None:
    full = seeded_network(load_model("ada_gvae"), (64, 64, 3), 0)
    save_weights(tmp_path / "all", full)
    save_weights(tmp_path / "encoder", full, parts=load_model("ada_gvae").encoding)
    sizes = [(tmp_path / name).stat().st_size for name in ("all", "encoder")]
    assert sizes[0] > 2.4e6
    assert 1.3e6 < sizes[1] < 1.4e6


def test_a_part_that_the_network_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="no submodule 'head'"):
        save_weights(tmp_path / "w", network(), parts=("head",))


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"no weights at .*nothing"):
        load_weights(tmp_path / "nothing", network())


@pytest.mark.parametrize("keep", [0, 5, 100, 4000])
def test_damaged_weights_are_refused(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "w"
    save_weights(path, network())
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(RunError, match="damaged"):
        load_weights(path, network())


def test_weights_of_another_size_are_refused_and_change_nothing(tmp_path: Path) -> None:
    save_weights(tmp_path / "w", network(latents=6))
    target, untouched = network(1), network(1)
    with pytest.raises(RunError, match=r"mean.weight has shape \(6, 32\), expected \(10, 32\)"):
        load_weights(tmp_path / "w", target)
    assert equal(target, untouched)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    save_weights(tmp_path / "w", nn.Linear(2, 2))
    with pytest.raises(RunError, match="another network"):
        load_weights(tmp_path / "w", network())
