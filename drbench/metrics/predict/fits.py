"""What predictors of the factors found: one fit a factor, remembered, and the score it gives."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
from jaxtyping import Float, Shaped

from drbench.metrics.estimate.factors import by_factor, reason_for, select
from drbench.metrics.estimate.splits import Split, split_fault, split_name, split_rows
from drbench.metrics.result import MetricResult
from drbench.representation.representation import Representation

Columns: TypeAlias = Mapping[int, tuple[int, ...]]
"""For each factor's column the latents it is predicted from."""
_KEPT = 512
"""Fits that are remembered: enough for the metrics of a few representations."""


@final
@dataclass(frozen=True)
class Fit:
    """How well some latents predict a factor, and which of them matter."""

    importances: Float[np.ndarray, "latent"]
    """How much each column matters; they sum to 1, or are all 0."""
    train: float
    """Accuracy on the training rows; R^2 for a continuous factor, not below 0."""
    test: float
    """The same on the held-out rows."""
    balanced: float | None
    """Mean recall of the classes among the held-out rows; None for a continuous factor."""
    chance: float
    """Accuracy of always naming the most frequent class; 0 for a continuous factor."""
    converged: bool = True
    """Whether the predictor stopped by itself."""


@final
@dataclass(frozen=True)
class Fits:
    """Fits of all the factors that could be predicted."""

    fits: dict[int, Fit]
    """By column of the factor."""
    declined: dict[int, str]
    """Why a factor could not be predicted, by column."""
    warnings: tuple[str, ...]
    """Factors that were left out, or whose fit was cut off."""


Memory: TypeAlias = OrderedDict[tuple[object, ...], Fit]
FitMissing: TypeAlias = Callable[[Columns, Mapping[int, Split]], Iterable[tuple[int, Fit]]]


def remembered_fits(
    representation: Representation,
    columns: Columns,
    settings: tuple[object, ...],
    fit: FitMissing,
    memory: Memory,
    *,
    seed: int,
) -> Fits:
    """Predict each given factor from the given columns of the latents, or remember it.

    Parameters
    ----------
    representation : Representation
        What is scored.
    columns : mapping of int to tuple of int
        For each factor's column the latents it is predicted from.
    settings : tuple
        What else a fit depends on.
    fit : callable
        Fits the factors that the memory lacks, given their columns and the splits of the rows.
    memory : mapping
        Fits by all that they depend on; the oldest are forgotten.
    seed : int
        Seed of the split and of the predictor.
    """
    splits = {j: split_rows(representation, j, seed) for j in columns}
    faults = {j: split_fault(representation, j, split) for j, split in splits.items()}
    declined = {j: fault for j, fault in faults.items() if fault}
    keys = {
        j: (representation.fingerprint, j, chosen, seed, settings)
        for j, chosen in columns.items()
        if j not in declined
    }
    missing = {j: columns[j] for j, key in keys.items() if key not in memory}
    for j, found in fit(missing, splits):
        memory[keys[j]] = found
    fits = {j: memory[key] for j, key in keys.items()}
    for key in keys.values():
        memory.move_to_end(key)
    while len(memory) > _KEPT:
        memory.popitem(last=False)
    warned = tuple(
        f"factor {representation.factors[j].name}: the predictor was cut off before it converged"
        for j, found in fits.items()
        if not found.converged
    )
    return Fits(fits, declined, warned)


def from_full_code(representation: Representation, fit: Callable[[Columns], Fits]) -> Fits:
    """Predict each factor that varies from all latents."""
    everything = tuple(range(representation.latents.shape[1]))
    selection = select(representation)
    found = fit(dict.fromkeys(selection.used, everything))
    return Fits(found.fits, found.declined, selection.warnings + found.warnings)


def judged(
    importances: Float[np.ndarray, "latent"],
    *,
    seen: Shaped[np.ndarray, "k"],
    recalled: Shaped[np.ndarray, "k"],
    truth: Shaped[np.ndarray, "m"],
    predicted: Shaped[np.ndarray, "m"],
    is_class: bool,
    converged: bool = True,
) -> Fit:
    """How good predictions are, of the training rows (`seen`) and the held-out ones (`truth`)."""
    if not is_class:
        known, unseen = explained(seen, recalled), explained(truth, predicted)
        return Fit(importances, known, unseen, None, 0.0, converged)
    hits = predicted == truth
    found, counts = np.bincount(truth[hits], minlength=truth.max() + 1), np.bincount(truth)
    present = counts > 0
    return Fit(
        importances,
        train=float(np.mean(recalled == seen)),
        test=float(np.mean(hits)),
        balanced=float(np.mean(found[present] / counts[present])),
        chance=float(np.mean(truth == np.bincount(seen).argmax())),
        converged=converged,
    )


def explained(truth: Float[np.ndarray, "k"], predicted: Float[np.ndarray, "k"]) -> float:
    """R^2, the share of the variance that is explained; 0 where a constant would do better.

    Examples
    --------
    >>> explained(np.array([0.0, 2.0]), np.array([1.0, 2.0]))
    0.5
    """
    total = np.sum((truth - truth.mean()) ** 2)
    return float(max(1 - np.sum((truth - predicted) ** 2) / total, 0.0)) if total > 0 else 0.0


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
