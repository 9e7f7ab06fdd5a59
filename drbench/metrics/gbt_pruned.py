"""Pruned GBT explicitness: how well trees read each factor from the latents associated with it."""

from typing import Annotated

import numpy as np
from jaxtyping import Float
from pydantic import Field

from drbench.metrics.factors import by_factor, reason_for, rows_of
from drbench.metrics.metric import MetricResult, metric
from drbench.metrics.overlap import Associations, associations, overlap
from drbench.metrics.splits import split_name
from drbench.metrics.trees import Engine, Rounds, fit_columns
from drbench.representation import Representation


@metric(
    title="GBT on the pruned code",
    measures="explicitness of single latents",
    range=(0.0, 1.0),
    source="Dapueto, Noceti, Odone, NeurIPS 2024, arXiv 2409.18017",
    cost="two fits of a few columns a factor",
    invariances={
        "permute_latents": 0.03,
        "flip_signs": 0.03,
        "scale": 0.02,
        "rename_classes": 0.06,
        "reorder_rows": 0.06,
        "append_constant": 0.03,
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
        latent is associated with a factor, else 0.
    """
    found = associations(representation, seed=seed, inactive=inactive)
    declined = dict(found.selection.declined)
    best = associated_latents(found)
    for j in found.selection.used:
        if j not in best:
            name = representation.factors[j].name
            declined[j] = f"factor {name}: no latent has a positive overlap score, none to keep"
    union = tuple(sorted(set(best.values())))
    own = {j: (latent,) for j, latent in best.items()}
    ones = fit_columns(representation, own, seed=seed, rounds=rounds, engine=engine)
    unions = fit_columns(
        representation, dict.fromkeys(best, union), seed=seed, rounds=rounds, engine=engine
    )
    declined |= ones.declined
    one = {j: fit.test for j, fit in ones.fits.items()}
    reason = reason_for(one, declined)
    mean = None if reason else float(np.mean(list(one.values())))
    union_scores = {j: fit.test for j, fit in unions.fits.items()}
    per_union = by_factor(representation, union_scores)
    balanced = [fit.balanced for fit in ones.fits.values() if fit.balanced is not None]
    return MetricResult(
        value=mean,
        per_factor=by_factor(representation, one),
        parts={
            "one": mean,
            "union": None if reason else float(np.mean(list(union_scores.values()))),
            "balanced_accuracy": None if reason else float(np.mean(balanced)),
            **{f"union.{name}": score for name, score in per_union.items()},
        },
        parameters={
            "seed": seed,
            "inactive": inactive,
            "rounds": rounds,
            "engine": engine,
            "split": split_name(representation),
            "pairs": found.origin,
        },
        n_samples=len(representation.codes),
        n_pairs={representation.factors[j].name: count for j, count in found.pairs.items()},
        chance=None if reason else float(np.mean([fit.chance for fit in ones.fits.values()])),
        matrix=rows_of(_indicator(found, best, len(representation.factors))),
        warnings=found.warnings,
        reason=reason,
    )


def associated_latents(found: Associations) -> dict[int, int]:
    """Latent with the highest overlap score, by factor; without those that no latent holds."""
    scores = overlap(found.active_matrix)
    if not scores.size:
        return {}
    latents = np.flatnonzero(found.active)
    return {
        j: int(latents[scores[:, k].argmax()])
        for k, j in enumerate(found.selection.used)
        if scores[:, k].max() > 0
    }


def _indicator(
    found: Associations, best: dict[int, int], factors: int
) -> Float[np.ndarray, "latent factor"]:
    matrix = np.full((len(found.active), factors), np.nan)
    for j, latent in best.items():
        matrix[:, j] = 0.0
        matrix[latent, j] = 1.0
    return matrix
