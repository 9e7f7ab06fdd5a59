"""Compiled loops that split a node of a boosted tree.

Lists hold the rows of a node in the order of each latent, a column a latent; rows of equal value
stay in the order of the sample. Of equally good splits scikit-learn takes that of the latent it
looks at first, and rounding, which follows the order in which numbers are added, makes one of two
equally good splits better: the same trees grow where latents are drawn and gradients are added as
there.
"""

from typing import NamedTuple, final

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8, UInt32

from drbench.metrics.predict.compiled import compiled

CLOSE = np.float32(1e-7)
"""Neighbouring values nearer than this are not told apart."""
_ROUNDING = 1e-12
"""Relative difference of two sums that may be no difference."""


@final
class Code(NamedTuple):
    """Latents that trees learn from."""

    latents: Float32[np.ndarray, "latent n"]
    order: UInt32[np.ndarray, "n latent"]
    """Rows by the value of each latent, those of equal value in their own order."""


@final
class Lots(NamedTuple):
    """What the order of the latents in the nodes of a tree depends on."""

    state: Int[np.ndarray, "1"]
    """Of the random numbers."""
    latents: Int[np.ndarray, "latent"]
    """All latents, as the nodes before have shuffled them."""
    constant: Int[np.ndarray, "latent"]
    """First those that a node on the path from the root found constant."""
    drawn: Int[np.ndarray, "latent"]
    """First those of a node, in the order in which it looks at them."""


@compiled
def _draw(state: Int[np.ndarray, "1"], below: int) -> int:
    """Next of Marsaglia's xorshift numbers of 32 bits, 31 of them used."""
    number = state[0] if state[0] else 1
    number ^= (number << 13) & 0xFFFFFFFF
    number ^= number >> 17
    number ^= (number << 5) & 0xFFFFFFFF
    state[0] = number
    return int((number & 0x7FFFFFFF) % below)


@compiled
def draw_latents(flat: Bool[np.ndarray, "latent"], inherited: int, lots: Lots) -> tuple[int, int]:
    """Draw the order in which a node looks at the latents.

    Parameters
    ----------
    flat : (latent,) bool
        Whether a latent is constant in the node.
    inherited : int
        How many of them are constant in the parent too.
    lots : Lots
        Takes the order.

    Returns
    -------
    count, constants
        How many are looked at, and how many the children inherit as constant.
    """
    latents, constant = lots.latents, lots.constant
    count, skipped, new, end = 0, 0, 0, len(latents)
    while end > inherited + new:
        i = skipped + _draw(lots.state, end - new - skipped)
        if i < inherited:
            latents[skipped], latents[i] = latents[i], latents[skipped]
            skipped += 1
            continue
        i += new
        latent = latents[i]
        lots.drawn[count] = latent
        count += 1
        if flat[latent]:
            latents[i], latents[inherited + new] = latents[inherited + new], latent
            new += 1
        else:
            end -= 1
            latents[i], latents[end] = latents[end], latent
    latents[:inherited] = constant[:inherited]
    constant[inherited : inherited + new] = latents[inherited : inherited + new]
    return count, inherited + new


@compiled
def find_split(
    code: Code,
    lists: UInt32[np.ndarray, "n latent"],
    start: int,
    stop: int,
    gradient: Float[np.ndarray, "n"],
    total: float,
    inherited: int,
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
    count, constants = draw_latents(flat, inherited, lots)
    drawn = lots.drawn[:count]
    turn[drawn] = np.arange(count)
    for d in drawn[::-1]:  # scikit-learn leaves the rows sorted by the last one that varies
        if code.latents[d, lists[start, d]] < code.latents[d, lists[stop - 1, d]]:
            members[start:stop] = lists[start:stop, d]
            break
    latent, left = _best_split(code, lists, start, stop, gradient, total, turn)
    return latent, left, constants


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
    sums = np.zeros(width)
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
