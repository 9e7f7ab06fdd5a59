"""FactorVAE: each term held to other arithmetic, and who learns from which."""

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from drbench_plugins.models.factor_vae import FactorVAE, discrimination, permuted, total_correlation
from scipy.stats import chisquare
from torch import Tensor, nn
from torch.distributions import MultivariateNormal, Normal

from drbench import Batch, Training, load_dataset, load_model
from drbench.data.sampling import split_rows
from drbench.models.inference import objective, seeded_network
from drbench.models.training.loop import fit
from drbench.models.training.step import built_step

pytestmark = pytest.mark.slow

SHAPE = (16, 16, 3)
COVARIANCE = torch.tensor([[1.0, 0.6, 0.0], [0.6, 2.0, -0.5], [0.0, -0.5, 0.5]])


class Best(nn.Module):
    """The best discriminator of Gaussian latents: log densities of joint and product."""

    def forward(self, latents: Tensor) -> Tensor:
        joint = MultivariateNormal(torch.zeros(3), COVARIANCE).log_prob(latents)
        margins = Normal(0.0, COVARIANCE.diagonal().sqrt()).log_prob(latents).sum(dim=1)
        return torch.stack([joint, margins], dim=1)


def gaussian(count: int) -> Tensor:
    root = torch.linalg.cholesky(COVARIANCE)
    return torch.randn(count, 3, generator=torch.Generator().manual_seed(0)) @ root.T


def small(**settings: float) -> tuple[FactorVAE, nn.Module]:
    given = {"width": 8, "latents": 3, "discriminator_width": 16, **settings}
    model = FactorVAE.model_validate(given)
    return model, seeded_network(model, SHAPE, 0)


def batch(count: int = 8, **parts: float) -> Batch:
    noise = torch.Generator().manual_seed(0)
    images, others = torch.rand(2, count, 3, 16, 16, generator=noise)
    return Batch(images, others=others, **parts)  # type: ignore[arg-type]


def state(network: nn.Module, *, critic: bool) -> list[Tensor]:
    """Parameters of the discriminator, or of the VAE."""
    return [
        weights.detach().clone()
        for name, weights in network.named_parameters()
        if name.startswith("discriminator.") == critic
    ]


