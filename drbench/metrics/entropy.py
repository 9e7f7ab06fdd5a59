"""Discrete entropy and mutual information, from counts. All in nats."""

from typing import Literal

import numpy as np
from jaxtyping import Float, Int

Binning = Literal["width", "frequency"]
_NUDGE = 1e-5
"""Share of a bin by which values below an edge count as on it: float32 levels that fall on an edge
land on the same side whatever the scale."""


def discretise(
    latents: Float[np.ndarray, "n latent"], bins: int, binning: Binning = "width"
) -> Int[np.ndarray, "n latent"]:
    """Bin of every latent, 0 to bins - 1; a constant latent is all in one bin.

    Equal-width bins span each latent's range, closed below, the last one closed above too.
    Equal-frequency bins have edges at the quantiles; equal values stay together.

    Examples
    --------
    >>> discretise(np.array([[0.0], [0.4], [0.5], [1.0]]), 2).ravel().tolist()
    [0, 0, 1, 1]
    """
    if binning == "frequency":
        inner = np.arange(1, bins) / bins
        binned = [np.searchsorted(np.quantile(z, inner), z, side="right") for z in latents.T]
        return np.stack(binned, axis=1)
    halves = latents.astype(np.float64) / 2  # because the range itself may overflow
    low, high = halves.min(axis=0), halves.max(axis=0)
    width = np.where(high > low, high - low, 1.0)
    return np.minimum(((halves - low) / width * bins + _NUDGE).astype(np.int64), bins - 1)


def entropy_of_counts(
    counts: Float[np.ndarray, "*b k"] | Int[np.ndarray, "*b k"],
) -> Float[np.ndarray, "*b"]:
    """Entropy of the distribution that counts along the last axis estimate.

    Examples
    --------
    >>> float(entropy_of_counts(np.array([3, 3]))) == float(np.log(2))
    True
    """
    share = counts / counts.sum(axis=-1, keepdims=True)
    return np.asarray(-(share * np.log(np.where(share > 0, share, 1.0))).sum(axis=-1))


def joint_counts(
    binned: Int[np.ndarray, "n latent"], classes: Int[np.ndarray, "n"], bins: int
) -> Int[np.ndarray, "latent bins size"]:
    """Rows in each bin and class, for each latent."""
    latents = binned.shape[1]
    size = int(classes.max()) + 1
    cells = (binned + np.arange(latents) * bins) * size + classes[:, None]
    joint = np.bincount(cells.ravel(), minlength=latents * bins * size)
    return joint.reshape(latents, bins, size)


def mutual_information(
    binned: Int[np.ndarray, "n latent"], classes: Int[np.ndarray, "n"], bins: int
) -> Float[np.ndarray, "latent"]:
    """Mutual information of each binned latent with one factor's classes (plug-in estimate).

    Parameters
    ----------
    binned : (n, latent) int
        Bin of each latent, 0 to bins - 1.
    classes : (n,) int
        Class of the factor, 0 or more.
    bins : int
        Number of bins.
    """
    joint = joint_counts(binned, classes, bins)
    information = (
        entropy_of_counts(joint.sum(axis=2))
        + entropy_of_counts(joint.sum(axis=1))
        - entropy_of_counts(joint.reshape(len(joint), -1))
    )
    return np.maximum(information, 0.0)
