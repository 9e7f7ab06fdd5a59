"""InfoMEC against scikit-learn's estimators, closed forms and neighbours counted one by one."""

import numpy as np
import pytest
from scipy.special import digamma
from sklearn.dummy import DummyClassifier
from sklearn.feature_selection import mutual_info_classif
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, mutual_info_score

from drbench.metrics.estimate.neighbours import neighbour_information
from drbench.metrics.infomec import explicitness, infomec

pytestmark = pytest.mark.slow


def counted(values, classes, k):
    """Ross's estimator, distance by distance."""
    kept = [i for i, c in enumerate(classes) if np.sum(classes == c) > 1]
    terms = []
    for i in kept:
        same = [j for j in kept if classes[j] == classes[i]]
        own = min(k, len(same) - 1)
        radius = sorted(abs(values[j] - values[i]) for j in same if j != i)[own - 1]
        closer = sum(abs(values[j] - values[i]) < radius for j in kept)
        terms.append(digamma(own) - digamma(len(same)) - digamma(closer))
    return max(digamma(len(kept)) + np.mean(terms), 0)


@pytest.mark.parametrize(("n", "classes"), [(60, 3), (60, 25), (9, 4)])
@pytest.mark.parametrize("k", [1, 3, 8])
def test_neighbours_are_those_counted_one_by_one(n, classes, k):
    rng = np.random.default_rng(n + k)
    v = rng.integers(classes, size=n)
    z = v / classes * 2 + rng.normal(size=n)
    assert neighbour_information(z, v, k) == pytest.approx(counted(z, v, k), abs=1e-9)


def test_neighbours_agree_with_scikit_learn():
    rng = np.random.default_rng(0)
    v = rng.integers(7, size=1500)
    z = v * 0.4 + rng.normal(size=1500)
    expected = mutual_info_classif(z[:, None], v, discrete_features=False, random_state=0)[0]
    assert neighbour_information(z, v) == pytest.approx(expected, abs=1e-9)


def test_information_of_a_gaussian_with_its_sign_is_known():
    z = np.random.default_rng(0).normal(size=20_000)
    assert neighbour_information(z, (z > 0).astype(int)) == pytest.approx(np.log(2), abs=0.01)
    shuffled = np.random.default_rng(1).permutation(z)
    assert neighbour_information(shuffled, (z > 0).astype(int)) < 0.01


@pytest.mark.parametrize("case", ["perfect", "permuted", "cubed", "small", "constants"])
def test_a_perfect_code_scores_one(bench, case):
    result = infomec(bench.latents[case], bench.codes)
    assert result.parts == pytest.approx({"infom": 1, "infoe": 1, "infoc": 1}, abs=1e-3)
    assert result.value == pytest.approx(result.reference, abs=1e-3)


def test_closed_values_of_the_bench(bench):
    # A factor in two latents: shares of 1/2 among 10. A factor without any: even, 0.
    doubled = infomec(bench.latents["duplicated"], bench.codes)
    assert doubled.parts == pytest.approx(
        {"infom": 1, "infoe": 1, "infoc": (1 / 2 - 1 / 10) / (9 / 10)}, abs=1e-3
    )
    missing = infomec(bench.latents["missing"], bench.codes)
    assert missing.parts == pytest.approx({"infom": 1, "infoe": 0.8, "infoc": 0.8}, abs=1e-3)
    # Two latents tell all of two factors each: shares of 1/2 among 5.
    rotated = infomec(bench.latents["rotated"], bench.codes)
    expected = (3 / 5 + 2 / 5 / 2 - 1 / 5) / (4 / 5)
    assert rotated.parts == pytest.approx(
        {"infom": expected, "infoe": 1, "infoc": expected}, abs=1e-3
    )


def test_noise_looks_modular_and_its_value_does_not(bench):
    result = infomec(bench.latents["noise"], bench.codes)
    assert result.parts["infom"] > 0.4
    assert result.value == result.parts["infoe"] < 0.02
    assert result.chance < 0.02
    assert infomec(bench.latents["noisy"], bench.codes).chance < 0.05


