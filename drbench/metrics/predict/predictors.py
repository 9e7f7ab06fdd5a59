"""How well predictors read each factor from a code: one fit a factor, remembered."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from drbench.metrics.estimate.factors import select, target
from drbench.metrics.estimate.scaling import Scaling
from drbench.metrics.estimate.splits import Split, split_fault, split_rows
from drbench.metrics.predict.estimators import Predictor, Problem
from drbench.metrics.predict.fits import Fit, Fits, judged
from drbench.representation.representation import Representation

Columns: TypeAlias = Mapping[int, tuple[int, ...]]
"""For each factor's column the latents it is predicted from."""
_KEPT = 512
"""Fits that are remembered: enough for the metrics of a few representations."""
_remembered: OrderedDict[tuple[object, ...], Fit] = OrderedDict()


def fit_full_code(representation: Representation, predictor: Predictor, *, seed: int) -> Fits:
    """Predict each factor that varies from all latents."""
    everything = tuple(range(representation.latents.shape[1]))
    selection = select(representation)
    columns = dict.fromkeys(selection.used, everything)
    fits = fit_columns(representation, columns, predictor, seed=seed)
    return replace(fits, warnings=selection.warnings + fits.warnings)


def fit_columns(
    representation: Representation, columns: Columns, predictor: Predictor, *, seed: int
) -> Fits:
    """Predict each given factor from the given columns of the latents, or remember it.

    A fit is a pure function of its arguments, whatever the number of threads or processes. Warnings
    name the factors whose fit was cut off.

    Parameters
    ----------
    representation : Representation
        What is scored.
    columns : mapping of int to tuple of int
        For each factor's column the latents it is predicted from.
    predictor : Predictor
        What is fitted.
    seed : int
        Seed of the split and of the predictor.
    """
    splits = {j: split_rows(representation, j, seed) for j in columns}
    faults = {j: split_fault(representation, j, split) for j, split in splits.items()}
    declined = {j: fault for j, fault in faults.items() if fault}
    keys = {
        j: (representation.fingerprint, j, chosen, seed, predictor)
        for j, chosen in columns.items()
        if j not in declined
    }
    missing = {j: columns[j] for j, key in keys.items() if key not in _remembered}
    new = fit_factors(representation, missing, splits, predictor, seed=seed)
    _remembered.update({keys[j]: fit for j, fit in new.items()})
    fits = {j: _remembered[key] for j, key in keys.items()}
    for key in keys.values():
        _remembered.move_to_end(key)
    while len(_remembered) > _KEPT:
        _remembered.popitem(last=False)
    warnings = tuple(
        f"factor {representation.factors[j].name}: the predictor was cut off before it converged"
        for j, fit in fits.items()
        if not fit.converged
    )
    return Fits(fits, declined, warnings)


def fit_factors(
    representation: Representation,
    columns: Columns,
    splits: Mapping[int, Split],
    predictor: Predictor,
    *,
    seed: int,
) -> dict[int, Fit]:
    """Predict each given factor and test it on the rows that its split holds out.

    Latents are standardised, and so is a continuous factor.
    """
    latents = Scaling.of(representation.latents).apply(representation.latents)
    problems = {}
    for j, chosen in columns.items():
        labels, is_class = target(representation, j), representation.factors[j].size is not None
        if not is_class:
            labels = Scaling.of(labels[:, None]).apply(labels[:, None])[:, 0]
        problems[j] = Problem(latents[:, list(chosen)], labels, splits[j], is_class, seed)
    return {j: judged(problems[j], prediction) for j, prediction in predictor.predict(problems)}


def fit_perfect_code(
    representation: Representation, found: Fits, predictor: Predictor, *, seed: int
) -> Fits | None:
    """The same fits with the factors themselves as latents; None if some factor has no fit."""
    if found.declined or not found.fits:
        return None
    perfect = perfect_code(representation, tuple(found.fits))
    return fit_full_code(perfect, predictor, seed=seed)


def perfect_code(representation: Representation, factors: tuple[int, ...]) -> Representation:
    """The given factors, one or more, as latents without noise."""
    columns = [target(representation, j).astype(np.float64) for j in factors]
    return replace(
        representation,
        mean=np.stack(columns, axis=1),
        sampled=None,
        latent_groups=None,
        interventions=None,
        kind="mean",
    )
