"""One step of all optimisers, built once for a training."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Optimizer

from drbench.errors import PluginError
from drbench.models.budget import Training
from drbench.models.model import Batch, Trainable

Step = Callable[[Batch], dict[str, Float[Tensor, ""]]]
"""Changes the network; returns the terms of the loss before the change, still on the device."""


def parameters_of(optimiser: Optimizer) -> list[Tensor]:
    """What an optimiser changes; frozen parameters have no gradient."""
    listed = [p for group in optimiser.param_groups for p in group["params"]]
    return [parameter for parameter in listed if parameter.requires_grad]


def built_step(
    model: Trainable, network: nn.Module, optimisers: dict[str, Optimizer], training: Training
) -> Step:
    """A step: one call of the loss, the gradients of all optimisers, then their steps.

    Parameters
    ----------
    model, network, training
    optimisers : dict
        By the name of the term that each minimises; each changes its own parameters only.
    """
    own = {name: parameters_of(optimiser) for name, optimiser in optimisers.items()}
    reduced = training.precision == "bfloat16"

    def step(batch: Batch) -> dict[str, Float[Tensor, ""]]:
        with torch.autocast(batch.images.device.type, dtype=torch.bfloat16, enabled=reduced):
            terms = model.loss(network, batch)
        if missing := own.keys() - terms.keys():
            raise PluginError(
                f"{model.name}: its loss has no term {min(missing)!r}, which an optimiser "
                f"minimises. Its terms: {', '.join(terms)}."
            )
        for optimiser in optimisers.values():
            optimiser.zero_grad()
        for number, (name, parameters) in enumerate(own.items(), start=1):
            torch.autograd.backward(terms[name], inputs=parameters, retain_graph=number < len(own))
        for name, optimiser in optimisers.items():
            if training.clip is not None:
                nn.utils.clip_grad_norm_(own[name], training.clip)
            optimiser.step()
        return {name: term.detach() for name, term in terms.items()}

    return step
