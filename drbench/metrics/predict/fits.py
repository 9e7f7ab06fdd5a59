"""How well predictors read the factors, and the score that gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

from drbench.metrics.estimate.factors import by_factor, reason_for
from drbench.metrics.estimate.splits import split_name
from drbench.metrics.predict.estimators import Prediction, Problem
from drbench.metrics.result import MetricResult
from drbench.representation.representation import Representation


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


def judged(problem: Problem, prediction: Prediction) -> Fit:
    """How good a prediction is, of the training rows and of the held-out ones."""
    importances, recalled, predicted, converged = prediction
    seen, truth = (problem.labels[rows] for rows in problem.split)
    if not problem.is_class:
        known, unseen = explained(seen, recalled), explained(truth, predicted)
        return Fit(importances, known, unseen, None, 0.0, converged)
    hits = predicted == truth
    counts = np.bincount(truth)
    right, present = np.bincount(truth[hits], minlength=len(counts)), counts > 0
    return Fit(
        importances,
        train=float(np.mean(recalled == seen)),
        test=float(np.mean(hits)),
        balanced=float(np.mean(right[present] / counts[present])),
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
