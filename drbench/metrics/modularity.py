"""Modularity: how far each latent tells of one factor alone."""

import numpy as np
from jaxtyping import Float

from drbench.metrics.estimate.entropy import Binning
from drbench.metrics.estimate.information import (
    INVARIANCES,
    TOLERANCE,
    Binned,
    Bins,
    Score,
    binned_result,
    classes_only,
    mean_by_factor,
)
from drbench.metrics.estimate.results import mean_of
from drbench.metrics.metric import metric
from drbench.metrics.result import MetricResult
from drbench.representation.representation import Representation


@metric(
    title="Modularity (Ridgeway and Mozer)",
    measures="modularity",
    range=(0.0, 1.0),
    source="Ridgeway, Mozer, NeurIPS 2018, arXiv 1802.05312",
    cost="quick",
    tolerance=TOLERANCE,
    invariances=INVARIANCES,
    faults=(
        "Pure noise scores about 0.7: an estimate of information is never 0, and chance makes it "
        "uneven. Compare with `chance`.",
        "Every latent counts alike, however little it tells: latents of noise lower the score of "
        "a perfect code.",
        "It does not ask whether the factors are told at all: a code that misses some scores 1.",
        "Other libraries count constant latents as 0, or return NaN; here they are left out.",
    ),
)
def modularity(
    representation: Representation, *, seed: int, bins: Bins = 20, binning: Binning = "width"
) -> MetricResult:
    """One minus the information of each latent about other factors than its best, squared.

    For a latent with information m_j about factor j and t = max m_j, the score is
    1 - sum over the other factors of m_j^2 / (t^2 (F - 1)); the value is the mean over the latents,
    in [0, 1], higher is better. Latents are binned, factors never: continuous factors and units of
    several columns are declined. Latents that tell nothing, such as constant ones, and
    single-valued factors are left out. With one factor there is nothing to compare.

    Parameters
    ----------
    representation : Representation
        What is scored; at least two factors.
    seed : int
        Shuffles the rows for `chance`; the score does not depend on it.
    bins : int
        Bins per latent.
    binning : {"width", "frequency"}
        Bins of equal width over each latent's range, or of equal frequency.

    Returns
    -------
    MetricResult
        `per_factor`: mean over the latents that tell most of it; None if there is none. `matrix`:
        information in nats (latent, factor). `reference`: the classes themselves as latents.
        `chance`: the same latents with their rows shuffled; about 0.7.
    """
    selection = classes_only(representation, "modularity").comparing_factors("modularity")
    return binned_result(representation, selection, _score, seed=seed, bins=bins, binning=binning)


def modularity_of(
    information: Float[np.ndarray, "latent factor"],
) -> Float[np.ndarray, "latent"]:
    """Score of each latent that tells something, of at least two factors.

    Examples
    --------
    >>> modularity_of(np.array([[3.0, 0.0], [2.0, 2.0], [2.0, 1.0]])).tolist()
    [1.0, 0.0, 0.75]
    """
    share = information / information.max(axis=1, keepdims=True)
    return 1 - ((share**2).sum(axis=1) - 1) / (information.shape[1] - 1)


def _score(binned: Binned) -> Score:
    telling = binned.information[binned.information.any(axis=1)]
    scores = modularity_of(telling)
    factors = mean_by_factor(scores, telling.argmax(axis=1))
    return Score(mean_of(scores), factors, binned.information)
