"""The compiled trees against scikit-learn's: do they differ more than those do by seed alone."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations, product
from typing import final

import numpy as np

from drbench import Representation, grid_codes
from drbench.data.spec import Factor
from drbench.metrics.boosting import Workers, workers
from drbench.metrics.dci import compactness, modularity, weighted
from drbench.metrics.fits import Fit
from drbench.metrics.splits import split_rows
from drbench.metrics.trees import fit_factor

_NOTHING = 1e-3
"""What counts as no difference of scores between 0 and 1."""


@final
@dataclass(frozen=True)
class Agreement:
    """One quantity of one code, from scikit-learn and from the compiled trees, over seeds."""

    case: str
    quantity: str
    sklearn: float | None
    """Mean over the seeds; None for a matrix."""
    compiled: float | None
    """The same."""
    own: float
    """Largest difference of scikit-learn from itself under another seed."""
    other: float
    """Mean difference of the compiled trees from scikit-learn, over all pairs of seeds."""
    holds: bool
    """Whether that is no more."""
    faster: float
    """Seconds of scikit-learn / seconds of the compiled trees, one thread each."""


def bench_trees(*, seeds: int = 5, rounds: int = 100) -> Iterator[list[Agreement]]:
    """Accuracy, importances, disentanglement and completeness, for codes of all kinds.

    Parameters
    ----------
    seeds : int
        Seeds of the trees; rows are split once.
    rounds : int
        Boosting rounds.
    """
    with workers(1) as crew:
        for case, make in CASES.items():
            yield agreements(case, make(np.random.default_rng(0)), crew, seeds, rounds)


def agreements(
    case: str, representation: Representation, crew: Workers, seeds: int, rounds: int
) -> list[Agreement]:
    """Compare the two engines on one representation."""
    found, seconds = [], []
    for used in (None, crew):
        start = time.perf_counter()
        found.append([_quantities(representation, used, seed, rounds) for seed in range(seeds)])
        seconds.append(time.perf_counter() - start)
    theirs, ours = found
    agreed = []
    for name, first in theirs[0].items():
        single = not isinstance(first, np.ndarray)
        own = [_apart(a[name], b[name]) for a, b in combinations(theirs, 2)]
        other = np.mean([_apart(a[name], b[name]) for a, b in product(theirs, ours)])
        agreed.append(
            Agreement(
                case,
                name,
                float(np.mean([one[name] for one in theirs])) if single else None,
                float(np.mean([one[name] for one in ours])) if single else None,
                max(own),
                float(other),
                bool(other <= max(*own, _NOTHING)),
                seconds[0] / seconds[1],
            )
        )
    return agreed


def _quantities(
    representation: Representation, crew: Workers | None, seed: int, rounds: int
) -> dict[str, float | np.ndarray]:
    fits = [_fit(representation, j, crew, seed, rounds) for j in range(len(representation.factors))]
    importance = np.stack([fit.importances for fit in fits], axis=1)
    return {
        "accuracy": float(np.mean([fit.test for fit in fits])),
        "disentanglement": modularity(importance),
        "completeness": weighted(compactness(importance), importance.sum(axis=0)),
        "importances": importance,
    }


def _fit(
    representation: Representation, factor: int, crew: Workers | None, seed: int, rounds: int
) -> Fit:
    is_class = representation.factors[factor].size is not None
    labels = representation.codes if is_class else representation.values
    assert labels is not None  # a continuous factor has values
    return fit_factor(
        representation.latents,
        labels[:, factor],
        split_rows(representation, factor, 0),
        is_class=is_class,
        seed=seed,
        rounds=rounds,
        crew=crew,
    )


def _apart(a: float | np.ndarray, b: float | np.ndarray) -> float:
    return float(np.max(np.abs(np.subtract(a, b))))


def _standard(codes: np.ndarray) -> np.ndarray:
    return np.asarray((codes - codes.mean(axis=0)) / codes.std(axis=0))


def _grid(change: Callable[[np.ndarray, np.random.Generator], np.ndarray]) -> "Case":
    """A code of a full grid, from its perfect code."""

    def make(rng: np.random.Generator) -> Representation:
        codes = grid_codes([4, 3, 5, 2, 6])
        return Representation.from_arrays(change(_standard(codes), rng), codes)

    return make


def _trained(z: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Bent mixtures of the factors with noise, and latents that hold nothing."""
    mixed = z @ (np.eye(5) + 0.3 * rng.normal(size=(5, 5))) + 0.2 * rng.normal(size=z.shape)
    return np.hstack([np.tanh(mixed), 0.01 * rng.normal(size=(len(z), 3))])


def _rotated(z: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    turned = np.stack([z[:, 0] - z[:, 2], z[:, 0] + z[:, 2]], axis=1) / np.sqrt(2)
    return np.hstack([turned, z[:, [1, 3, 4]]])


def _noisy(z: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.hstack([z + 0.3 * rng.normal(size=z.shape), rng.normal(size=(len(z), 5))])


def _tied(z: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Whole numbers, a latent twice and once mirrored, and a constant."""
    whole = np.round(2 * (z + 0.4 * rng.normal(size=z.shape)))
    return np.hstack([whole, whole[:, :1], -whole[:, 2:3], np.ones((len(z), 1))])


def _classes(sizes: list[int], rows: int) -> "Case":
    """A noisy code of factors that take random classes, none with fewer than two rows."""

    def make(rng: np.random.Generator) -> Representation:
        codes = np.stack([rng.permutation(np.arange(rows) % size) for size in sizes], axis=1)
        z = _standard(codes)
        latents = np.hstack([z + 0.1 * rng.normal(size=z.shape), rng.normal(size=(rows, 2))])
        return Representation.from_arrays(latents, codes)

    return make


def _continuous(rng: np.random.Generator) -> Representation:
    values = rng.normal(size=(600, 3))
    latents = values @ (np.eye(3) + 0.3 * rng.normal(size=(3, 3))) + 0.2 * rng.normal(size=(600, 3))
    factors = [Factor(name=f"factor_{j}", kind="continuous") for j in range(3)]
    return Representation.from_arrays(latents, values, factors=factors)


Case = Callable[[np.random.Generator], Representation]
CASES: dict[str, Case] = {
    "as trained": _grid(_trained),
    "perfect": _grid(lambda z, rng: z),
    "rotated": _grid(_rotated),
    "noisy": _grid(_noisy),
    "tied": _grid(_tied),
    "two classes": _classes([2, 2, 2], 600),
    "many classes": _classes([40, 3], 800),
    "tiny classes": _classes([60, 4], 180),
    "continuous": _continuous,
}
