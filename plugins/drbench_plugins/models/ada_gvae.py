"""Ada-GVAE (Locatello et al. 2020): pairs of images, which factors differ is unknown."""

from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from drbench import Batch
from drbench_plugins.models.vae import VAE, Posterior, sampled, shared_average


@final
class AdaGVAE(VAE):
    """Pairs; latents that differ little between the two images are averaged.

    The threshold is taken for each pair by itself, as the publication defines it. The seed paper's
    text names this model; its released configurations ran the labelled one, `gvae`.
    """

    name = "ada_gvae"
    supervision = "pairs"
    source = "Locatello et al., Weakly-supervised disentanglement, ICML 2020"

    def loss(self, network: nn.Module, batch: Batch) -> dict[str, Float[Tensor, ""]]:
        if batch.seconds is None:
            posterior = self.posterior(network, batch.images)
            return self.elbo(network, batch.images, posterior, sampled(posterior), batch.warmup)
        images = torch.cat([batch.images, batch.seconds])  # (2 pair, channel, height, width)
        posterior = self.posterior(network, images)
        averaged = shared_average(posterior, shared_latents(posterior))
        return self.elbo(network, images, averaged, sampled(averaged), batch.warmup)


def shared_latents(posterior: Posterior) -> Bool[Tensor, "pair latent"]:
    """Latents whose symmetric KL divergence is below the midpoint of its pair's extremes.

    Parameters
    ----------
    posterior : Posterior
        Of the first images, then of the second ones: (2 pair, latent).
    """
    (mean, other_mean), (log_variance, other_log_variance) = (
        part.detach().reshape(2, -1, part.shape[1]) for part in posterior
    )
    ratio = log_variance - other_log_variance
    precision = torch.exp(-log_variance) + torch.exp(-other_log_variance)
    divergence = ratio.exp() + (-ratio).exp() - 2 + (mean - other_mean) ** 2 * precision
    smallest, largest = divergence.aminmax(dim=1, keepdim=True)  # (pair, 1)
    return divergence < (smallest + largest) / 2
