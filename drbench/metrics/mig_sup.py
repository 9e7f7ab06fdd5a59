"""MIG-sup: the gap between the two factors that a latent tells most of."""

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
    mean_by_factor,
)
from drbench.metrics.estimate.results import mean_of
from drbench.metrics.metric import metric
from drbench.metrics.result import MetricResult
from drbench.representation.representation import Representation


@metric(
    title="MIG-sup (mutual information gap between factors)",
    measures="modularity",
    range=(0.0, 1.0),
    source="Li, Murkute, Gyawali, Wang, ICLR 2020, arXiv 2002.10549",
    cost="quick",
    tolerance=TOLERANCE,
    invariances=INVARIANCES,
    faults=(
        "The mean is over all latents that vary: ones that tell nothing but noise pull a perfect "
        "code down. Published values may leave such latents out by a threshold of their own.",
        "It does not ask whether the factors are told at all: read it beside MIG.",
        "A factor with more levels than bins cannot reach 1: compare with `reference`.",
    ),
)
def mig_sup(
    representation: Representation, *, seed: int, bins: Bins = 20, binning: Binning = "width"
) -> MetricResult:
    """Information of a latent about its best factor less that about the second best.

    Information is a share of the factor's entropy; the value is the mean over the latents, in
    [0, 1], higher is better. Latents are binned, factors never: continuous factors and units of
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
        information over the factor's entropy (latent, factor). `reference`: the classes themselves
        as latents, binned alike. `chance`: the same latents with their rows shuffled.
    """
    selection = classes_only(representation, "MIG-sup").comparing_factors("MIG-sup")
    return binned_result(representation, selection, _score, seed=seed, bins=bins, binning=binning)


def _score(binned: Binned) -> Score:
    shares = binned.shares
    telling = shares[shares.any(axis=1)]
    scores = gaps(telling)
    return Score(mean_of(scores), mean_by_factor(scores, telling.argmax(axis=1)), shares)
