"""FactorVAE score: telling a shared factor by the latent that varies least."""

from typing import Annotated

import numpy as np
from jaxtyping import Float, Int
from pydantic import Field

from drbench.metrics.estimate.draws import Batch, Classmates, Draws, Sharing, guess_result, recalls
from drbench.metrics.estimate.factors import select
from drbench.metrics.estimate.scaling import Scaling
from drbench.metrics.metric import metric
from drbench.metrics.result import MetricResult
from drbench.representation.representation import Representation


@metric(
    title="FactorVAE score",
    measures="modularity",
    range=(0.0, 1.0),
    source="Kim, Mnih, ICML 2018, arXiv 1802.05983",
    cost="quick",
    tolerance=2e-3,  # a draw or two votes for another latent; not measured
    invariances={
        "permute_latents": 1e-9,
        "flip_signs": 1e-9,
        "scale": 0.01,
        "rename_classes": 0.05,
        "reorder_rows": 0.05,
        "append_constant": 1e-9,
        "label_type": 0.0,
        "jobs": 0.0,
    },
    faults=(
        "Only the latent that varies least has a vote: what the others hold does not count. Of "
        "several that a shared class holds still, as quantised ones may be, it is the first: there "
        "the order of latents matters.",
        "A factor spread over several latents still scores 1: compactness is not measured.",
    ),
)
def factor_vae_score(
    representation: Representation,
    *,
    seed: int,
    batch: Batch = 64,
    draws: Draws = 15_000,
    inactive: Annotated[float, Field(ge=0, lt=1)] = 1e-3,
) -> MetricResult:
    """Accuracy of telling a shared factor by the latent that varies least, by majority vote.

    A draw takes a factor and a batch of rows, with replacement, that share one of its classes,
    which is as frequent as in the sample. It votes with the latent of the smallest variance in
    units of the variance over the sample. Each latent stands for the factor that it is voted for
    most often in two thirds of the draws; the value is how often that is right in the others, whose
    rows are held out (module `splits`): in [0, 1], higher is better; chance is one over the number
    of factors.

    Continuous factors, those with a class of too few rows to share, and units of several columns
    are declined: there is no value then, and the other factors' scores stand. Single-valued factors
    are left out. A code none of whose latents varies scores 0.

    Parameters
    ----------
    representation : Representation
        What is scored; at least two factors that vary.
    seed : int
        Seed of the split and of the draws.
    batch : int
        Rows of a draw.
    draws : int
        Draws to train and to test on together, as many for each factor.
    inactive : float
        Latents whose standard deviation is below this share of the largest have no vote.

    Returns
    -------
    MetricResult
        `per_factor`: share of the factor's draws that are told. `matrix`: share of the factor's
        votes that each latent has (latent, factor).
    """
    selection = select(
        representation,
        continuous="no two images can be said to share its value",
        vectors="a vote is for a scalar latent",
    )
    sharing = Sharing.of(representation, selection, seed)
    scaling = Scaling.of(representation.latents)
    active = np.flatnonzero(scaling.active(inactive))
    scores = dict.fromkeys(sharing.train, 0.0)
    shares = np.full((len(scaling.peak), len(representation.factors)), np.nan)
    warnings = () if len(active) else ("no latent varies: the representation has collapsed",)
    if len(sharing.train) > 1 and len(active):
        latents = scaling.apply(representation.latents).take(active, axis=1)
        train, test = sharing.draw(latents, variances, draws=draws, batch=batch, seed=seed)
        size = len(representation.factors)
        votes = count_votes(least(train.statistics), train.factor, len(active), size)
        guessed = votes.argmax(axis=1)[least(test.statistics)]
        scores = recalls(guessed, test.factor)
        for j in sharing.train:
            shares[:, j] = 0.0
            shares[active, j] = votes[:, j] / votes[:, j].sum()
    return guess_result(
        representation,
        sharing,
        scores,
        parameters={"seed": seed, "batch": batch, "draws": draws, "inactive": inactive},
        warnings=warnings,
        matrix=shares,
    )


def variances(
    latents: Float[np.ndarray, "n latent"],
    mates: Classmates,
    shape: tuple[int, int],
    rng: np.random.Generator,
) -> Float[np.ndarray, "draw latent"]:
    """Variance of each latent over the rows of a draw."""
    return latents[mates.groups(shape, rng)].var(axis=1)


def least(spread: Float[np.ndarray, "draw latent"]) -> Int[np.ndarray, "draw"]:
    """The latent that varies least in each draw; of latents that vary equally the first.

    Rounded first: of two latents that mix the same two factors rounding errors would choose, and
    they can tell one factor from the other.
    """
    return np.round(spread, 9).argmin(axis=1)


def count_votes(
    latent: Int[np.ndarray, "draw"], factor: Int[np.ndarray, "draw"], latents: int, factors: int
) -> Int[np.ndarray, "latent factor"]:
    """How often each latent is voted for, by factor.

    Examples
    --------
    >>> count_votes(np.array([1, 1, 0]), np.array([0, 0, 1]), 2, 2).tolist()
    [[0, 1], [2, 0]]
    """
    votes = np.bincount(latent * factors + factor, minlength=latents * factors)
    return votes.reshape(latents, factors)
