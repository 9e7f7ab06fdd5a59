"""OMES: overlap score and multiple-encoding score, from interventions on one factor."""

from typing import Annotated

import numpy as np
from jaxtyping import Float
from pydantic import Field

from drbench.metrics.estimate.factors import by_factor
from drbench.metrics.estimate.overlap import (
    Pooling,
    associations,
    curve_over_alpha,
    jackknife_errors,
    pooled,
)
from drbench.metrics.estimate.results import mean_of, result_of
from drbench.metrics.metric import metric
from drbench.metrics.result import MetricResult
from drbench.representation.representation import Representation


@metric(
    title="OMES (overlap and multiple encoding)",
    measures="modularity and compactness",
    range=(0.0, 1.0),
    source="Dapueto, Noceti, Odone, NeurIPS 2024, arXiv 2409.18017",
    cost="quick",
    invariances={
        "permute_latents": 1e-9,
        "flip_signs": 1e-9,
        "scale": 1e-9,
        "rename_classes": 1e-9,
        "reorder_rows": 1e-9,
        "append_constant": 1e-9,
        "label_type": 0.0,
        "jobs": 0.0,
    },
    faults=(
        "A perfect code scores below 1, and nothing for a factor of two levels: pairs hold "
        "distinct values, whose correlation is -1/(levels - 1). Compare with `reference`, which is "
        "no upper bound either.",
        "A latent of pure noise looks as if it encoded every factor.",
        "Where combinations repeat, only the first row of each counts (in a sample without "
        "interventions): there the order of rows matters.",
    ),
)
def omes(
    representation: Representation,
    *,
    seed: int,
    pooling: Pooling = "avg",
    alpha: Annotated[float, Field(ge=0, le=1)] = 0.5,
    inactive: Annotated[float, Field(ge=0, lt=1)] = 1e-3,
) -> MetricResult:
    """How far each factor sits in one latent alone, and each latent holds one factor alone.

    S[d, j] = 1 - |correlation| of latent d over pairs of images that differ in factor j only.
    Per factor, alpha * OS + (1 - alpha) * MES, each pooled over the latents (modules `overlap`,
    `pairs`); the value is the mean over factors, in [0, 1], higher is better. The pairs are the
    representation's interventions, else those of its sample in closed form.

    Continuous factors, units of several columns and factors with fewer than 30 pairs are declined:
    there is no value then, and the other factors' scores, computed without the declined ones,
    stand. Single-valued factors are left out.

    Parameters
    ----------
    representation : Representation
        What is scored.
    seed : int
        Shares pairs out between the jackknife's blocks: moves the standard error, not the score.
    pooling : {"avg", "max"}
        Average over latents weighted by S, or the best latent.
    alpha : float
        Weight of modularity (OS) against compactness (MES), in [0, 1].
    inactive : float
        Latents whose standard deviation is below this share of the largest are removed; 0.05 is
        the published script's cut-off where the largest is about 1.

    Returns
    -------
    MetricResult
        `parts`: os and mes, means over the factors. `curve` over alpha. `matrix`: S (latent,
        factor), 0 for inactive latents. `standard_error`: per factor, by a jackknife over 20
        blocks of pairs or lines, of this factor and of those it is compared with. `reference`: a
        noiseless code with one latent a factor. `chance`: latents of pure noise, many pairs.
    """
    found = associations(representation, seed=seed, inactive=inactive)
    used = found.selection.used
    matrix = found.active_matrix
    modular, compact = pooled(matrix, pooling)
    scores = alpha * modular + (1 - alpha) * compact
    ideal_modular, ideal_compact = pooled(_perfect(representation, used), pooling)
    ideal = alpha * ideal_modular + (1 - alpha) * ideal_compact
    chance = alpha / max(len(used), 1) + (1 - alpha) / max(len(matrix), 1)
    replicas = [{k: moments.without_each_block()} for k, moments in enumerate(found.moments)]
    errors = jackknife_errors(matrix, replicas, pooling, alpha)
    return result_of(
        representation,
        found.selection,
        value=mean_of(scores),
        scores=dict(zip(used, scores, strict=True)),
        parts={"os": mean_of(modular), "mes": mean_of(compact)},
        parameters={
            "seed": seed,
            "pooling": pooling,
            "alpha": alpha,
            "inactive": inactive,
            "pairs": found.origin,
        },
        n_pairs={representation.factors[j].name: count for j, count in found.pairs.items()},
        reference=mean_of(ideal),
        chance=chance if len(matrix) else None,
        standard_error=by_factor(representation, dict(zip(used, errors, strict=False))),
        curve=None if found.selection.reason else curve_over_alpha(modular, compact),
        matrix=found.matrix(len(representation.factors)),
    )


def _perfect(
    representation: Representation, used: tuple[int, ...]
) -> Float[np.ndarray, "latent factor"]:
    """S of a noiseless code with one latent a factor: two distinct levels of n correlate."""
    levels = [np.count_nonzero(np.bincount(representation.codes[:, j])) for j in used]
    return np.diag([1 - 1 / (n - 1) for n in levels])
