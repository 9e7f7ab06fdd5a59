"""A model of drbench: try it with `--plugins` and this file's path."""

from pydantic import Field
from torch import Generator, Tensor, nn

from drbench import Batch, Generative


class Template(Generative):
    """An autoencoder of linear layers."""

    name = "template"
    supervision = "images"

    latents: int = Field(10, ge=1)
    """Number of latents."""
    width: int = Field(128, ge=1)
    """Units of the hidden layers."""

    def network(self, image_shape: tuple[int, int, int]) -> nn.Module:
        height, width, channels = image_shape
        pixels = height * width * channels
        encoder = nn.Sequential(
            nn.Flatten(),
            nn.Linear(pixels, self.width),
            nn.ReLU(),
            nn.Linear(self.width, self.latents),
        )
        decoder = nn.Sequential(
            nn.Linear(self.latents, self.width),
            nn.ReLU(),
            nn.Linear(self.width, pixels),
            nn.Sigmoid(),
            nn.Unflatten(1, (channels, height, width)),
        )
        return nn.ModuleDict({"encoder": encoder, "decoder": decoder})

    def loss(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        latents, _ = self.encode(network, batch.images, Generator())
        error = self.decode(network, latents) - batch.images
        return {"loss": error.square().sum(dim=(1, 2, 3)).mean()}

    def encode(
        self, network: nn.Module, images: Tensor, noise: Generator
    ) -> tuple[Tensor, Tensor | None]:
        return network.get_submodule("encoder")(images), None

    def decode(self, network: nn.Module, latents: Tensor) -> Tensor:
        return network.get_submodule("decoder")(latents)


PLUGINS = {"models": {"template": Template}}
