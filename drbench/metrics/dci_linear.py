"""DCI with a linear predictor, for codes of many latents."""

import functools

import numpy as np

from drbench.metrics.dci import chance_of, dci_result, modularity
from drbench.metrics.metric import metric
from drbench.metrics.predict.estimators import Linear, Penalty
from drbench.metrics.predict.predictors import fit_full_code, fit_perfect_code
from drbench.metrics.result import MetricResult
from drbench.representation.representation import Representation


@metric(
    title="DCI with a linear predictor",
    measures="modularity (D), compactness (C), linear explicitness (I)",
    range=(0.0, 1.0),
    source="Eastwood, Williams, ICLR 2018, with logistic regression for their Lasso",
    cost="seconds",
    tolerance=2e-3,  # the fit stops near its end; not measured
    per_factor="completeness",
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
        factors themselves as latents, fitted alike. `chance`: the same latents with their rows
        shuffled, of 2,000 rows or some more.
    """
    predictor = Linear(penalty)
    fit = functools.partial(fit_full_code, predictor=predictor, seed=seed)
    found = fit(representation)
    perfect = fit_perfect_code(representation, found, predictor, seed=seed)
    importances = [fit.importances for fit in perfect.fits.values()] if perfect else []
    return dci_result(
        representation,
        found,
        parameters={"seed": seed, "penalty": penalty},
        reference=modularity(np.stack(importances, axis=1)) if importances else None,
        chance=chance_of(representation, found, fit, seed=seed),
    )
