"""The compiled trees against scikit-learn's: are they the same, and if not, how far apart."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import final

import numpy as np

from drbench import Representation, grid_codes
from drbench.bench.sobol import trained_representation
from drbench.data.spec import Factor
from drbench.metrics.dci import compactness, modularity, weighted
from drbench.metrics.estimate.splits import split_rows
from drbench.metrics.predict.boosting import Workers, boost, workers
from drbench.metrics.predict.estimators import Problem
from drbench.metrics.predict.fits import Fit, judged
from drbench.metrics.predict.trees import predict_by_sklearn, predict_compiled
from drbench.progress import track

_ANOTHER, _LOTS = 1_000, 6
"""What is added to the seed of a split to get another of its trees, and how many there are."""
_BITS = 1e-12
"""Difference of scores between 0 and 1 that is rounding."""
_ROWS = 1_500
_TURNS = 5


@final
@dataclass(frozen=True)
class Agreement:
    """Scikit-learn's trees and the compiled ones, on codes of one kind: a new one for each seed.

    Each split is fitted under six seeds of the trees. The largest differences are given: of the
    means over these seeds, compiled trees from scikit-learn's, and (own) of scikit-learn's trees
    from themselves, one seed from another.
    """

    case: str
    """Kind of code."""
    rounds: int
    """Boosting rounds."""
    fits: int
    """Factors of all codes, under each seed."""
    same: int
    """Fits that are the same to the last bit: importances, accuracy seen and held out."""
    accuracy: float
    own_accuracy: float
    importances: float
    own_importances: float
    disentanglement: float
    own_disentanglement: float
    completeness: float
    own_completeness: float
    holds: bool
    """Whether none of the four differs more than scikit-learn's own."""
    faster: float
    """Seconds of scikit-learn / seconds of the compiled trees, one thread each."""


@final
@dataclass(frozen=True)
class Repetition:
    """The time of the compiled trees where values repeat, beside the same code jittered.

    The jitter is a thousandth of each latent's standard deviation, which leaves no two values
    equal. The two codes are fitted in turn in one process, on one thread.
    """

    code: str
    """What repeats."""
    distinct: float
    """Share of distinct values, mean over the latents."""
    seconds: float
    """Median over turns."""
    jittered_seconds: float
    ratio: float
    """Median over turns of seconds / jittered seconds."""


def study(
    *, seeds: int = 6, rounds: int = 20, rows: int = 15_008
) -> Iterator[Agreement | Repetition]:
    """Accuracy, importances, disentanglement and completeness, for codes of all kinds; then times.

    Parameters
    ----------
    seeds : int
        Codes of a kind, each with a seed of its own for latents, split and trees.
    rounds : int
        Boosting rounds.
    rows : int
        Rows of the codes that are timed.
    """
    with workers(1) as crew:
        for case in track(CASES, "kinds of codes", len(CASES)):
            yield agreement(case, CASES[case], crew, range(seeds), rounds)
        yield from repetitions(crew, rows, rounds)


def agreement(case: str, make: "Case", crew: Workers, seeds: range, rounds: int) -> Agreement:
    """Compare the two engines on codes of one kind."""
    apart, own, same, seconds = [], [], [], np.zeros(2)
    for seed in seeds:
        code, theirs, ours = make(np.random.default_rng(seed)), [], []
        for lot in range(seed, seed + _LOTS * _ANOTHER, _ANOTHER):
            start = time.perf_counter()
            theirs.append(_fits(code, None, lot, rounds))
            middle = time.perf_counter()
            ours.append(_fits(code, crew, lot, rounds))
            seconds += middle - start, time.perf_counter() - middle
            same += [_same(a, b) for a, b in zip(theirs[-1], ours[-1], strict=True)]
        a, b = ([_quantities(fits) for fits in engine] for engine in (theirs, ours))
        apart.append(_distances(_means(a), _means(b)))
        own += [_distances(one, other) for one, other in combinations(a, 2)]
    largest = {name: max(one[name] for one in apart) for name in apart[0]}
    largest_own = {f"own_{name}": max(one[name] for one in own) for name in own[0]}
    return Agreement(
        case=case,
        rounds=rounds,
        fits=len(same),
        same=sum(same),
        holds=all(largest[name] <= max(largest_own[f"own_{name}"], _BITS) for name in largest),
        faster=float(seconds[0] / seconds[1]),
        **largest,
        **largest_own,
    )


def repetitions(crew: Workers, rows: int, rounds: int) -> Iterator[Repetition]:
    """Time the trees of a factor of eight classes from ten latents, with equal values and without.

    Parameters
    ----------
    crew : Workers
        Who grows the trees.
    rows, rounds : int
        Rows of the codes, and boosting rounds.
    """
    rng = np.random.default_rng(0)
    labels = np.sort(np.arange(rows) % 8)  # files are in the order of their factors
    latents = labels[:, None] * rng.normal(size=10) / 4 + rng.normal(size=(rows, 10))
    codes = {
        f"{share:.0%} of the rows repeated": _repeated(latents, share, rng)
        for share in (0.01, 0.5, 1.0)
    }
    codes |= {"half precision": latents.astype(np.float16), "whole numbers": np.round(latents)}

    def fit(code: np.ndarray) -> float:
        code, start = code.astype(np.float32), time.perf_counter()
        boost(code, labels, code[:1], is_class=True, rounds=rounds, seed=0, crew=crew)
        return time.perf_counter() - start

    for name, code in track(codes.items(), "codes with equal values, timed", len(codes)):
        jittered = code + 1e-3 * code.std(axis=0) * rng.normal(size=code.shape)
        times = np.array([(fit(code), fit(jittered)) for _ in range(_TURNS)])
        yield Repetition(
            code=name,
            distinct=float(np.mean([len(np.unique(latent)) for latent in code.T]) / rows),
            seconds=float(np.median(times[:, 0])),
            jittered_seconds=float(np.median(times[:, 1])),
            ratio=float(np.median(times[:, 0] / times[:, 1])),
        )


