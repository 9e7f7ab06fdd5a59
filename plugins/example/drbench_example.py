"""A data set, a model and a metric for drbench, registered in pyproject.toml."""

import numpy as np
from pydantic import Field
from torch import Generator, Tensor, nn

from drbench import (
    Batch,
    Dataset,
    DatasetSpec,
    Factor,
    Generative,
    GroundTruth,
    MetricResult,
    Representation,
    Source,
    grid_codes,
    metric,
)

SPEC = DatasetSpec(
    name="example_disks",
    summary="A disk of one of 4 colours and 3 radii, on one of 6 x 6 places.",
    factors=(
        Factor(name="colour", kind="categorical", values=("red", "green", "blue", "white")),
        Factor(name="radius", kind="ordinal", values=(4.0, 6.0, 8.0)),
        Factor(name="row", kind="ordinal", size=6),
        Factor(name="column", kind="ordinal", size=6),
    ),
    image_shape=(64, 64, 3),
    origins=("rendered",),
    licence="CC0-1.0",
    citation="none",
)
COLOURS = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]])
RADII = np.array([4.0, 6.0, 8.0])


class ExampleDisks(Dataset):
    """A disk of one of 4 colours and 3 radii, on one of 6 x 6 places."""

    spec = SPEC

    def open(self, source: Source) -> GroundTruth:
        codes = grid_codes(SPEC.sizes)
        y, x = np.mgrid[:64, :64]

        def images(rows: np.ndarray) -> np.ndarray:
            colour, radius, row, column = codes[rows].T[..., None, None]  # each (k, 1, 1)
            distance = np.hypot(y - (12 + 8 * row), x - (12 + 8 * column))  # (k, 64, 64)
            disk = np.clip(RADII[radius] - distance + 0.5, 0, 1)  # the rim is one pixel soft
            return (disk[..., None] * COLOURS[colour]).astype(np.uint8)

        return GroundTruth(SPEC, source.origin, codes, images)


class ExamplePCA(Generative):
    """A linear autoencoder: it finds the subspace of the principal components."""

    name = "example_pca"
    supervision = "images"
    source = "Bourlard and Kamp 1988"

    latents: int = Field(10, ge=1)
    """Number of latents."""

    def network(self, image_shape: tuple[int, int, int]) -> nn.Module:
        height, width, channels = image_shape
        pixels = height * width * channels
        encoder = nn.Sequential(nn.Flatten(), nn.Linear(pixels, self.latents))
        decoder = nn.Sequential(
            nn.Linear(self.latents, pixels), nn.Unflatten(1, (channels, height, width))
        )
        return nn.ModuleDict({"encoder": encoder, "decoder": decoder})

    def loss(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        latents = network.get_submodule("encoder")(batch.images)
        # Not clamped as in decode: a clamped pixel would have no gradient.
        error = network.get_submodule("decoder")(latents) - batch.images
        return {"loss": error.square().sum(dim=(1, 2, 3)).mean()}

    def encode(
        self, network: nn.Module, images: Tensor, noise: Generator
    ) -> tuple[Tensor, Tensor | None]:
        return network.get_submodule("encoder")(images), None

    def decode(self, network: nn.Module, latents: Tensor) -> Tensor:
        return network.get_submodule("decoder")(latents).clamp(0, 1)


@metric(
    title="Correlation ratio",
    measures="explicitness of the best single latent",
    range=(0, 1),
    source="Pearson 1905",
    cost="quick",
    invariances={
        "permute_latents": 1e-9,
        "flip_signs": 1e-9,
        "scale": 1e-9,
        "rename_classes": 1e-9,
        "reorder_rows": 1e-9,
        "append_constant": 1e-9,
        "label_type": 0,
    },
)
def example_ratio(representation: Representation, *, seed: int) -> MetricResult:
    """Mean over the factors of the largest share of a latent's variance between classes.

    1 where a latent takes one value a class and differs between classes, 0 where no latent's class
    means differ.
    """
    if any(factor.size is None for factor in representation.factors):
        return MetricResult(value=None, reason="it needs classes; a factor is continuous")
    z, v = representation.latents, representation.codes
    best = largest_ratios(z, v)
    shuffled = np.random.default_rng(seed).permutation(z)  # knows nothing of the factors
    return MetricResult(
        value=float(np.mean(best)),
        per_factor=dict(zip(representation.factor_names, best, strict=True)),
        n_samples=len(z),
        reference=float(np.mean(largest_ratios(v, v))),
        chance=float(np.mean(largest_ratios(shuffled, v))),
    )


def largest_ratios(latents: np.ndarray, codes: np.ndarray) -> list[float]:
    """Largest share of a latent's variance that lies between the classes, factor by factor."""
    z = latents - latents.mean(axis=0)  # (n, latent)
    total = (z**2).sum(axis=0)  # (latent,)
    best = []
    for column in codes.T:
        member = np.unique(column) == column[:, None]  # (n, class)
        between = ((member.T @ z) ** 2 / member.sum(axis=0)[:, None]).sum(axis=0)  # (latent,)
        ratio = np.divide(between, total, out=np.zeros_like(total), where=total > 1e-12)
        best.append(float(ratio.max().clip(0, 1)))
    return best
