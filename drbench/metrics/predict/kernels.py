"""Compiled loops of the boosted trees: one tree of depth 3, and the gradients in between.

Nodes are numbered as in a heap: the children of i are 2 i + 1 and 2 i + 2, the leaves of a full
tree are 7 to 14.
"""

import numpy as np
from jaxtyping import Float, Float32, Int, UInt8, UInt32

from drbench.metrics.predict.compiled import compiled
from drbench.metrics.predict.splitting import Code, Lots, deal, find_split, part, sum_backwards

INNER, NODES = 7, 15
"""Nodes that can be split in a tree of depth 3, and all of them."""
_LEFT_FIRST = (0, 1, 3, 7, 8, 4, 9, 10, 2, 5, 11, 12, 6, 13, 14)
"""Nodes in the order in which scikit-learn comes to them: what it draws depends on it."""
_PURE = np.finfo(np.float64).eps
"""Variance below which a node is not split, and loss of a split that may be rounding."""
_FLAT = 1e-150
"""Curvature below which no step is taken."""
_RATE = 0.1
_LEAVES = 128
"""Numbers that numpy adds up without halving them first."""


@compiled
def negative_gradients(
    raw: Float[np.ndarray, "tree n"],
    labels: Float[np.ndarray, "n"],
    classes: int,
    first: int,
    last: int,
    gradients: Float[np.ndarray, "tree n"],
) -> None:
    """What the next trees are fitted to, rows first to last: target less prediction.

    The prediction is softmax(raw) for three or more classes, expit(raw) for two, else raw itself;
    for two in the form that scikit-learn rounds.
    """
    trees = len(raw)
    for i in range(first, last):
        if classes == 0:
            gradients[0, i] = labels[i] - raw[0, i]
        elif classes == 2:
            if raw[0, i] > -37:
                odds = np.exp(-raw[0, i])
                gradients[0, i] = -((1 - labels[i]) - labels[i] * odds) / (1 + odds)
            else:
                gradients[0, i] = labels[i] - np.exp(raw[0, i])
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


@compiled
def _moments(
    gradient: Float[np.ndarray, "n"], members: UInt32[np.ndarray, "k"]
) -> tuple[float, float]:
    total, square = 0.0, 0.0
    for row in members:
        total += gradient[row]
        square += gradient[row] * gradient[row]
    return total, square


@compiled
def _variance(total: float, square: float, rows: int) -> float:
    return square / rows - (total / rows) ** 2


@compiled
def pairwise_sum(values: Float[np.ndarray, "k"]) -> float:
    """Sum of numbers, added up in numpy's order."""
    k = len(values)
    if k > _LEAVES:
        half = k // 2 - k // 2 % 8
        return pairwise_sum(values[:half]) + pairwise_sum(values[half:])
    total, whole = 0.0, k - k % 8
    if whole:
        lane = values[:8].copy()
        for i in range(8, whole, 8):
            for j in range(8):
                lane[j] += values[i + j]
        total = ((lane[0] + lane[1]) + (lane[2] + lane[3])) + (
            (lane[4] + lane[5]) + (lane[6] + lane[7])
        )
    for i in range(whole, k):
        total += values[i]
    return total


@compiled
def _newton_steps(
    gradient: Float[np.ndarray, "n"],
    labels: Float[np.ndarray, "n"],
    classes: int,
    k: int,
    leaf: UInt8[np.ndarray, "n"],
    start: Int[np.ndarray, "node"],
    value: Float[np.ndarray, "node"],
) -> None:
    """Value of each leaf: one Newton step of the loss."""
    slopes, curvatures = np.empty(len(gradient)), np.empty(len(gradient))
    end = start.copy()
    for row in range(len(gradient)):
        place = end[leaf[row]]
        end[leaf[row]] = place + 1
        truth = labels[row] if classes == 2 else (1.0 if labels[row] == k else 0.0)
        probability = truth - gradient[row]
        slopes[place] = gradient[row]
        curvatures[place] = probability * (1 - probability)
    for node in range(NODES):
        a, c = start[node], end[node]
        if a == c:
            continue
        slope = pairwise_sum(slopes[a:c]) / (c - a)
        curvature = pairwise_sum(curvatures[a:c]) / (c - a)
        if classes > 2:
            slope *= (classes - 1) / classes
        value[node] = slope / curvature if abs(curvature) >= _FLAT else 0.0


