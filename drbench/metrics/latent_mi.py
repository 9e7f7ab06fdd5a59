"""Mutual information between latents: how much they repeat each other."""

from math import log

import numpy as np
from jaxtyping import Float, Int

from drbench.metrics.estimate.entropy import Binning, discretise, mutual_information
from drbench.metrics.estimate.factors import perfect_code
from drbench.metrics.estimate.information import INVARIANCES, TOLERANCE, Bins
from drbench.metrics.estimate.results import mean_of, result_of
from drbench.metrics.metric import metric
from drbench.metrics.result import MetricResult
from drbench.representation.representation import Representation


@metric(
    title="Mutual information between latents",
    measures="independence of the latents, without factors",
    range=(0.0, log(10_000)),  # a latent has no more than the entropy of its bins
    source="Locatello et al., ICML 2019, arXiv 1811.12359",
    cost="quick",
    direction="lower",
    tolerance=TOLERANCE,
    unsupervised=True,
    invariances=INVARIANCES,
    faults=(
        "It knows nothing of the factors: noise scores best.",
        "An estimate from n rows is never 0: compare with `chance`, which grows as bins^2 / n.",
        "Other libraries count constant latents, which dilute the mean.",
    ),
)
def latent_mi(
    representation: Representation, *, seed: int, bins: Bins = 20, binning: Binning = "width"
) -> MetricResult:
    """Mean mutual information of two latents, over all pairs of latents that vary.

    In nats, 0 or more, lower is better: at most log(bins), what copies of one latent share if their
    bins are even. It needs no factors. Latents are binned; units of several columns are declined.
    Constant latents are left out. With one latent there is no pair.

    Parameters
    ----------
    representation : Representation
        What is scored; at least two latents that vary.
    seed : int
        Shuffles each latent for `chance`; the score does not depend on it.
    bins : int
        Bins per latent.
    binning : {"width", "frequency"}
        Bins of equal width over each latent's range, or of equal frequency.

    Returns
    -------
    MetricResult
        `parts`: largest, that of the pair that shares most. `reference`: the factors themselves
        as latents, which share what the sample makes them share. `chance`: independent latents,
        each with its rows shuffled by itself.
    """
    latents = _varying(representation.latents)
    reason = None
    if representation.has_vector_units:
        reason = "some units have several columns; this bins scalar latents"
    elif latents.shape[1] < 2:
        reason = f"it compares two latents, and {latents.shape[1]} of them varies here"
    binned = discretise(latents, bins, binning) if latents.size else latents.astype(np.int64)
    shared = np.zeros(0) if reason else shared_information(binned, bins)
    shuffled = np.random.default_rng(seed).permuted(binned, axis=0)
    perfect = _varying(perfect_code(representation))
    comparable = reason is None and perfect.shape[1] > 1
    return result_of(
        representation,
        None,
        value=mean_of(shared),
        scores={},
        parts={"largest": None if reason else float(shared.max())},
        parameters={"seed": seed, "bins": bins, "binning": binning},
        reference=_mean(discretise(perfect, bins, binning), bins) if comparable else None,
        chance=None if reason else _mean(shuffled, bins),
        reason=reason,
    )


def shared_information(binned: Int[np.ndarray, "n latent"], bins: int) -> Float[np.ndarray, "pair"]:
    """Mutual information of each pair of latents in nats (plug-in estimate).

    Examples
    --------
    >>> z = np.array([[0, 0, 0], [0, 0, 1], [1, 1, 0], [1, 1, 1]])
    >>> (shared_information(z, 2) / np.log(2)).tolist()
    [1.0, 0.0, 0.0]
    """
    columns = np.asfortranarray(binned)
    last = columns.shape[1] - 1
    return np.concatenate(
        [mutual_information(columns[:, i + 1 :], columns[:, i], bins) for i in range(last)]
    )


def _mean(binned: Int[np.ndarray, "n latent"], bins: int) -> float:
    return float(shared_information(binned, bins).mean())


def _varying(latents: Float[np.ndarray, "n latent"]) -> Float[np.ndarray, "n some"]:
    return latents[:, latents.min(axis=0) < latents.max(axis=0)]
