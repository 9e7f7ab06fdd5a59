"""The paper's network, the ELBO and the two ways of sharing latents, held to other arithmetic."""

import math

import numpy as np
import pytest
import torch
from drbench_plugins.models.ada_gvae import shared_latents
from drbench_plugins.models.vae import Posterior, shared_average, unchanged
from torch import Tensor, nn
from torch.distributions import Normal, kl_divergence

from drbench import Batch, Generative, RequestError, load_model
from drbench.models.inference import seeded_network

NAMES = ["ada_gvae", "beta_vae", "gvae"]
SHAPE = (16, 24, 3)


def images(count: int, seed: int = 0) -> Tensor:
    noise = torch.Generator().manual_seed(seed)
    return torch.rand(count, 3, 16, 24, generator=noise)


def small(name: str, **hyperparameters: float) -> tuple[Generative, nn.Module]:
    model = load_model(name, **{"width": 8, "latents": 4, **hyperparameters})
    return model, seeded_network(model, SHAPE, 0)


def loss(model: Generative, network: nn.Module, batch: Batch) -> dict[str, float]:
    torch.manual_seed(1)
    return {name: term.item() for name, term in model.loss(network, batch).items()}


def posterior_of(pairs: int, latents: int = 6, seed: int = 0) -> Posterior:
    noise = torch.Generator().manual_seed(seed)
    return Posterior(
        torch.randn(2 * pairs, latents, generator=noise, dtype=torch.float64),
        torch.randn(2 * pairs, latents, generator=noise, dtype=torch.float64),
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_network_has_the_published_number_of_parameters(name: str) -> None:
    network = load_model(name).network((64, 64, 3))
    assert sum(parameter.numel() for parameter in network.parameters()) == 601_879


def test_width_is_the_deepest_layer_and_the_others_have_a_quarter_and_a_half() -> None:
    network = load_model("beta_vae", width=32).network((64, 64, 1))
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    assert [c.out_channels for c in convolutions] == [8, 16, 32, 16, 8, 1]
    slopes = [m.negative_slope for m in network.modules() if isinstance(m, nn.LeakyReLU)]
    assert slopes == [0.02] * 7  # the last layer has one too
    assert {(c.kernel_size, c.stride, c.padding) for c in convolutions} == {
        ((4, 4), (2, 2), (1, 1))
    }


def test_weights_are_xavier_uniform_and_biases_a_hundredth() -> None:
    network = load_model("beta_vae").network((64, 64, 3))
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            field = module.weight[0, 0].numel()
            bound = math.sqrt(6 / ((module.weight.shape[0] + module.weight.shape[1]) * field))
            assert module.weight.abs().max() <= bound
            assert module.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05)
            assert (module.bias == 0.01).all()


@pytest.mark.parametrize("shape", [(60, 64, 3), (64, 28, 3)])
def test_a_size_not_divisible_by_eight_is_refused(shape: tuple[int, int, int]) -> None:
    with pytest.raises(RequestError, match=f"{shape[0]}x{shape[1]} pixels.*multiples of 8"):
        load_model("gvae").network(shape)


@pytest.mark.parametrize(
    "wrong", [{"beta": -1}, {"latents": 0}, {"width": 30}, {"width": 0}, {"betta": 2}]
)
def test_hyperparameters_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(RequestError, match="Its hyperparameters: beta, latents, width"):
        load_model("ada_gvae", **wrong)


def test_the_output_is_half_of_one_plus_tanh() -> None:
    model, network = small("beta_vae")
    latents = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    raw = network.get_submodule("decoder")(latents)
    assert (raw < 0).any()
    torch.testing.assert_close(model.decode(network, latents), (torch.tanh(raw) + 1) / 2)