@compiled
def _grow(
    code: Code,
    gradient: Float[np.ndarray, "n"],
    labels: Float[np.ndarray, "n"],
    classes: int,
    k: int,
    seed: int,
    scratch: UInt32[np.ndarray, "2 n latent"],
    importance: Float[np.ndarray, "latent"],
    raw: Float[np.ndarray, "n"],
) -> tuple[Int[np.ndarray, "inner"], Float[np.ndarray, "inner"], Float[np.ndarray, "node"]]:
    """Fit a tree; note what each latent takes off the squares, and add what it predicts to raw.

    Returns
    -------
    chosen, threshold, value
        Latent of each inner node; what goes left is at most the threshold, which is infinite where
        nothing was split; what each leaf adds.
    """
    n, width = code.order.shape
    members, leaf = np.arange(n).astype(np.uint32), np.zeros(n, dtype=np.uint8)
    lots = Lots(np.array([seed]), np.arange(width), np.arange(width), np.arange(width))
    side, places = np.zeros(n, dtype=np.uint8), np.empty((2, width), dtype=np.uint32)
    chosen, threshold = np.zeros(INNER, dtype=np.int64), np.full(INNER, np.inf)
    start, stop = np.zeros(NODES, dtype=np.int64), np.zeros(NODES, dtype=np.int64)
    inherited, impurity, value = np.zeros(NODES, dtype=np.int64), np.zeros(NODES), np.zeros(NODES)
    stop[0], impurity[0] = n, _variance(*_moments(gradient, members), n)
    for node in _LEFT_FIRST:
        a, c = start[node], stop[node]
        if a == c:
            continue
        total, square = _moments(gradient, members[a:c])
        d, m, constants = -1, 0, 0
        lists = code.order if node == 0 or width == 1 else scratch[0 if node < 3 else 1]
        if node < INNER and c - a > 1 and impurity[node] > _PURE:
            d, m, constants = find_split(
                code, lists, a, c, gradient, total, inherited[node], lots, members
            )
        if d >= 0:
            b, left, right = a + m, 2 * node + 1, 2 * node + 2
            below, above = _part(gradient, members[a:c], lists[a:c, d], m, total, square, side)
            better = impurity[node] - (c - b) / (c - a) * above - m / (c - a) * below
            if (c - a) / n * better + _PURE >= 0:
                importance[d] += (c - a) * impurity[node] - m * below - (c - b) * above
                start[left], stop[left], start[right], stop[right] = a, b, b, c
                impurity[left], impurity[right] = below, above
                inherited[left] = inherited[right] = constants
                middle = code.latents[d][lists[b - 1 : b + 1, d]].astype(np.float64) / 2
                chosen[node], threshold[node] = d, middle[0] + middle[1]
                if node < 3 and width > 1:
                    deal(lists, a, b, c, side, scratch[0 if node == 0 else 1], places)
                continue
        value[node] = total / (c - a)
        leaf[members[a:c]] = node
    if classes:
        _newton_steps(gradient, labels, classes, k, leaf, start, value)
    value *= _RATE
    raw += value[leaf]
    return chosen, threshold, value


@compiled
def _part(
    gradient: Float[np.ndarray, "n"],
    members: UInt32[np.ndarray, "k"],
    ordered: UInt32[np.ndarray, "k"],
    left: int,
    total: float,
    square: float,
    side: UInt8[np.ndarray, "n"],
) -> tuple[float, float]:
    """Part the rows of a node: the first of the ordered ones to the left; variances of the two."""
    right = len(members) - left
    side[ordered[:left]] = 0
    side[ordered[left:]] = 1
    part(members, side)
    summed, squared = _moments(gradient, members[:left])
    if left > right:  # scikit-learn adds up the fewer
        summed = sum_backwards(gradient, members[left:], total)
    return _variance(summed, squared, left), _variance(total - summed, square - squared, right)


@compiled
def _predict(
    chosen: Int[np.ndarray, "inner"],
    threshold: Float[np.ndarray, "inner"],
    value: Float[np.ndarray, "node"],
    unseen: Float32[np.ndarray, "m latent"],
    raw_unseen: Float[np.ndarray, "m"],
) -> None:
    """Add what a tree says of unseen rows; a node without a split sends all to its left child."""
    for node in range(INNER):
        if threshold[node] == np.inf:
            value[2 * node + 1] = value[node]
    for i in range(len(unseen)):
        node = 0
        for _ in range(3):
            node = 2 * node + 1 + (unseen[i, chosen[node]] > threshold[node])
        raw_unseen[i] += value[node]


@compiled
def grow_trees(
    code: Code,
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
            code, gradients[k], labels, classes, k, seeds[k], scratch, importances[k], raw[k]
        )
        _predict(chosen, threshold, value, unseen, raw_unseen[k])
