"""MIG-sup: the gap between the two factors that a latent tells most of."""

import numpy as np

from drbench.metrics.estimate.entropy import Binning
from drbench.metrics.estimate.factors import by_factor, reason_for, rows_of, spread_out
from drbench.metrics.estimate.information import (
    INVARIANCES,
    TOLERANCE,
    Binned,
    Bins,
    classes_only,
    gaps,
    mean_by_factor,
    views,
)
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
    selection = classes_only(representation, "MIG-sup")
    used = selection.used
    seen = views(representation, used, seed=seed, bins=bins, binning=binning)
    shares = seen.code.shares
    told = shares.any(axis=1)
    reason = reason_for(used, selection.declined)
    if reason is None and len(used) < 2:
        reason = "MIG-sup compares factors, and one alone varies here"
    elif reason is None and not told.any():
        reason = "no latent tells anything of any factor"
    scores = gaps(shares[told]) if len(used) > 1 else np.empty(0)
    best = shares[told].argmax(axis=1) if len(used) > 1 else np.empty(0, dtype=np.int64)
    return MetricResult(
        value=None if reason else float(scores.mean()),
        per_factor=by_factor(representation, mean_by_factor(scores, best, used)),
        parameters={"seed": seed, "bins": bins, "binning": binning},
        n_samples=len(representation.codes),
        reference=None if reason else _mean(seen.perfect),
        chance=None if reason else _mean(seen.shuffled),
        matrix=rows_of(spread_out(shares, used, len(representation.factors))),
        warnings=selection.warnings,
        reason=reason,
    )


def _mean(binned: Binned) -> float | None:
    """MIG-sup of the latents that tell something; None without any."""
    told = binned.information.any(axis=1)
    return float(gaps(binned.shares[told]).mean()) if told.any() else None
