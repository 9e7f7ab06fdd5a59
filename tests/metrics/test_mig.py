"""MIG against scikit-learn's mutual information and published tables."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import mutual_info_score

from drbench.data.spec import Factor
from drbench.metrics.mig import mig
from drbench.representation.representation import Representation

PUBLISHED = {
    "perfect": 1,
    "permuted": 1,
    "cubed": 1,
    "small": 1,
    "constants": 1,
    "noisy": 0.963,
    "duplicated": 0,
    "rotated": 0.6,
    "noise": 0.005,
    "missing": 0.8,
}
RANDOM = {"noisy", "noise"}


def reference(latents, codes, edges_of):
    """MIG per factor from numpy's digitize and scikit-learn's estimate."""
    gaps = []
    for v in codes.T:
        information = [mutual_info_score(np.digitize(z, edges_of(z)), v) for z in latents.T]
        best, second = sorted(information, reverse=True)[:2]
        gaps.append((best - second) / mutual_info_score(v, v))
    return gaps


@pytest.mark.parametrize("case", PUBLISHED)
def test_the_bench_scores_what_is_published(bench, case):
    value = mig(bench.latents[case], bench.codes).value
    assert value == pytest.approx(PUBLISHED[case], abs=0.005 if case in RANDOM else 1e-9)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), bins=st.integers(2, 30))
def test_equal_width_bins_agree_with_an_independent_estimate(seed, bins):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, [3, 5, 2], size=(200, 3))
    latents = codes @ rng.normal(size=(3, 4)) + rng.normal(size=(200, 4))
    place = (latents - latents.min(axis=0)) / np.ptp(latents, axis=0) * bins
    inside = place[(place > 0) & (place < bins)]
    assume(np.abs(inside - np.rint(inside)).min() > 2e-5)  # so close to an edge, ours is the upper
    result = mig(latents, codes, bins=bins)
    expected = reference(latents, codes, lambda z: np.linspace(z.min(), z.max(), bins + 1)[1:-1])
    np.testing.assert_allclose(list(result.per_factor.values()), expected, atol=1e-9)


def test_equal_frequency_bins_agree_with_an_independent_estimate(small):
    latents, codes = np.round(small[0], 1), small[1]  # with ties, some of them on an edge
    result = mig(latents, codes, binning="frequency", bins=9)
    expected = reference(latents, codes, lambda z: np.quantile(z, np.arange(1, 9) / 9))
    np.testing.assert_allclose(list(result.per_factor.values()), expected, atol=1e-9)


def test_one_outlier_ruins_equal_width_bins_and_not_equal_frequency():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 8, size=(2000, 3))
    latents = codes.astype(float)
    latents[0] = 70.0
    assert mig(latents, codes).value < 0.5
    assert mig(latents, codes, binning="frequency").value > 0.95


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [((3, 6, 40, 32, 32), 0.896), ((100, 72, 18, 9), 0.826)],  # dSprites, Coil100-Augmented
)
def test_the_perfect_code_reference_is_the_published_one(sizes, expected):
    rng = np.random.default_rng(0)
    n = 14400  # a multiple of every size: each column is uniform, and nearly independent
    codes = np.stack([rng.permutation(np.arange(n) % size) for size in sizes], axis=1)
    result = mig(codes.astype(float), codes)
    assert result.value == pytest.approx(result.reference)
    assert result.reference == pytest.approx(expected, abs=0.005)


def test_the_reference_of_few_levels_is_one(bench):
    assert mig(bench.latents["noise"], bench.codes).reference == pytest.approx(1)


def test_chance_is_what_unrelated_latents_score(bench):
    known = mig(bench.latents["noise"], bench.codes)
    assert 0 < known.chance < 0.02
    assert known.value == pytest.approx(known.chance, abs=0.01)
    assert mig(bench.latents["noisy"], bench.codes).chance < 0.02


def test_the_matrix_is_information_over_entropy(bench):
    matrix = np.array(mig(bench.latents["missing"], bench.codes).matrix)
    np.testing.assert_allclose(matrix, np.eye(5)[:4], atol=1e-12)


def test_continuous_factors_are_never_binned():
    codes = np.array(list(itertools.product(range(4), range(5))))
    factors = [Factor(name="a", kind="ordinal", size=4), Factor(name="b", kind="continuous")]
    result = mig(Representation.from_arrays(codes.astype(float), codes, factors=factors))
    assert result.value is None
    assert "b is continuous" in result.reason
    assert result.per_factor == {"a": pytest.approx(1), "b": None}


def test_a_single_latent_has_no_gap():
    codes = np.array(list(itertools.product(range(4), range(5))))
    result = mig(codes[:, :1].astype(float), codes)
    assert result.value is None
    assert "compares two latents" in result.reason


def test_huge_and_tiny_latents_are_binned_alike(small):
    latents, codes = small
    expected = mig(latents, codes).value
    assert mig(latents / np.abs(latents).max() * 1.7e308, codes).value == pytest.approx(expected)
    assert mig(latents * 1e-200, codes).value == pytest.approx(expected)


def test_float32_levels_on_an_edge_stay_together():
    codes = np.array(list(itertools.product(range(5), range(21))))
    latents = (codes - codes.mean(axis=0)) / codes.std(axis=0)
    assert mig(latents.astype(np.float32), codes).value == pytest.approx(mig(latents, codes).value)
