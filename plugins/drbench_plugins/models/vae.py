"""What the variational autoencoders share: the paper's network and the terms of the ELBO."""

import math
from abc import ABC
from typing import ClassVar, NamedTuple, final

import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field
from torch import Generator, Tensor, nn
from torch.nn import functional

from drbench import Generative, RequestError

DOWNSCALING = 8
"""Three convolutions of stride 2."""
SLOPE = 0.02
"""Of the LeakyReLU for negative input."""


@final
class Posterior(NamedTuple):
    """A diagonal Gaussian for each image."""

    mean: Float[Tensor, "b latent"]
    log_variance: Float[Tensor, "b latent"]


class VAE(Generative, ABC):
    """A Gaussian variational autoencoder on the paper's network; subclasses give the loss."""

    encoding: ClassVar[tuple[str, ...]] = ("encoder", "mean", "log_variance")

    beta: float = Field(1.0, ge=0)
    """Weight of the KL divergence."""
    latents: int = Field(10, ge=1)
    """Number of latents."""
    width: int = Field(128, ge=4, multiple_of=4)
    """Channels of the deepest convolution; the others have a quarter and a half."""

    def network(self, image_shape: tuple[int, int, int]) -> nn.Module:
        return vae_layers(image_shape, self.latents, self.width)

    def posterior(
        self, network: nn.Module, images: Float[Tensor, "b channel height width"]
    ) -> Posterior:
        """Posterior of each image, in float32."""
        features = network.get_submodule("encoder")(images)
        mean, log_variance = (
            network.get_submodule(head)(features).float() for head in ("mean", "log_variance")
        )
        return Posterior(mean, log_variance)

    def logits(
        self, network: nn.Module, latents: Float[Tensor, "b latent"]
    ) -> Float[Tensor, "b channel height width"]:
        """Logits of the pixels: the published output (tanh y + 1) / 2 is sigmoid(2 y)."""
        return 2 * network.get_submodule("decoder")(latents).float()

    def encode(
        self, network: nn.Module, images: Float[Tensor, "b channel height width"], noise: Generator
    ) -> tuple[Float[Tensor, "b latent"], Float[Tensor, "b latent"] | None]:
        mean, log_variance = self.posterior(network, images)
        normal = torch.randn(mean.shape, generator=noise, device=mean.device)
        return mean, mean + normal * torch.exp(log_variance / 2)

    def decode(
        self, network: nn.Module, latents: Float[Tensor, "b latent"]
    ) -> Float[Tensor, "b channel height width"]:
        return torch.sigmoid(self.logits(network, latents))

    def elbo(
        self,
        network: nn.Module,
        images: Float[Tensor, "b channel height width"],
        posterior: Posterior,
        latents: Float[Tensor, "b latent"],
        warmup: float,
    ) -> dict[str, Float[Tensor, ""]]:
        """Terms of the objective in nats an image; `elbo` has weight 1 on the KL divergence.

        Parameters
        ----------
        network : Module
        images : (b, channel, height, width)
            In [0, 1].
        posterior : Posterior
            Of the images.
        latents : (b, latent)
            Drawn from the posterior.
        warmup : float
            Share of beta that applies, in [0, 1].
        """
        reconstruction = functional.binary_cross_entropy_with_logits(
            self.logits(network, latents), images, reduction="sum"
        ) / len(images)
        mean, log_variance = posterior
        kl = (mean**2 + log_variance.exp() - 1 - log_variance).sum(dim=1).mean() / 2
        return {
            "loss": reconstruction + warmup * self.beta * kl,
            "reconstruction": reconstruction,
            "kl": kl,
            "elbo": -(reconstruction + kl),
        }


def vae_layers(image_shape: tuple[int, int, int], latents: int, width: int) -> nn.ModuleDict:
    """The paper's encoder and decoder; 601,879 parameters for 64x64x3 images and 10 latents.

    Parameters
    ----------
    image_shape : tuple of int
        Height, width, channels; height and width divisible by 8.
    latents : int
    width : int
        Channels of the deepest convolution.

    Returns
    -------
    layers : ModuleDict
        encoder (images to features), mean and log_variance (features to latents), decoder
        (latents to half the logits of pixels).

    Raises
    ------
    RequestError
        For a height or width that is not divisible by 8.
    """
    height, breadth, channels = image_shape
    if height % DOWNSCALING or breadth % DOWNSCALING:
        raise RequestError(
            f"Images of {height}x{breadth} pixels: this network halves them three times and "
            f"needs multiples of {DOWNSCALING}. Resize them, say to 64."
        )
    deepest = (width, height // DOWNSCALING, breadth // DOWNSCALING)
    features = math.prod(deepest)
    layers = nn.ModuleDict()
    layers["encoder"] = nn.Sequential(
        *_halving(channels, width // 4),
        *_halving(width // 4, width // 2),
        *_halving(width // 2, width),
        nn.Flatten(),
        nn.LayerNorm(features),
    )
    layers["mean"] = nn.Linear(features, latents)
    layers["log_variance"] = nn.Linear(features, latents)
    layers["decoder"] = nn.Sequential(
        nn.Linear(latents, features),
        nn.LeakyReLU(SLOPE),
        nn.Unflatten(1, deepest),
        *_doubling(width, width // 2),
        *_doubling(width // 2, width // 4),
        *_doubling(width // 4, channels),
    )
    return layers.apply(_initialise)


def sampled(posterior: Posterior) -> Float[Tensor, "b latent"]:
    """One draw from each posterior."""
    mean, log_variance = posterior
    return mean + torch.randn_like(mean) * torch.exp(log_variance / 2)


def shared_average(posterior: Posterior, shared: Bool[Tensor, "pair latent"]) -> Posterior:
    """Give both images of a pair one posterior in their shared latents.

    Parameters
    ----------
    posterior : Posterior
        Of the first images, then of the second ones: (2 pair, latent).
    shared : (pair, latent) bool

    Returns
    -------
    posterior : Posterior
        Shared latents have the mean of the two means and the mean of the two variances (GVAE).
    """
    means, log_variances = (
        part.reshape(2, -1, shared.shape[1]) for part in posterior
    )  # (2, pair, latent)
    mean = means.mean(dim=0)
    log_variance = torch.logsumexp(log_variances, dim=0) - math.log(2)
    return Posterior(
        torch.where(shared, mean, means).flatten(0, 1),
        torch.where(shared, log_variance, log_variances).flatten(0, 1),
    )


def unchanged(changed: Int[Tensor, "pair k"], latents: int) -> Bool[Tensor, "pair latent"]:
    """Latents that stay shared when latent i is taken to hold factor i.

    Raises
    ------
    RequestError
        If there are fewer latents than the index of a changed factor.
    """
    highest = int(changed.max())
    if highest >= latents:
        raise RequestError(
            f"Factor {highest} (counted from 0) changed, but there are {latents} latents, and "
            f"latent i holds factor i: set latents to {highest + 1} or more."
        )
    shared = torch.ones(len(changed), latents, dtype=torch.bool)
    return shared.scatter(1, changed, False)


def _halving(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(inputs, outputs, kernel_size=4, stride=2, padding=1)
    return convolution, nn.BatchNorm2d(outputs), nn.LeakyReLU(SLOPE)


def _doubling(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    convolution = nn.ConvTranspose2d(inputs, outputs, kernel_size=4, stride=2, padding=1)
    return convolution, nn.LeakyReLU(SLOPE)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        assert module.bias is not None  # every layer of this network has one
        nn.init.constant_(module.bias, 0.01)
