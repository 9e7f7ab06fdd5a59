"""One step: all gradients from one loss, each optimiser on its own."""

import numpy as np
import pytest
import torch
from torch import Generator, Tensor, nn
from torch.optim import SGD, Optimizer

from drbench import Batch, GroundTruth, Trainable, Training, load_model
from drbench.errors import PluginError
from drbench.models.inference import seeded_network, to_tensor
from drbench.models.training.step import built_step


@pytest.mark.parametrize("clip", [0.5, None])
def test_gradients_are_clipped_to_the_norm_asked_for(
    squares: GroundTruth, clip: float | None
) -> None:
    model = load_model("beta_vae", width=8)
    assert isinstance(model, Trainable)
    network = seeded_network(model, (16, 16, 3), 0)
    before = [parameter.detach().clone() for parameter in network.parameters()]
    descent = {"loss": SGD(network.parameters(), lr=1.0)}  # a step as long as the gradient
    step = built_step(model, network, descent, Training(steps=1, clip=clip))
    step(Batch(to_tensor(squares.images(np.arange(8)), "cpu")))
    pairs = zip(before, network.parameters(), strict=True)
    moved = torch.cat([(a - b).flatten() for a, b in pairs]).norm().item()
    assert moved > 1 if clip is None else moved == pytest.approx(clip, rel=1e-3)


class TwoPlayers(Trainable):
    """Two numbers: each one's own loss also depends on the other, which may not follow it."""

    name = "two_players"
    supervision = "images"

    def network(self, image_shape: tuple[int, int, int]) -> nn.Module:
        return nn.ModuleDict({"player": nn.Linear(1, 1), "critic": nn.Linear(1, 1)})

    def encode(self, network: nn.Module, images: Tensor, noise: Generator) -> tuple[Tensor, None]:
        return images.flatten(1), None

    def optimisers(self, network: nn.Module, training: Training) -> dict[str, Optimizer]:
        return {
            "loss": SGD(network.get_submodule("player").parameters(), lr=training.lr),
            "critic": SGD(network.get_submodule("critic").parameters(), lr=10 * training.lr),
        }

    def loss(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        player, critic = outputs(network)
        return {
            "loss": (player + 3) ** 2 + 100 * (critic + 5) ** 2,
            "critic": (critic - 2) ** 2 + 100 * (player - 7) ** 2,
            "gap": (player - critic).abs(),
        }


def outputs(network: nn.Module) -> list[Tensor]:
    one = torch.ones(1, 1)
    return [network.get_submodule(name)(one).squeeze() for name in ("player", "critic")]


def test_each_optimiser_follows_its_own_loss_on_its_own_weights() -> None:
    model = TwoPlayers()
    network = seeded_network(model, (8, 8, 1), 0)
    training = Training(steps=1, lr=0.02, clip=None)
    step = built_step(model, network, model.optimisers(network, training), training)
    batch = Batch(torch.zeros(1, 1, 8, 8))
    for _ in range(300):
        terms = step(batch)
    player, critic = outputs(network)
    assert player.item() == pytest.approx(-3, abs=1e-3)
    assert critic.item() == pytest.approx(2, abs=1e-3)
    assert terms["gap"].item() == pytest.approx(5, abs=1e-2)


def test_all_gradients_are_of_the_weights_before_the_step() -> None:
    model = TwoPlayers()
    network = seeded_network(model, (8, 8, 1), 0)
    training = Training(steps=1, lr=0.02, clip=None)
    before = [output.item() for output in outputs(network)]
    built_step(model, network, model.optimisers(network, training), training)(
        Batch(torch.zeros(1, 1, 8, 8))
    )
    # weight and bias both see an input of 1: the output moves by twice the rate times 2 (x - aim)
    player, critic = (output.item() for output in outputs(network))
    assert player == pytest.approx(before[0] - 2 * 0.02 * 2 * (before[0] + 3), rel=1e-5)
    assert critic == pytest.approx(before[1] - 2 * 0.2 * 2 * (before[1] - 2), rel=1e-5)


def test_an_optimiser_without_its_term_is_named() -> None:
    model = TwoPlayers()
    network = seeded_network(model, (8, 8, 1), 0)
    training = Training(steps=1)
    optimisers = {"hope": SGD(network.parameters(), lr=1.0)}
    step = built_step(model, network, optimisers, training)
    with pytest.raises(PluginError, match=r"no term 'hope'.*loss, critic, gap"):
        step(Batch(torch.zeros(1, 1, 8, 8)))
