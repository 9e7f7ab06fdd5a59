"""DCIMIG: the best gap among the latents that belong to a factor."""

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
    gaps,
)
from drbench.metrics.metric import metric
from drbench.metrics.result import MetricResult
from drbench.representation.representation import Representation


@metric(
    title="DCIMIG (3CharM)",
    measures="modularity, compactness and explicitness in one",
    range=(0.0, 1.0),
    source="Sepliarskaia, Kiseleva, de Rijke, 2019, arXiv 1910.05587",
    cost="quick",
    tolerance=TOLERANCE,
    invariances=INVARIANCES,
    faults=(
        "Several latents may belong to one factor and only the best counts: a factor that is "
        "copied to many latents costs nothing.",
        "A factor counts by its entropy: many levels weigh more than few.",
        "Published values differ in the number of bins and in whether a latent belongs to the "
        "factor of the largest information (as here) or of the largest share of entropy.",
    ),
)
def dcimig(
    representation: Representation, *, seed: int, bins: Bins = 10, binning: Binning = "width"
) -> MetricResult:
    """Information that each factor's own latent has about it and about no other factor.

    A latent belongs to the factor it has most information about, with a score: that information
    less the second largest. R_j is the best score among the latents of factor j, 0 without any. The
    value is sum R_j / sum H(v_j), in [0, 1], higher is better. Latents are binned, factors never:
    continuous factors and units of several columns are declined. Single-valued factors are left
    out. With one factor there is nothing to compare.

    Parameters
    ----------
    representation : Representation
        What is scored; at least two factors.
    seed : int
        Shuffles the rows for `chance`; the score does not depend on it.
    bins : int
        Bins per latent; 10 is usual for this metric.
    binning : {"width", "frequency"}
        Bins of equal width over each latent's range, or of equal frequency.

    Returns
    -------
    MetricResult
        `per_factor`: R_j / H(v_j). `matrix`: information in nats (latent, factor). `reference`:
        the classes themselves as latents, binned alike. `chance`: the same latents with their rows
        shuffled.
    """
    selection = classes_only(representation, "DCIMIG").comparing_factors("DCIMIG")
    return binned_result(representation, selection, _score, seed=seed, bins=bins, binning=binning)


def best_gaps(
    information: Float[np.ndarray, "latent factor"],
) -> Float[np.ndarray, "factor"]:
    """R of each factor, of at least two.

    Examples
    --------
    >>> best_gaps(np.array([[5.0, 1.0, 2.0], [4.0, 0.0, 0.0], [0.0, 1.0, 0.0]])).tolist()
    [4.0, 1.0, 0.0]
    """
    best = np.zeros(information.shape[1])
    np.maximum.at(best, information.argmax(axis=1), gaps(information))
    return best


def _score(binned: Binned) -> Score:
    best = best_gaps(binned.information)
    value = min(float(best.sum() / binned.entropy.sum()), 1.0)
    return Score(value, dict(enumerate(best / binned.entropy)), binned.information)
