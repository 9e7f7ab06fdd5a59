"""Compiled loops that repeat what scikit-learn leaves to chance and to rounding.

Of equally good splits it takes that of the latent it happens to look at first, and rounding makes
one of two equally good splits better; rounding follows the order in which numbers are added. So the
same trees grow only where latents are drawn and rows are sorted as there.
"""

from typing import NamedTuple, final

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt32

from drbench.metrics.predict.compiled import compiled

_SHORT = 15
"""Rows that are sorted by insertion."""
_LEAVES = 128
"""Numbers that numpy adds up without halving them first."""


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
    drawn = state[0] if state[0] else 1
    drawn ^= (drawn << 13) & 0xFFFFFFFF
    drawn ^= drawn >> 17
    drawn ^= (drawn << 5) & 0xFFFFFFFF
    state[0] = drawn
    return int((drawn & 0x7FFFFFFF) % below)


@compiled
def draw_latents(flat: Bool[np.ndarray, "latent"], known: int, lots: Lots) -> tuple[int, int]:
    """Draw the order in which a node looks at the latents.

    Parameters
    ----------
    flat : (latent,) bool
        Whether a latent is constant in the node.
    known : int
        How many of them the parent knew.
    lots : Lots
        Takes the order.

    Returns
    -------
    count, constants
        How many are looked at, and how many the children know to be constant.
    """
    latents, constant = lots.latents, lots.constant
    count, skipped, found, end = 0, 0, 0, len(latents)
    while end > known + found:
        i = skipped + _draw(lots.state, end - found - skipped)
        if i < known:
            latents[skipped], latents[i] = latents[i], latents[skipped]
            skipped += 1
            continue
        i += found
        latent = latents[i]
        lots.drawn[count] = latent
        count += 1
        if flat[latent]:
            latents[i], latents[known + found] = latents[known + found], latent
            found += 1
        else:
            end -= 1
            latents[i], latents[end] = latents[end], latent
    latents[:known] = constant[:known]
    constant[known : known + found] = latents[known : known + found]
    return count, known + found


@compiled
def sort_rows(values: Float32[np.ndarray, "k"], rows: UInt32[np.ndarray, "k"]) -> None:
    """Sort rows by value, in place; those of equal value end in scikit-learn's order.

    That is an introsort: quicksort in three parts by the median of first, middle and last value,
    insertion for few rows, a heap if the parts stay uneven for too long.
    """
    _quick_sort(values, rows, 2 * int(np.log2(len(values))))


@compiled
def _quick_sort(
    values: Float32[np.ndarray, "k"], rows: UInt32[np.ndarray, "k"], patience: int
) -> None:
    while len(values) > _SHORT:
        if patience == 0:
            _heap_sort(values, rows)
            return
        patience -= 1
        first, middle, last = values[0], values[len(values) // 2], values[-1]
        pivot = max(min(first, middle), min(max(first, middle), last))
        low, i, high = 0, 0, len(values)
        while i < high:
            if values[i] < pivot:
                _swap(values, rows, i, low)
                low += 1
                i += 1
            elif values[i] > pivot:
                high -= 1
                _swap(values, rows, i, high)
            else:
                i += 1
        _quick_sort(values[:low], rows[:low], patience)
        values, rows = values[high:], rows[high:]
    for i in range(1, len(values)):
        value, row = values[i], rows[i]
        while i > 0 and values[i - 1] > value:
            values[i], rows[i] = values[i - 1], rows[i - 1]
            i -= 1
        values[i], rows[i] = value, row


@compiled
def _heap_sort(values: Float32[np.ndarray, "k"], rows: UInt32[np.ndarray, "k"]) -> None:
    for i in range((len(values) - 2) // 2, -1, -1):
        _sink(values, rows, i, len(values))
    for end in range(len(values) - 1, 0, -1):
        _swap(values, rows, 0, end)
        _sink(values, rows, 0, end)


@compiled
def _sink(
    values: Float32[np.ndarray, "k"], rows: UInt32[np.ndarray, "k"], i: int, end: int
) -> None:
    while 2 * i + 1 < end:
        largest = i
        for child in range(2 * i + 1, min(2 * i + 3, end)):
            if values[child] > values[largest]:
                largest = child
        if largest == i:
            return
        _swap(values, rows, i, largest)
        i = largest


@compiled
def _swap(values: Float32[np.ndarray, "k"], rows: UInt32[np.ndarray, "k"], i: int, j: int) -> None:
    values[i], values[j] = values[j], values[i]
    rows[i], rows[j] = rows[j], rows[i]


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
