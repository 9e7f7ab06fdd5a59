"""OMES: overlap score and multiple-encoding score, from interventions on one factor."""

from typing import Annotated

import numpy as np
from jaxtyping import Float
from pydantic import Field

from drbench.metrics.factors import by_factor, reason_for, rows_of, target
from drbench.metrics.metric import Curve, MetricResult, metric
from drbench.metrics.overlap import (
    Associations,
    Pooling,
    associations,
    multiple_encoding,
    overlap,
    pool,
)
from drbench.representation import Representation

ALPHAS = tuple(step / 10 for step in range(11))


@metric(
    title="OMES (overlap and multiple encoding)",
    measures="modularity and compactness",
    range=(0.0, 1.0),
    source="Dapueto, Noceti, Odone, NeurIPS 2024, arXiv 2409.18017",
    cost="n log n * factors * latents; well under a second at 15,000 rows",
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
    used, declined = found.selection.used, found.selection.declined
    matrix = found.active_matrix
    modular, compact = _pooled(matrix, pooling)
    scores = alpha * modular + (1 - alpha) * compact
    ideal_modular, ideal_compact = _pooled(_perfect(representation, used), pooling)
    ideal = alpha * ideal_modular + (1 - alpha) * ideal_compact
    reason = reason_for(used, declined)
    complete = reason is None
    chance = alpha / max(len(used), 1) + (1 - alpha) / max(len(matrix), 1)
    errors = _standard_errors(found, pooling, alpha)
    return MetricResult(
        value=float(scores.mean()) if complete else None,
        per_factor=by_factor(representation, dict(zip(used, scores, strict=True))),
        parts={
            "os": float(modular.mean()) if complete else None,
            "mes": float(compact.mean()) if complete else None,
        },
        parameters={
            "seed": seed,
            "pooling": pooling,
            "alpha": alpha,
            "inactive": inactive,
            "pairs": found.origin,
        },
        n_samples=len(representation.codes),
        n_pairs={representation.factors[j].name: count for j, count in found.pairs.items()},
        reference=float(ideal.mean()) if complete else None,
        chance=chance if complete and len(matrix) else None,
        standard_error=by_factor(representation, errors),
        curve=_curve(modular, compact) if complete else None,
        matrix=rows_of(found.matrix(len(representation.factors))),
        warnings=found.warnings,
        reason=reason,
    )


def _pooled(
    matrix: Float[np.ndarray, "*b latent factor"], pooling: Pooling
) -> tuple[Float[np.ndarray, "*b factor"], Float[np.ndarray, "*b factor"]]:
    """OS and MES of each factor."""
    if not matrix.shape[-2] or not matrix.shape[-1]:
        nothing = np.zeros((*matrix.shape[:-2], matrix.shape[-1]))
        return nothing, nothing
    modular = pool(overlap(matrix), matrix, pooling)
    return modular, pool(multiple_encoding(matrix), matrix, pooling)


def _curve(modular: Float[np.ndarray, "factor"], compact: Float[np.ndarray, "factor"]) -> Curve:
    y = tuple(float(np.mean(a * modular + (1 - a) * compact)) for a in ALPHAS)
    return Curve(parameter="alpha", x=ALPHAS, y=y)


def _perfect(
    representation: Representation, used: tuple[int, ...]
) -> Float[np.ndarray, "latent factor"]:
    """S of a noiseless code with one latent a factor: two distinct levels of n correlate."""
    levels = np.array([len(np.unique(target(representation, j))) for j in used], dtype=float)
    return np.diag(1 - 1 / np.maximum(levels - 1, 1))


def _standard_errors(found: Associations, pooling: Pooling, alpha: float) -> dict[int, float]:
    """Jackknife over the pairs of every factor, since each score depends on all columns of S.

    Columns come from different pairs, so that their contributions to the variance add up.
    """
    used = found.selection.used
    if any(len(moments.weight) < 2 for moments in found.moments) or not found.active.any():
        return {}
    matrix = found.active_matrix
    variance = np.zeros(len(used))
    for k, moments in enumerate(found.moments):
        column = moments.without_each_block()  # (block, latent)
        replicas = np.repeat(matrix[None], len(column), axis=0)
        replicas[:, :, k] = column
        modular, compact = _pooled(replicas, pooling)
        scores = alpha * modular + (1 - alpha) * compact  # (block, factor)
        blocks = len(scores)
        variance += (blocks - 1) * scores.var(axis=0)
    return dict(zip(used, np.sqrt(variance), strict=True))
