"""Networks in use: deterministic, in evaluation mode, and without side effects."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from drbench import GroundTruth, load_model
from drbench.models import inference
from drbench.models.inference import decode, encoder, objective, seeded_network, to_tensor

SHAPE = (16, 16, 3)
MODEL = load_model("beta_vae", width=8)


def test_fresh_weights_depend_on_the_seed_alone() -> None:
    first = seeded_network(MODEL, SHAPE, 3).state_dict()
    torch.rand(10)
    again = seeded_network(MODEL, SHAPE, 3).state_dict()
    other = seeded_network(MODEL, SHAPE, 4).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_others_random_numbers_are_left_alone(squares: GroundTruth) -> None:
    torch.manual_seed(7)
    expected = torch.rand(4)
    torch.manual_seed(7)
    network = seeded_network(MODEL, SHAPE, 0)
    encoder(MODEL, network, seed=0, device="cpu")(squares.images(np.arange(5)))
    objective(MODEL, network, squares, np.arange(5), device="cpu")
    torch.testing.assert_close(torch.rand(4), expected)


def test_images_become_numbers_from_zero_to_one_channels_first() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 16, 2), dtype=np.uint8)
    images.setflags(write=False)  # a memory-mapped file is not writable either
    tensor = to_tensor(images, "cpu")
    np.testing.assert_allclose(tensor.numpy(), images.transpose(0, 3, 1, 2) / 255, rtol=1e-6)
    assert tensor.is_contiguous(memory_format=torch.channels_last)


def test_latents_of_an_image_do_not_depend_on_its_neighbours(squares: GroundTruth) -> None:
    network = seeded_network(MODEL, SHAPE, 0)
    encode = encoder(MODEL, network, seed=0, device="cpu")
    together, sampled = encode(squares.images(np.arange(30)))
    alone, _ = encode(squares.images(np.array([17])))
    assert together.dtype == np.float32
    np.testing.assert_allclose(together[17:18], alone, atol=1e-5)
    assert sampled is not None
    assert (sampled != together).any()


def test_samples_are_the_same_for_the_same_seed(squares: GroundTruth) -> None:
    network = seeded_network(MODEL, SHAPE, 0)
    images = squares.images(np.arange(9))
    once, again, other = (
        encoder(MODEL, network, seed=seed, device="cpu")(images)[1] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(once, again)
    assert (once != other).any()


@pytest.mark.parametrize("training", [True, False])
def test_looking_leaves_the_network_as_it_was(squares: GroundTruth, training: bool) -> None:
    network = seeded_network(MODEL, SHAPE, 0)
    network.train(training)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    mean, _ = encoder(MODEL, network, seed=0, device="cpu")(squares.images(np.arange(4)))
    decode(MODEL, network, mean)
    objective(MODEL, network, squares, np.arange(4), device="cpu")
    assert network.training is training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_decoded_images_are_bytes_in_the_order_of_the_latents() -> None:
    network = seeded_network(MODEL, SHAPE, 0)
    latents = np.random.default_rng(0).normal(size=(300, 10))
    images = decode(MODEL, network, latents)
    assert (images.shape, images.dtype) == ((300, *SHAPE), np.uint8)
    with torch.no_grad():
        exact = MODEL.decode(network, torch.tensor(latents[290:], dtype=torch.float32))
    np.testing.assert_allclose(images[290:], exact.numpy().transpose(0, 2, 3, 1) * 255, atol=0.51)


def test_the_objective_is_a_mean_over_all_rows_and_the_same_at_every_call(
    squares: GroundTruth, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = seeded_network(MODEL, SHAPE, 0)
    rows = np.arange(100)
    whole = objective(MODEL, network, squares, rows, device="cpu")
    torch.rand(3)
    assert objective(MODEL, network, squares, rows, device="cpu") == whole
    monkeypatch.setattr(inference, "_BATCH", 32)  # 32, 32, 32 and 4 rows
    parts = objective(MODEL, network, squares, rows, device="cpu")
    assert parts["kl"] == pytest.approx(whole["kl"], rel=1e-5)
    assert parts["elbo"] == pytest.approx(whole["elbo"], rel=0.01)  # other noise
    assert whole["elbo"] == pytest.approx(-whole["loss"], rel=1e-6)


def test_the_objective_takes_pair_models_one_image_at_a_time(squares: GroundTruth) -> None:
    pairwise = load_model("ada_gvae", width=8)
    network = seeded_network(MODEL, SHAPE, 0)
    single = objective(MODEL, network, squares, np.arange(9), device="cpu")
    assert objective(pairwise, network, squares, np.arange(9), device="cpu") == single


def test_images_are_asked_for_in_blocks(squares: GroundTruth) -> None:
    asked: list[int] = []

    def images(rows: np.ndarray) -> np.ndarray:
        asked.append(len(rows))
        return squares.images(rows)

    network = seeded_network(MODEL, SHAPE, 0)
    rows = np.tile(np.arange(144), 3)
    objective(MODEL, network, replace(squares, images=images), rows, device="cpu")
    assert sum(asked) == len(rows)
    assert max(asked) <= 256
