"""Bootstrap over seeds, the same to the last digit on any machine and with any NumPy."""

import numpy as np
from jaxtyping import Float, Int

RESAMPLES = 2_000
LEVEL = 0.95
_CUT = round((1 - LEVEL) / 2 * RESAMPLES)  # resamples beyond either end of an interval


def resample(seeds: int, stream: int) -> Int[np.ndarray, "resample seed"]:
    """How often each of some seeds is drawn, in each of 2,000 resamples with replacement.

    Parameters
    ----------
    seeds : int
        Number of seeds.
    stream : int
        Which random numbers: the same stream draws the same, another one independently.

    Examples
    --------
    >>> resample(3, stream=0).sum(axis=1).tolist() == [3] * 2000
    True
    """
    # Raw output, since NumPy promises that for ever, but not what it makes of it. The remainder
    # favours no seed by more than 1 in 2**60.
    raw = np.random.PCG64(stream).random_raw((RESAMPLES, seeds))
    drawn = (raw % np.uint64(seeds)).astype(np.int64)
    places = drawn + seeds * np.arange(RESAMPLES)[:, None]
    return np.bincount(places.ravel(), minlength=RESAMPLES * seeds).reshape(RESAMPLES, seeds)


def resampled_means(
    values: Float[np.ndarray, "n"], seed_of: Int[np.ndarray, "n"], drawn: Int[np.ndarray, "b seed"]
) -> Float[np.ndarray, "b"]:
    """Mean of the runs in each resample; runs of one seed are drawn together.

    Parameters
    ----------
    values : array (n,)
        Value of each run.
    seed_of : array (n,) int
        Which seed each run has, 0 to seeds - 1.
    drawn : array (b, seed) int
        What `resample` returned for as many seeds.
    """
    totals = np.zeros(len(drawn))
    counts = np.zeros(len(drawn))
    # One run after the other: an order of additions that no machine's vector width changes.
    for value, seed in zip(values, seed_of, strict=True):
        totals += drawn[:, seed] * value
        counts += drawn[:, seed]
    return totals / counts


def interval(means: Float[np.ndarray, "b"]) -> tuple[float, float]:
    """The percentile interval of resampled means: what is left without 2.5 % at either end.

    With few seeds it is narrower than it should be: of normal values it covers the true mean in
    about 84 % of cases with 5 seeds, in about 90 % with 10.

    Examples
    --------
    >>> interval(np.full(2000, 0.25))
    (0.25, 0.25)
    """
    ends = np.partition(means, [_CUT, len(means) - 1 - _CUT])
    return float(ends[_CUT]), float(ends[-1 - _CUT])
