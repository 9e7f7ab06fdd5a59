"""Gaussian total correlation: how far the latents are from uncorrelated."""

import numpy as np
from jaxtyping import Float, Int

from drbench.metrics.estimate.factors import perfect_code
from drbench.metrics.estimate.results import result_of
from drbench.metrics.estimate.scaling import Scaling
from drbench.metrics.metric import metric
from drbench.metrics.result import MetricResult
from drbench.representation.representation import Representation

_SINGULAR = 1e-10
"""Share of the largest variance below which a direction counts as having none."""


@metric(
    title="Gaussian total correlation",
    measures="independence of the latents, without factors",
    range=(0.0, 1e6),  # there is no bound, but each latent adds less than -log(_SINGULAR) nats
    source="Watanabe, IBM J. Res. Dev. 1960; of Gaussians as in Locatello et al., ICML 2019",
    cost="quick",
    direction="lower",
    tolerance=1e-3,  # the logarithm of a small variance has few digits; not measured
    unsupervised=True,
    invariances={
        "permute_latents": 1e-9,
        "flip_signs": 1e-9,
        "scale": 1e-9,
        "rename_classes": 0.0,
        "reorder_rows": 1e-9,
        "append_constant": 1e-9,
        "label_type": 0.0,
        "jobs": 0.0,
    },
    faults=(
        "It knows nothing of the factors: noise scores best.",
        "It sees linear dependence only: it is the total correlation of the Gaussian with the "
        "latents' covariance, and lower than theirs where they are not Gaussian.",
        "It adds up over latents: codes of different width cannot be compared.",
    ),
)
def gaussian_tc(representation: Representation, *, seed: int) -> MetricResult:
    """Total correlation of a Gaussian with the covariance of the latents.

    -1/2 log det R for the matrix R of correlations; with units of several columns,
    1/2 (sum over units of log det R_unit - log det R). In nats, 0 or more, lower is better; 0 for
    uncorrelated latents, infinite where one latent is a linear function of others: there is no
    value then. It needs no factors. Constant latents are left out.

    Parameters
    ----------
    representation : Representation
        What is scored; more rows than latents.
    seed : int
        Shuffles each unit for `chance`; the score does not depend on it.

    Returns
    -------
    MetricResult
        `reference`: the factors themselves, as numbers, as latents: 0 on a full grid. `chance`:
        independent latents, each unit with its rows shuffled by itself.
    """
    latents, units = representation.latents, representation.units
    perfect = perfect_code(representation)
    white, unit = whitened(latents, units)
    ideal, _ = whitened(perfect, np.arange(perfect.shape[1]))
    value = total_correlation(white)
    rng = np.random.default_rng(seed)
    orders = np.stack([rng.permutation(len(latents)) for _ in range(int(units.max()) + 1)], axis=1)
    shuffled = np.take_along_axis(white, orders[:, unit], axis=0)
    reason = None
    if not len(unit):
        reason = "no latent varies here"
    elif value is None:
        reason = (
            "one latent is a linear function of the others, to rounding, or there are too few rows "
            f"({len(latents)} for {latents.shape[1]} latents): the total correlation is infinite"
        )
    return result_of(
        representation,
        None,
        value=value,
        scores={},
        parameters={"seed": seed},
        reference=total_correlation(ideal) if representation.factors else None,
        chance=total_correlation(shuffled),
        reason=reason,
    )


def whitened(
    latents: Float[np.ndarray, "n latent"], units: Int[np.ndarray, "latent"]
) -> tuple[Float[np.ndarray, "n column"], Int[np.ndarray, "column"]]:
    """Uncorrelated columns of variance 1 that span each unit, and the unit of each."""
    standard = Scaling.of(latents).apply(latents)
    columns, numbers = [standard[:, :0]], [units[:0]]
    for u in np.unique(units):
        own = standard[:, units == u]
        variance, axes = np.linalg.eigh(own.T @ own / len(own))
        kept = variance > max(_SINGULAR * variance[-1], 0.0)
        columns.append(own @ axes[:, kept] / np.sqrt(variance[kept]))
        numbers.append(np.full(int(kept.sum()), u))
    return np.concatenate(columns, axis=1), np.concatenate(numbers)


def total_correlation(white: Float[np.ndarray, "n column"]) -> float | None:
    """-1/2 log det of the correlations of columns of mean 0 and variance 1; None if infinite.

    Examples
    --------
    >>> total_correlation(np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]))
    0.0
    >>> total_correlation(np.array([[1.0, 1.0], [-1.0, -1.0]])) is None
    True
    """
    if not white.size:
        return 0.0
    variance = np.linalg.eigvalsh(white.T @ white / len(white))
    if variance[0] <= _SINGULAR * variance[-1]:
        return None
    return max(0.0, float(-0.5 * np.log(variance).sum()))
