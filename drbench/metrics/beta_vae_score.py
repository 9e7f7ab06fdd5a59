"""BetaVAE score: telling which factor pairs of images share."""

import numpy as np
from jaxtyping import Float

from drbench.metrics.estimate.draws import (
    Batch,
    Classmates,
    Drawn,
    Draws,
    Sharing,
    guess_result,
    recalls,
)
from drbench.metrics.estimate.factors import select
from drbench.metrics.estimate.scaling import Scaling
from drbench.metrics.metric import metric
from drbench.metrics.predict.estimators import Linear, fitted
from drbench.metrics.result import MetricResult
from drbench.representation.representation import Representation

_PENALTY = 1.0


@metric(
    title="BetaVAE score",
    measures="modularity, loosely",
    range=(0.0, 1.0),
    source="Higgins et al., ICLR 2017, https://openreview.net/forum?id=Sy2fzU9gl",
    cost="quick",
    tolerance=2e-3,  # the fit stops near its end, and a held-out row changes sides; not measured
    invariances={
        "permute_latents": 0.01,
        "flip_signs": 0.01,
        "scale": 0.01,
        "rename_classes": 0.05,
        "reorder_rows": 0.05,
        "append_constant": 0.01,
        "label_type": 0.0,
        "jobs": 0.0,
    },
    faults=(
        "Close to 1 for many codes that are not disentangled: a linear classifier may combine "
        "latents, and one factor that is not encoded at all is told by elimination.",
    ),
)
def beta_vae_score(
    representation: Representation, *, seed: int, batch: Batch = 64, draws: Draws = 15_000
) -> MetricResult:
    """Accuracy of a linear classifier that tells which factor pairs of images share.

    A draw takes a factor and a batch of pairs of rows that share its class, each pair a class as
    frequent as in the sample; it is described by the mean absolute difference of each standardised
    latent. Multinomial logistic regression (L2 penalty of 1) is trained on two thirds of the draws
    and tested on the others, whose rows it has not seen (module `splits`). The value is its
    accuracy, in [0, 1], higher is better; chance is one over the number of factors.

    Continuous factors, and those with a class of too few rows to share, are declined: there is no
    value then, and the other factors' scores stand. Single-valued factors are left out.

    Parameters
    ----------
    representation : Representation
        What is scored; at least two factors that vary.
    seed : int
        Seed of the split and of the draws.
    batch : int
        Pairs of a draw.
    draws : int
        Draws to train and to test on together, as many for each factor.

    Returns
    -------
    MetricResult
        `per_factor`: share of the factor's draws that are told.
    """
    selection = select(representation, continuous="no two images can be said to share its value")
    sharing = Sharing.of(representation, selection, seed)
    scores: dict[int, float] = {}
    warnings: tuple[str, ...] = ()
    if len(sharing.train) > 1:
        latents = Scaling.of(representation.latents).apply(representation.latents)
        train, test = sharing.draw(latents, differences, draws=draws, batch=batch, seed=seed)
        guessed, converged = _guess(train, test, seed)
        scores = recalls(guessed, test.factor)
        if not converged:
            warnings = ("the classifier was cut off before it converged",)
    parameters = {"seed": seed, "batch": batch, "draws": draws}
    return guess_result(representation, sharing, scores, parameters=parameters, warnings=warnings)


def differences(
    latents: Float[np.ndarray, "n latent"],
    mates: Classmates,
    shape: tuple[int, int],
    rng: np.random.Generator,
) -> Float[np.ndarray, "draw latent"]:
    """Mean absolute difference of each latent over the pairs of a draw.

    Examples
    --------
    >>> mates = Classmates.of(np.arange(2), np.zeros(2, dtype=int))
    >>> differences(np.array([[0.0, 5.0], [1.0, 5.0]]), mates, (1, 8), np.random.default_rng(0))
    array([[1., 0.]])
    """
    first, second = mates.pairs(shape, rng)
    return np.abs(latents[first] - latents[second]).mean(axis=1)


def _guess(train: Drawn, test: Drawn, seed: int) -> tuple[np.ndarray, bool]:
    """Factors of the held-out draws, and whether the classifier converged."""
    scaling, predictor = Scaling.of(train.statistics), Linear(_PENALTY)
    seen = scaling.apply(train.statistics)
    model = fitted(predictor, seen, train.factor, is_class=True, seed=seed)
    return model.predict(scaling.apply(test.statistics)), predictor.converged(model)
