"""Discrete entropy and mutual information, from counts. All in nats."""

import math
from collections.abc import Iterator
from typing import Literal, NamedTuple, final

import numpy as np
from jaxtyping import Float, Int

Binning = Literal["width", "frequency"]
_NUDGE = 1e-5
"""Share of a bin by which values below an edge count as on it: float32 levels that fall on an edge
land on the same side whatever the scale."""
_MOST_CELLS = 4096
"""Bins times classes that are counted at once: they stay in the processor's nearest memory."""
_MOST_COUNTS = 2**20
"""Counts that are held at once."""


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
    # Half of each latent, because its range may overflow; column by column and in place, which is
    # quicker.
    place = np.array(latents.T, dtype=np.float64, order="C")
    place /= 2
    low, high = place.min(axis=1, keepdims=True), place.max(axis=1, keepdims=True)
    place -= low
    place /= np.where(high > low, high - low, 1.0)
    place *= bins
    place += _NUDGE
    return np.minimum(place.astype(np.int64), bins - 1).T


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


def entropies(columns: Int[np.ndarray, "n column"]) -> Float[np.ndarray, "column"]:
    """Entropy of each column of classes or bins."""
    return np.array([float(entropy_of_counts(np.bincount(column))) for column in columns.T])


@final
class Entropies(NamedTuple):
    """Entropies of binned latents, of factors, and of each two together."""

    latent: Float[np.ndarray, "latent"]
    factor: Float[np.ndarray, "factor"]
    joint: Float[np.ndarray, "latent factor"]


def joint_entropies(
    binned: Int[np.ndarray, "n latent"], classes: Int[np.ndarray, "n factor"], bins: int
) -> Entropies:
    """Entropy of each binned latent, of each factor's classes, and of the two together.

    Rows are counted by the classes of a few factors at once, which costs more than adding up.

    Parameters
    ----------
    binned : (n, latent) int
        Bin of each latent, 0 to bins - 1.
    classes : (n, factor) int
        Class of each factor, 0 or more.
    bins : int
        Number of bins.
    """
    columns = np.ascontiguousarray(binned.T)
    latent, factor = np.zeros(len(columns)), np.zeros(classes.shape[1])
    table = np.zeros((len(latent), len(factor)))
    for group, sizes in _groups(classes, bins):
        shape = (*sizes, bins)
        cells = math.prod(shape)
        first = np.ravel_multi_index(tuple(classes[:, group].T), sizes) * bins
        step = max(_MOST_COUNTS // cells, 1)
        for start in range(0, len(columns), step):
            block = slice(start, start + step)
            counts = [np.bincount(first + z, minlength=cells) for z in columns[block]]
            joint = np.stack(counts).reshape(-1, *shape)
            for axis, j in enumerate(group, start=1):
                others = tuple(k for k in range(1, len(shape)) if k != axis)
                pairs = joint.sum(axis=others)  # (latent, class, bin)
                table[block, j] = entropy_of_counts(pairs.reshape(len(pairs), -1))
                factor[j] = entropy_of_counts(pairs[0].sum(axis=1))
            latent[block] = entropy_of_counts(pairs.sum(axis=1))
    return Entropies(latent, factor, table)


def _groups(
    classes: Int[np.ndarray, "n factor"], bins: int
) -> Iterator[tuple[list[int], tuple[int, ...]]]:
    """Factors to count together, and their numbers of classes."""
    sizes = [int(column.max()) + 1 for column in classes.T]
    waiting = list(range(len(sizes)))
    while waiting:
        group = [waiting.pop(0)]
        while waiting and bins * math.prod(sizes[j] for j in [*group, waiting[0]]) <= _MOST_CELLS:
            group.append(waiting.pop(0))
        yield group, tuple(sizes[j] for j in group)


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
    latent, factor, joint = joint_entropies(binned, classes[:, None], bins)
    return np.maximum(latent + factor - joint[:, 0], 0.0)
