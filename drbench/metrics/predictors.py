"""How well predictors read each factor from a code: one fit a factor, remembered."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Shaped

from drbench.metrics.estimators import Predictor, fitted
from drbench.metrics.factors import by_factor, reason_for, select, target
from drbench.metrics.metric import MetricResult
from drbench.metrics.parallel import in_parallel
from drbench.metrics.scaling import Scaling
from drbench.metrics.splits import Split, split_fault, split_name, split_rows
from drbench.metrics.trees import Fit, Fits
from drbench.representation import Representation

_KEPT = 512
"""Fits that are remembered: enough for the metrics of a few representations."""
_remembered: OrderedDict[tuple[object, ...], tuple[Fit, bool]] = OrderedDict()


def fit_full_code(representation: Representation, predictor: Predictor, *, seed: int) -> Fits:
    """Predict each factor from all latents."""
    everything = tuple(range(representation.latents.shape[1]))
    selection = select(representation)
    columns = dict.fromkeys(selection.used, everything)
    found = fit_columns(representation, columns, predictor, seed=seed)
    return Fits(found.fits, found.declined, selection.warnings + found.warnings)


def fit_columns(
    representation: Representation,
    columns: Mapping[int, tuple[int, ...]],
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
    splits = {j: split_rows(representation, j, seed) for j in columns}
    faults = {j: split_fault(representation, j, split) for j, split in splits.items()}
    declined = {j: fault for j, fault in faults.items() if fault}
    keys: dict[int, tuple[object, ...]] = {
        j: (representation.fingerprint, j, chosen, predictor, seed)
        for j, chosen in columns.items()
        if j not in declined
    }
    missing = {j: columns[j] for j, key in keys.items() if key not in _remembered}
    for j, found in _fit_all(representation, missing, splits, predictor, seed).items():
        _remembered[keys[j]] = found
    fits = {j: _remembered[key] for j, key in keys.items()}
    for key in keys.values():
        _remembered.move_to_end(key)
    while len(_remembered) > _KEPT:
        _remembered.popitem(last=False)
    warned = tuple(
        f"factor {representation.factors[j].name}: the predictor was cut off before it converged"
        for j, (_, converged) in fits.items()
        if not converged
    )
    return Fits({j: fit for j, (fit, _) in fits.items()}, declined, warned)


def _fit_all(
    representation: Representation,
    columns: Mapping[int, tuple[int, ...]],
    splits: Mapping[int, Split],
    predictor: Predictor,
    seed: int,
) -> dict[int, tuple[Fit, bool]]:
    latents = Scaling.of(representation.latents).apply(representation.latents)
    calls, seconds = {}, {}
    for j, chosen in columns.items():
        size = representation.factors[j].size
        labels, is_class = target(representation, j), size is not None
        calls[j] = (predictor, latents[:, list(chosen)], labels, splits[j], is_class, seed)
        seconds[j] = predictor.seconds(len(splits[j].train), len(chosen), size or 1)
    return in_parallel(fit_factor, calls, seconds, "predictors, factors")


def fit_factor(
    predictor: Predictor,
    latents: Float[np.ndarray, "n latent"],
    labels: Shaped[np.ndarray, "n"],
    split: Split,
    is_class: bool,
    seed: int,
) -> tuple[Fit, bool]:
    """Fit one predictor and test it; the second answer is whether it converged."""
    from sklearn.metrics import recall_score

    if not is_class:
        labels = Scaling.of(labels[:, None]).apply(labels[:, None])[:, 0]
    seen, truth = labels[split.train], labels[split.test]
    model = fitted(predictor, latents[split.train], seen, is_class=is_class, seed=seed)
    importances = predictor.importances(model)
    shares = importances / max(importances.sum(), np.finfo(float).tiny)
    known, found = model.predict(latents[split.train]), model.predict(latents[split.test])
    if is_class:
        present = np.unique(truth)
        fit = Fit(
            shares,
            train=float(np.mean(known == seen)),
            test=float(np.mean(found == truth)),
            balanced=recall_score(truth, found, labels=present, average="macro", zero_division=0),
            chance=float(np.mean(truth == np.bincount(seen).argmax())),
        )
    else:
        fit = Fit(shares, explained(seen, known), explained(truth, found), None, 0.0)
    return fit, predictor.converged(model)


def explained(truth: Float[np.ndarray, "k"], predicted: Float[np.ndarray, "k"]) -> float:
    """R^2, the share of the variance that is explained; 0 where a constant would do better.

    Examples
    --------
    >>> explained(np.array([0.0, 2.0]), np.array([1.0, 2.0]))
    0.5
    """
    total = np.sum((truth - truth.mean()) ** 2)
    return float(max(1 - np.sum((truth - predicted) ** 2) / total, 0.0)) if total > 0 else 0.0


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


def mean_test(found: Fits) -> float:
    """Held-out accuracy or R^2, mean over the factors."""
    return float(np.mean([fit.test for fit in found.fits.values()]))


def prediction_result(
    representation: Representation,
    found: Fits,
    *,
    parameters: Mapping[str, str | int | float | bool | None],
    reference: float | None,
) -> MetricResult:
    """Held-out accuracy (R^2 of continuous factors), mean over the factors, as a result."""
    tests = {j: fit.test for j, fit in found.fits.items()}
    balanced = [fit.balanced for fit in found.fits.values() if fit.balanced is not None]
    reason = reason_for(tests, found.declined)
    notes = found.warnings
    if balanced and len(balanced) < len(tests):
        notes += ("the mean over factors mixes accuracy with the R^2 of continuous factors",)
    return MetricResult(
        value=None if reason else mean_test(found),
        per_factor=by_factor(representation, tests),
        parts={"balanced_accuracy": None if reason or not balanced else float(np.mean(balanced))},
        parameters={**parameters, "split": split_name(representation)},
        n_samples=len(representation.codes),
        reference=None if reason else reference,
        chance=None if reason else float(np.mean([fit.chance for fit in found.fits.values()])),
        warnings=notes,
        reason=reason,
    )
