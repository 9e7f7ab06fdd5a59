"""The loop: what is drawn, what is learnt, what is kept when it is cut short."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
import pytest
import torch
from drbench.models.checkpoints import CHECKPOINT, WEIGHTS, load_weights
from torch import Generator, Tensor, nn

from drbench import Batch, GroundTruth, Model, RequestError, Training, load_model
from drbench.data.sampling import split_rows
from drbench.errors import DrbenchError, RunError
from drbench.models import training as loop
from drbench.models.inference import objective, seeded_network
from drbench.models.training import LOG, Fitted, fit

SHAPE = (16, 16, 3)
NAMES = ["ada_gvae", "beta_vae", "gvae"]
TRAINING = Training(steps=6, batch=8, lr=1e-3)


def small(name: str = "beta_vae") -> tuple[Model, nn.Module]:
    model = load_model(name, width=8)
    return model, seeded_network(model, SHAPE, 0)


def train(
    truth: GroundTruth,
    folder: Path,
    training: Training = TRAINING,
    *,
    name: str = "beta_vae",
    network: nn.Module | None = None,
    **options: Any,
) -> tuple[nn.Module, Fitted]:
    model, fresh = small(name)
    network = network or fresh
    settings = {
        "seed": 0,
        "supervision": model.supervision,
        "device": "cpu",
        "folder": folder,
    }
    everything = np.ones(len(truth), dtype=bool)
    allowed = options.pop("allowed", everything)
    return network, fit(model, network, truth, allowed, training, **{**settings, **options})


def weights(network: nn.Module) -> list[Tensor]:
    return [value.clone() for value in network.state_dict().values()]


def equal(a: list[Tensor], b: list[Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def recording(truth: GroundTruth) -> tuple[GroundTruth, list[np.ndarray]]:
    asked: list[np.ndarray] = []

    def images(rows: np.ndarray) -> np.ndarray:
        asked.append(rows.copy())
        return truth.images(rows)

    return replace(truth, images=images), asked


def interrupted_at(truth: GroundTruth, step: int) -> GroundTruth:
    """Ctrl-C arrives while the images of a step are fetched."""
    calls = 0

    def images(rows: np.ndarray) -> np.ndarray:
        nonlocal calls
        calls += 1
        if calls == step:
            os.kill(os.getpid(), signal.SIGINT)
        return truth.images(rows)

    return replace(truth, images=images)


def log_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / LOG).read_text().splitlines()]


@pytest.mark.parametrize("name", NAMES)
def test_the_loss_on_unseen_images_falls(squares: GroundTruth, tmp_path: Path, name: str) -> None:
    held_out = split_rows(squares, 0)
    model, network = small(name)
    rows = np.flatnonzero(held_out)
    before = objective(model, network, squares, rows, device="cpu")["elbo"]
    training = Training(steps=60, batch=16, lr=1e-3)
    train(squares, tmp_path, training, name=name, network=network, allowed=~held_out)
    assert objective(model, network, squares, rows, device="cpu")["elbo"] > before + 20


def test_a_training_depends_on_its_seed_alone(squares: GroundTruth, tmp_path: Path) -> None:
    runs = []
    for number, seed in enumerate((0, 0, 1)):
        torch.rand(number)
        runs.append(weights(train(squares, tmp_path / str(number), seed=seed)[0]))
    assert equal(runs[0], runs[1])
    assert not equal(runs[0], runs[2])


def test_others_random_numbers_are_left_alone(squares: GroundTruth, tmp_path: Path) -> None:
    torch.manual_seed(7)
    expected = torch.rand(4)
    model, network = small()
    torch.manual_seed(7)
    everything = np.ones(len(squares), dtype=bool)
    fit(
        model,
        network,
        squares,
        everything,
        TRAINING,
        seed=0,
        supervision="images",
        device="cpu",
        folder=tmp_path,
    )
    torch.testing.assert_close(torch.rand(4), expected)


@pytest.mark.parametrize("name", NAMES)
def test_an_interrupted_training_resumes_to_the_very_same_weights(
    squares: GroundTruth, tmp_path: Path, name: str
) -> None:
    whole, _ = train(squares, tmp_path / "whole", name=name)
    with pytest.raises(KeyboardInterrupt):
        train(interrupted_at(squares, 4), tmp_path / "cut", name=name)
    assert not (tmp_path / "cut" / WEIGHTS).exists()
    resumed, _ = train(squares, tmp_path / "cut", name=name, resume=True)
    assert equal(weights(whole), weights(resumed))
    hashes = [(tmp_path / run / WEIGHTS).read_bytes() for run in ("whole", "cut")]
    assert hashes[0] == hashes[1]


def test_ctrl_c_finishes_the_step_and_gives_the_signal_back(
    squares: GroundTruth, tmp_path: Path
) -> None:
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(interrupted_at(squares, 4), tmp_path)
    assert signal.getsignal(signal.SIGINT) is handler
    assert torch.load(tmp_path / CHECKPOINT, weights_only=True)["step"] == 4


def test_a_crash_costs_no_more_than_the_steps_since_the_last_checkpoint(
    squares: GroundTruth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    whole, _ = train(squares, tmp_path / "whole")
    calls = 0

    def images(rows: np.ndarray) -> np.ndarray:
        nonlocal calls
        calls += 1
        if calls == 5:
            raise OSError("the disk is gone")
        return squares.images(rows)

    with pytest.raises(OSError, match="the disk is gone"):
        train(replace(squares, images=images), tmp_path / "cut")
    counted, asked = recording(squares)
    resumed, _ = train(counted, tmp_path / "cut", resume=True)
    assert len(asked) == TRAINING.steps - 4
    assert equal(weights(whole), weights(resumed))


def test_a_finished_training_can_be_prolonged(squares: GroundTruth, tmp_path: Path) -> None:
    longer = TRAINING.model_copy(update={"steps": 9})
    whole, _ = train(squares, tmp_path / "whole", longer)
    train(squares, tmp_path / "short")
    resumed, _ = train(squares, tmp_path / "short", longer, resume=True)
    assert equal(weights(whole), weights(resumed))
    with pytest.raises(RunError, match="at step 9, past the 6 asked for"):
        train(squares, tmp_path / "short", resume=True)


def test_resuming_a_finished_training_draws_nothing(squares: GroundTruth, tmp_path: Path) -> None:
    trained, _ = train(squares, tmp_path)
    counted, asked = recording(squares)
    again, fitted = train(counted, tmp_path, resume=True)
    assert equal(weights(trained), weights(again))
    assert (asked, fitted.terms) == ([], {})


def test_a_folder_that_holds_a_training_is_not_overwritten(
    squares: GroundTruth, tmp_path: Path
) -> None:
    train(squares, tmp_path)
    before = (tmp_path / CHECKPOINT).read_bytes()
    with pytest.raises(RunError, match="holds a training already"):
        train(squares, tmp_path)
    other = TRAINING.model_copy(update={"lr": 0.5})
    with pytest.raises(RunError, match=r"another run \(lr=0.001, now 0.5\)"):
        train(squares, tmp_path, other, resume=True)
    assert (tmp_path / CHECKPOINT).read_bytes() == before


def test_the_log_of_a_resumed_training_has_each_step_once(
    squares: GroundTruth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "LOG_EVERY", 1)
    with pytest.raises(KeyboardInterrupt):
        train(interrupted_at(squares, 4), tmp_path)
    with (tmp_path / LOG).open("a") as file:  # a step that the checkpoint does not have
        file.write('{"step": 5, "steps_per_second": 1.0, "terms": {}}\n')
    train(squares, tmp_path, resume=True)
    lines = log_of(tmp_path)
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert all(line["steps_per_second"] > 0 for line in lines)
    assert set(lines[-1]["terms"]) == {"loss", "reconstruction", "kl", "elbo"}


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_weights_are_kept_at_any_number_of_steps(
    squares: GroundTruth, tmp_path: Path, steps: int
) -> None:
    """The released code keeps none before step 10,000, and none if the loss rose (P6)."""
    _, fresh = small()
    network, _ = train(squares, tmp_path, TRAINING.model_copy(update={"steps": steps}))
    _, read = small()
    load_weights(tmp_path / WEIGHTS, read)
    assert equal(weights(read), weights(network))
    assert equal(weights(read), weights(fresh)) == (steps == 0)


def test_fine_tuning_has_a_fresh_optimiser_at_its_own_rate(
    squares: GroundTruth, tmp_path: Path
) -> None:
    """Adam's first step is as long as its rate, whatever the gradient; later ones are not (P5)."""
    source = Training(steps=20, batch=8, lr=1e-5)
    network, _ = train(squares, tmp_path / "source", source, name="ada_gvae")
    before = [parameter.detach().clone() for parameter in network.parameters()]
    target = Training(steps=1, batch=8, lr=1e-2, clip=None)
    train(
        squares,
        tmp_path / "target",
        target,
        name="ada_gvae",
        network=network,
        supervision="images",
    )
    moved = torch.cat(
        [(a - b).abs().flatten() for a, b in zip(before, network.parameters(), strict=True)]
    )
    assert moved.max().item() == pytest.approx(1e-2, rel=1e-3)
    assert moved.quantile(0.9).item() == pytest.approx(1e-2, rel=0.01)


