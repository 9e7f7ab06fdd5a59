"""FactorVAE (Kim and Mnih 2018): unsupervised, with a discriminator of the total correlation."""

from itertools import pairwise
from typing import ClassVar, final

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Adam, Optimizer

from drbench import Batch, Training
from drbench_plugins.models.vae import VAE, sampled, vae_layers

HIDDEN = 6
"""Hidden layers of the discriminator."""
SLOPE = 0.2
"""Of the discriminator's LeakyReLU for negative input."""
BETAS = (0.5, 0.9)
"""Of the discriminator's Adam."""


@final
class FactorVAE(VAE):
    """Single images; the ELBO less gamma times the total correlation of the latents.

    A discriminator tells latents from latents that were permuted, each dimension by itself, over a
    second, independent batch. That is the publication's; disentanglement_lib permutes the latents
    of the same batch. Both losses come from one pass, with the weights before either's step, as in
    the released codes; the publication's algorithm takes the discriminator's after the VAE's step.
    """

    name = "factor_vae"
    supervision = "images"
    needs_others: ClassVar[bool] = True
    source = "Kim and Mnih, Disentangling by factorising, ICML 2018"

    gamma: float = Field(35.0, ge=0)
    """Weight of the total correlation; warm-up applies to it as to beta."""
    discriminator_width: int = Field(1000, ge=1)
    """Units of each of the discriminator's six hidden layers."""
    discriminator_lr: float = Field(1e-4, gt=0)
    """Learning rate of the discriminator's Adam, whose betas are 0.5 and 0.9."""

    def network(self, image_shape: tuple[int, int, int]) -> nn.Module:
        layers = vae_layers(image_shape, self.latents, self.width)
        layers["discriminator"] = _discriminator(self.latents, self.discriminator_width)
        return layers

    def optimisers(self, network: nn.Module, training: Training) -> dict[str, Optimizer]:
        critic = network.get_submodule("discriminator")
        vae = [w for name, w in network.named_parameters() if not name.startswith("discriminator.")]
        return {
            "loss": Adam(vae, lr=training.lr),
            "discriminator": Adam(critic.parameters(), lr=self.discriminator_lr, betas=BETAS),
        }

    def loss(self, network: nn.Module, batch: Batch) -> dict[str, Float[Tensor, ""]]:
        assert batch.others is not None  # declared by needs_others
        critic = network.get_submodule("discriminator")
        posterior = self.posterior(network, batch.images)
        latents = sampled(posterior)
        terms = self.elbo(network, batch.images, posterior, latents, batch.warmup)
        with torch.no_grad():
            product = permuted(sampled(self.posterior(network, batch.others)))
        joint = critic(latents).float()
        tc = total_correlation(joint)
        return terms | {
            "loss": terms["loss"] + batch.warmup * self.gamma * tc,
            "tc": tc,
            "discriminator": discrimination(joint, critic(product).float()),
        }


def total_correlation(logits: Float[Tensor, "b 2"]) -> Float[Tensor, ""]:
    """Mean log ratio of the joint density (logit 0) to the product of its marginals (logit 1).

    With the best discriminator that is the KL divergence of the two, in nats.
    """
    return (logits[:, 0] - logits[:, 1]).mean()


def discrimination(joint: Float[Tensor, "b 2"], product: Float[Tensor, "b 2"]) -> Float[Tensor, ""]:
    """Cross-entropy of telling latents (class 0) from permuted ones (class 1); chance is log 2."""
    classes = torch.zeros(len(joint), dtype=torch.int64, device=joint.device)
    return (
        functional.cross_entropy(joint, classes) + functional.cross_entropy(product, classes + 1)
    ) / 2


def permuted(latents: Float[Tensor, "b latent"]) -> Float[Tensor, "b latent"]:
    """Each dimension shuffled over the batch by itself: draws from the product of the marginals."""
    return latents.gather(0, torch.rand_like(latents).argsort(dim=0))


def _discriminator(latents: int, width: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise([latents, *[width] * HIDDEN]):
        layers += [nn.Linear(inputs, outputs), nn.LeakyReLU(SLOPE)]
    return nn.Sequential(*layers, nn.Linear(width, 2))
