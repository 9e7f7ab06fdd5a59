"""DCI with a linear predictor, for codes of many latents."""

import numpy as np

from drbench.metrics.dci import compactness, importance_matrix, modularity, weighted
from drbench.metrics.estimators import Linear, Penalty
from drbench.metrics.factors import by_factor, reason_for, rows_of
from drbench.metrics.metric import MetricResult, metric
from drbench.metrics.predictors import (
    fit_full_code,
    fit_perfect_code,
    mean_test,
)
from drbench.metrics.splits import split_name
from drbench.representation import Representation


@metric(
    title="DCI with a linear predictor",
    measures="modularity (D), compactness (C), linear explicitness (I)",
    range=(0.0, 1.0),
    source="Eastwood, Williams, ICLR 2018, with logistic regression for their Lasso",
    cost="shares its fits with probe; n * latents * classes of all factors, half a second at "
    "15,000 x 10 rows and 57 classes, half a minute at 768 latents",
    invariances={
        "permute_latents": 0.01,
        "flip_signs": 0.01,
        "scale": 0.01,
        "rename_classes": 0.05,
        "reorder_rows": 0.1,
        "append_constant": 0.01,
        "label_type": 0.0,
        "jobs": 0.0,
    },
    faults=(
        "Another quantity than `dci`, whose trees find what is not linear.",
        "Coefficients are never exactly 0: with few rows every latent matters a little, and a "
        "perfect code scores below 1. Compare with `reference`.",
        "Completeness divides by the logarithm of the number of latents, dead ones included.",
    ),
)
def dci_linear(
    representation: Representation, *, seed: int, penalty: Penalty = 1.0
) -> MetricResult:
    """How far each latent matters to one factor, and each factor needs one latent, linearly.

    As `dci`, with R the absolute coefficients of multinomial logistic regression (mean over the
    classes; ridge regression of a continuous factor) on standardised latents, shared out to sum to
    1 for each factor and summed within a unit of several columns. The value is the
    disentanglement, in [0, 1], higher is better; latents that know nothing score near 0.

    With one factor disentanglement is undefined, with one unit completeness: there is no value
    then, and the parts that are defined stand. Single-valued factors are left out.

    Parameters
    ----------
    representation : Representation
        What is scored.
    seed : int
        Seed of the split.
    penalty : float
        Weight of half the squared coefficients against the loss summed over the training rows
        (one over scikit-learn's C).

    Returns
    -------
    MetricResult
        `per_factor`: completeness of each factor. `parts`: disentanglement, completeness,
        informativeness, informativeness_train. `matrix`: R (unit, factor). `reference`: the
        factors themselves as latents, fitted alike.
    """
    predictor = Linear(penalty)
    found = fit_full_code(representation, predictor, seed=seed)
    used, units = tuple(found.fits), representation.units
    importance = importance_matrix(
        [fit.importances for fit in found.fits.values()], units, int(units.max()) + 1
    )
    reason = reason_for(used, found.declined)
    complete = reason is None
    several_factors, several_units = len(used) > 1, len(importance) > 1
    if complete and not several_factors:
        reason = "disentanglement compares factors, and one alone varies here: log 1 is 0"
    elif complete and not several_units:
        reason = "completeness compares latents, and there is one: log 1 is 0"
    scores = compactness(importance)
    modular = modularity(importance) if complete and several_factors else None
    perfect = fit_perfect_code(representation, found, predictor, seed=seed)
    matrix = np.full((len(importance), len(representation.factors)), np.nan)
    matrix[:, list(used)] = importance
    by_column = dict(zip(used, scores, strict=True)) if several_units else {}
    trains = [fit.train for fit in found.fits.values()]
    return MetricResult(
        value=modular if reason is None else None,
        per_factor=by_factor(representation, by_column),
        parts={
            "disentanglement": modular,
            "completeness": weighted(scores, importance.sum(axis=0))
            if complete and several_units
            else None,
            "informativeness": mean_test(found) if complete else None,
            "informativeness_train": float(np.mean(trains)) if complete else None,
        },
        parameters={"seed": seed, "penalty": penalty, "split": split_name(representation)},
        n_samples=len(representation.codes),
        reference=modularity(np.stack([fit.importances for fit in perfect.fits.values()], axis=1))
        if perfect and reason is None
        else None,
        matrix=rows_of(matrix),
        warnings=found.warnings,
        reason=reason,
    )