def test_parts_agree_with_scikit_learn(small):
    latents, codes = small
    result = infomec(latents, codes)
    shares, explicit = np.empty((4, 3)), []
    z = (latents - latents.mean(axis=0)) / latents.std(axis=0)
    for j, v in enumerate(codes.T):
        entropy = mutual_info_score(v, v)
        told = mutual_info_classif(z, v, discrete_features=False, n_neighbors=3, random_state=0)
        shares[:, j] = told / entropy
        null = DummyClassifier(strategy="prior").fit(z, v).predict_proba(z)
        model = LogisticRegression(C=1e9, max_iter=5000, tol=1e-8, solver="newton-cg").fit(z, v)
        spent = log_loss(v, model.predict_proba(z))
        explicit.append(1 - spent / log_loss(v, null))
    np.testing.assert_allclose(result.matrix, shares, atol=1e-6)
    assert list(result.per_factor.values()) == pytest.approx(explicit, abs=2e-3)
    told = shares[shares.any(axis=1)]
    infom = (np.mean(told.max(axis=1) / told.sum(axis=1)) - 1 / 3) / (2 / 3)
    k = len(told)
    infoc = (np.mean(told.max(axis=0) / told.sum(axis=0)) - 1 / k) / (1 - 1 / k)
    assert result.parts["infom"] == pytest.approx(infom, abs=1e-5)
    assert result.parts["infoc"] == pytest.approx(infoc, abs=1e-5)
    assert result.value == min(result.parts.values())


def test_a_latent_is_quantised_where_its_few_values_repeat():
    rng = np.random.default_rng(0)
    level = rng.integers(6, size=(600, 1))
    odd = level % 2  # no line tells odd levels from even ones, one-hot features do
    latents = np.hstack([level, rng.normal(size=(600, 1))])
    assert explicitness(latents, odd)[0] == pytest.approx(1, abs=1e-3)
    assert explicitness(latents + 1e-6 * rng.normal(size=(600, 2)), odd)[0] < 0.2


def test_latents_that_tell_of_no_scored_factor_are_inactive(bench):
    result = infomec(bench.latents["perfect"], bench.codes[:, :3])
    assert (result.parts["infom"], result.parts["infoc"]) == pytest.approx((1, 1), abs=1e-9)


def test_latents_that_hardly_move_are_inactive(bench):
    z = bench.latents["perfect"]
    small_noise = 0.05 * np.random.default_rng(0).normal(size=(len(z), 2))
    latents = np.hstack([z, small_noise])
    assert infomec(latents, bench.codes).parts["infom"] < 0.98
    result = infomec(latents, bench.codes, inactive=0.15)
    assert (result.parts["infom"], result.parts["infoc"]) == pytest.approx((1, 1), abs=1e-9)


def test_one_factor_or_one_latent_leave_the_other_parts_standing(bench):
    z, codes = bench.latents["perfect"], bench.codes
    single = infomec(z, codes[:, :1])
    assert "InfoM compares factors" in single.reason
    assert single.parts["infom"] is None
    assert single.parts["infoe"] == pytest.approx(1, abs=1e-3)
    alone = infomec(z[:, :1], codes)
    assert "InfoC compares active latents" in alone.reason
    assert alone.parts["infom"] == pytest.approx(1, abs=1e-3)
    collapsed = infomec(np.ones_like(z), codes)
    assert collapsed.value is None
    assert collapsed.parts["infoe"] == pytest.approx(0, abs=1e-3)


def test_classes_of_a_row_or_two_are_classes_without_a_warning_of_scikit_learn(small):
    latents, codes = small
    codes = codes[:40].copy()
    codes[:, 0] = np.arange(40) % 30
    result = infomec(latents[:40], codes)  # warnings are errors here
    assert result.per_factor["factor_0"] is not None
    assert any("40 rows only" in line for line in result.warnings)


@pytest.mark.parametrize(("sizes", "repeats"), [((4, 3, 5), 1), ((40, 18), 1), ((120, 6), 10)])
def test_equal_latents_are_each_others_neighbours(sizes, repeats):
    codes = np.tile(np.stack(np.unravel_index(np.arange(np.prod(sizes)), sizes), 1), (repeats, 1))
    result = infomec(codes.astype(float), codes)
    np.testing.assert_allclose(np.diag(result.matrix), 1, atol=0.02)
    assert result.value == pytest.approx(result.reference, abs=0.001)


def test_latents_that_have_collapsed_are_the_reason():
    codes = np.arange(60)[:, None] // [1, 20] % [3, 3]
    assert infomec(np.zeros((60, 2)), codes).reason == "no latent tells anything of any factor"


def test_a_value_that_is_not_infoe_says_whose_the_scores_of_factors_are(bench):
    doubled = infomec(bench.latents["duplicated"], bench.codes)
    assert doubled.value == doubled.parts["infoc"] < min(doubled.per_factor.values())
    assert any("the value is InfoC" in warning for warning in doubled.warnings)
    assert any("each factor's score is its InfoE" in warning for warning in doubled.warnings)
    missing = infomec(bench.latents["missing"], bench.codes)
    assert missing.value == missing.parts["infoe"]
    assert missing.warnings == ()
