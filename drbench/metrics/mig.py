"""MIG: the gap between the two latents that tell most of a factor."""

from drbench.metrics.estimate.entropy import Binning
from drbench.metrics.estimate.information import (
    TOLERANCE,
    Binned,
    Bins,
    Score,
    binned_result,
    classes_only,
    gaps,
)
from drbench.metrics.estimate.results import mean_of
from drbench.metrics.metric import metric
from drbench.metrics.result import MetricResult
from drbench.representation.representation import Representation


@metric(
    title="MIG (mutual information gap)",
    measures="compactness",
    range=(0.0, 1.0),
    source="Chen, Li, Grosse, Duvenaud, NeurIPS 2018, arXiv 1802.04942",
    cost="quick",
    tolerance=TOLERANCE,
    invariances={
        "permute_latents": 1e-9,
        # Values on the edge of a bin count to the one above, mirrored or not.
        "flip_signs": 0.02,
        "scale": 1e-6,
        "rename_classes": 1e-9,
        "reorder_rows": 1e-9,
        "append_constant": 1e-9,
        "label_type": 0.0,
        "jobs": 0.0,
    },
    faults=(
        "One outlying row stretches the equal-width bins until a perfect code falls near 0: "
        "binning=frequency does not care.",
        "A factor with more levels than bins cannot reach 1: compare with `reference`.",
        "Duplicated latents give 0 by design.",
    ),
)
def mig(
    representation: Representation,
    *,
    seed: int,
    bins: Bins = 20,
    binning: Binning = "width",
) -> MetricResult:
    """Information of the best latent about a factor less that of the second best, over its entropy.

    Latents are binned, factors never: a continuous factor is declined, and so are units of several
    columns. The value is the mean over the factors, in [0, 1], higher is better. Single-valued
    factors, which have no entropy, are left out.

    Parameters
    ----------
    representation : Representation
        What is scored; at least two latents.
    seed : int
        Shuffles the rows for `chance`; the score does not depend on it.
    bins : int
        Bins per latent.
    binning : {"width", "frequency"}
        Bins of equal width over each latent's range, or of equal frequency.

    Returns
    -------
    MetricResult
        `matrix`: information over the factor's entropy (latent, factor). `reference`: the classes
        themselves as latents, binned alike. `chance`: the same latents with their rows shuffled.
    """
    selection = classes_only(representation, "MIG").comparing_latents("MIG", representation)
    return binned_result(representation, selection, _score, seed=seed, bins=bins, binning=binning)


def _score(binned: Binned) -> Score:
    scores = gaps(binned.shares.T)
    return Score(mean_of(scores), dict(enumerate(scores)), binned.shares)
