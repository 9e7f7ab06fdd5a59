"""MIG-sup against scikit-learn's mutual information and closed forms."""

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from drbench.metrics.mig_sup import mig_sup

CLOSED = {
    "perfect": 1,
    "permuted": 1,
    "cubed": 1,
    "small": 1,
    "constants": 1,
    "duplicated": 1,
    "missing": 1,
}


def reference(latents, codes, bins):
    found = []
    for z in latents.T:
        label = np.digitize(z, np.linspace(z.min(), z.max(), bins + 1)[1:-1])
        told = sorted(mutual_info_score(label, v) / mutual_info_score(v, v) for v in codes.T)
        found.append(told[-1] - told[-2])
    return found


@pytest.mark.parametrize("case", CLOSED)
def test_closed_values_of_the_bench(bench, case):
    assert mig_sup(bench.latents[case], bench.codes).value == pytest.approx(CLOSED[case], abs=1e-9)


@pytest.mark.parametrize("bins", [4, 17])
def test_it_agrees_with_an_independent_estimate(small, bins):
    result = mig_sup(*small, bins=bins)
    expected = reference(*small, bins)
    assert result.value == pytest.approx(np.mean(expected), abs=1e-9)
    best = np.array(result.matrix).argmax(axis=1)
    for j, name in enumerate(result.per_factor):
        own = [gap for gap, k in zip(expected, best, strict=True) if k == j]
        assert result.per_factor[name] == (pytest.approx(np.mean(own)) if own else None)


def test_every_copy_of_a_latent_counts_and_noise_counts_as_nothing(bench):
    assert mig_sup(bench.latents["noisy"], bench.codes).value == pytest.approx(0.5, abs=0.01)
    noise = mig_sup(bench.latents["noise"], bench.codes)
    assert noise.value == pytest.approx(noise.chance, abs=0.01)
    assert 0 < mig_sup(bench.latents["perfect"], bench.codes).chance < 0.02


def test_more_levels_than_bins_lower_the_reference_as_well():
    rng = np.random.default_rng(0)
    codes = np.stack([rng.permutation(np.arange(8000) % 40), np.arange(8000) % 4], axis=1)
    result = mig_sup(codes.astype(float), codes)
    assert result.value == pytest.approx(result.reference)
    # 20 even bins of 2 levels each: log 20 of log 40.
    assert result.per_factor["factor_0"] == pytest.approx(np.log(20) / np.log(40), abs=0.01)


def test_one_factor_or_no_information_has_a_reason(bench):
    z = bench.latents["perfect"]
    assert "one alone varies" in mig_sup(z, bench.codes[:, :1]).reason
    assert "no latent tells anything" in mig_sup(np.ones_like(z), bench.codes).reason
