"""Checkpoints: whole or refused, the one before at hand, nothing unpickled."""

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam, Optimizer

from drbench import load_model
from drbench.errors import DrbenchError, RunError
from drbench.models.inference import own_randomness, place, seeded_network
from drbench.models.training.state import CHECKPOINT, PREVIOUS, Checkpoints, forget_checkpoints


def vae(seed: int = 0) -> nn.Module:
    network = seeded_network(load_model("beta_vae", width=8), (16, 16, 3), seed)
    place(network, "cpu")
    return network


def checkpoints(
    folder: Path, network: nn.Module, optimiser: Optimizer | None = None, **options: object
) -> Checkpoints:
    optimisers = {"loss": optimiser or Adam(network.parameters())}
    settings = {"run": "a run", "seconds": 20.0} | options
    return Checkpoints(folder, network, optimisers, "cpu", **settings)  # type: ignore[arg-type]


def stepped(network: nn.Module, optimiser: Optimizer) -> None:
    for parameter in network.parameters():
        parameter.grad = torch.rand_like(parameter)
    optimiser.step()


@pytest.mark.parametrize("kind", [Adam, SGD])
def test_what_is_restored_goes_on_as_what_was_saved(tmp_path: Path, kind: type[Optimizer]) -> None:
    with own_randomness("cpu"):
        saved, restored = vae(0), vae(1)
        first, second = (kind(net.parameters(), lr=0.1) for net in (saved, restored))  # type: ignore[call-arg]
        stepped(saved, first)
        checkpoints(tmp_path, saved, first).save(7)
        expected = torch.rand(3)
        stepped(saved, first)
        assert checkpoints(tmp_path, restored, second).restore(resume=True) == 7
        assert torch.equal(torch.rand(3), expected)  # the generator goes on as well
        stepped(restored, second)
    pairs = zip(saved.state_dict().items(), restored.state_dict().values(), strict=True)
    for (name, a), b in pairs:
        assert torch.equal(a, b), name
        assert a.stride() == b.stride()
    for mine, theirs in zip(first.state.values(), second.state.values(), strict=True):
        for key, value in mine.items():
            if isinstance(value, torch.Tensor):
                assert torch.equal(value, theirs[key])
                assert value.stride() == theirs[key].stride()


def test_a_flipped_bit_anywhere_is_noticed(tmp_path: Path) -> None:
    network = vae()
    checkpoints(tmp_path, network).save(3)
    path = tmp_path / CHECKPOINT
    whole = path.read_bytes()
    for place_of in (0, 64, 70, len(whole) // 2, len(whole) - 1):
        damaged = bytearray(whole)
        damaged[place_of] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(RunError, match="damaged: remove its folder and train again"):
            checkpoints(tmp_path, network).restore(resume=True)


@pytest.mark.parametrize("keep", [0, 30, 65, 5000])
def test_the_one_before_is_used_with_a_sentence_when_the_newest_is_cut(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], keep: int
) -> None:
    network = vae()
    kept = checkpoints(tmp_path, network)
    kept.save(3)
    kept.save(5)
    path = tmp_path / CHECKPOINT
    path.write_bytes(path.read_bytes()[:keep])
    again = checkpoints(tmp_path, network)
    assert again.restore(resume=True) == 3
    assert "is damaged: the checkpoint before it is used" in capsys.readouterr().err
    again.save(6)  # the good one is not pushed out by the damaged one
    path.write_bytes(b"")
    assert checkpoints(tmp_path, network).restore(resume=True) == 3


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    network = vae()
    checkpoints(tmp_path, network).save(3)
    with pytest.raises(RunError, match="is of another run"):
        checkpoints(tmp_path, network, run="another").restore(resume=True)


def test_a_checkpoint_of_a_model_that_has_changed_is_refused(tmp_path: Path) -> None:
    checkpoints(tmp_path, vae()).save(3)
    with pytest.raises(RunError, match="does not fit the model"):
        checkpoints(tmp_path, nn.Linear(2, 2)).restore(resume=True)


def test_a_checkpoint_is_not_overwritten_unasked(tmp_path: Path) -> None:
    network = vae()
    checkpoints(tmp_path, network).save(3)
    with pytest.raises(RunError, match="holds a training already"):
        checkpoints(tmp_path, network).restore(resume=False)
    forget_checkpoints(tmp_path)
    assert checkpoints(tmp_path, network).restore(resume=False) == 0
    assert list(tmp_path.iterdir()) == []


def test_the_first_is_due_early_and_the_next_in_their_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from drbench.models.training import state

    now = [100.0]
    monkeypatch.setattr(state.time, "monotonic", lambda: now[0])
    kept = checkpoints(tmp_path, nn.Linear(2, 2), seconds=20.0)
    assert not kept.due
    now[0] += state.FIRST_SECONDS
    assert kept.due
    kept.save(1)
    now[0] += 19
    assert not kept.due
    now[0] += 1
    assert kept.due


def test_a_full_disk_leaves_the_old_files_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = vae()
    kept = checkpoints(tmp_path, network)
    kept.save(2)
    kept.save(3)

    def half_then_full(self: Path, content: bytes) -> int:
        with self.open("wb") as file:
            file.write(content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half_then_full)
    with pytest.raises(DrbenchError, match="No space left"):
        kept.save(4)
    assert checkpoints(tmp_path, network).restore(resume=True) == 3
    assert {file.name for file in tmp_path.iterdir()} == {CHECKPOINT, PREVIOUS}