def test_fine_tuning_a_pair_model_draws_single_images(squares: GroundTruth, tmp_path: Path) -> None:
    counted, asked = recording(squares)
    train(counted, tmp_path, name="ada_gvae", supervision="images")
    assert [len(rows) for rows in asked] == [8] * TRAINING.steps


@pytest.mark.parametrize("supervision", ["images", "pairs", "labelled_pairs"])
def test_held_out_rows_are_never_looked_at(
    squares: GroundTruth, tmp_path: Path, supervision: str
) -> None:
    """The released code scores on what it trained on (P8)."""
    held_out = split_rows(squares, 0)
    counted, asked = recording(squares)
    training = Training(steps=40, batch=16)
    train(counted, tmp_path, training, name="gvae", allowed=~held_out, supervision=supervision)
    seen = set(np.concatenate(asked).tolist())
    assert seen <= set(np.flatnonzero(~held_out).tolist())
    assert len(seen) > 0.9 * (~held_out).sum()


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_images_of_a_pair_differ_in_exactly_k_factors(
    squares: GroundTruth, tmp_path: Path, k: int
) -> None:
    """The released code lets a changed factor keep its value (P3)."""
    counted, asked = recording(squares)
    train(counted, tmp_path, TRAINING.model_copy(update={"k": k}), name="ada_gvae")
    for rows in asked:
        first, second = squares.codes[rows].reshape(2, TRAINING.batch, -1)
        assert ((first != second).sum(axis=1) == k).all()


