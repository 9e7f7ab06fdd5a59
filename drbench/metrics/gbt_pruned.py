"""Pruned GBT explicitness: how well trees read each factor from the latents associated with it."""

from typing import Annotated

from pydantic import Field

from drbench.metrics.metric import metric
from drbench.metrics.predict.pruned import pruned_result
from drbench.metrics.predict.trees import Engine, Rounds, Trees
from drbench.metrics.result import MetricResult
from drbench.representation.representation import Representation


@metric(
    title="GBT on the pruned code",
    measures="explicitness of single latents",
    range=(0.0, 1.0),
    source="Dapueto, Noceti, Odone, NeurIPS 2024, arXiv 2409.18017",
    cost="seconds",
    tolerance=0.01,  # a last bit becomes another split: .0025 was seen between two processors
    invariances={
        "permute_latents": 0.02,
        "flip_signs": 0.02,
        "scale": 0.01,
        "rename_classes": 0.02,
        "reorder_rows": 0.06,
        "append_constant": 0.02,
        "label_type": 0.0,
        "jobs": 0.0,
    },
    faults=(
        "The association is that of OMES: a noiseless latent of a two-level factor has no overlap "
        "score, so another one may take its place.",
        "Published values follow the paper (`one`) or its released code (`union`), which differ.",
    ),
)
def gbt_pruned(
    representation: Representation,
    *,
    seed: int,
    inactive: Annotated[float, Field(ge=0, lt=1)] = 1e-3,
    rounds: Rounds = 100,
    engine: Engine = "compiled",
) -> MetricResult:
    """Accuracy of gradient boosted trees that see one latent a factor, mean over the factors.

    The latent is the one with the highest overlap score for the factor (as in `omes`). Factors
    without an association (continuous, too few pairs, no latent that holds it) are declined.
    The value is in [0, 1], higher is better.

    Parameters
    ----------
    representation : Representation
        What is scored.
    seed : int
        Seed of the split and of the trees.
    inactive : float
        Latents whose standard deviation is below this share of the largest are no candidates.
    rounds : int
        Boosting rounds.
    engine : {"compiled", "sklearn"}
        The same trees compiled, or scikit-learn's own: far slower, for reference.

    Returns
    -------
    MetricResult
        `per_factor` and part `one`: the factor's own latent. Part `union`: the latents of all
        factors together, for every factor; also per factor, as `union.NAME`. `matrix`: 1 where a
        latent is associated with a factor, else 0. `reference`: none where a factor has two
        levels. `chance`: always naming the most frequent class.
    """
    return pruned_result(
        representation,
        Trees(rounds, engine),
        seed=seed,
        inactive=inactive,
        parameters={"seed": seed, "inactive": inactive, "rounds": rounds, "engine": engine},
        reference=1.0,
    )
