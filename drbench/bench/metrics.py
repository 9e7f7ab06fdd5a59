"""Every registered metric, timed at the size of a sample of Shapes3D."""

import itertools
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from drbench import registry, score
from drbench.bench.compare import Comparison, compare
from drbench.bench.samples import COIL100_AUGMENTED, SHAPES3D, sample
from drbench.progress import track

TREES = ("dci", "gbt", "gbt_pruned")
TARGETS = {
    "omes": 0.02,
    "omes_sobol": 0.04,
    "mig": 0.01,
    "beta_vae_score": 2.0,
    "factor_vae_score": 2.0,
}
"""Seconds that a metric should need on 2 cores."""
_TURNS, _ENOUGH = 5, 1.0
"""Turns whose median counts, and seconds after which there are enough of them."""
_seeds = itertools.count()


@final
@dataclass(frozen=True)
class Timing:
    """Seconds of metrics whose fits nobody remembers."""

    what: str
    """One metric, or several that share what they can."""
    size: str
    """Rows, latents and classes."""
    seconds: float
    """Median over a few calls; loops compiled before."""
    target: float | None = None
    """Seconds that it should need on 2 cores."""


def study() -> Iterator[Timing | Comparison]:
    """Each metric alone, the trees together, all together; then ratios to the plain ways."""
    warm_up()
    latents, codes = sample(SHAPES3D, 15_000, 10)
    size, names, together = "15,000 x 10, 57 classes", registry.names("metric"), " + ".join(TREES)
    for name in track(names, "metrics, one by one", len(names)):
        yield Timing(name, size, fresh_seconds(latents, codes, [name]), TARGETS.get(name))
    yield Timing(together, size, fresh_seconds(latents, codes, TREES), 10.0)
    many = fresh_seconds(*sample(COIL100_AUGMENTED, 15_000, 10), TREES)
    yield Timing(together, "15,000 x 10, 199 classes", many, 35.0)
    yield Timing(f"all {len(names)}", size, fresh_seconds(latents, codes, names), 60.0)
    yield _closed_form(latents, codes)
    yield _compiled_trees()


def fresh_seconds(latents: np.ndarray, codes: np.ndarray, names: Sequence[str]) -> float:
    """Median seconds of a few calls, each with a seed of its own: no fit is there already."""
    seconds: list[float] = []
    while len(seconds) < _TURNS and sum(seconds) < _ENOUGH:
        start = time.perf_counter()
        score(latents, codes, names, seed=next(_seeds))
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def warm_up() -> None:
    """Import and compile what metrics need: paid once."""
    score(*sample(SHAPES3D, 600, 10), registry.names("metric"), seed=next(_seeds))


def _closed_form(latents: np.ndarray, codes: np.ndarray) -> Comparison:
    """OMES of a grid sample, against the random pairs it is the expectation of."""
    rng = np.random.default_rng(0)
    return compare(
        "omes of 15,000 x 10, closed form",
        lambda: score(latents, codes, ["omes"]),
        "random pairs, line by line",
        lambda: _omes_by_pairs(latents, codes, rng),
        turns=3,
    )


def _compiled_trees() -> Comparison:
    """Trees on all processors, compiled or by scikit-learn: small, so that it ends in seconds."""
    small = sample((5, 4, 3), 2_000, 10)

    def trees(engine: str) -> object:
        return score(*small, ["gbt"], seed=next(_seeds), parameters={"gbt": {"engine": engine}})

    return compare(
        "gbt of 2,000 x 10, 12 classes, compiled",
        lambda: trees("compiled"),
        "scikit-learn's trees",
        lambda: trees("sklearn"),
        turns=1,
    )


def _omes_by_pairs(latents: np.ndarray, codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Association matrix the published way: disjoint random pairs within each line of a factor."""
    columns = []
    for factor in range(codes.shape[1]):
        lines: dict[tuple[int, ...], list[int]] = {}
        for row, code in enumerate(np.delete(codes, factor, axis=1)):
            lines.setdefault(tuple(code), []).append(row)
        pairs = [
            np.reshape(rng.permutation(rows)[: len(rows) // 2 * 2], (-1, 2))
            for rows in lines.values()
            for _ in range(len(rows))
        ]
        x, y = latents[np.concatenate(pairs).T]
        columns.append([1 - abs(np.corrcoef(x[:, d], y[:, d])[0, 1]) for d in range(x.shape[1])])
    return np.array(columns).T
