"""Mutual information of a continuous variable with classes, from nearest neighbours."""

import numpy as np
from jaxtyping import Float, Int

_SHRINK = 1 - 1e-9
"""Takes the k-th neighbour itself out of its radius, whatever the rounding of sums."""


def neighbour_information(
    values: Float[np.ndarray, "n"], classes: Int[np.ndarray, "n"], neighbours: int = 3
) -> float:
    """Information in nats by the estimator of Ross (PLoS ONE 2014), 0 where it comes out negative.

    psi(n) + mean psi(k) - mean psi(rows of the class) - mean psi(m), where m counts the rows that
    are closer than the k-th neighbour of the same class, the row itself included. A class of k rows
    or fewer has so many neighbours as there are; one of a single row is left out. Where the k-th
    neighbour is the row's equal, k and m count all equal rows.

    Parameters
    ----------
    values : (n,) float
        Of a scale near 1.
    classes : (n,) int
        Class of each row, 0 or more.
    neighbours : int
        k.

    Examples
    --------
    >>> z = np.array([0.0, 0.1, 0.21, 0.33, 5.0, 5.1, 5.21, 5.33])
    >>> v = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    >>> round(neighbour_information(z, v), 3)  # psi(8) - psi(4): about log 2
    0.76
    """
    counts = np.bincount(classes)
    kept = counts[classes] > 1
    if not kept.any():
        return 0.0
    values, classes = values[kept], classes[kept]
    ascending = np.argsort(values, kind="stable")  # no work where they ascend already
    # Few bits suffice for the classes, and sort quicker.
    labels = classes[ascending].astype(np.min_scalar_type(len(counts)))
    grouped = ascending[np.argsort(labels, kind="stable")]  # class by class, each ascending
    own, label = values[grouped], classes[grouped]
    size = counts[label]
    k = np.minimum(neighbours, size - 1)
    radius = np.empty(len(own))
    for each in range(1, int(k.max()) + 1):
        alike = k == each
        radius[alike] = _radius(own[alike], label[alike], each) * _SHRINK
    k = np.where(radius > 0, k, _repeats(own, label))
    everything = values[ascending]
    closer = np.searchsorted(everything, own + radius, side="right")
    closer -= np.searchsorted(everything, own - radius, side="left")
    psi = _digamma(len(everything))
    total = psi[len(everything)] + np.mean(psi[k] - psi[size] - psi[closer])
    return max(float(total), 0.0)


def _repeats(values: Float[np.ndarray, "m"], classes: Int[np.ndarray, "m"]) -> Int[np.ndarray, "m"]:
    """Rows of the same class with each row's value; values ascend class by class."""
    differs = (np.diff(values) != 0) | (np.diff(classes) != 0)
    starts = np.flatnonzero(np.append(True, differs))
    size = np.diff(starts, append=len(values))
    return np.repeat(size, size)


def _radius(
    values: Float[np.ndarray, "m"], classes: Int[np.ndarray, "m"], k: int
) -> Float[np.ndarray, "m"]:
    """Distance of each value to its k-th neighbour in its class; values ascend class by class.

    Of the windows of k + 1 values that hold it, the one that reaches least far says it.
    """
    windows = len(values) - k
    last = values[k:]
    whole = classes[k:] == classes[:windows]  # windows within a class
    radius = np.full(len(values), np.inf)
    for before in range(k + 1):  # neighbours in the window that are smaller
        inside = slice(before, windows + before)
        reach = np.maximum(values[inside] - values[:windows], last - values[inside])
        radius[inside] = np.minimum(radius[inside], np.where(whole, reach, np.inf))
    return radius


def _digamma(largest: int) -> Float[np.ndarray, "m"]:
    """Digamma of 0 (not used) to `largest`, plus Euler's constant, which cancels."""
    harmonic = np.cumsum(1 / np.arange(1, max(largest, 1)))
    return np.concatenate([[np.nan, 0.0], harmonic])
