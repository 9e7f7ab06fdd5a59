"""JEMMIG: the gap of MIG, and how little the best latent holds besides the factor."""

from math import log

import numpy as np
from jaxtyping import Float

from drbench.metrics.estimate.entropy import Binning
from drbench.metrics.estimate.information import (
    INVARIANCES,
    NOTHING,
    TOLERANCE,
    Binned,
    Bins,
    Score,
    binned_result,
    classes_only,
)
from drbench.metrics.estimate.results import mean_of
from drbench.metrics.metric import metric
from drbench.metrics.result import MetricResult
from drbench.representation.representation import Representation


@metric(
    title="JEMMIG (joint entropy minus mutual information gap), normalised",
    measures="modularity, compactness and explicitness in one",
    range=(0.0, 1.0),
    source="Do, Tran, ICLR 2020, arXiv 1908.09961",
    cost="quick",
    tolerance=TOLERANCE,
    invariances=INVARIANCES,
    faults=(
        "The published quantity is in nats and lower is better; this is its normalised form, one "
        "minus its share of the largest possible, as the review of Carbonneau et al. reports it.",
        "The share is of the logarithm of the number of bins: scores of other numbers of bins "
        "cannot be compared, and noise scores above 0. Compare with `chance`.",
        "A factor with more levels than bins cannot reach 1: compare with `reference`.",
    ),
)
def jemmig(
    representation: Representation, *, seed: int, bins: Bins = 10, binning: Binning = "width"
) -> MetricResult:
    """One minus the joint entropy of a factor and its best latent, the gap of MIG taken off.

    JEMMIG_j = H(z, v_j) - I(z; v_j) + I(z'; v_j), z and z' the latents with most and second most
    information about factor j; of several with most, z is the one with the least H(z, v_j), and no
    constant one unless all are. It is 0 for a perfect code and log(bins) + H(v_j) at most. The
    value is the mean over the factors of 1 - JEMMIG_j / (log(bins) + H(v_j)), in [0, 1], higher is
    better. Latents are binned, factors never: continuous factors and units of several columns are
    declined. Single-valued factors are left out. With one latent there is no gap.

    Parameters
    ----------
    representation : Representation
        What is scored; at least two latents.
    seed : int
        Shuffles the rows for `chance`; the score does not depend on it.
    bins : int
        Bins per latent; 10 is usual for this metric.
    binning : {"width", "frequency"}
        Bins of equal width over each latent's range, or of equal frequency.

    Returns
    -------
    MetricResult
        `parts`: nats, the mean of JEMMIG_j, lower is better. `matrix`: information in nats (latent,
        factor). `reference`: the classes themselves as latents, binned alike. `chance`: the same
        latents with their rows shuffled.
    """
    selection = classes_only(representation, "JEMMIG").comparing_latents("JEMMIG", representation)
    return binned_result(representation, selection, _score, seed=seed, bins=bins, binning=binning)


def jemmig_in_nats(binned: Binned) -> Float[np.ndarray, "factor"]:
    """The published quantity, lower is better; a single latent has a second one of no information.

    Examples
    --------
    >>> z = np.array([[0], [1], [0], [1]])
    >>> jemmig_in_nats(Binned.of(z, z, bins=2)).tolist()
    [0.0]
    """
    padded = np.vstack([np.zeros_like(binned.entropy), binned.information])
    second, best = np.sort(padded, axis=0)[-2:]
    varies = binned.entropies.latent > 0
    # Latents that all miss a factor tell exactly as much of it: rounding must not choose.
    most = binned.information >= best - NOTHING
    most &= varies[:, None] | ~varies.any()
    joint = np.where(most, binned.joint_entropy, np.inf).min(axis=0)
    return np.maximum(joint - best + second, 0.0)


def _score(binned: Binned) -> Score:
    nats = jemmig_in_nats(binned)
    scores = np.clip(1 - nats / (log(binned.bins) + binned.entropy), 0.0, 1.0)
    parts = {"nats": float(nats.mean())}
    return Score(mean_of(scores), dict(enumerate(scores)), binned.information, parts)
