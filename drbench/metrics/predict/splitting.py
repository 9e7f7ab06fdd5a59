"""Compiled loops that split a node of a boosted tree.

Lists hold the rows of a node in the order of each latent, a column a latent.
"""

from typing import NamedTuple, final

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8, UInt32

from drbench.metrics.predict.compiled import compiled
from drbench.metrics.predict.replay import Lots, draw_latents, sort_rows

CLOSE = np.float32(1e-7)
"""Neighbouring values nearer than this are not told apart."""
_ROUNDING = 1e-12
"""Relative difference of two sums that may be no difference."""
_RESETS = 64
"""Halvings that leave nothing of any number of rows."""


@final
class Code(NamedTuple):
    """Latents that trees learn from."""

    latents: Float32[np.ndarray, "latent n"]
    order: UInt32[np.ndarray, "n latent"]
    """Rows by the value of each latent."""
    tied: Bool[np.ndarray, "latent"]
    """Whether so many values repeat that the order of equal ones counts."""
    longest: Int[np.ndarray, "latent"]
    """Rows in the longest run of values that are not told apart."""


@compiled
def find_split(
    code: Code,
    lists: UInt32[np.ndarray, "n latent"],
    start: int,
    stop: int,
    gradient: Float[np.ndarray, "n"],
    total: float,
    known: int,
    lots: Lots,
    members: UInt32[np.ndarray, "n"],
) -> tuple[int, int, int]:
    """Best split of the node that holds rows start to stop of the lists and of the members.

    Returns
    -------
    latent, left, constants
        What to split by, -1 if nothing; how many rows go to the left; how many latents are known
        to be constant, where the parent knew some.
    """
    width = lists.shape[1]
    flat, turn = np.empty(width, dtype=np.bool_), np.zeros(width, dtype=np.int64)
    for d in range(width):
        lowest, highest = code.latents[d, lists[start, d]], code.latents[d, lists[stop - 1, d]]
        flat[d] = highest <= lowest + CLOSE
    count, constants = draw_latents(flat, known, lots)
    drawn = lots.drawn[:count]
    turn[drawn] = np.arange(count)
    _arrange(code, lists, start, stop, drawn, members)
    latent, left = _best_split(code, lists, start, stop, gradient, total, turn)
    return latent, left, constants


@compiled
def _arrange(
    code: Code,
    lists: UInt32[np.ndarray, "n latent"],
    start: int,
    stop: int,
    drawn: Int[np.ndarray, "k"],
    members: UInt32[np.ndarray, "n"],
) -> None:
    """Sort the rows of a node by the drawn latents in turn, as scikit-learn does.

    The lists are sorted before; but where values repeat, each sort leaves equal ones in an order
    that depends on the sort before, and so is repeated for tied latents.
    """
    rows, sorted_by = members[start:stop], -1
    for d in drawn:
        if code.latents[d, lists[start, d]] == code.latents[d, lists[stop - 1, d]]:
            continue  # sorting changes no order
        if not code.tied[d]:
            sorted_by = d
            continue
        if sorted_by >= 0:
            rows[:] = lists[start:stop, sorted_by]
            sorted_by = -1
        sort_rows(code.latents[d][rows], rows)
        lists[start:stop, d] = rows
    if sorted_by >= 0:
        rows[:] = lists[start:stop, sorted_by]


@compiled
def _best_split(
    code: Code,
    lists: UInt32[np.ndarray, "n latent"],
    start: int,
    stop: int,
    gradient: Float[np.ndarray, "n"],
    total: float,
    turn: Int[np.ndarray, "latent"],
) -> tuple[int, int]:
    """Latent and number of rows on the left of the best split of a node; -1 if there is none.

    Splitting n rows after the first m gains s^2 n / (m (n - m)), where s sums the gradients of the
    m rows less their expectation: that is quick, and tells which splits to look at. They are
    compared by scikit-learn's own formula, so that rounding decides as it does there. Of equal ones
    the latent with the lower turn wins, of one latent the first.
    """
    rows, width = stop - start, lists.shape[1]
    mean, slack = total / rows, _ROUNDING * (total / rows) ** 2
    floor, best, latent, left = -1.0, -np.inf, -1, 0
    sums, next_reset = np.zeros(width), stop
    resets, ahead = np.empty((width, _RESETS), dtype=np.int64), np.zeros(width, dtype=np.int64)
    for d in range(width):
        if code.longest[d] > 1:
            ahead[d] = _find_resets(code, lists, d, start, stop, resets[d])
            if ahead[d]:
                next_reset = min(next_reset, resets[d, ahead[d] - 1])
    for p in range(start, stop - 1):
        m = p - start + 1
        expected, spread = m * mean, float(m) * (rows - m)
        highest = 0.0
        for d in range(width):
            summed = sums[d] + gradient[lists[p, d]]
            sums[d] = summed
            highest = max(highest, (summed - expected) ** 2)
        if p == next_reset:
            next_reset = stop
            for d in range(width):
                if ahead[d] and resets[d, ahead[d] - 1] == p:
                    ahead[d] -= 1
                    sums[d] = sum_backwards(gradient, lists[p + 1 : stop, d], total)
                if ahead[d]:
                    next_reset = min(next_reset, resets[d, ahead[d] - 1])
        if highest < floor * spread:
            continue
        for d in range(width):
            summed = sums[d]
            if (summed - expected) ** 2 < floor * spread:
                continue
            if code.latents[d, lists[p + 1, d]] <= code.latents[d, lists[p, d]] + CLOSE:
                continue
            score = summed * summed / m + (total - summed) * (total - summed) / (rows - m)
            if score > best or (score == best and turn[d] < turn[latent]):
                best, latent, left = score, d, m
                floor = (summed - expected) ** 2 / spread * (1 - _ROUNDING) - slack
    return latent, left


@compiled
def _find_resets(
    code: Code,
    lists: UInt32[np.ndarray, "n latent"],
    d: int,
    start: int,
    stop: int,
    resets: Int[np.ndarray, "64"],
) -> int:
    """Ends of runs of close values that are longer than all that follows, from the last one.

    Scikit-learn moves a run to the left at once; where fewer rows stay on the right, it adds these
    up instead. At each such place less than half as many stay as at the one before.
    """
    latent, count, end = code.latents[d], 0, stop
    while end > start and stop - end < code.longest[d]:
        first = end - 1
        while first > start and latent[lists[first, d]] <= latent[lists[first - 1, d]] + CLOSE:
            first -= 1
        if end < stop and end - first > stop - end:
            resets[count] = end - 1
            count += 1
        end = first
    return count


@compiled
def sum_backwards(
    gradient: Float[np.ndarray, "n"], rows: UInt32[np.ndarray, "k"], total: float
) -> float:
    """What is left of a total without some rows, from the last row on."""
    for i in range(len(rows) - 1, -1, -1):
        total -= gradient[rows[i]]
    return total


@compiled
def deal(
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


@compiled
def part(members: UInt32[np.ndarray, "k"], side: UInt8[np.ndarray, "n"]) -> None:
    """Rows on the left before those on the right; as in scikit-learn, by swaps from both ends."""
    first, last = 0, len(members)
    while first < last:
        if side[members[first]] == 0:
            first += 1
        else:
            last -= 1
            members[first], members[last] = members[last], members[first]
