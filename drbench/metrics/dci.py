"""DCI: disentanglement, completeness and informativeness, from gradient boosted trees."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from drbench.metrics.estimate.entropy import entropy_of_counts
from drbench.metrics.estimate.factors import Selection, spread_out
from drbench.metrics.estimate.results import mean_of, result_of
from drbench.metrics.estimate.splits import split_name
from drbench.metrics.metric import metric
from drbench.metrics.predict.fits import Fits
from drbench.metrics.predict.predictors import fit_full_code
from drbench.metrics.predict.trees import Engine, Rounds, Trees
from drbench.metrics.result import MetricResult
from drbench.representation.representation import Representation

_ROWS = 2_000
"""Rows whose shuffled latents give the score of chance, and more where latents or classes are
many."""


@metric(
    title="DCI (disentanglement, completeness, informativeness)",
    measures="modularity (D), compactness (C), explicitness (I)",
    range=(0.0, 1.0),
    source="Eastwood, Williams, ICLR 2018; trees as in Locatello et al., ICML 2019",
    cost="seconds",
    tolerance=0.01,  # a last bit becomes another split: .0025 was seen between two processors
    per_factor="completeness",
    invariances={
        # Lots between equal splits fall to other latents.
        "permute_latents": 0.01,
        "flip_signs": 0.01,
        "scale": 0.01,
        "rename_classes": 0.01,
        # Another order is another split: up to .062 for 12 orders of 360 rows.
        "reorder_rows": 0.07,
        "append_constant": 0.01,
        "label_type": 0.0,
        "jobs": 0.0,
    },
    faults=(
        "Published values come from different predictors (boosted trees, forests, Lasso) and "
        "cannot be compared with each other.",
        "Completeness divides by the logarithm of the number of latents, dead ones included.",
    ),
)
def dci(
    representation: Representation, *, seed: int, rounds: Rounds = 100, engine: Engine = "compiled"
) -> MetricResult:
    """How far each latent matters to one factor, and each factor needs one latent, to predict it.

    One predictor a factor (class `Trees`); R holds its importances, summed within a unit of
    several columns. Disentanglement: one minus the entropy of a row of R, in units of log(factors),
    weighted by row sums. Completeness: the same of the columns in units of log(units), weighted by
    column sums. Informativeness: accuracy on held-out rows (R^2 for continuous factors). The value
    is the disentanglement, in [0, 1], higher is better.

    With one factor disentanglement is undefined, with one unit completeness: there is no value
    then, and the parts that are defined stand. Single-valued factors are left out.

    Parameters
    ----------
    representation : Representation
        What is scored.
    seed : int
        Seed of the split and of the trees.
    rounds : int
        Boosting rounds.
    engine : {"compiled", "sklearn"}
        The same trees compiled, or scikit-learn's own: far slower, for reference.

    Returns
    -------
    MetricResult
        `per_factor`: completeness of each factor. `parts`: disentanglement, completeness,
        informativeness, informativeness_train. `matrix`: R (unit, factor). `chance`: the same
        latents with their rows shuffled, of 2,000 rows or some more.
    """
    fit = functools.partial(fit_full_code, predictor=Trees(rounds, engine), seed=seed)
    found = fit(representation)
    return dci_result(
        representation,
        found,
        parameters={"seed": seed, "rounds": rounds, "engine": engine},
        reference=1.0,
        chance=chance_of(representation, found, fit, seed=seed),
    )


def dci_result(
    representation: Representation,
    found: Fits,
    *,
    parameters: Mapping[str, str | int | float | bool | None],
    reference: float | None,
    chance: float | None,
) -> MetricResult:
    """Disentanglement, completeness and informativeness of any predictor's fits."""
    used, importance = tuple(found.fits), _importance(representation, found)
    reason = None
    if len(used) < 2:
        reason = "disentanglement compares factors, and one alone varies here: log 1 is 0"
    elif len(importance) < 2:
        reason = "completeness compares latents, and there is one: log 1 is 0"
    several_units = len(importance) > 1
    modular = modularity(importance) if len(used) > 1 else None
    scores = compactness(importance)
    return result_of(
        representation,
        Selection(used, found.declined, found.warnings),
        value=modular,
        scores=dict(zip(used, scores, strict=True)) if several_units else {},
        parts={
            "disentanglement": modular,
            "completeness": weighted(scores, importance.sum(axis=0)) if several_units else None,
            "informativeness": mean_of(fit.test for fit in found.fits.values()),
            "informativeness_train": mean_of(fit.train for fit in found.fits.values()),
        },
        parameters={**parameters, "split": split_name(representation)},
        reference=reference,
        chance=chance,
        matrix=spread_out(importance, used, len(representation.factors)),
        reason=reason,
    )


