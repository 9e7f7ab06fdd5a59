"""MIG: the gap between the two latents that tell most of a factor."""

import math
from collections.abc import Iterator
from typing import Annotated

import numpy as np
from jaxtyping import Float, Int
from pydantic import Field

from drbench.metrics.entropy import Binning, discretise, entropy_of_counts
from drbench.metrics.factors import by_factor, reason_for, rows_of, select, spread_out
from drbench.metrics.metric import MetricResult, metric
from drbench.representation import Representation

_MOST_CELLS = 4096
"""Bins times classes that are counted at once: they stay in the processor's nearest memory."""


@metric(
    title="MIG (mutual information gap)",
    measures="compactness",
    range=(0.0, 1.0),
    source="Chen, Li, Grosse, Duvenaud, NeurIPS 2018, arXiv 1802.04942",
    cost="n * factors * latents; about 5 ms at 15,000 rows",
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
    bins: Annotated[int, Field(ge=2, le=10_000)] = 20,
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
    selection = select(
        representation,
        continuous="MIG bins latents, never factors",
        vectors="MIG bins scalar latents",
    )
    latents, declined, used = representation.latents, dict(selection.declined), selection.used
    if latents.shape[1] < 2:
        declined |= dict.fromkeys(used, "MIG compares two latents, there is one")
        used = ()
    classes = representation.codes[:, list(used)]
    binned = discretise(latents, bins, binning)
    shares = _shares(binned, classes, bins)
    shuffled = np.random.default_rng(seed).permutation(binned)
    gaps = _gaps(shares)
    reason = reason_for(used, declined)
    perfect = discretise(classes.astype(np.float64), bins, binning) if len(used) else classes
    return MetricResult(
        value=None if reason else float(gaps.mean()),
        per_factor=by_factor(representation, dict(zip(used, gaps, strict=True))),
        parameters={"seed": seed, "bins": bins, "binning": binning},
        n_samples=len(latents),
        reference=None if reason else float(_gaps(_shares(perfect, classes, bins)).mean()),
        chance=None if reason else float(_gaps(_shares(shuffled, classes, bins)).mean()),
        matrix=rows_of(spread_out(shares, used, len(representation.factors))),
        warnings=selection.warnings,
        reason=reason,
    )


def _shares(
    binned: Int[np.ndarray, "n latent"], classes: Int[np.ndarray, "n factor"], bins: int
) -> Float[np.ndarray, "latent factor"]:
    """Mutual information of each latent with each factor, over the factor's entropy."""
    shares = np.empty((binned.shape[1], classes.shape[1]))
    columns = np.ascontiguousarray(binned.T)
    for group, joint in _joint_counts(columns, classes, bins):
        own = range(2, joint.ndim)
        for axis, j in zip(own, group, strict=True):
            table = joint.sum(axis=tuple(k for k in own if k != axis))  # (latent, bin, class)
            entropy = entropy_of_counts(table[0].sum(axis=0))
            information = (
                entropy
                + entropy_of_counts(table.sum(axis=2))
                - entropy_of_counts(table.reshape(len(table), -1))
            )
            shares[:, j] = np.maximum(information, 0.0) / entropy
    return shares


def _joint_counts(
    columns: Int[np.ndarray, "latent n"], classes: Int[np.ndarray, "n factor"], bins: int
) -> Iterator[tuple[list[int], Int[np.ndarray, "latent bin *classes"]]]:
    """Rows by bin and classes of a few factors at once: counting costs more than adding up."""
    sizes = [int(column.max()) + 1 for column in classes.T]
    waiting = list(range(len(sizes)))
    while waiting:
        group = [waiting.pop(0)]
        while waiting and bins * math.prod(sizes[j] for j in [*group, waiting[0]]) <= _MOST_CELLS:
            group.append(waiting.pop(0))
        shape = tuple(sizes[j] for j in group)
        cells = math.prod(shape)
        cell = np.ravel_multi_index(tuple(classes[:, group].T), shape)
        counts = [np.bincount(z * cells + cell, minlength=bins * cells) for z in columns]
        yield group, np.stack(counts).reshape(len(columns), bins, *shape)


def _gaps(shares: Float[np.ndarray, "latent factor"]) -> Float[np.ndarray, "factor"]:
    """Best minus second best of each column; with a single latent, the best."""
    if len(shares) < 2:
        return shares.max(axis=0, initial=0.0)
    ordered = np.sort(shares, axis=0)
    return ordered[-1] - ordered[-2]
