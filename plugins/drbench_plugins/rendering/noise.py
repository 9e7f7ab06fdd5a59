"""Noise that is a function of seed and row alone, whatever batch the row is in."""

import math

import numpy as np
from jaxtyping import Int, UInt8, UInt64

_GOLDEN = 0x9E3779B97F4A7C15
_WORD = 2**64 - 1


def uniform_bytes(
    rows: Int[np.ndarray, "k"], shape: tuple[int, ...], seed: int = 0
) -> UInt8[np.ndarray, "k ..."]:
    """Independent uniform bytes for each row.

    They are the splitmix64 generator (Steele, Lea, Flood 2014), entered at the words of the row:
    no two rows share a word, and no state is kept.

    Parameters
    ----------
    rows : (k,) int
        Rows of the data set, 0 or more.
    shape : tuple of int
        Shape of one row's noise.
    seed : int
        Another seed is another noise.

    Returns
    -------
    noise : (k, *shape) uint8
    """
    size = math.prod(shape)
    words = -(-size // 8)
    start = _mixed(np.array([seed & _WORD], dtype=np.uint64))
    first = rows.astype(np.uint64) * np.uint64(words)
    counter = np.add.outer(first, np.arange(1, words + 1, dtype=np.uint64))
    counter *= np.uint64(_GOLDEN)
    counter += start
    # Little-endian bytes, so that the noise is the same on every machine.
    noise = _mixed(counter).astype("<u8", copy=False).view(np.uint8)
    return noise[:, :size].reshape(len(rows), *shape)


def _mixed(words: UInt64[np.ndarray, "..."]) -> UInt64[np.ndarray, "..."]:
    """Finalise the words of the generator, in place."""
    shifted = np.empty_like(words)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        words ^= np.right_shift(words, np.uint64(shift), out=shifted)
        words *= np.uint64(factor)
    words ^= np.right_shift(words, np.uint64(31), out=shifted)
    return words
