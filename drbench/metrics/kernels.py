"""Compiled loops of the boosted trees: one tree of depth 3, and the gradients in between.

Nodes are numbered as in a heap: the children of i are 2 i + 1 and 2 i + 2, the leaves of a full
tree are 7 to 14. Lists hold the rows of a node in the order of each latent, a column a latent.
"""

from collections.abc import Callable
from typing import TypeVar

import numba
import numpy as np
from jaxtyping import Float, Float32, Int, UInt8, UInt32

from drbench.files import cache_dir

INNER, NODES = 7, 15
"""Nodes that can be split in a tree of depth 3, and all of them."""
_CLOSE = np.float32(1e-7)
"""Neighbouring values nearer than this are not told apart."""
_PURE = np.finfo(np.float64).eps
"""Variance below which a node is not split."""
_ROUNDING = 1e-12
"""Relative difference of two sums that may be no difference."""
_RATE = 0.1

Function = TypeVar("Function", bound=Callable[..., object])


def _compiled(function: Function) -> Function:
    """Compile on the first call, without the interpreter's lock, and keep the result on disk."""
    chosen = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = chosen or str(cache_dir() / "numba")
    try:
        return numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # no folder at all can be written to
        return numba.njit(nogil=True)(function)
    finally:
        numba.config.CACHE_DIR = chosen


@_compiled
def negative_gradients(
    raw: Float[np.ndarray, "tree n"],
    labels: Float[np.ndarray, "n"],
    classes: int,
    first: int,
    last: int,
    gradients: Float[np.ndarray, "tree n"],
) -> None:
    """What the next trees are fitted to, rows first to last: target less prediction.

    The prediction is softmax(raw) for three or more classes, expit(raw) for two, else raw itself.
    """
    trees = len(raw)
    for i in range(first, last):
        if classes == 0:
            gradients[0, i] = labels[i] - raw[0, i]
        elif classes == 2:
            gradients[0, i] = labels[i] - 1 / (1 + np.exp(-raw[0, i]))
        else:
            peak = raw[0, i]
            for k in range(1, trees):
                peak = max(peak, raw[k, i])
            total = 0.0
            for k in range(trees):
                gradients[k, i] = np.exp(raw[k, i] - peak)
                total += gradients[k, i]
            for k in range(trees):
                gradients[k, i] = (labels[i] == k) - gradients[k, i] / total


@_compiled
def _lot(seed: int, node: int, latent: int) -> np.uint64:
    """A random number of a latent in a node (the finaliser of splitmix64)."""
    mixed = np.uint64(seed) + np.uint64(0x9E3779B97F4A7C15) * np.uint64(node * 65_536 + latent + 1)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


@_compiled
def _best_split(
    latents: Float32[np.ndarray, "latent n"],
    lists: UInt32[np.ndarray, "n latent"],
    start: int,
    stop: int,
    gradient: Float[np.ndarray, "n"],
    total: float,
    seed: int,
    node: int,
    sums: Float[np.ndarray, "latent"],
) -> tuple[int, int]:
    """Latent and number of rows on the left of the best split of a node; -1 if there is none.

    Splitting n rows after the first m gains s^2 n / (m (n - m)), where s sums the gradients of the
    m rows less their expectation: that is quick, and tells which splits to look at. They are
    compared by scikit-learn's own formula, so that rounding decides as it does there. Equal ones
    are drawn by lot among latents; of one latent the first is taken.
    """
    rows, width = stop - start, lists.shape[1]
    mean, slack = total / rows, _ROUNDING * (total / rows) ** 2
    sums[:] = 0.0
    floor, best, latent, left = -1.0, -1.0, -1, 0
    for p in range(start, stop - 1):
        m = p - start + 1
        expected, spread = m * mean, float(m) * (rows - m)
        highest = 0.0
        for d in range(width):
            summed = sums[d] + gradient[lists[p, d]]
            sums[d] = summed
            highest = max(highest, (summed - expected) ** 2)
        if highest < floor * spread:
            continue
        for d in range(width):
            if (sums[d] - expected) ** 2 < floor * spread:
                continue
            if latents[d, lists[p + 1, d]] <= latents[d, lists[p, d]] + _CLOSE:
                continue
            summed, more = sums[d], rows - m
            if m > more and latents[d, lists[p, d]] <= latents[d, lists[p - more, d]] + _CLOSE:
                # scikit-learn moves equal values together, from the end if fewer are there.
                summed = total
                for q in range(stop - 1, p, -1):
                    summed -= gradient[lists[q, d]]
            score = summed**2 / m + (total - summed) ** 2 / more
            if score < best or (score == best and d == latent):
                continue
            if score > best or _lot(seed, node, d) < _lot(seed, node, latent):
                best, latent, left = score, d, m
                floor = (sums[d] - expected) ** 2 / spread * (1 - _ROUNDING) - slack
    return latent, left


@_compiled
def _deal(
    lists: UInt32[np.ndarray, "n latent"],
    start: int,
    middle: int,
    stop: int,
    side: UInt8[np.ndarray, "n"],
    dealt: UInt32[np.ndarray, "n latent"],
    places: UInt32[np.ndarray, "2 latent"],
) -> None:
    """Rows of a node to its two children, each in the order it had."""
    places[0], places[1] = start, middle
    for p in range(start, stop):
        for d in range(lists.shape[1]):
            row = lists[p, d]
            place = places[side[row], d]
            dealt[place, d] = row
            places[side[row], d] = place + 1


