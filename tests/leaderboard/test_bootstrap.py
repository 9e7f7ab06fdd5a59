"""Bootstrap over seeds, against SciPy, all possible resamples, and PCG64's own definition."""

import itertools

import numpy as np
import pytest
import scipy.stats

from drbench.board.bootstrap import RESAMPLES, interval, resample, resampled_means


def means(values, stream):
    values = np.array(values, dtype=float)
    return resampled_means(values, np.arange(len(values)), resample(len(values), stream))


@pytest.mark.parametrize("value", [0.0, 0.25, -3.0])
def test_the_interval_of_equal_values_is_the_value(value):
    assert interval(means([value] * 5, stream=1)) == (value, value)


@pytest.mark.parametrize("values", [(0.3, 0.1), (0.3, 0.1, 0.7)])
def test_of_two_or_three_seeds_the_interval_is_their_range(values):
    # The lowest of three is drawn three times in 1 of 27 resamples: more than 2.5 %.
    for stream in range(20):
        assert interval(means(values, stream)) == pytest.approx((min(values), max(values)))


@pytest.mark.parametrize("values", [(0.1, 0.4, 0.35, 0.8), (0.5, 0.61, 0.33, 0.2, 0.9)])
def test_the_ends_are_percentiles_of_all_possible_resamples(values):
    everything = np.array(
        [np.mean(drawn) for drawn in itertools.product(values, repeat=len(values))]
    )
    error = 4 * (0.025 * 0.975 / RESAMPLES) ** 0.5
    for stream in range(10):
        low, high = interval(means(values, stream))
        for end, others in ((low, everything), (-high, -everything)):
            assert (others < end - 1e-12).mean() < 0.025 + error
            assert (others < end + 1e-12).mean() > 0.025 - error


@pytest.mark.parametrize("seeds", [5, 10, 30])
def test_the_interval_is_scipys_percentile_interval(seeds):
    rng = np.random.default_rng(seeds)
    values = rng.normal(0.5, 0.1, seeds)
    theirs = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=50_000, method="percentile", rng=rng
    ).confidence_interval
    # Each end of 2,000 resamples scatters by 0.027 of its distance from the middle or so.
    assert interval(means(values, stream=1)) == pytest.approx(
        tuple(theirs), abs=0.15 * np.std(values) / seeds**0.5 * 2
    )


@pytest.mark.parametrize(("seeds", "said"), [(5, 0.84), (10, 0.90)])
def test_the_interval_covers_the_mean_of_normal_values_as_often_as_it_says(seeds, said):
    rng = np.random.default_rng(0)
    draws = [resample(seeds, stream) for stream in range(50)]
    trials = 4_000
    hits = 0
    for number in range(trials):
        sample = rng.normal(size=seeds)
        low, high = interval(resampled_means(sample, np.arange(seeds), draws[number % 50]))
        hits += low <= 0 <= high
    # Four standard errors of the trials, and half a point for rounding what is said.
    margin = 4 * (said * (1 - said) / trials) ** 0.5 + 0.005
    assert hits / trials == pytest.approx(said, abs=margin)


def test_every_seed_is_drawn_as_often_as_any_other():
    drawn = resample(5, stream=3).sum(axis=0)
    # Binomial(10,000, 1/5): standard deviation 40.
    assert np.abs(drawn - 2_000).max() < 4 * 40


def test_streams_are_independent():
    a, b = (means([0.1, 0.5, 0.2, 0.8, 0.4], stream) for stream in (1, 2))
    assert abs(np.corrcoef(a, b)[0, 1]) < 4 / RESAMPLES**0.5


def test_runs_of_one_seed_are_drawn_together():
    values, seed_of = np.array([0.0, 0.0, 0.0, 1.0]), np.array([0, 0, 0, 1])
    found = set(resampled_means(values, seed_of, resample(2, stream=0)))
    assert found == {0.0, 0.25, 1.0}  # twice the first seed, each once, twice the second


def pcg64(stream):
    """PCG XSL RR 128/64 (O'Neill 2014), seeded as NumPy documents it."""
    mask = 2**128 - 1
    high, low, high_step, low_step = map(
        int, np.random.SeedSequence(stream).generate_state(4, np.uint64)
    )
    step = ((high_step << 64 | low_step) << 1 | 1) & mask

    def advanced(state):
        return (state * 0x2360ED051FC65DA44385DF649FCCF645 + step) & mask

    state = advanced(advanced(0) + (high << 64 | low))
    while True:
        state = advanced(state)
        folded, turn = (state >> 64 ^ state) & (2**64 - 1), state >> 122
        yield (folded >> turn | folded << (64 - turn)) & (2**64 - 1)


@pytest.mark.parametrize("stream", [0, 7, 2**256 - 1])
def test_draws_are_pcg64s_raw_output(stream):
    """Other draws would change every published file."""
    raw = pcg64(stream)
    for counts in resample(3, stream)[:100]:
        drawn = [next(raw) % 3 for _ in range(3)]
        assert counts.tolist() == [drawn.count(seed) for seed in range(3)]
