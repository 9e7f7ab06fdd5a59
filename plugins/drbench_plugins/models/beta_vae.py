"""beta-VAE (Higgins et al. 2017): unsupervised."""

from typing import final

from jaxtyping import Float
from torch import Tensor, nn

from drbench import Batch
from drbench_plugins.models.vae import VAE, sampled


@final
class BetaVAE(VAE):
    """Single images; the ELBO with weight beta on the KL divergence."""

    name = "beta_vae"
    supervision = "images"
    source = "Higgins et al., beta-VAE, ICLR 2017"

    def loss(self, network: nn.Module, batch: Batch) -> dict[str, Float[Tensor, ""]]:
        posterior = self.posterior(network, batch.images)
        return self.elbo(network, batch.images, posterior, sampled(posterior), batch.warmup)
