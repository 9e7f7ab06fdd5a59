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
    or fewer has so many neighbours as there are; one of a single row is left out.

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
    everything = np.sort(values[kept])
    psi = _digamma(len(everything))
    total = psi[len(everything)]
    for c in np.flatnonzero(counts > 1):
        own = np.sort(values[classes == c])
        k = min(neighbours, len(own) - 1)
        radius = _radius(own, k) * _SHRINK
        closer = np.searchsorted(everything, own + radius, side="right")
        closer -= np.searchsorted(everything, own - radius, side="left")
        share = len(own) / len(everything)
        total += share * (psi[k] - psi[len(own)] - psi[closer].mean())
    return max(float(total), 0.0)


def _radius(ordered: Float[np.ndarray, "m"], k: int) -> Float[np.ndarray, "m"]:
    """Distance of each value to its k-th neighbour.

    Of the windows of k + 1 values that hold it, the one that reaches least far says it.
    """
    m = len(ordered)
    radius = np.full(m, np.inf)
    for before in range(k + 1):  # neighbours in the window that are smaller
        inside = slice(before, m - k + before)
        reach = np.maximum(
            ordered[inside] - ordered[: m - k],
            ordered[k:] - ordered[inside],
        )
        radius[inside] = np.minimum(radius[inside], reach)
    return radius


def _digamma(largest: int) -> Float[np.ndarray, "m"]:
    """Digamma of 0 (not used) to `largest`, plus Euler's constant, which cancels."""
    harmonic = np.cumsum(1 / np.arange(1, max(largest, 1)))
    return np.concatenate([[np.nan, 0.0], harmonic])
