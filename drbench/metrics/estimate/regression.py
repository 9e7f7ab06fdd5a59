"""Cross-fitted regression of latents on factors, by boosted trees."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np
from jaxtyping import Bool, Float, Int, UInt64

from drbench.metrics.estimate.factors import target
from drbench.metrics.estimate.pairs import BLOCKS
from drbench.metrics.estimate.parallel import in_parallel
from drbench.representation.representation import Representation

_FOLDS = 5
_RATE = 0.4
_IN_A_LEAF = 5
"""Fewest rows of a leaf, and fewer where there are few rows: 40 could not be split otherwise."""
_MOST_CATEGORIES = 255
"""What scikit-learn's histograms can hold."""
_IN_A_CATEGORY = 50
"""Rows of the rarest class from which classes are categories: the histograms take no notice of a
category that has fewer than ten rows, as it could have in half of a training set."""


@final
@dataclass(frozen=True)
class Folds:
    """Which part of the rows each row belongs to; rows of one split group stay together."""

    unit: Int[np.ndarray, "n"]
    """Split group, or the row alone, numbered at random."""
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
        block = (place * blocks // len(names)).astype(np.uint64)
        return cls(place, place * folds // len(names), block)

    def outside(self, fold: int, *, half: bool) -> Bool[np.ndarray, "n"]:
        """Rows of all other folds, or half of them: every other unit, or every other row of one."""
        others = self.fold != fold
        if not half:
            return others
        units = np.unique(self.unit[others])
        if len(units) > 1:
            return others & np.isin(self.unit, units[::2])
        return others & (np.cumsum(others) % 2 == 1)


@final
class Errors(NamedTuple):
    """Squared errors of latents that are predicted from some factors, case by case."""

    all: Float[np.ndarray, "case n latent"]
    """By fits to the rows of all other folds."""
    half: Float[np.ndarray, "case n latent"]
    """By fits to half of those rows: what they are larger by, more rows would still gain."""


def squared_errors(
    representation: Representation,
    latents: Float[np.ndarray, "n latent"],
    known: Sequence[tuple[int, ...]],
    folds: Folds,
    *,
    seed: int,
    rounds: int,
) -> Errors:
    """Squared error of each latent at each row, predicted from some factors by other rows' fit.

    Boosting stops, latent by latent, after the round that errs least: with factors that say nothing
    it would go on to fit noise. Without factors the prediction is the mean of the other rows.
    Factors of the kind "categorical" are categories to the trees where their classes have rows
    enough, all others are numbers.

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
    every = range(len(representation.factors))
    columns = [target(representation, j).astype(np.float64) for j in every]
    categorical = np.array([_is_categorical(representation, j) for j in every])
    features = np.stack(columns, axis=1)
    options = (features, categorical, tuple(known), folds, seed, rounds)
    calls = {d: (z, *options) for d, z in enumerate(latents.T)}
    found = in_parallel(_errors_of, calls, "regression, latents")
    if not found:
        return Errors(*np.empty((2, len(known), *latents.shape)))
    return Errors(*np.stack([found[d] for d in calls], axis=3))


def _is_categorical(representation: Representation, factor: int) -> bool:
    if representation.factors[factor].kind != "categorical":
        return False
    rows = np.bincount(representation.codes[:, factor])
    return len(rows) <= _MOST_CATEGORIES and bool(rows[rows > 0].min() >= _IN_A_CATEGORY)


def _errors_of(
    z: Float[np.ndarray, "n"],
    features: Float[np.ndarray, "n factor"],
    categorical: Bool[np.ndarray, "factor"],
    known: tuple[tuple[int, ...], ...],
    folds: Folds,
    seed: int,
    rounds: int,
) -> Float[np.ndarray, "2 case n"]:
    """Squared errors of one latent, by fits to all other folds and to half of their rows."""
    best = np.empty((2, len(known), len(z)))
    for part, case in np.ndindex(best.shape[:2]):
        factors = list(known[case])
        errors = np.empty((rounds + 1 if factors else 1, len(z)))
        for fold in np.unique(folds.fold).tolist():
            test, train = folds.fold == fold, folds.outside(fold, half=part == 1)
            stages = np.full((1, np.count_nonzero(test)), z[train].mean())
            if factors:
                model = _trees(categorical[factors], seed, rounds, int(np.count_nonzero(train)))
                model.fit(features[train][:, factors], z[train])
                stages = np.stack([stages[0], *model.staged_predict(features[test][:, factors])])
            errors[:, test] = (stages - z[test]) ** 2
        best[part, case] = errors[errors.mean(axis=1).argmin()]
    return best


def _trees(categorical: Bool[np.ndarray, "factor"], seed: int, rounds: int, rows: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(
        max_iter=rounds,
        learning_rate=_RATE,
        early_stopping=False,
        min_samples_leaf=int(np.clip(rows // 20, 2, _IN_A_LEAF)),
        categorical_features=categorical,
        random_state=seed,
    )
