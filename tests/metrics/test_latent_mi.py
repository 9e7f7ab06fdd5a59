"""Mutual information between latents against scikit-learn's estimate and closed forms."""

import itertools

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from drbench.metrics.latent_mi import latent_mi
from drbench.representation.representation import Representation


def reference(latents, edges_of):
    labels = [np.digitize(z, edges_of(z)) for z in latents.T]
    return [mutual_info_score(a, b) for a, b in itertools.combinations(labels, 2)]


@pytest.mark.parametrize("case", ["perfect", "permuted", "cubed", "small", "constants", "missing"])
def test_independent_latents_of_the_bench_score_zero(bench, case):
    assert latent_mi(bench.latents[case], bench.codes).value == pytest.approx(0, abs=1e-12)


def test_copies_share_their_entropy(bench):
    result = latent_mi(bench.latents["duplicated"], bench.codes)
    # Of 45 pairs the 5 of copies share log(levels).
    assert result.value == pytest.approx(np.log(720) / 45)
    assert result.parts["largest"] == pytest.approx(np.log(6))


@pytest.mark.parametrize("bins", [6, 20])
def test_equal_width_bins_agree_with_an_independent_estimate(small, bins):
    latents, codes = small
    result = latent_mi(latents, codes, bins=bins)
    expected = reference(latents, lambda z: np.linspace(z.min(), z.max(), bins + 1)[1:-1])
    assert result.value == pytest.approx(np.mean(expected), abs=1e-9)
    assert result.parts["largest"] == pytest.approx(max(expected), abs=1e-9)


def test_equal_frequency_bins_agree_with_an_independent_estimate(small):
    latents, codes = small
    result = latent_mi(latents, codes, binning="frequency", bins=9)
    expected = reference(latents, lambda z: np.quantile(z, np.arange(1, 9) / 9))
    assert result.value == pytest.approx(np.mean(expected), abs=1e-9)


def test_chance_is_what_independent_latents_score(bench):
    result = latent_mi(bench.latents["noise"], bench.codes)
    assert result.value == pytest.approx(result.chance, rel=0.05)
    assert result.chance > 0.1  # 720 rows are few for 400 cells
    assert latent_mi(bench.latents["duplicated"], bench.codes).chance < 0.02


def test_the_reference_is_what_the_factors_share():
    a = np.repeat([0, 1], 50)
    codes = np.stack([a, a, np.tile([0, 1], 50)], axis=1)
    result = latent_mi(np.random.default_rng(0).normal(size=(100, 2)), codes)
    assert result.reference == pytest.approx(np.log(2) / 3)


def test_what_cannot_be_compared_has_a_reason(small):
    latents, codes = small
    assert "compares two latents" in latent_mi(latents[:, :1], codes).reason
    constant = np.hstack([latents[:, :1], np.ones((len(latents), 3))])
    assert "compares two latents" in latent_mi(constant, codes).reason
    units = Representation.from_arrays(latents, codes, latent_groups=[0, 0, 1, 1])
    assert "several columns" in latent_mi(units).reason
