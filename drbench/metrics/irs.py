"""IRS: how little a latent moves while its own factor is held and the others change."""

from typing import Annotated

import numpy as np
from jaxtyping import Float, Int
from pydantic import Field

from drbench.metrics.estimate.factors import select, spread_out
from drbench.metrics.estimate.information import mean_by_factor
from drbench.metrics.estimate.results import result_of
from drbench.metrics.metric import metric
from drbench.metrics.result import MetricResult
from drbench.representation.representation import Representation

_ROUNDING = 1e-12
"""Share of a latent's range that sums of it are exact to, roughly."""


@metric(
    title="IRS (interventional robustness score)",
    measures="modularity, as robustness to interventions on other factors",
    range=(0.0, 1.0),
    source="Suter, Miladinovic, Schoelkopf, Bauer, ICML 2019, arXiv 1811.00007",
    cost="quick",
    invariances={
        "permute_latents": 1e-9,
        "flip_signs": 1e-9,
        "rename_classes": 1e-9,
        "reorder_rows": 1e-9,
        "append_constant": 1e-9,
        "label_type": 0.0,
        "jobs": 0.0,
    },
    faults=(
        "Latents weigh by their largest deviation: scaling one of them changes the score (scaling "
        "all alike does not), and one outlying row changes its weight.",
        "Noise scores well above 0, as does a factor of few rows a class: with one row a class "
        "nothing moves while it is held. Compare with `chance`.",
        "It does not ask whether the factors are told at all.",
        "Published code takes every row for a combination of its own, without averaging repeats, "
        "and weighs classes alike; on a full grid without repeats that is the same.",
    ),
)
def irs(
    representation: Representation,
    *,
    seed: int,
    quantile: Annotated[float, Field(gt=0, le=1)] = 0.99,
) -> MetricResult:
    """One minus how far a latent moves with one factor held, over how far it moves at all.

    Rows with one combination of classes are averaged. For a latent and a factor: with the factor
    held at a class, the deviation of the combinations from the mean of the class, its 99th
    percentile over combinations, its mean over rows, over the largest deviation of a combination
    from the overall mean. A latent scores one minus the least of these over the factors; the value
    is the mean over latents weighted by their largest deviation, in [0, 1], higher is better. Units
    of several columns deviate by their Euclidean length.

    Continuous factors, which cannot be held, are declined; latents that no combination moves and
    single-valued factors are left out. The sample takes the place of interventions: factors that
    depend on each other there are not held apart.

    Parameters
    ----------
    representation : Representation
        What is scored.
    seed : int
        Shuffles the rows for `chance`; the score does not depend on it.
    quantile : float
        What stands for the largest deviation with a factor held; 1 is the paper's definition.

    Returns
    -------
    MetricResult
        `per_factor`: mean over the units that are most robust with it held; None if there is none.
        `matrix`: robustness of each unit that varies with each factor held. `chance`: the same
        latents with their rows shuffled.
    """
    selection = select(representation, continuous="IRS holds classes")
    used, units = selection.used, representation.units
    latents = _comparable(representation.latents)
    codes = representation.codes[:, list(used)].astype(np.int64)
    shuffled = np.random.default_rng(seed).permutation(latents)
    count = int(units.max()) + 1
    matrix, weight = np.full((count, len(used)), np.nan), np.zeros(count)
    if len(used):
        matrix, weight = robustness(latents, codes, units, quantile)
    moves = weight > 0
    matrix[~moves] = np.nan
    scores, best = np.empty(0), np.empty(0, dtype=np.int64)
    if len(used):
        scores, best = matrix[moves].max(axis=1), matrix[moves].argmax(axis=1)
    defined = bool(used) and bool(moves.any())
    return result_of(
        representation,
        selection,
        value=float(np.average(scores, weights=weight[moves])) if defined else None,
        scores={used[k]: score for k, score in mean_by_factor(scores, best).items()},
        parameters={"seed": seed, "quantile": quantile},
        reference=1.0,
        chance=_score(shuffled, codes, units, quantile) if defined else None,
        matrix=spread_out(matrix, used, len(representation.factors)),
        reason=None if defined else "no latent varies here",
    )


def robustness(
    latents: Float[np.ndarray, "n latent"],
    codes: Int[np.ndarray, "n factor"],
    units: Int[np.ndarray, "latent"],
    quantile: float,
) -> tuple[Float[np.ndarray, "unit factor"], Float[np.ndarray, "unit"]]:
    """Robustness of each unit with each factor held, and the unit's largest deviation.

    Both deviations are of combinations: were the largest one of single rows, noise would seem
    robust wherever combinations repeat, because it is averaged out of the other.

    Examples
    --------
    >>> codes = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> robustness(codes.astype(float), codes, np.arange(2), 1.0)[0].tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    cells, cell, repeats = np.unique(codes, axis=0, return_inverse=True, return_counts=True)
    sums = [np.bincount(cell.ravel(), weights=z, minlength=len(cells)) for z in latents.T]
    means = np.stack(sums, axis=1) / repeats[:, None]
    overall = latents.mean(axis=0)
    largest = _lengths(means - overall, units).max(axis=0)
    furthest = _lengths(latents - overall, units).max(axis=0)
    largest[largest <= _ROUNDING * furthest] = 0.0
    moved = np.zeros((len(largest), codes.shape[1]))
    for j in range(codes.shape[1]):
        for held in np.unique(cells[:, j]):
            same = cells[:, j] == held
            centre = np.average(means[same], axis=0, weights=repeats[same])
            deviation = np.quantile(_lengths(means[same] - centre, units), quantile, axis=0)
            moved[:, j] += deviation * repeats[same].sum() / len(codes)
    ratio = moved / np.where(largest > 0, largest, 1.0)[:, None]
    return np.clip(1 - ratio, 0.0, 1.0), largest


def _comparable(latents: Float[np.ndarray, "n latent"]) -> Float[np.ndarray, "n latent"]:
    """Latents from the first row on, which makes constant ones exactly 0, and at most about 1."""
    peak = np.abs(latents).max()
    scaled = latents / (peak if peak > 0 else 1.0)
    return (scaled - scaled[0]).astype(np.float64)


def _lengths(
    deviations: Float[np.ndarray, "n latent"], units: Int[np.ndarray, "latent"]
) -> Float[np.ndarray, "n unit"]:
    """Euclidean length of each unit's part of the rows."""
    if len(np.unique(units)) == len(units):
        return np.abs(deviations)[:, np.argsort(units)]
    lengths = [np.linalg.norm(deviations[:, units == u], axis=1) for u in np.unique(units)]
    return np.stack(lengths, axis=1)


def _score(
    latents: Float[np.ndarray, "n latent"],
    codes: Int[np.ndarray, "n factor"],
    units: Int[np.ndarray, "latent"],
    quantile: float,
) -> float:
    matrix, weight = robustness(latents, codes, units, quantile)
    return float(np.average(matrix.max(axis=1), weights=weight))
