"""DCI against closed forms, published tables and plain scikit-learn."""

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier

from drbench.metrics.dci import compactness, dci, importance_matrix, modularity, weighted
from drbench.metrics.estimate.splits import split_rows
from drbench.representation.representation import Representation

pytestmark = pytest.mark.slow

# D, C, I; "noisy" and "noise" hold other random numbers than ours.
PUBLISHED = {
    "perfect": (1, 1, 1),
    "noisy": (1, 1, 1),
    "duplicated": (1, 0.713, 1),
    "rotated": (0.828, 0.828, 1),
    "noise": (0.0045, 0.0055, 0.295),
    "missing": (0.70, 0.81, 0.80),
}
DROP = 1 - np.log(2) / np.log(10)


def scores(importance):
    importance = np.asarray(importance, dtype=float)
    return modularity(importance), weighted(compactness(importance), importance.sum(axis=0))


@pytest.mark.parametrize(
    ("importance", "disentanglement", "completeness"),
    [
        (np.eye(5), 1, 1),
        (np.eye(5) * [1, 2, 3, 4, 5], 1, 1),
        (np.vstack([np.eye(5), np.eye(5)]), 1, DROP),
        (np.hstack([np.eye(5), np.eye(5)]), DROP, 1),
        (np.ones((4, 3)), 0, 0),
        (np.zeros((4, 3)), 0, 0),
        # Rows weigh 3 and 1: entropies 0 and log 2. Columns weigh 3.5 and 0.5.
        (
            [[3, 0], [0.5, 0.5]],
            0.75,
            0.875 * (1 - (6 / 7 * np.log2(7 / 6) + np.log2(7) / 7)) + 0.125,
        ),
    ],
)
def test_closed_forms_of_given_importances(importance, disentanglement, completeness):
    assert scores(importance) == pytest.approx((disentanglement, completeness), abs=1e-12)


def test_importances_of_a_unit_are_summed():
    columns = [np.array([0.1, 0.2, 0.7]), np.array([0.5, 0.5, 0.0])]
    found = importance_matrix(columns, np.array([1, 0, 1]), 2)
    np.testing.assert_allclose(found, [[0.2, 0.5], [0.8, 0.5]])


@pytest.mark.parametrize("case", PUBLISHED)
def test_the_bench_scores_what_is_published(bench, case):
    parts = dci(bench.latents[case], bench.codes, rounds=40).parts  # 100 move no figure by .01
    found = [parts["disentanglement"], parts["completeness"], parts["informativeness"]]
    assert found == pytest.approx(PUBLISHED[case], abs=0.015)


def test_importances_and_accuracy_are_those_of_plain_scikit_learn(small):
    latents, codes = small
    result = dci(latents, codes, seed=3, rounds=20)
    known = Representation.from_arrays(latents, codes)
    matrix, accuracies = [], []
    for j in range(3):
        split = split_rows(known, j, 3)
        model = GradientBoostingClassifier(n_estimators=20, random_state=3)
        model.fit(latents[split.train], codes[split.train, j])
        matrix.append(model.feature_importances_)
        accuracies.append(model.score(latents[split.test], codes[split.test, j]))
    np.testing.assert_allclose(result.matrix, np.array(matrix).T, rtol=0, atol=1e-12)
    assert result.parts["informativeness"] == pytest.approx(np.mean(accuracies))


def test_values_follow_from_the_matrix(small):
    result = dci(*small, rounds=10)
    assert scores(result.matrix)[0] == pytest.approx(result.value)
    assert list(result.per_factor.values()) == pytest.approx(compactness(np.array(result.matrix)))
    assert result.parts["informativeness_train"] > result.parts["informativeness"]


def test_columns_of_a_unit_count_as_one(small):
    latents, codes = small
    # The second factor is mixed into two columns that make up one unit.
    known = Representation.from_arrays(latents, codes, latent_groups=[0, 1, 1, 2])
    result, apart = dci(known, rounds=10), dci(latents, codes, rounds=10)
    assert len(result.matrix) == 3
    np.testing.assert_allclose(result.matrix[1], np.sum(apart.matrix[1:3], axis=0))


def test_one_factor_has_no_disentanglement(small):
    latents, codes = small
    result = dci(latents, codes[:, :1], rounds=5)
    assert result.value is None
    assert "disentanglement compares factors" in result.reason
    assert result.parts["completeness"] is not None
    assert result.parts["disentanglement"] is None


def test_one_latent_has_no_completeness(small):
    latents, codes = small
    result = dci(latents[:, :1], codes, rounds=5)
    assert result.value is None
    assert "completeness compares latents" in result.reason
    assert result.parts["disentanglement"] is not None
    assert set(result.per_factor.values()) == {None}


@pytest.mark.parametrize(("rows", "latents"), [(360, 384), (3000, 6)])
def test_noise_scores_its_chance(rows, latents):
    rng = np.random.default_rng(0)
    codes = rng.integers(0, [4, 3, 5], (rows, 3))
    result = dci(rng.normal(size=(rows, latents)), codes, rounds=30)
    assert result.value == pytest.approx(result.chance, abs=0.05)
    assert (result.chance > 0.3) == (latents == 384)


def test_chance_does_not_depend_on_what_a_code_knows(small):
    latents, codes = small
    chance = dci(latents, codes, rounds=10).chance
    assert chance == pytest.approx(dci(codes[:, [0, 1, 2, 2]], codes, rounds=10).chance, abs=0.1)
    assert chance < 0.1
    assert dci(latents, codes[:, :1], rounds=2).chance is None


def test_latents_that_tell_nothing_score_zero(small):
    result = dci(np.ones((360, 3)), small[1], rounds=5)
    assert (result.value, result.parts["completeness"]) == (0, 0)
