"""Weights on disk: whole, equal, and refused where they do not fit."""

from pathlib import Path

import pytest
import torch
from drbench.models.checkpoints import (
    load_checkpoint,
    load_weights,
    save_checkpoint,
    save_weights,
)
from torch import nn

from drbench import load_model
from drbench.errors import DrbenchError, PluginError, RunError
from drbench.models.inference import place, seeded_network


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


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    path, net = tmp_path / "c", network()
    optimisers = {"": torch.optim.Adam(net.parameters())}
    save_checkpoint(path, net, optimisers, step=3, run={"seed": 0})
    assert load_checkpoint(path, net, optimisers, run={"seed": 0}) == 3
    whole = path.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], b"<html>" + whole[6:]):
        path.write_bytes(damaged)
        with pytest.raises(RunError, match="damaged"):
            load_checkpoint(path, net, optimisers, run={"seed": 0})


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    net = network()
    optimisers = {"": torch.optim.Adam(net.parameters())}
    save_checkpoint(tmp_path / "c", net, optimisers, step=3, run={"lr": 0.1, "seed": 0})
    with pytest.raises(RunError, match=r"another run \(lr=0.1, now 0.2\)"):
        load_checkpoint(tmp_path / "c", net, optimisers, run={"lr": 0.2, "seed": 0})


def test_a_full_disk_leaves_the_old_file_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, net = tmp_path / "c", network()
    optimisers = {"": torch.optim.Adam(net.parameters())}
    save_checkpoint(path, net, optimisers, step=3, run={})

    def half_then_full(self: Path, content: bytes) -> int:
        with self.open("wb") as file:
            file.write(content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half_then_full)
    with pytest.raises(DrbenchError, match="No space left"):
        save_checkpoint(path, net, optimisers, step=4, run={})
    assert load_checkpoint(path, net, optimisers, run={}) == 3
    assert [file.name for file in tmp_path.iterdir()] == ["c"]