def test_the_objective_is_cross_entropy_plus_beta_times_kl() -> None:
    model, network = small("beta_vae", beta=3.0)
    batch = images(7)
    terms = loss(model, network, Batch(batch))
    mean, log_variance = model.posterior(network, batch)
    torch.manual_seed(1)
    latents = mean + torch.randn_like(mean) * log_variance.exp().sqrt()
    p = model.decode(network, latents).detach().double().numpy()
    x = batch.double().numpy()
    reconstruction = -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=(1, 2, 3)).mean()
    posterior = Normal(mean, (log_variance / 2).exp())
    kl = kl_divergence(posterior, Normal(0.0, 1.0)).sum(dim=1).mean().item()
    assert terms["reconstruction"] == pytest.approx(reconstruction, rel=1e-5)
    assert terms["kl"] == pytest.approx(kl, rel=1e-4)
    assert terms["loss"] == pytest.approx(reconstruction + 3 * kl, rel=1e-5)
    assert terms["elbo"] == pytest.approx(-(reconstruction + kl), rel=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_warm_up_scales_beta_alone(name: str) -> None:
    model, network = small(name, beta=2.0)
    batch = {"images": images(4), "seconds": images(4, seed=1)}
    if name == "beta_vae":
        del batch["seconds"]
    changed = torch.zeros(4, 1, dtype=torch.int64)
    for warmup in (0.0, 0.25, 1.0):
        terms = loss(model, network, Batch(**batch, changed=changed, warmup=warmup))
        weighted = terms["reconstruction"] + 2 * warmup * terms["kl"]
        assert terms["loss"] == pytest.approx(weighted, rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_every_model_fine_tunes_on_single_images_by_the_same_objective(name: str) -> None:
    reference = loss(*small("beta_vae"), Batch(images(6)))
    assert loss(*small(name), Batch(images(6))) == reference


@pytest.mark.parametrize("name", NAMES)
def test_samples_are_spread_around_the_mean_as_the_posterior_says(name: str) -> None:
    model, network = small(name)
    one = images(1).expand(4000, -1, -1, -1)
    network.eval()
    with torch.no_grad():
        mean, sampled = model.encode(network, one, torch.Generator().manual_seed(0))
        _, log_variance = model.posterior(network, one[:1])
    assert sampled is not None
    torch.testing.assert_close(mean[0], sampled.mean(dim=0), rtol=0, atol=0.15)
    torch.testing.assert_close(sampled.std(dim=0), (log_variance[0] / 2).exp(), rtol=0.05, atol=0)


def test_shared_latents_lie_below_the_midpoint_of_their_own_pair() -> None:
    posterior = posterior_of(pairs=5)
    shared = shared_latents(posterior)
    for pair in range(5):
        first, second = (
            Normal(posterior.mean[row], (posterior.log_variance[row] / 2).exp())
            for row in (pair, pair + 5)
        )
        divergence = kl_divergence(first, second) + kl_divergence(second, first)
        middle = (divergence.min() + divergence.max()) / 2
        assert shared[pair].tolist() == (divergence < middle).tolist()


def test_the_adaptive_threshold_does_not_depend_on_the_other_pairs() -> None:
    near, far = posterior_of(4), posterior_of(4, seed=1)
    extreme = Posterior(far.mean * 100, far.log_variance)
    together = Posterior(
        *(
            torch.cat([*a.chunk(2), *b.chunk(2)])[
                [*range(4), *range(8, 12), *range(4, 8), *range(12, 16)]
            ]
            for a, b in zip(near, extreme, strict=True)
        )
    )
    torch.testing.assert_close(shared_latents(together)[:4], shared_latents(near))


def test_every_pair_keeps_a_private_latent_and_shares_another() -> None:
    shared = shared_latents(posterior_of(pairs=200))
    assert shared.any(dim=1).all()
    assert (~shared).any(dim=1).all()


def test_sharing_averages_means_and_variances_and_leaves_the_rest() -> None:
    posterior = posterior_of(pairs=3, latents=4)
    shared = torch.tensor([[True, False, True, False]] * 2 + [[False, False, False, True]])
    averaged = shared_average(posterior, shared)
    for pair in range(3):
        rows = [pair, pair + 3]
        for latent in range(4):
            mean = posterior.mean[rows, latent].numpy()
            variance = np.exp(posterior.log_variance[rows, latent].numpy())
            if shared[pair, latent]:
                mean, variance = np.full(2, mean.mean()), np.full(2, variance.mean())
            np.testing.assert_allclose(averaged.mean[rows, latent], mean)
            np.testing.assert_allclose(averaged.log_variance[rows, latent].exp(), variance)


def test_labels_keep_the_latents_of_the_changed_factors_private() -> None:
    shared = unchanged(torch.tensor([[0, 3], [1, 2]]), latents=5)
    assert shared.tolist() == [[False, True, True, False, True], [True, False, False, True, True]]


def test_fewer_latents_than_factors_are_refused_by_name() -> None:
    model, network = small("gvae", latents=2)
    batch = Batch(images(2), images(2, seed=1), torch.tensor([[1], [2]]))
    with pytest.raises(RequestError, match=r"Factor 2 .* 2 latents.* set latents to 3 or more"):
        model.loss(network, batch)


def test_the_adaptive_model_ignores_labels_and_the_labelled_one_uses_them() -> None:
    first, second = images(6), images(6, seed=1)
    one, other = (
        Batch(first, second, torch.full((6, 1), column, dtype=torch.int64)) for column in (0, 1)
    )
    adaptive, labelled = small("ada_gvae"), small("gvae")
    assert loss(*adaptive, one) == loss(*adaptive, other)
    assert loss(*labelled, one) != loss(*labelled, other)


def test_the_pair_loss_is_the_mean_over_both_images() -> None:
    model, network = small("gvae", latents=1)
    network.eval()  # batch statistics would tie the images to each other
    first, second = images(5), images(5, seed=1)
    private = torch.zeros(5, 1, dtype=torch.int64)  # the only latent: nothing is shared
    pair = loss(model, network, Batch(first, second, private))
    single = loss(model, network, Batch(torch.cat([first, second])))
    assert pair == pytest.approx(single, rel=1e-6)
