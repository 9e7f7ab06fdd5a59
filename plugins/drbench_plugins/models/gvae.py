"""GVAE with labels (Hosoya 2019; Locatello et al. 2020): which factors differ is known."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from drbench import Batch
from drbench_plugins.models.vae import VAE, sampled, shared_average, unchanged


@final
class GVAE(VAE):
    """Pairs with the changed factors named; all latents but theirs are averaged.

    Latent i is taken to hold factor i, in the order of the data set. This is what the seed paper's
    released configurations ran; the model of its text is `ada_gvae`.
    """

    name = "gvae"
    supervision = "labelled_pairs"
    source = "Hosoya, Group-based learning of disentangled representations, 2019"

    def loss(self, network: nn.Module, batch: Batch) -> dict[str, Float[Tensor, ""]]:
        if batch.seconds is None or batch.changed is None:
            posterior = self.posterior(network, batch.images)
            return self.elbo(network, batch.images, posterior, sampled(posterior), batch.warmup)
        images = torch.cat([batch.images, batch.seconds])  # (2 pair, channel, height, width)
        shared = unchanged(batch.changed, self.latents).to(images.device)
        averaged = shared_average(self.posterior(network, images), shared)
        return self.elbo(network, images, averaged, sampled(averaged), batch.warmup)
