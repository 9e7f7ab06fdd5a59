"""Gradient boosted trees that predict a factor: one fit, shared by every metric that needs it."""

import functools
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from jaxtyping import Float, Shaped
from pydantic import Field

from drbench.metrics.estimate.factors import target
from drbench.metrics.estimate.parallel import PROCESSES_FROM
from drbench.metrics.estimate.scaling import Scaling
from drbench.metrics.estimate.splits import Split
from drbench.metrics.predict.fits import (
    Columns,
    Fit,
    Fits,
    Memory,
    from_full_code,
    judged,
    remembered_fits,
)
from drbench.progress import progress
from drbench.representation.representation import Representation

if TYPE_CHECKING:
    from drbench.metrics.predict.boosting import Workers

Engine = Literal["compiled", "sklearn"]
Rounds = Annotated[int, Field(ge=1)]
_remembered: Memory = OrderedDict()


def fit_full_code(
    representation: Representation, *, seed: int, rounds: int, engine: Engine
) -> Fits:
    """Predict each factor from all latents."""
    return from_full_code(
        representation,
        functools.partial(fit_columns, representation, seed=seed, rounds=rounds, engine=engine),
    )


def fit_columns(
    representation: Representation,
    columns: Columns,
    *,
    seed: int,
    rounds: int,
    engine: Engine,
) -> Fits:
    """Predict each given factor from the given columns of the latents.

    The predictor is scikit-learn's GradientBoostingClassifier with its defaults, seeded, or for a
    continuous factor its GradientBoostingRegressor; or the same trees compiled (module
    `boosting`), which from the same seed are the same to the last bit. Latents and continuous
    factors are standardised first, which trees do not notice and which keeps them within the range
    of float32. A fit is a pure function of its arguments, whatever the number of threads or
    processes, and is remembered.

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
    fit = functools.partial(_fit_all, representation, seed, rounds, engine)
    return remembered_fits(representation, columns, (rounds, engine), fit, _remembered, seed=seed)


def _fit_all(
    representation: Representation,
    seed: int,
    rounds: int,
    engine: Engine,
    columns: Columns,
    splits: Mapping[int, Split],
) -> Iterator[tuple[int, Fit]]:
    """Fit the factors, those with most trees first, and report each."""
    import joblib

    if not columns:
        return
    latents = Scaling.of(representation.latents).apply(representation.latents)
    cost = {
        j: _seconds(representation, j, len(splits[j].train), len(columns[j]), rounds)
        for j in columns
    }
    factors = sorted(columns, key=lambda j: -cost[j])
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
        from drbench.metrics.predict.boosting import workers

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
        from drbench.metrics.predict.boosting import boost

        boosted = boost(known, seen, unseen, is_class=is_class, rounds=rounds, seed=seed, crew=crew)
        importances = boosted.importances
        recalled, predicted = boosted.predicted, boosted.predicted_unseen
    return judged(
        importances,
        seen=seen,
        recalled=recalled,
        truth=truth,
        predicted=predicted,
        is_class=is_class,
    )
