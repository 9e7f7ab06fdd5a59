"""Cross-fitted regression of latents on factors, by boosted trees."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Float, Int, UInt64

from drbench.metrics.duration import announce
from drbench.metrics.factors import target
from drbench.metrics.pairs import BLOCKS
from drbench.metrics.parallel import in_parallel
from drbench.representation import Representation

_FOLDS = 5
_RATE = 0.2
_MOST_IN_A_LEAF = 20
"""Fewest rows of a leaf, and fewer where there are few rows: 40 could not be split otherwise."""
_MOST_CATEGORIES = 255
"""What scikit-learn's histograms can hold."""


@final
@dataclass(frozen=True)
class Folds:
    """Which part of the rows each row belongs to; rows of one split group stay together."""

    fold: Int[np.ndarray, "n"]
    """Part that is left out of the fit that predicts the row."""
    block: UInt64[np.ndarray, "n"]
    """Block of the jackknife."""

    @classmethod
    def of(cls, representation: Representation, seed: int) -> "Folds":
        """Five folds and twenty blocks, fewer where there are fewer rows or split groups."""
        groups = representation.split_groups
        units = np.arange(len(representation.codes)) if groups is None else groups
        names, unit = np.unique(units, return_inverse=True)
        place = np.random.default_rng(seed).permutation(len(names))[unit]
        folds, blocks = min(_FOLDS, len(names)), min(BLOCKS, len(names))
        return cls(place * folds // len(names), (place * blocks // len(names)).astype(np.uint64))


def squared_errors(
    representation: Representation,
    latents: Float[np.ndarray, "n latent"],
    known: Sequence[tuple[int, ...]],
    folds: Folds,
    *,
    seed: int,
    rounds: int,
) -> Float[np.ndarray, "case n latent"]:
    """Squared error of each latent at each row, predicted from some factors by other rows' fit.

    Boosting stops, latent by latent, after the round that errs least: with factors that say nothing
    it would go on to fit noise. Without factors the prediction is the mean of the other rows.
    Factors of the kind "categorical" are categories to the trees, all others are numbers.

    Parameters
    ----------
    representation : Representation
        Whose factors predict.
    latents : (n, latent)
        What is predicted.
    known : sequence of tuple of int
        Columns of the factors to predict from, case by case.
    folds : Folds
        Which rows are predicted by the fit of which others.
    seed, rounds : int
        Of the trees.
    """
    import joblib

    every = range(len(representation.factors))
    columns = [target(representation, j).astype(np.float64) for j in every]
    categorical = np.array([
        representation.factors[j].kind == "categorical" and columns[j].max() < _MOST_CATEGORIES
        for j in every
    ])  # fmt: skip
    features = np.stack(columns, axis=1)
    options = (features, categorical, tuple(known), folds, seed, rounds)
    calls = {d: (z, *options) for d, z in enumerate(latents.T)}
    seconds = 7.5e-3 * rounds * len(known) * (1 + len(latents) / 10_000)
    jobs = min(joblib.cpu_count(), len(calls))
    announce("Sobol indices by regression", seconds * len(calls) / max(jobs, 1), representation)
    found = in_parallel(_errors_of, calls, dict.fromkeys(calls, seconds), "regression, latents")
    if not found:
        return np.empty((len(known), *latents.shape))
    return np.stack([found[d] for d in calls], axis=2)


def _errors_of(
    z: Float[np.ndarray, "n"],
    features: Float[np.ndarray, "n factor"],
    categorical: Bool[np.ndarray, "factor"],
    known: tuple[tuple[int, ...], ...],
    folds: Folds,
    seed: int,
    rounds: int,
) -> Float[np.ndarray, "case n"]:
    """Squared errors of one latent."""
    best = np.empty((len(known), len(z)))
    for case, factors in enumerate(map(list, known)):
        errors = np.empty((rounds + 1 if factors else 1, len(z)))
        for fold in np.unique(folds.fold):
            test = folds.fold == fold
            stages = np.full((1, np.count_nonzero(test)), z[~test].mean())
            if factors:
                model = _trees(categorical[factors], seed, rounds, int(np.count_nonzero(~test)))
                model.fit(features[~test][:, factors], z[~test])
                stages = np.stack([stages[0], *model.staged_predict(features[test][:, factors])])
            errors[:, test] = (stages - z[test]) ** 2
        best[case] = errors[errors.mean(axis=1).argmin()]
    return best


def _trees(categorical: Bool[np.ndarray, "factor"], seed: int, rounds: int, rows: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(
        max_iter=rounds,
        learning_rate=_RATE,
        early_stopping=False,
        min_samples_leaf=int(np.clip(rows // 20, 2, _MOST_IN_A_LEAF)),
        categorical_features=categorical,
        random_state=seed,
    )
