"""How well predictors read each factor from a code: one fit a factor, remembered."""

import functools
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Shaped

from drbench.metrics.estimate.factors import target
from drbench.metrics.estimate.parallel import in_parallel
from drbench.metrics.estimate.scaling import Scaling
from drbench.metrics.estimate.splits import Split
from drbench.metrics.predict.estimators import Predictor, fitted
from drbench.metrics.predict.fits import (
    Columns,
    Fit,
    Fits,
    Memory,
    from_full_code,
    judged,
    remembered_fits,
)
from drbench.representation.representation import Representation

_remembered: Memory = OrderedDict()


def fit_full_code(representation: Representation, predictor: Predictor, *, seed: int) -> Fits:
    """Predict each factor from all latents."""
    return from_full_code(
        representation,
        functools.partial(fit_columns, representation, predictor=predictor, seed=seed),
    )


def fit_columns(
    representation: Representation,
    columns: Columns,
    predictor: Predictor,
    *,
    seed: int,
) -> Fits:
    """Predict each given factor from the given columns of the latents.

    Latents are standardised, and so is a continuous factor. A fit is a pure function of its
    arguments and is remembered. Warnings name the factors whose fit was cut off.

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
    fit = functools.partial(_fit_all, representation, predictor, seed)
    return remembered_fits(representation, columns, (predictor,), fit, _remembered, seed=seed)


def _fit_all(
    representation: Representation,
    predictor: Predictor,
    seed: int,
    columns: Columns,
    splits: Mapping[int, Split],
) -> Iterable[tuple[int, Fit]]:
    latents = Scaling.of(representation.latents).apply(representation.latents)
    calls, seconds = {}, {}
    for j, chosen in columns.items():
        size = representation.factors[j].size
        labels, is_class = target(representation, j), size is not None
        calls[j] = (predictor, latents[:, list(chosen)], labels, splits[j], is_class, seed)
        seconds[j] = predictor.seconds(len(splits[j].train), len(chosen), size or 1)
    return in_parallel(fit_factor, calls, seconds, "predictors, factors").items()


def fit_factor(
    predictor: Predictor,
    latents: Float[np.ndarray, "n latent"],
    labels: Shaped[np.ndarray, "n"],
    split: Split,
    is_class: bool,
    seed: int,
) -> Fit:
    """Fit one predictor and test it."""
    if not is_class:
        labels = Scaling.of(labels[:, None]).apply(labels[:, None])[:, 0]
    seen, truth = labels[split.train], labels[split.test]
    model = fitted(predictor, latents[split.train], seen, is_class=is_class, seed=seed)
    importances = predictor.importances(model)
    return judged(
        importances / max(importances.sum(), np.finfo(float).tiny),
        seen=seen,
        recalled=model.predict(latents[split.train]),
        truth=truth,
        predicted=model.predict(latents[split.test]),
        is_class=is_class,
        converged=predictor.converged(model),
    )


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
