"""Gaussian total correlation against closed forms and sums of explained variance."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from drbench.data.spec import Factor
from drbench.metrics.gaussian_tc import gaussian_tc
from drbench.representation.representation import Representation

pytestmark = pytest.mark.slow


def reference(latents):
    """Chain rule: each latent's information with those before it, from its R^2 given them."""
    total = 0.0
    for d in range(1, latents.shape[1]):
        model = LinearRegression().fit(latents[:, :d], latents[:, d])
        total -= 0.5 * np.log(1 - model.score(latents[:, :d], latents[:, d]))
    return total


@pytest.mark.parametrize(
    "case", ["perfect", "permuted", "cubed", "small", "constants", "rotated", "missing"]
)
def test_uncorrelated_latents_of_the_bench_score_zero(bench, case):
    assert gaussian_tc(bench.latents[case], bench.codes).value == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("rho", [-0.9, 0.3, 0.999])
def test_two_latents_are_a_closed_form(bench, rho):
    a, b = bench.latents["perfect"][:, :2].T  # exactly uncorrelated
    latents = np.stack([a, rho * a + np.sqrt(1 - rho**2) * b], axis=1)
    result = gaussian_tc(latents, bench.codes)
    assert result.value == pytest.approx(-0.5 * np.log(1 - rho**2), abs=1e-9)


def test_it_agrees_with_the_chain_rule(small):
    latents, codes = small
    assert gaussian_tc(latents, codes).value == pytest.approx(reference(latents), abs=1e-9)


def test_units_are_compared_not_their_columns(small):
    latents, codes = small
    known = Representation.from_arrays(latents, codes, latent_groups=[5, 2, 5, 2])
    # What all share, less what the columns of each unit share among themselves.
    inner = reference(latents[:, [0, 2]]) + reference(latents[:, [1, 3]])
    expected = reference(latents) - inner
    assert gaussian_tc(known).value == pytest.approx(expected, abs=1e-9)


def test_copies_within_a_unit_cost_nothing(small):
    latents, codes = small
    doubled = np.hstack([latents[:, :1], latents])
    known = Representation.from_arrays(doubled, codes, latent_groups=[0, 0, 1, 2, 3])
    assert gaussian_tc(known).value == pytest.approx(gaussian_tc(latents, codes).value)


def test_copies_among_units_are_infinite_and_it_is_said(bench):
    result = gaussian_tc(bench.latents["duplicated"], bench.codes)
    assert result.value is None
    assert "infinite" in result.reason
    wide = np.random.default_rng(0).normal(size=(20, 30))
    assert "20 for 30 latents" in gaussian_tc(wide, bench.codes[:20]).reason


def test_chance_is_what_independent_latents_score():
    rng = np.random.default_rng(0)
    results = [gaussian_tc(rng.normal(size=(400, 8)), np.arange(400) % 5) for _ in range(30)]
    # 28 pairs, each of 1 / (2 n) on average.
    assert np.mean([r.value for r in results]) == pytest.approx(28 / 800, rel=0.15)
    assert np.mean([r.chance for r in results]) == pytest.approx(28 / 800, rel=0.15)


def test_chance_keeps_a_unit_together(small):
    latents, codes = small
    close = np.stack([latents[:, 0], latents[:, 0] + 0.01 * latents[:, 3]], axis=1)
    result = gaussian_tc(close, codes)
    assert result.value > 2
    assert result.chance < 0.02
    known = Representation.from_arrays(np.hstack([close, latents]), codes, latent_groups=[0] * 6)
    assert gaussian_tc(known).chance == pytest.approx(0, abs=1e-9)


def test_the_reference_is_what_the_factors_share():
    rng = np.random.default_rng(0)
    a = rng.normal(size=500)
    values = np.stack([a, a + rng.normal(size=500)], axis=1)
    factors = [Factor(name=name, kind="continuous") for name in "ab"]
    known = Representation.from_arrays(rng.normal(size=(500, 3)), values, factors=factors)
    assert gaussian_tc(known).reference == pytest.approx(reference(values))


def test_a_collapsed_representation_has_a_reason(bench):
    assert "no latent varies" in gaussian_tc(np.ones((720, 3)), bench.codes).reason


def test_many_latents_are_no_trouble():
    rng = np.random.default_rng(0)
    latents = rng.normal(size=(1200, 300)) + rng.normal(size=(1200, 1))
    expected = -0.5 * np.linalg.slogdet(np.corrcoef(latents.T))[1]
    assert gaussian_tc(latents, np.arange(1200) % 3).value == pytest.approx(expected)