def _repeated(latents: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Latents of which a share of the rows occurs twice."""
    rows = np.arange(len(latents))
    first, second = rng.permutation(rows)[: 2 * round(share * len(rows) / 2)].reshape(2, -1)
    rows[second] = first
    return latents[rows]


def _fits(code: Representation, crew: Workers | None, seed: int, rounds: int) -> list[Fit]:
    return [_fit(code, j, crew, seed, rounds) for j in range(len(code.factors))]


def _same(a: Fit, b: Fit) -> bool:
    scores = (a.train, a.test, a.balanced) == (b.train, b.test, b.balanced)
    return scores and np.array_equal(a.importances, b.importances)


def _distances(a: "Quantities", b: "Quantities") -> dict[str, float]:
    return {name: float(np.max(np.abs(a[name] - b[name]))) for name in a}


def _means(some: list["Quantities"]) -> "Quantities":
    return {name: np.mean([each[name] for each in some], axis=0) for name in some[0]}


def _quantities(fits: list[Fit]) -> "Quantities":
    importance = np.stack([fit.importances for fit in fits], axis=1)
    quantities = {
        "accuracy": np.mean([fit.test for fit in fits]),
        "importances": importance,
        "disentanglement": modularity(importance),
        "completeness": weighted(compactness(importance), importance.sum(axis=0)),
    }
    return {name: np.asarray(quantity) for name, quantity in quantities.items()}


def _fit(
    representation: Representation, factor: int, crew: Workers | None, seed: int, rounds: int
) -> Fit:
    is_class = representation.factors[factor].size is not None
    labels = representation.codes if is_class else representation.values
    assert labels is not None  # a continuous factor has values
    split = split_rows(representation, factor, seed % _ANOTHER)
    problem = Problem(representation.latents, labels[:, factor], split, is_class, seed)
    if crew is None:
        return judged(problem, predict_by_sklearn(problem, rounds))
    return judged(problem, predict_compiled(problem, rounds, crew))


def _standard(codes: np.ndarray) -> np.ndarray:
    return np.asarray((codes - codes.mean(axis=0)) / codes.std(axis=0))


@cache
def _whole() -> Representation:
    return trained_representation(steps=200, seed=7)


def _trained(rng: np.random.Generator) -> Representation:
    """A sample of the images that a model was trained on, encoded by it."""
    whole = _whole()
    rows = rng.permutation(len(whole.codes))[:_ROWS]
    return Representation(whole.mean[rows], whole.codes[rows], whole.factors)


def _grid(change: Callable[[np.ndarray, np.random.Generator], np.ndarray]) -> "Case":
    """A code of a full grid, from its perfect code."""

    def make(rng: np.random.Generator) -> Representation:
        codes = grid_codes([4, 3, 5, 2, 6])
        return Representation.from_arrays(change(_standard(codes), rng), codes)

    return make


def _network(z: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Two random layers, as float32."""
    hidden = np.tanh(z @ rng.normal(size=(5, 32)) / 2 + rng.normal(size=32))
    return (hidden @ rng.normal(size=(32, 8)) / 6).astype(np.float32)


def _rotated(z: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Two latents turned by any angle."""
    turned, angle = z.copy(), rng.uniform(0, np.pi)
    i, j = rng.permutation(5)[:2]
    turned[:, i] = np.cos(angle) * z[:, i] - np.sin(angle) * z[:, j]
    turned[:, j] = np.sin(angle) * z[:, i] + np.cos(angle) * z[:, j]
    return turned


def _noisy(z: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Noise of any size on each latent, and latents of noise."""
    noise = rng.uniform(0.05, 1, size=5) * rng.normal(size=z.shape)
    return np.hstack([z + noise, rng.normal(size=(len(z), 5))])


def _whole_numbers(z: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Noisy latents on a ladder of any step, a latent twice and once mirrored, and a constant."""
    whole = np.round((z + 0.4 * rng.normal(size=z.shape)) * rng.uniform(0.5, 20, size=5))
    return np.hstack([whole, whole[:, :1], -whole[:, 2:3], np.ones((len(z), 1))])


def _repeating(z: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Noisy latents, each beside its mirror image; any share of the rows has those of another."""
    noisy = _repeated(_noisy(z, rng), rng.uniform(0.01, 1), rng)
    return np.hstack([noisy, -noisy[:, :5]])


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


Quantities = dict[str, np.ndarray]
Case = Callable[[np.random.Generator], Representation]
DISTINCT: dict[str, Case] = {
    "trained": _trained,
    "random network": _grid(_network),
    "noisy": _grid(_noisy),
    "two classes": _classes([2, 2, 2], 600),
    "many classes": _classes([40, 3], 800),
    "tiny classes": _classes([60, 4], 180),
    "continuous": _continuous,
}
"""Kinds of codes in which a value of a latent hardly ever repeats."""
TIED: dict[str, Case] = {
    "perfect": _grid(lambda z, rng: z),
    "rotated": _grid(_rotated),
    "whole numbers": _grid(_whole_numbers),
    "half precision": _grid(lambda z, rng: _noisy(z, rng).astype(np.float16)),
    "rows repeated": _grid(_repeating),
}
"""Kinds of codes in which values repeat."""
CASES = DISTINCT | TIED
