"""OMES on total-order Sobol indices: a perfect code scores 1."""

from typing import Annotated

import numpy as np
from jaxtyping import Float
from pydantic import Field

from drbench.metrics.estimate.factors import by_factor
from drbench.metrics.estimate.overlap import Pooling, curve_over_alpha, jackknife_errors, pooled
from drbench.metrics.estimate.results import mean_of, result_of
from drbench.metrics.estimate.sobol import Choice, SobolIndices, sobol_indices
from drbench.metrics.metric import metric
from drbench.metrics.result import MetricResult
from drbench.representation.representation import Representation


@metric(
    title="OMES on Sobol indices",
    measures="modularity and compactness",
    range=(0.0, 1.0),
    source="drbench (docs/omes_sobol.md), after Dapueto, Noceti, Odone, NeurIPS 2024, arXiv "
    "2409.18017; estimator: Jansen, Computer Physics Communications 117, 1999",
    cost="quick",
    tolerance=5e-3,  # sums of pairs agree to 1e-9, the trees of `regression` do not; not measured
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
        "Where combinations of classes do not repeat, noise counts as signal (with a warning).",
        "A latent that a few combinations alone decide counts for every factor that takes part: "
        "total-order indices include all interactions.",
        "The estimator `regression` moves slightly when rows are reordered or classes renamed, and "
        "takes for noise some of what its trees cannot fit, within its standard error.",
        "Pairs take the classes of a factor for equally frequent: where they are not, indices of "
        "latents that mix factors are too large (with a warning).",
        "In grids with holes, levels that a factor lacks beside some others bias the estimates.",
    ),
)
def omes_sobol(
    representation: Representation,
    *,
    seed: int,
    pooling: Pooling = "avg",
    alpha: Annotated[float, Field(ge=0, le=1)] = 0.5,
    inactive: Annotated[float, Field(ge=0, lt=1)] = 1e-3,
    estimator: Choice = "auto",
    rounds: Annotated[int, Field(ge=1, le=1000)] = 40,
) -> MetricResult:
    """How far each factor sits in one latent alone, and each latent holds one factor alone.

    As `omes`, with another S: the two images of a pair get *independent* values of factor j, not
    distinct ones. Then 1 - correlation is E[Var(z_d | all other factors)] / Var(z_d), the total
    order Sobol index: for x, y alike and independent given the other factors u,
    Cov(x, y) = Var(E[z_d | u]), and Var(z_d) less that is E[Var(z_d | u)]. A perfect code
    gives the identity, whatever the factors' sizes, and scores 1. The value is in [0, 1], higher is
    better; noise scores 0 where it can be told from signal.

    S is estimated from interventions, from the lines of a grid, or by regression for continuous
    factors and samples without pairs (module `sobol_estimators`). Noise is taken off where
    combinations repeat, and by regression. Units of several columns are declined, single-valued
    factors are left out.

    Parameters
    ----------
    representation : Representation
        What is scored.
    seed : int
        Shares rows out between the jackknife's blocks, and the folds of the regression.
    pooling : {"avg", "max"}
        Average over latents weighted by S, or the best latent.
    alpha : float
        Weight of modularity (OS) against compactness (MES), in [0, 1].
    inactive : float
        Latents whose standard deviation is below this share of the largest are removed.
    estimator : {"auto", "interventions", "grid", "regression"}
        "auto": for each factor the first of them that has 30 pairs.
    rounds : int
        Most rounds of boosting in the regression: the fewer, the more it misses.

    Returns
    -------
    MetricResult
        `parts`: os and mes, means over the factors; noise, the mean share over the latents that
        vary. `parameters`: `used` names the estimator. `matrix`: S before clipping (latent,
        factor), 0 for constant latents. Latents that are all noise within two standard errors, or
        of which no index exceeds two while half may be noise, are not scored, and a warning counts
        them.
        `standard_error`: per factor, by a jackknife, with what the regression's trees may still
        miss. `reference`: 1.

    Examples
    --------
    >>> codes = [[i, j] for i in range(8) for j in range(8)]
    >>> round(omes_sobol(codes, codes).value, 9)
    1.0
    """
    found = sobol_indices(
        representation, estimator=estimator, seed=seed, inactive=inactive, rounds=rounds
    )
    used, active = found.selection.used, found.active
    raw = found.raw[active]
    matrix = np.clip(raw, 0.0, 1.0)
    modular, compact = pooled(matrix, pooling)
    scores = alpha * modular + (1 - alpha) * compact
    errors = jackknife_errors(matrix, _replicas(found, raw, matrix), pooling, alpha)
    silent = (
        f"{np.count_nonzero(~active)} of {len(active)} latents that vary hold nothing beyond "
        "noise, or beyond two standard errors, and are not scored"
    )
    pairs = {
        representation.factors[j].name: sums.pairs
        for j, sums in zip(used, found.sums, strict=True)
        if sums.pairs is not None
    }
    return result_of(
        representation,
        found.selection,
        value=mean_of(scores),
        scores=dict(zip(used, scores, strict=True)),
        parts={
            "os": mean_of(modular),
            "mes": mean_of(compact),
            "noise": mean_of(found.noise) if found.tells_noise else None,
        },
        parameters={
            "seed": seed,
            "pooling": pooling,
            "alpha": alpha,
            "inactive": inactive,
            "estimator": estimator,
            "rounds": rounds,
            "used": found.used,
        },
        n_pairs=pairs or None,
        reference=1.0,
        chance=_chance(found, pooling, alpha) if used else None,
        standard_error=by_factor(representation, dict(zip(used, errors, strict=False))),
        curve=None if found.selection.reason else curve_over_alpha(modular, compact),
        matrix=found.matrix(len(representation.factors)),
        warnings=(silent,) if used and not active.all() else (),
    )


def _replicas(
    found: SobolIndices,
    raw: Float[np.ndarray, "active factor"],
    matrix: Float[np.ndarray, "active factor"],
) -> list[dict[int, Float[np.ndarray, "_ active"]]]:
    """Columns with each block left out; those of as many blocks together, they share the sample.

    They are shifted rather than clipped: an index that was cut to 1 is no more certain for it. What
    a regression may miss is two replicas on its own, whose variance is that error's square.
    """
    shared: dict[int, dict[int, Float[np.ndarray, "_ active"]]] = {}
    for k, sums in enumerate(found.sums):
        column = sums.index_without_each_block()[:, found.active]
        shared.setdefault(len(column), {})[k] = matrix[:, k] + column - raw[:, k]
    misses = [
        {k: matrix[:, k] + np.outer([-1, 1], sums.misfit[found.active])}
        for k, sums in enumerate(found.sums)
        if sums.misfit.any()
    ]
    return [*shared.values(), *misses]


def _chance(found: SobolIndices, pooling: Pooling, alpha: float) -> float:
    """Score of as many latents of pure noise: none is active, or each differs in all pairs."""
    if found.tells_noise:
        return 0.0
    matrix = np.tile([sums.shrink for sums in found.sums], (len(found.varies), 1))
    modular, compact = pooled(matrix, pooling)
    return float((alpha * modular + (1 - alpha) * compact).mean())
