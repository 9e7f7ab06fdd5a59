"""Hold the three estimators of Sobol indices against each other on a trained representation."""

import itertools
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np

from drbench.data.sampling import intervention_rows
from drbench.metrics.estimate.sobol import sobol_indices
from drbench.metrics.estimate.sobol_estimators import Estimator
from drbench.metrics.omes_sobol import omes_sobol
from drbench.representation.representation import Representation

LEVELS = {"scale": 4, "orientation": 8, "pos_x": 8, "pos_y": 8}
"""Classes kept per factor: a grid small enough to be encoded whole, 43,008 images."""
PAIRS = 2_000
FITTED = 8_000
"""Rows that the regression sees. In a whole grid the rest of a row's line would give it away: what
lies above the line's mean makes the mean of the others fall below it."""
ESTIMATORS: tuple[Estimator, ...] = ("interventions", "grid", "regression")


@final
@dataclass(frozen=True)
class Agreement:
    """Two estimators of the indices of one representation."""

    first: Estimator
    second: Estimator
    entries: int
    """Entries of the matrix."""
    largest: float
    """Largest difference of an entry."""
    within_two_errors: float
    """Share of the entries that differ by no more than two standard errors; 0.95 if by chance."""
    noise: float
    """Largest difference of the shares of noise."""
    two_errors: float
    """Two standard errors of a difference, mean over the entries."""
    first_score: float | None
    """omes_sobol by the first."""
    second_score: float | None
    """omes_sobol by the second."""


def study(steps: int = 800, seed: int = 0) -> Iterator[Agreement]:
    """Compare the estimators pair by pair, on a model trained on drawn images."""
    return agreements(trained_representation(steps, seed), seed)


def agreements(representation: Representation, seed: int) -> Iterator[Agreement]:
    """Compare the estimators pair by pair, on a representation with a grid and interventions."""
    part = _some_rows(representation, seed)
    found = {}
    for name in ESTIMATORS:
        seen = part if name == "regression" else representation
        indices = sobol_indices(seen, estimator=name, seed=seed)
        found[name] = indices, omes_sobol(seen, estimator=name, seed=seed).value
    for first, second in itertools.combinations(ESTIMATORS, 2):
        (one, one_score), (other, other_score) = found[first], found[second]
        difference = np.abs(one.raw - other.raw)
        errors = 2 * np.hypot(one.standard_errors, other.standard_errors) + 1e-9
        yield Agreement(
            first,
            second,
            difference.size,
            float(difference.max()),
            float((difference <= errors).mean()),
            float(np.abs(one.noise - other.noise).max()),
            float(errors.mean()),
            one_score,
            other_score,
        )


def trained_representation(steps: int, seed: int) -> Representation:
    """A whole grid of images, and pairs of them, encoded by a model trained on it."""
    from drbench.runs.data import open_data
    from drbench.runs.execute import execute
    from drbench.runs.request import train_spec
    from drbench.runs.run import Run
    from drbench.runs.sample import Sample, represent
    from drbench.runs.spec import DataRef, Scoring

    data = DataRef(name="color_dsprites", origin="rendered", levels=LEVELS)
    spec = train_spec(
        data, "ada_gvae", settings={"lr": 1e-3, "width": 32}, steps=steps, seed=seed,
        scoring=Scoring(sample=100, pairs=0, metrics={"mig": {}}),
    )  # fmt: skip
    truth = open_data(data)
    with tempfile.TemporaryDirectory() as folder:
        execute(spec, out=Path(folder) / "run")
        encode = Run(Path(folder) / "run").encoder(seed=seed)
    rng, every = np.random.default_rng(seed), np.ones(len(truth), dtype=bool)
    sample = Sample(np.arange(len(truth)), intervention_rows(truth, every, PAIRS, rng))
    return represent(encode, truth, sample)[0]


def _some_rows(representation: Representation, seed: int) -> Representation:
    n = len(representation.codes)
    rows = np.random.default_rng(seed).permutation(n)[:FITTED]
    return Representation(
        representation.mean[rows], representation.codes[rows], representation.factors
    )
