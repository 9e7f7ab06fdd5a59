"""Pruned MLP explicitness: how well a network reads each factor from its associated latents."""

from typing import Annotated

from pydantic import Field

from drbench.metrics.metric import metric
from drbench.metrics.predict.estimators import Epochs, Mlp
from drbench.metrics.predict.pruned import pruned_result
from drbench.metrics.result import MetricResult
from drbench.representation.representation import Representation


@metric(
    title="MLP on the pruned code",
    measures="explicitness of single latents",
    range=(0.0, 1.0),
    source="Dapueto, Noceti, Odone, NeurIPS 2024, arXiv 2409.18017",
    cost="seconds",
    tolerance=0.02,  # hundreds of epochs carry a last bit on; not measured
    invariances={
        # Weights start at random, and another order or sign is another start.
        "permute_latents": 0.08,
        "flip_signs": 0.08,
        "scale": 0.02,
        "rename_classes": 0.08,
        "reorder_rows": 0.1,
        "append_constant": 0.08,
        "label_type": 0.0,
        "jobs": 0.0,
    },
    faults=(
        "The association is that of OMES: a noiseless latent of a two-level factor has no overlap "
        "score, so another one may take its place.",
        "Published values follow the paper (`one`) or its released code (`union`), which differ.",
    ),
)
def mlp_pruned(
    representation: Representation,
    *,
    seed: int,
    inactive: Annotated[float, Field(ge=0, lt=1)] = 1e-3,
    epochs: Epochs = 500,
) -> MetricResult:
    """Accuracy of networks that see one latent a factor, mean over the factors.

    The latent is the one with the highest overlap score for the factor (as in `omes`); for the
    network see `estimators.Mlp`. Factors without an association (continuous, too few pairs, no
    latent that holds it) are declined, single-valued factors left out. The value is in [0, 1],
    higher is better.

    Parameters
    ----------
    representation : Representation
        What is scored.
    seed : int
        Seed of the split and of the networks.
    inactive : float
        Latents whose standard deviation is below this share of the largest are no candidates.
    epochs : int
        Passes over the training rows, at most; a warning names the factors that used them all.

    Returns
    -------
    MetricResult
        `per_factor` and part `one`: the factor's own latent. Part `union`: the latents of all
        factors together, for every factor; also per factor, as `union.NAME`. `matrix`: 1 where a
        latent is associated with a factor, else 0. `chance`: always naming the most frequent
        class.
    """
    return pruned_result(
        representation,
        Mlp(epochs),
        seed=seed,
        inactive=inactive,
        parameters={"seed": seed, "inactive": inactive, "epochs": epochs},
    )
