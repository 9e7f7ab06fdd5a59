"""The loop: what is drawn, what is learnt, what is kept when it is cut short."""

import os
import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from drbench import GroundTruth, RequestError, Runtime, Trainable, Training, load_model
from drbench.data.sampling import split_rows
from drbench.errors import DrbenchError, RunError
from drbench.models.inference import objective, seeded_network
from drbench.models.training.log import lines_of
from drbench.models.training.loop import LOG, fit
from drbench.models.training.state import CHECKPOINT
from drbench.models.weights import WEIGHTS, load_weights

pytestmark = pytest.mark.slow

SHAPE = (16, 16, 3)
NAMES = ["ada_gvae", "beta_vae", "factor_vae", "gvae"]
TRAINING = Training(steps=6, batch=8, lr=1e-3)


def small(name: str = "beta_vae") -> tuple[Trainable, nn.Module]:
    model = load_model(name, width=8)
    assert isinstance(model, Trainable)
    return model, seeded_network(model, SHAPE, 0)


def train(
    truth: GroundTruth,
    folder: Path,
    training: Training = TRAINING,
    *,
    name: str = "beta_vae",
    network: nn.Module | None = None,
    **options: Any,
) -> tuple[nn.Module, dict[str, float]]:
    model, fresh = small(name)
    network = network or fresh
    settings = {
        "seed": 0,
        "supervision": model.supervision,
        "folder": folder,
        "run": "a run",
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
    return list(lines_of(folder / LOG))


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
    _, network = small()
    torch.manual_seed(7)
    train(squares, tmp_path, network=network)
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
    squares: GroundTruth, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(interrupted_at(squares, 4), tmp_path)
    assert signal.getsignal(signal.SIGINT) is handler
    counted, asked = recording(squares)
    train(counted, tmp_path, resume=True)
    done = TRAINING.steps - len(asked)
    assert 1 <= done < 4  # images are fetched ahead of their step
    assert f"training goes on from step {done} of 6" in capsys.readouterr().err


def test_a_crash_costs_no_more_than_the_steps_since_the_last_checkpoint(
    squares: GroundTruth, tmp_path: Path
) -> None:
    often = Runtime(checkpoint_seconds=0)
    whole, _ = train(squares, tmp_path / "whole", runtime=often)
    calls = 0

    def images(rows: np.ndarray) -> np.ndarray:
        nonlocal calls
        calls += 1
        if calls == 5:
            raise OSError("the disk is gone")
        return squares.images(rows)

    with pytest.raises(OSError, match="the disk is gone"):
        train(replace(squares, images=images), tmp_path / "cut", runtime=often)
    counted, asked = recording(squares)
    resumed, _ = train(counted, tmp_path / "cut", resume=True)
    assert len(asked) == TRAINING.steps - 4
    assert equal(weights(whole), weights(resumed))


def test_a_damaged_checkpoint_costs_the_steps_since_the_one_before(
    squares: GroundTruth, tmp_path: Path
) -> None:
    often = Runtime(checkpoint_seconds=0)
    whole, _ = train(squares, tmp_path / "whole", runtime=often)
    with pytest.raises(KeyboardInterrupt):
        train(interrupted_at(squares, 5), tmp_path / "cut", runtime=often)
    newest = tmp_path / "cut" / CHECKPOINT
    newest.write_bytes(newest.read_bytes()[:-1])
    resumed, _ = train(squares, tmp_path / "cut", resume=True)
    assert equal(weights(whole), weights(resumed))


def test_resuming_a_finished_training_draws_nothing(squares: GroundTruth, tmp_path: Path) -> None:
    trained, _ = train(squares, tmp_path)
    counted, asked = recording(squares)
    again, terms = train(counted, tmp_path, resume=True)
    assert equal(weights(trained), weights(again))
    assert (asked, terms) == ([], {})


def test_a_folder_that_holds_a_training_is_not_overwritten(
    squares: GroundTruth, tmp_path: Path
) -> None:
    train(squares, tmp_path)
    before = (tmp_path / CHECKPOINT).read_bytes()
    with pytest.raises(RunError, match="holds a training already"):
        train(squares, tmp_path)
    with pytest.raises(RunError, match="is of another run"):
        train(squares, tmp_path, run="another run", resume=True)
    assert (tmp_path / CHECKPOINT).read_bytes() == before


def test_the_log_of_a_resumed_training_has_each_step_once(
    squares: GroundTruth, tmp_path: Path
) -> None:
    each = Runtime(log_every=1)
    with pytest.raises(KeyboardInterrupt):
        train(interrupted_at(squares, 4), tmp_path, runtime=each)
    with (tmp_path / LOG).open("a") as file:  # a step that the checkpoint does not have
        file.write('{"step": 5, "steps_per_second": 1.0, "terms": {}}\n')
    train(squares, tmp_path, runtime=each, resume=True)
    lines = log_of(tmp_path)
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert all(line["steps_per_second"] > 0 for line in lines)
    assert set(lines[-1]["terms"]) == {"loss", "reconstruction", "kl", "elbo"}


def test_whoever_asks_sees_each_line_of_the_log(squares: GroundTruth, tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = []
    train(squares, tmp_path, runtime=Runtime(log_every=4), callback=lines.append)
    assert [line["step"] for line in lines] == [4, 6]
    assert lines == log_of(tmp_path)


def test_how_it_is_carried_out_changes_no_weight(squares: GroundTruth, tmp_path: Path) -> None:
    plain, _ = train(squares, tmp_path / "plain")
    busy = Runtime(device="cpu", log_every=1, checkpoint_seconds=0)
    other, _ = train(squares, tmp_path / "busy", runtime=busy)
    assert equal(weights(plain), weights(other))


def test_the_number_of_threads_is_set_for_the_training_alone(
    squares: GroundTruth, tmp_path: Path
) -> None:
    before, seen = torch.get_num_threads(), []
    train(
        squares,
        tmp_path,
        runtime=Runtime(threads=before + 1),
        callback=lambda line: seen.append(torch.get_num_threads()),
    )
    assert seen == [before + 1]
    assert torch.get_num_threads() == before


def test_a_device_that_is_not_there_is_refused(squares: GroundTruth, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="device 'warp' cannot be used here"):
        train(squares, tmp_path, runtime=Runtime(device="warp"))


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


def test_the_regulariser_warms_up_from_nothing(squares: GroundTruth, tmp_path: Path) -> None:
    """The released code swallows the setting (P7)."""
    training = TRAINING.model_copy(update={"warmup": 4})
    train(squares, tmp_path, training, runtime=Runtime(log_every=1))
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

    def probe(network: nn.Module) -> Mapping[str, float]:
        network.eval()
        torch.rand(3)
        seen.append(network)
        return {"mig": 0.25, "omes": float("nan")}

    now_and_then = Runtime(score_every=2)
    network, _ = train(squares, tmp_path / "scored", runtime=now_and_then, probe=probe)
    assert equal(weights(plain), weights(network))
    assert [line["step"] for line in log_of(tmp_path / "scored")] == [2, 4, 6]
    assert log_of(tmp_path / "scored")[0]["scores"] == {"mig": 0.25, "omes": None}
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("runtime", "says"),
    [(Runtime(), r"gradient clip\.$"), (Runtime(checkpoint_seconds=0), r"checkpoint of step \d+")],
)
def test_a_loss_that_is_not_finite_stops_and_names_what_is_left(
    squares: GroundTruth, tmp_path: Path, runtime: Runtime, says: str
) -> None:
    training = Training(steps=200, batch=8, lr=1e4, clip=None)
    with pytest.raises(
        DrbenchError, match=rf"came apart by step \d+: \w+ is (nan|inf|-inf).*{says}"
    ):
        train(squares, tmp_path, training, runtime=runtime)
    assert not (tmp_path / WEIGHTS).exists()


def test_half_precision_keeps_full_weights_and_learns_alike(
    squares: GroundTruth, tmp_path: Path
) -> None:
    terms = {}
    for precision in ("float32", "bfloat16"):
        training = Training(steps=10, batch=16, lr=1e-3, precision=precision)
        network, last = train(squares, tmp_path / precision, training, name="ada_gvae")
        terms[precision] = last
        assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    assert terms["bfloat16"] != terms["float32"]
    assert terms["bfloat16"]["loss"] == pytest.approx(terms["float32"]["loss"], rel=0.02)
