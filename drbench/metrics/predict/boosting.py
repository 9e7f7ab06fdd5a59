"""Gradient boosted trees as scikit-learn's with its defaults, compiled and on several threads."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Float, Float32, Shaped, UInt32

from drbench.progress import say

if TYPE_CHECKING:
    from drbench.metrics.predict.splitting import Code

_SEEDS = 2**31 - 1
"""Seeds of a tree, as scikit-learn draws them."""


@final
@dataclass(frozen=True)
class Boosted:
    """What a fitted predictor says."""

    importances: Float[np.ndarray, "latent"]
    """Share of each latent in the reduction of the training loss; they sum to 1, or are all 0."""
    raw: Float[np.ndarray, "tree n"]
    """Sum of the trees on the training rows: a row for each class, one for two or none."""
    raw_unseen: Float[np.ndarray, "tree m"]
    """The same on the unseen rows."""
    predicted: Shaped[np.ndarray, "n"]
    """Class, or value, of the training rows."""
    predicted_unseen: Shaped[np.ndarray, "m"]
    """The same of the unseen rows."""


@final
class _Scratch(threading.local):
    """Memory that a thread keeps between trees."""

    def __init__(self) -> None:
        self.kept = np.empty(0, dtype=np.uint32)


@final
class Workers:
    """Threads that grow trees. Several fits may share them: no result depends on who does what."""

    def __init__(self, threads: ThreadPoolExecutor, count: int) -> None:
        self._threads, self._count, self._scratch = threads, count, _Scratch()

    def share(self, work: Callable[[int, int], None], items: int) -> None:
        """Call work(first, last) for consecutive shares of the items, in parallel."""
        edges = np.linspace(0, items, min(self._count, items) + 1).round().astype(int).tolist()
        for _ in self._threads.map(work, edges[:-1], edges[1:]):
            pass

    def scratch(self, rows: int, latents: int) -> UInt32[np.ndarray, "2 rows latents"]:
        """Memory of the calling thread; what is in it is undefined."""
        size = 2 * rows * latents
        if len(self._scratch.kept) < size:
            self._scratch.kept = np.empty(size, dtype=np.uint32)
        return self._scratch.kept[:size].reshape(2, rows, latents)


@contextmanager
def workers(count: int) -> Iterator[Workers]:
    """Threads for the length of a block."""
    _load()
    with ThreadPoolExecutor(count) as threads:
        yield Workers(threads, count)


def boost(
    latents: Float32[np.ndarray, "n latent"],
    labels: Shaped[np.ndarray, "n"],
    unseen: Float32[np.ndarray, "m latent"],
    *,
    is_class: bool,
    rounds: int,
    seed: int,
    crew: Workers,
) -> Boosted:
    """Fit gradient boosted trees and predict.

    What scikit-learn's GradientBoostingClassifier and GradientBoostingRegressor do with their
    defaults: trees of depth 3 fitted to the gradient of the log loss or the squared error, the
    split with the largest reduction of the variance, one Newton step a leaf, a rate of 0.1. The
    same seed draws the same lots between equally good splits, and sums are added up in the same
    order, so that the trees are the same to the last bit where the values of a latent are distinct.
    Equal values are taken in the order of the rows, which may move a sum by its last bit.

    Parameters
    ----------
    latents : (n, latent) float32
        What is learnt from.
    labels : (n,)
        Classes, two or more, or values.
    unseen : (m, latent) float32
        More rows to predict.
    is_class : bool
        Whether labels are classes.
    rounds : int
        Boosting rounds.
    seed : int
        What scikit-learn calls random_state.
    crew : Workers
        Who grows the trees.
    """
    from drbench.metrics.predict import kernels

    names, counts = np.unique(labels, return_counts=True)
    classes = len(names) if is_class else 0
    truth = (np.searchsorted(names, labels) if is_class else labels).astype(np.float64)
    start = _start(counts / len(labels), truth, classes)
    raw, raw_unseen = np.repeat(start, len(labels), axis=1), np.repeat(start, len(unseen), axis=1)
    code, unseen = _code(latents), np.ascontiguousarray(unseen)
    seeds = np.random.RandomState(seed).randint(_SEEDS, size=(rounds, len(raw)))
    gradients, importances = np.empty_like(raw), np.zeros((*seeds.shape, latents.shape[1]))
    for i in range(rounds):

        def differ(first: int, last: int) -> None:
            kernels.negative_gradients(raw, truth, classes, first, last, gradients)

        def grow(first: int, last: int, i: int = i) -> None:
            kernels.grow_trees(
                code, gradients, truth, classes, seeds[i], first, last,
                crew.scratch(*code.order.shape), importances[i], raw, unseen, raw_unseen,
            )  # fmt: skip

        crew.share(differ, len(labels))
        crew.share(grow, len(raw))
    return Boosted(
        _shares(importances.reshape(-1, latents.shape[1]) / len(labels)),
        raw,
        raw_unseen,
        _predicted(raw, names, classes),
        _predicted(raw_unseen, names, classes),
    )


def _start(
    shares: Float[np.ndarray, "class"], truth: Float[np.ndarray, "n"], classes: int
) -> Float[np.ndarray, "tree 1"]:
    """What is predicted before the first tree: the link of the shares of the classes, or the mean.

    Examples
    --------
    >>> _start(np.array([0.5, 0.5]), np.array([0.0, 1.0]), 2).tolist()
    [[0.0]]
    """
    if classes == 0:
        return np.array([[truth.mean()]])
    if classes == 2:
        from scipy.special import logit

        return np.asarray(logit(shares[1:, None]))
    return np.asarray(np.log(shares / np.exp(np.log(shares).mean()))[:, None])


def _code(latents: Float32[np.ndarray, "n latent"]) -> "Code":
    """Latents by column, and their rows sorted."""
    from drbench.metrics.predict.splitting import Code

    columns = np.ascontiguousarray(latents.T)
    order = np.argsort(columns, axis=1, kind="stable")
    return Code(columns, np.ascontiguousarray(order.T, dtype=np.uint32))


def _shares(importances: Float[np.ndarray, "tree latent"]) -> Float[np.ndarray, "latent"]:
    """Importances of all trees that have more than one node, together."""
    grown = importances[importances.any(axis=1)]
    if not len(grown):
        return np.zeros(importances.shape[1])
    mean = grown.mean(axis=0)
    return np.asarray(mean / mean.sum())


def _predicted(
    raw: Float[np.ndarray, "tree n"], names: Shaped[np.ndarray, "class"], classes: int
) -> Shaped[np.ndarray, "n"]:
    if classes == 0:
        return raw[0]
    return names[(raw[0] >= 0).astype(int) if classes == 2 else raw.argmax(axis=0)]


@cache
def _load() -> None:
    """Load the compiled loops; the first time on a machine compile them, and say so."""
    from drbench.metrics.predict.compiled import is_kept

    if not is_kept():
        say("compiling the boosted trees, once on this machine")
    with ThreadPoolExecutor(1) as threads:
        pair = np.array([[0.0], [1.0]], dtype=np.float32)
        crew, ends = Workers(threads, 1), np.array([0, 1])
        boost(pair, ends, pair, is_class=True, rounds=1, seed=0, crew=crew)
