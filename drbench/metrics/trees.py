"""Gradient boosted trees that predict a factor: one fit, shared by every metric that needs it."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, final

import numpy as np
from jaxtyping import Float, Shaped
from pydantic import Field

from drbench.metrics.factors import select, target
from drbench.metrics.scaling import Scaling
from drbench.metrics.splits import Split, split_fault, split_rows
from drbench.progress import progress
from drbench.representation import Representation

if TYPE_CHECKING:
    from drbench.metrics.boosting import Workers

Engine = Literal["compiled", "sklearn"]
Rounds = Annotated[int, Field(ge=1)]
PROCESSES_FROM = 4.0
"""Estimated seconds of work from which starting processes pays."""
_KEPT = 512
"""Fits that are remembered: enough for the metrics of a few representations."""


@final
@dataclass(frozen=True)
class Fit:
    """How well some latents predict a factor, and which of them matter."""

    importances: Float[np.ndarray, "latent"]
    """Share of each column in the reduction of the training loss; they sum to 1, or are all 0."""
    train: float
    """Accuracy on the training rows; R^2 for a continuous factor, not below 0."""
    test: float
    """The same on the held-out rows."""
    balanced: float | None
    """Mean recall of the classes among the held-out rows; None for a continuous factor."""
    chance: float
    """Accuracy of always naming the most frequent class; 0 for a continuous factor."""


@final
@dataclass(frozen=True)
class Fits:
    """Fits of all the factors that could be predicted."""

    fits: dict[int, Fit]
    """By column of the factor."""
    declined: dict[int, str]
    """Why a factor could not be predicted, by column."""
    warnings: tuple[str, ...]
    """Factors that were left out."""


_remembered: OrderedDict[tuple[object, ...], Fit] = OrderedDict()


def fit_full_code(
    representation: Representation, *, seed: int, rounds: int, engine: Engine
) -> Fits:
    """Predict each factor from all latents."""
    everything = tuple(range(representation.latents.shape[1]))
    selection = select(representation)
    columns = dict.fromkeys(selection.used, everything)
    found = fit_columns(representation, columns, seed=seed, rounds=rounds, engine=engine)
    return Fits(found.fits, found.declined, selection.warnings)


def fit_columns(
    representation: Representation,
    columns: Mapping[int, tuple[int, ...]],
    *,
    seed: int,
    rounds: int,
    engine: Engine,
) -> Fits:
    """Predict each given factor from the given columns of the latents.

    The predictor is scikit-learn's GradientBoostingClassifier with its defaults, seeded, or for a
    continuous factor its GradientBoostingRegressor; or the same trees compiled (module
    `boosting`). Latents and continuous factors are standardised first, which trees do not notice
    and which keeps them within the range of float32. A fit is a pure function of its arguments,
    whatever the number of threads or processes, and is remembered.

    Parameters
    ----------
    representation : Representation
        What is scored.
    columns : mapping of int to tuple of int
        For each factor's column the latents it is predicted from.
    seed : int
        Seed of the split and of the trees.
    rounds : int
        Boosting rounds.
    engine : {"compiled", "sklearn"}
        Who fits.
    """
    splits = {j: split_rows(representation, j, seed) for j in columns}
    faults = {j: split_fault(representation, j, split) for j, split in splits.items()}
    declined = {j: fault for j, fault in faults.items() if fault}
    keys = {
        j: (representation.fingerprint, j, chosen, seed, rounds, engine)
        for j, chosen in columns.items()
        if j not in declined
    }
    missing = [j for j, key in keys.items() if key not in _remembered]
    for j, fit in _fit_all(representation, missing, columns, splits, seed, rounds, engine):
        _remembered[keys[j]] = fit
    fits = {j: _remembered[key] for j, key in keys.items()}
    for key in keys.values():
        _remembered.move_to_end(key)
    while len(_remembered) > _KEPT:
        _remembered.popitem(last=False)
    return Fits(fits, declined, ())


def _fit_all(
    representation: Representation,
    factors: list[int],
    columns: Mapping[int, tuple[int, ...]],
    splits: Mapping[int, Split],
    seed: int,
    rounds: int,
    engine: Engine,
) -> Iterator[tuple[int, Fit]]:
    """Fit the factors, those with most trees first, and report each."""
    import joblib

    if not factors:
        return
    latents = Scaling.of(representation.latents).apply(representation.latents)
    cost = {
        j: _seconds(representation, j, len(splits[j].train), len(columns[j]), rounds)
        for j in factors
    }
    factors = sorted(factors, key=lambda j: -cost[j])
    with (
        progress("gradient boosted trees, factors", len(factors)) as advance,
        _parallel(engine, len(factors), sum(cost.values())) as crew,
    ):
        calls = [
            joblib.delayed(fit_factor)(
                latents[:, list(columns[j])],
                target(representation, j),
                splits[j],
                is_class=representation.factors[j].size is not None,
                seed=seed,
                rounds=rounds,
                crew=crew,
            )
            for j in factors
        ]
        for j, fit in zip(factors, joblib.Parallel(return_as="generator")(calls), strict=True):
            advance()
            yield j, fit


@contextmanager
def _parallel(engine: Engine, factors: int, seconds: float) -> Iterator["Workers | None"]:
    """How joblib runs the fits: as processes of one thread each, or as threads with a crew.

    One fit more than there are processors keeps the crew busy while a fit waits for its round.
    """
    import joblib

    processors = joblib.cpu_count()
    if engine == "compiled":
        from drbench.metrics.boosting import workers

        with (
            workers(processors) as crew,
            joblib.parallel_config("threading", n_jobs=min(factors, processors + 1)),
        ):
            yield crew
    elif seconds < PROCESSES_FROM or min(factors, processors) == 1:
        with joblib.parallel_config("sequential", n_jobs=1):
            yield None
    else:
        jobs = min(factors, processors)
        with joblib.parallel_config("loky", n_jobs=jobs, inner_max_num_threads=1):
            yield None


def _seconds(
    representation: Representation, factor: int, rows: int, columns: int, rounds: int
) -> float:
    """Rough time of a fit: per tree a fixed cost, and one that grows with what it sorts."""
    classes = len(np.unique(representation.codes[:, factor]))
    trees = rounds * (classes if classes > 2 else 1)
    return trees * (3e-4 + 2.7e-7 * rows * columns)


def fit_factor(
    latents: Float[np.ndarray, "n latent"],
    labels: Shaped[np.ndarray, "n"],
    split: Split,
    *,
    is_class: bool,
    seed: int,
    rounds: int,
    crew: "Workers | None",
) -> Fit:
    """Fit one predictor and test it: with scikit-learn if there is no crew."""
    if not is_class:
        labels = Scaling.of(labels[:, None]).apply(labels[:, None])[:, 0]
    seen, truth = labels[split.train], labels[split.test]
    known, unseen = (latents[rows].astype(np.float32) for rows in split)
    if crew is None:
        from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

        kind = GradientBoostingClassifier if is_class else GradientBoostingRegressor
        model = kind(n_estimators=rounds, random_state=seed).fit(known, seen)
        importances = np.asarray(model.feature_importances_, dtype=np.float64)
        recalled, predicted = model.predict(known), model.predict(unseen)
    else:
        from drbench.metrics.boosting import boost

        boosted = boost(known, seen, unseen, is_class=is_class, rounds=rounds, seed=seed, crew=crew)
        importances = boosted.importances
        recalled, predicted = boosted.predicted, boosted.predicted_unseen
    if not is_class:
        return Fit(importances, _r2(seen, recalled), _r2(truth, predicted), None, 0.0)
    hits = predicted == truth
    found, counts = np.bincount(truth[hits], minlength=truth.max() + 1), np.bincount(truth)
    present = counts > 0
    return Fit(
        importances,
        train=float(np.mean(recalled == seen)),
        test=float(np.mean(hits)),
        balanced=float(np.mean(found[present] / counts[present])),
        chance=float(np.mean(truth == np.bincount(seen).argmax())),
    )


def _r2(truth: Float[np.ndarray, "k"], predicted: Float[np.ndarray, "k"]) -> float:
    """Share of the variance that is explained; 0 where a constant would do better."""
    total = np.sum((truth - truth.mean()) ** 2)
    residual = np.sum((truth - predicted) ** 2)
    return float(max(1 - residual / total, 0.0)) if total > 0 else 0.0
