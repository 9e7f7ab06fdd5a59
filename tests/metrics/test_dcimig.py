"""DCIMIG against published tables and a loop over scikit-learn's mutual information."""

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from drbench.metrics.dcimig import dcimig

PUBLISHED = {
    "perfect": 1,
    "permuted": 1,
    "cubed": 0.958,
    "small": 1,
    "constants": 1,
    "noisy": 1,
    "duplicated": 1,
    "rotated": 0.579,
    "noise": 0.003,
    "missing": 0.73,
}
RANDOM = {"noise"}


def reference(latents, codes, bins):
    owned = [[0.0] for _ in codes.T]
    for z in latents.T:
        label = np.digitize(z, np.linspace(z.min(), z.max(), bins + 1)[1:-1])
        told = [mutual_info_score(label, v) for v in codes.T]
        owner = int(np.argmax(told))
        owned[owner].append(told[owner] - max(told[:owner] + told[owner + 1 :]))
    best = [max(each) for each in owned]
    entropy = [mutual_info_score(v, v) for v in codes.T]
    return sum(best) / sum(entropy), [b / h for b, h in zip(best, entropy, strict=True)]


@pytest.mark.parametrize("case", PUBLISHED)
def test_the_bench_scores_what_is_published(bench, case):
    value = dcimig(bench.latents[case], bench.codes).value
    tolerance = 0.002 if case in RANDOM else 0.003
    assert value == pytest.approx(PUBLISHED[case], abs=tolerance)


def test_missing_and_cubed_are_closed_forms(bench):
    total = np.log(720)
    assert dcimig(bench.latents["missing"], bench.codes).value == pytest.approx(np.log(120) / total)
    # Of 10 bins over the cubes of -1.4, -.7, 0, .7, 1.4 two levels share one.
    cubed = dcimig(bench.latents["cubed"], bench.codes)
    assert cubed.value == pytest.approx(1 - 0.4 * np.log(2) / total)
    assert cubed.per_factor["factor_2"] == pytest.approx(1 - 0.4 * np.log(2) / np.log(5))
    assert dcimig(bench.latents["cubed"], bench.codes, bins=20).value == pytest.approx(1)


@pytest.mark.parametrize("bins", [5, 10, 21])
def test_it_agrees_with_an_independent_estimate(small, bins):
    result = dcimig(*small, bins=bins)
    value, each = reference(*small, bins)
    assert result.value == pytest.approx(value, abs=1e-9)
    assert list(result.per_factor.values()) == pytest.approx(each, abs=1e-9)


def test_chance_is_what_noise_scores(bench):
    result = dcimig(bench.latents["noise"], bench.codes)
    assert result.value == pytest.approx(result.chance, abs=0.005)
    assert result.reference == pytest.approx(1)
    assert 0 < dcimig(bench.latents["perfect"], bench.codes).chance < 0.02


def test_one_factor_has_a_reason(bench):
    assert "one alone varies" in dcimig(bench.latents["perfect"], bench.codes[:, :1]).reason