def chance_of(
    representation: Representation,
    found: Fits,
    fit: Callable[[Representation], Fits],
    *,
    seed: int,
) -> float | None:
    """Disentanglement of the latents with their rows shuffled; None where it is undefined.

    Trees split noise by chance: the fewer splits there are to a latent, the more one factor alone
    seems to use it. That hardly depends on the number of rows, so that a part of many is enough.

    Parameters
    ----------
    representation : Representation
        What is scored.
    found : Fits
        Its own fits.
    fit : callable
        Makes such fits.
    seed : int
        Shuffles the rows.
    """
    n, width = representation.latents.shape
    if found.declined or len(found.fits) < 2 or width < 2:
        return None
    most = max(factor.size or 0 for factor in representation.factors)
    order = np.random.default_rng(seed).permutation(n)
    # All rows where among fewer some class is too rare to be trained and tested on.
    for count in (min(n, max(_ROWS, 10 * width, 30 * most)), n):
        part = order[:count]
        values = representation.values
        shuffled = replace(
            representation,
            mean=representation.latents[part],
            codes=representation.codes[:count],
            values=None if values is None else values[:count],
            sampled=None,
            rows=None,
            split_groups=None,
            interventions=None,
            kind="mean",
        )
        noise = fit(shuffled)
        if not noise.declined and len(noise.fits) > 1:
            return modularity(_importance(shuffled, noise))
    return None


def _importance(representation: Representation, found: Fits) -> Float[np.ndarray, "unit factor"]:
    units = representation.units
    columns = [fit.importances for fit in found.fits.values()]
    return importance_matrix(columns, units, int(units.max()) + 1)


def importance_matrix(
    importances: list[Float[np.ndarray, "latent"]], units: Int[np.ndarray, "latent"], count: int
) -> Float[np.ndarray, "unit factor"]:
    """Importances of the units: those of their columns, summed."""
    matrix = np.zeros((count, len(importances)))
    for j, column in enumerate(importances):
        matrix[:, j] = np.bincount(units, weights=column, minlength=count)
    return matrix


def modularity(importance: Float[np.ndarray, "unit factor"]) -> float:
    """Disentanglement of a matrix of importances, at least two factors; 0 if all are 0.

    Examples
    --------
    >>> modularity(np.eye(3)), modularity(np.ones((3, 2)))
    (1.0, 0.0)
    """
    return weighted(compactness(importance.T), importance.sum(axis=1))


def compactness(importance: Float[np.ndarray, "unit factor"]) -> Float[np.ndarray, "factor"]:
    """One minus the entropy of each column in units of log(rows); 0 for a column of zeros.

    A matrix of one row has no such unit: its columns count as 0.
    """
    total = importance.sum(axis=0)
    if len(importance) < 2:
        return np.zeros_like(total)
    used = np.where(total > 0, importance, 1.0)  # a column of zeros is as good as an even one
    return np.where(total > 0, 1 - entropy_of_counts(used.T) / np.log(len(importance)), 0.0)


def weighted(scores: Float[np.ndarray, "k"], weights: Float[np.ndarray, "k"]) -> float:
    """Average with weights, 0 if they are all 0; rounding stays within [0, 1]."""
    total = weights.sum()
    return float(np.clip((scores * weights).sum() / total, 0.0, 1.0)) if total > 0 else 0.0
