"""Explicitness of the pruned code: each factor read from the latents associated with it."""

from collections.abc import Iterable, Mapping

import numpy as np
from jaxtyping import Float

from drbench.metrics.estimate.factors import by_factor, reason_for, rows_of
from drbench.metrics.estimate.overlap import Associations, associations, overlap
from drbench.metrics.estimate.splits import split_name
from drbench.metrics.predict.estimators import Predictor
from drbench.metrics.predict.predictors import fit_columns
from drbench.metrics.result import MetricResult
from drbench.representation.representation import Representation


def pruned_result(
    representation: Representation,
    predictor: Predictor,
    *,
    seed: int,
    inactive: float,
    parameters: Mapping[str, str | int | float | bool | None],
    reference: float | None = None,
) -> MetricResult:
    """Held-out accuracy from one latent a factor, and from the latents of all factors together.

    Parameters
    ----------
    representation : Representation
        What is scored.
    predictor : Predictor
        What is fitted.
    seed : int
        Seed of the split and of the predictor.
    inactive : float
        Latents whose standard deviation is below this share of the largest are no candidates.
    parameters : mapping of str to value
        What the fits depend on, for the result.
    reference : float, optional
        Score of a perfect code. Where a factor has two levels there is none: no latent would
        overlap with it.

    Returns
    -------
    MetricResult
        The value, `per_factor` and part `one`: the factor's own latent. Part `union`: the latents
        of all factors together, also per factor, as `union.NAME`. `matrix`: 1 where a latent is
        associated with a factor, else 0.
    """
    found = associations(representation, seed=seed, inactive=inactive)
    declined = dict(found.selection.declined)
    best = associated_latents(found)
    for j in found.selection.used:
        if j not in best:
            name = representation.factors[j].name
            declined[j] = f"factor {name}: no latent has a positive overlap score, none to keep"
    single = {j: (latent,) for j, latent in best.items()}
    together = dict.fromkeys(best, tuple(sorted(set(best.values()))))
    ones = fit_columns(representation, single, predictor, seed=seed)
    unions = fit_columns(representation, together, predictor, seed=seed)
    declined |= ones.declined
    one = {j: fitted.test for j, fitted in ones.fits.items()}
    union = {j: fitted.test for j, fitted in unions.fits.items()}
    balanced = [fitted.balanced for fitted in ones.fits.values() if fitted.balanced is not None]
    reason = reason_for(one, declined)
    mean = None if reason else float(np.mean(list(one.values())))
    return MetricResult(
        value=mean,
        per_factor=by_factor(representation, one),
        parts={
            "one": mean,
            "union": None if reason else float(np.mean(list(union.values()))),
            "balanced_accuracy": None if reason else float(np.mean(balanced)),
            **{f"union.{name}": score for name, score in by_factor(representation, union).items()},
        },
        parameters={**parameters, "split": split_name(representation), "pairs": found.origin},
        n_samples=len(representation.codes),
        n_pairs={representation.factors[j].name: count for j, count in found.pairs.items()},
        reference=reference if reason is None and _all_overlap(representation, best) else None,
        chance=None if reason else float(np.mean([f.chance for f in ones.fits.values()])),
        matrix=rows_of(_indicator(found, best, len(representation.factors))),
        warnings=tuple(dict.fromkeys(found.selection.warnings + ones.warnings + unions.warnings)),
        reason=reason,
    )


def _all_overlap(representation: Representation, factors: Iterable[int]) -> bool:
    """Whether latents that are the factors would all have a positive overlap score."""
    return all(len(np.unique(representation.codes[:, j])) > 2 for j in factors)


def associated_latents(found: Associations) -> dict[int, int]:
    """Latent with the highest overlap score, by factor; without those that no latent holds."""
    scores = overlap(found.active_matrix)
    if not scores.size:
        return {}
    latents = np.flatnonzero(found.active)
    return {
        j: int(latents[scores[:, k].argmax()])
        for k, j in enumerate(found.selection.used)
        if scores[:, k].max() > 0
    }


def _indicator(
    found: Associations, best: dict[int, int], factors: int
) -> Float[np.ndarray, "latent factor"]:
    matrix = np.full((len(found.active), factors), np.nan)
    for j, latent in best.items():
        matrix[:, j] = 0.0
        matrix[latent, j] = 1.0
    return matrix