@_compiled
def _leaf_value(
    gradient: Float[np.ndarray, "n"],
    labels: Float[np.ndarray, "n"],
    members: UInt32[np.ndarray, "k"],
    classes: int,
    k: int,
) -> float:
    """One Newton step of the loss; for the squared error the mean."""
    slope, curvature = 0.0, 0.0
    for row in members:
        slope += gradient[row]
        truth = labels[row] if classes == 2 else (1.0 if labels[row] == k else 0.0)
        probability = truth - gradient[row]
        curvature += probability * (1 - probability)
    if classes == 0:
        return slope / len(members)
    if classes > 2:
        slope *= (classes - 1) / classes
    return slope / curvature if abs(curvature) / len(members) >= 1e-150 else 0.0


@_compiled
def _part(
    rows: UInt32[np.ndarray, "k"], side: UInt8[np.ndarray, "n"], parted: UInt32[np.ndarray, "k"]
) -> None:
    """Rows on the left, then those on the right, in the order in which scikit-learn adds them up.

    There they start in the order of some latent, drawn at random, and change places from both ends.
    Rounding of sums decides between mirrored splits, and so must differ as it does there.
    """
    parted[:] = rows
    first, last = 0, len(rows)
    while first < last:
        if side[parted[first]] == 0:
            first += 1
        else:
            last -= 1
            parted[first], parted[last] = parted[last], parted[first]


@_compiled
def _moments(
    gradient: Float[np.ndarray, "n"], members: UInt32[np.ndarray, "k"]
) -> tuple[float, float]:
    total, square = 0.0, 0.0
    for row in members:
        total += gradient[row]
        square += gradient[row] ** 2
    return total, square


@_compiled
def _variance(total: float, square: float, rows: int) -> float:
    return square / rows - (total / rows) ** 2


@_compiled
def _grow(
    latents: Float32[np.ndarray, "latent n"],
    order: UInt32[np.ndarray, "n latent"],
    gradient: Float[np.ndarray, "n"],
    labels: Float[np.ndarray, "n"],
    classes: int,
    k: int,
    seed: int,
    scratch: UInt32[np.ndarray, "2 n latent"],
    importance: Float[np.ndarray, "latent"],
    raw: Float[np.ndarray, "n"],
) -> tuple[Int[np.ndarray, "inner"], Float[np.ndarray, "inner"], Float[np.ndarray, "node"]]:
    """Fit a tree; add its importances and what it predicts to those of the earlier ones.

    Returns
    -------
    chosen, threshold, value
        Latent of each inner node, -1 for a leaf; what goes left is at most the threshold; what
        each leaf adds.
    """
    n, width = order.shape
    side, members = np.zeros(n, dtype=np.uint8), np.arange(n).astype(np.uint32)
    places, sums = np.empty((2, width), dtype=np.uint32), np.empty(width)
    chosen, threshold = np.full(INNER, -1), np.zeros(INNER)
    start, stop = np.zeros(NODES, dtype=np.int64), np.zeros(NODES, dtype=np.int64)
    total, square, value = np.zeros(NODES), np.zeros(NODES), np.zeros(NODES)
    stop[0] = n
    total[0], square[0] = _moments(gradient, members)
    for node in range(NODES):
        a, c = start[node], stop[node]
        if a == c:
            continue
        variance = _variance(total[node], square[node], c - a)
        d, m = -1, 0
        if node < INNER and variance > _PURE:
            lists = order if node == 0 or width == 1 else scratch[0 if node < 3 else 1]
            d, m = _best_split(latents, lists, a, c, gradient, total[node], seed, node, sums)
        if d >= 0:
            b, left, right = a + m, 2 * node + 1, 2 * node + 2
            for p in range(a, c):
                side[lists[p, d]] = p >= b
            drawn = _lot(seed, node, width) % np.uint64(width)
            _part(lists[a:c, drawn], side, members[a:c])
            total[left], square[left] = _moments(gradient, members[a:b])
            total[right], square[right] = _moments(gradient, members[b:c])
            gain = (c - a) * variance - m * _variance(total[left], square[left], m)
            gain -= (c - b) * _variance(total[right], square[right], c - b)
            if gain / n + _PURE >= 0:
                importance[d] += gain / n
                start[left], stop[left], start[right], stop[right] = a, b, b, c
                x, y = latents[d, lists[b - 1, d]], latents[d, lists[b, d]]
                chosen[node], threshold[node] = d, np.float64(x) / 2 + np.float64(y) / 2
                if node < 3 and width > 1:
                    _deal(lists, a, b, c, side, scratch[0 if node == 0 else 1], places)
                continue
        value[node] = _RATE * _leaf_value(gradient, labels, members[a:c], classes, k)
        for row in members[a:c]:
            raw[row] += value[node]
    return chosen, threshold, value


@_compiled
def grow_trees(
    latents: Float32[np.ndarray, "latent n"],
    order: UInt32[np.ndarray, "n latent"],
    gradients: Float[np.ndarray, "tree n"],
    labels: Float[np.ndarray, "n"],
    classes: int,
    seeds: Int[np.ndarray, "tree"],
    first: int,
    last: int,
    scratch: UInt32[np.ndarray, "2 n latent"],
    importances: Float[np.ndarray, "tree latent"],
    raw: Float[np.ndarray, "tree n"],
    unseen: Float32[np.ndarray, "m latent"],
    raw_unseen: Float[np.ndarray, "tree m"],
) -> None:
    """The trees first to last of a round, for rows to learn from and for unseen rows."""
    for k in range(first, last):
        chosen, threshold, value = _grow(
            latents, order, gradients[k], labels, classes, k, seeds[k], scratch, importances[k],
            raw[k],
        )  # fmt: skip
        for i in range(len(unseen)):
            node = 0
            while node < INNER and chosen[node] >= 0:
                node = 2 * node + 1 + (unseen[i, chosen[node]] > threshold[node])
            raw_unseen[k, i] += value[node]
