"""Explicitness against scikit-learn's own curve and a closed form of perfect codes."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from drbench.data.spec import Factor
from drbench.metrics.estimate.splits import split_rows
from drbench.metrics.explicitness import explicitness, perfect_explicitness, rank_gap
from drbench.representation.representation import Representation


def test_scores_are_areas_of_another_solver(small):
    latents, codes = small
    known = Representation.from_arrays(latents, codes)
    result = explicitness(known, seed=5)
    z = (latents - latents.mean(axis=0)) / latents.std(axis=0)
    for j, name in enumerate(known.factor_names):
        split, areas = split_rows(known, j, 5), []
        for label in np.unique(codes[:, j]):
            is_label = codes[:, j] == label
            model = LogisticRegression(solver="newton-cholesky", tol=1e-10)
            probability = model.fit(z[split.train], is_label[split.train]).predict_proba(
                z[split.test]
            )[:, 1]
            areas.append(roc_auc_score(is_label[split.test], probability))
        assert result.per_factor[name] == pytest.approx(2 * np.mean(areas) - 1, abs=2e-3)
    assert result.value == pytest.approx(np.mean(list(result.per_factor.values())))
    assert result.chance == 0


@pytest.mark.parametrize("seed", range(5))
def test_rank_gap_counts_all_pairs(seed):
    rng = np.random.default_rng(seed)
    score, positive = rng.integers(6, size=40).astype(float), rng.random(40) < 0.3
    pairs = [np.sign(a - b) for a in score[positive] for b in score[~positive]]
    assert rank_gap(score, positive) == pytest.approx(np.mean(pairs))
    assert rank_gap(score, positive) == pytest.approx(2 * roc_auc_score(positive, score) - 1)


@pytest.mark.parametrize("counts", [[5, 5], [3, 4, 5], [9, 1, 1, 6], [4, 0, 5, 2], [2] * 7])
def test_a_perfect_code_is_scored_by_counting_pairs(counts):
    latent = np.repeat(np.arange(len(counts)), counts).astype(float)
    gaps = []
    for label in np.flatnonzero(counts):
        inside, outside = latent[latent == label], latent[latent != label]
        direction = np.sign(inside.mean() - latent.mean())
        gaps.append(np.mean([np.sign(direction * (a - b)) for a in inside for b in outside]))
    assert perfect_explicitness(np.array(counts)) == pytest.approx(np.mean(gaps))


@pytest.mark.parametrize("case", ["perfect", "permuted", "small", "constants", "duplicated"])
def test_the_bench_scores_its_reference(bench, case):
    result = explicitness(bench.latents[case], bench.codes)
    expected = np.mean([perfect_explicitness(np.full(n, 5)) for n in bench.sizes])
    assert result.reference == pytest.approx(expected)
    assert result.value == pytest.approx(expected, abs=0.03)


def test_one_latent_a_class_scores_one(bench):
    latents = np.hstack([np.eye(n)[bench.codes[:, j]] for j, n in enumerate(bench.sizes)])
    assert explicitness(latents, bench.codes).value == pytest.approx(1)


def test_noise_scores_zero(bench):
    assert explicitness(bench.latents["noise"], bench.codes).value == pytest.approx(0, abs=0.1)


def test_continuous_factors_are_declined(small):
    latents, codes = small
    factors = [Factor(name="a", kind="continuous"), Factor(name="b", kind="ordinal", size=6)]
    known = Representation.from_arrays(latents, codes[:, :2], factors=factors)
    result = explicitness(known)
    assert result.value is result.reference is None
    assert "a is continuous" in result.reason
    assert result.per_factor["b"] > 0