def test_more_changed_factors_than_there_are_is_refused(
    squares: GroundTruth, tmp_path: Path
) -> None:
    with pytest.raises(RequestError, match="k=5"):
        train(squares, tmp_path, TRAINING.model_copy(update={"k": 5}), name="ada_gvae")


def test_the_regulariser_warms_up_from_nothing(
    squares: GroundTruth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The released code swallows the setting (P7)."""
    monkeypatch.setattr(loop, "LOG_EVERY", 1)
    train(squares, tmp_path, TRAINING.model_copy(update={"warmup": 4}))
    shares = [
        (terms["loss"] - terms["reconstruction"]) / terms["kl"]
        for terms in (line["terms"] for line in log_of(tmp_path))
    ]
    np.testing.assert_allclose(shares, [0, 0.25, 0.5, 0.75, 1, 1], atol=1e-4)


def test_scores_on_the_way_reach_the_log_and_change_nothing(
    squares: GroundTruth, tmp_path: Path
) -> None:
    plain, _ = train(squares, tmp_path / "plain")
    seen = []

    def probe(network: nn.Module) -> dict[str, float]:
        network.eval()
        torch.rand(3)
        seen.append(network)
        return {"mig": 0.25, "omes": float("nan")}

    scored = TRAINING.model_copy(update={"score_every": 2})
    network, _ = train(squares, tmp_path / "scored", scored, probe=probe)
    assert equal(weights(plain), weights(network))
    assert [line["step"] for line in log_of(tmp_path / "scored")] == [2, 4, 6]
    assert log_of(tmp_path / "scored")[0]["scores"] == {"mig": 0.25, "omes": None}
    assert len(seen) == 3


def test_a_loss_that_is_not_finite_stops_and_names_the_step(
    squares: GroundTruth, tmp_path: Path
) -> None:
    training = Training(steps=200, batch=8, lr=1e4, clip=None)
    with pytest.raises(DrbenchError, match=r"came apart at step \d+: \w+ is (nan|inf|-inf)"):
        train(squares, tmp_path, training)
    assert not (tmp_path / WEIGHTS).exists()


def test_half_precision_keeps_full_weights_and_learns_alike(
    squares: GroundTruth, tmp_path: Path
) -> None:
    terms = {}
    for precision in ("float32", "bfloat16"):
        training = Training(steps=10, batch=16, lr=1e-3, precision=precision)
        network, fitted = train(squares, tmp_path / precision, training, name="ada_gvae")
        terms[precision] = fitted.terms
        assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    assert terms["bfloat16"] != terms["float32"]
    assert terms["bfloat16"]["loss"] == pytest.approx(terms["float32"]["loss"], rel=0.02)


def test_gradients_are_clipped_to_the_norm_asked_for(squares: GroundTruth) -> None:
    images = torch.from_numpy(squares.images(np.arange(8))).permute(0, 3, 1, 2) / 255
    for clip in (0.5, None):
        model, network = small()
        before = [parameter.detach().clone() for parameter in network.parameters()]
        training = Training(steps=1, clip=clip)
        descent = torch.optim.SGD(network.parameters(), lr=1.0)  # a step as long as the gradient
        loop._update(model, network, descent, Batch(images), training)
        after = network.parameters()
        moved = torch.cat([(a - b).flatten() for a, b in zip(before, after, strict=True)])
        if clip is None:
            assert moved.norm() > 1
        else:
            assert moved.norm().item() == pytest.approx(clip, rel=1e-3)


@final
class TwoPlayers(Model):
    """Two optimised parts that pull a number each towards their own target."""

    name = "two_players"
    supervision = "images"
    optimised: ClassVar[tuple[str, ...]] = ("player", "critic")

    def network(self, image_shape: tuple[int, int, int]) -> nn.Module:
        return nn.ModuleDict({"player": nn.Linear(1, 1), "critic": nn.Linear(1, 1)})

    def loss(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        one = torch.ones(1, 1)
        player, critic = network["player"](one), network["critic"](one)
        # The player's loss pulls the critic away from 2; only the player may follow it.
        if batch.part == "player":
            return {"loss": ((player + 3) ** 2 + 100 * (critic + 5) ** 2).sum()}
        return {"loss": ((critic - 2) ** 2).sum(), "gap": (player - critic).abs().sum()}

    def encode(self, network: nn.Module, images: Tensor, noise: Generator) -> tuple[Tensor, None]:
        return images.flatten(1), None

    def decode(self, network: nn.Module, latents: Tensor) -> Tensor:
        return latents.reshape(-1, 3, 16, 16)


def test_each_part_follows_its_own_loss_only(squares: GroundTruth, tmp_path: Path) -> None:
    model = TwoPlayers()
    network = seeded_network(model, SHAPE, 0)
    fitted = fit(
        model,
        network,
        squares,
        np.ones(len(squares), dtype=bool),
        Training(steps=400, batch=2, lr=0.05, clip=None),
        seed=0,
        supervision="images",
        device="cpu",
        folder=tmp_path,
    )
    one = torch.ones(1, 1)
    assert network["player"](one).item() == pytest.approx(-3, abs=0.05)
    assert network["critic"](one).item() == pytest.approx(2, abs=0.05)
    assert set(fitted.terms) == {"player.loss", "critic.loss", "critic.gap"}