def equal(a: list[Tensor], b: list[Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_the_best_discriminator_gives_the_total_correlation_of_a_gaussian() -> None:
    """TC = (sum of log variances - log det) / 2, in nats."""
    tc = total_correlation(Best()(gaussian(200_000))).item()
    exact = (COVARIANCE.diagonal().log().sum() - COVARIANCE.logdet()).item() / 2
    assert exact > 0.25
    assert tc == pytest.approx(exact, rel=0.02)


def test_telling_apart_costs_log_2_by_chance_and_nothing_when_certain() -> None:
    even = torch.zeros(5, 2)
    assert discrimination(even, even).item() == pytest.approx(math.log(2))
    sure = torch.tensor([[50.0, -50.0]]).repeat(5, 1)
    assert discrimination(sure, -sure).item() == pytest.approx(0, abs=1e-6)
    assert discrimination(sure, sure).item() == pytest.approx(50)  # half of 0 and 100


def test_each_dimension_is_permuted_by_itself_and_all_ways_come_equally_often() -> None:
    latents = torch.tensor([[0.0, 10.0], [1.0, 11.0], [2.0, 12.0]])
    orders = [list(order) for order in itertools.permutations(range(3))]
    counts = np.zeros((6, 6))
    torch.manual_seed(0)
    for _ in range(3600):
        first, second = permuted(latents).T
        counts[orders.index(first.int().tolist()), orders.index((second - 10).int().tolist())] += 1
    assert chisquare(counts.ravel()).pvalue > 0.001


def test_the_loss_is_the_elbo_less_gamma_times_the_total_correlation() -> None:
    model, network = small(gamma=7.0, beta=2.0)
    for warmup in (0.0, 0.5, 1.0):
        terms = model.loss(network, batch(warmup=warmup))
        penalty = 2 * terms["kl"] + 7 * terms["tc"]
        expected = terms["reconstruction"] + warmup * penalty
        torch.testing.assert_close(terms["loss"], expected)


def test_the_discriminator_sees_latents_of_one_batch_and_permuted_ones_of_the_other() -> None:
    model, network = small()
    seen: list[Tensor] = []
    network.get_submodule("discriminator").register_forward_pre_hook(
        lambda module, inputs: seen.append(inputs[0].detach())
    )
    network.eval()
    certain = network.get_submodule("log_variance")
    with torch.no_grad():  # a posterior without width: latents are the means
        certain.weight.zero_()
        certain.bias.fill_(-60)
    both = batch(64)
    model.loss(network, both)
    joint, product = seen
    torch.testing.assert_close(joint, model.posterior(network, both.images).mean)
    others = model.posterior(network, both.others).mean
    assert not torch.allclose(product, others)
    torch.testing.assert_close(product.sort(dim=0)[0], others.sort(dim=0)[0])


@pytest.mark.parametrize("learner", ["loss", "discriminator"])
def test_each_step_leaves_the_other_player_untouched(learner: str) -> None:
    model, network = small()
    training = Training(steps=1, lr=1e-3)
    chosen = {learner: model.optimisers(network, training)[learner]}
    before = [state(network, critic=critic) for critic in (False, True)]
    built_step(model, network, chosen, training)(batch())
    vae, critic = (
        equal(old, state(network, critic=critic))
        for old, critic in zip(before, (False, True), strict=True)
    )
    assert (vae, critic) == (learner == "discriminator", learner == "loss")


def test_the_discriminator_is_the_published_one_with_its_own_rate_and_betas() -> None:
    model = FactorVAE(discriminator_lr=3e-4)
    network = model.network((64, 64, 3))
    critic = network.get_submodule("discriminator")
    linear = [layer for layer in critic if isinstance(layer, nn.Linear)]
    assert [layer.out_features for layer in linear] == [1000] * 6 + [2]
    slopes = [layer.negative_slope for layer in critic if isinstance(layer, nn.LeakyReLU)]
    assert slopes == [0.2] * 6
    optimisers = model.optimisers(network, Training(steps=1, lr=1e-5))
    (vae,), (own,) = (optimisers[name].param_groups for name in ("loss", "discriminator"))
    assert (vae["lr"], vae["betas"]) == (1e-5, (0.9, 0.999))
    assert (own["lr"], own["betas"]) == (3e-4, (0.5, 0.9))


def test_the_discriminator_learns_to_tell_dependent_latents() -> None:
    """On Gaussian latents its estimate comes near the closed form."""
    model, network = small(discriminator_width=64, discriminator_lr=2e-3)
    critic = network.get_submodule("discriminator")
    optimiser = model.optimisers(network, Training(steps=1))["discriminator"]
    latents = gaussian(30_000)
    torch.manual_seed(0)
    for step in range(300):
        joint, others = latents[step * 100 : step * 100 + 50], latents[step * 100 + 50 :][:50]
        optimiser.zero_grad()
        discrimination(critic(joint), critic(permuted(others))).backward()
        optimiser.step()
    with torch.no_grad():
        tc = total_correlation(critic(latents)).item()
    exact = (COVARIANCE.diagonal().log().sum() - COVARIANCE.logdet()).item() / 2
    assert tc == pytest.approx(exact, rel=0.35)


def test_it_learns_rendered_images(tmp_path: Path) -> None:
    truth = load_dataset("color_dsprites", origin="rendered", size=(16, 16)).subgrid(
        {"scale": 2, "orientation": 2, "pos_x": 4, "pos_y": 4, "color": 3}
    )
    model = load_model("factor_vae", width=8, discriminator_width=32)
    assert isinstance(model, FactorVAE)
    network = seeded_network(model, truth.spec.image_shape, 0)
    held_out = split_rows(truth, 0)
    rows = np.flatnonzero(held_out)
    before = objective(model, network, truth, rows, device="cpu")
    fit(
        model,
        network,
        truth,
        ~held_out,
        Training(steps=100, batch=32, lr=5e-3),
        seed=0,
        supervision="images",
        folder=tmp_path,
        run="a run",
    )
    after = objective(model, network, truth, rows, device="cpu")
    assert after["loss"] < 0.6 * before["loss"]
    assert set(after) == {"loss", "reconstruction", "kl", "elbo", "tc", "discriminator"}
