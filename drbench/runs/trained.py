"""The model of a run that has been trained."""

from dataclasses import dataclass
from typing import final

from torch import nn

from drbench.models.checkpoints import load_weights
from drbench.models.inference import default_device, encoder, seeded_network
from drbench.models.model import Model, load_model
from drbench.runs.data import image_shape
from drbench.runs.folder import RunFolder
from drbench.runs.sample import Encoder


@final
@dataclass(frozen=True)
class Trained:
    """A model with its weights, on the default device."""

    model: Model
    network: nn.Module
    encode: Encoder
    """Maps images to (mean, sampled) latents."""


def load_trained(folder: RunFolder, *, seed: int) -> Trained:
    """Build the network of a run and read its weights.

    Parameters
    ----------
    folder : RunFolder
    seed : int
        Of the noise in sampled latents.

    Raises
    ------
    RunError
        If there are no weights yet, or damaged ones.
    """
    spec, device = folder.spec, default_device()
    model = load_model(spec.model, **spec.hyperparameters)
    network = seeded_network(model, image_shape(spec.chain[0].data), spec.seed).to(device)
    load_weights(folder.require_weights(), network, run=spec.key)
    return Trained(model, network, encoder(model, network, seed=seed, device=device))
