"""GBT on the full and the pruned code."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.metrics import balanced_accuracy_score, r2_score

from drbench.data.spec import Factor
from drbench.metrics.dci import dci
from drbench.metrics.estimate import parallel
from drbench.metrics.estimate.splits import split_rows
from drbench.metrics.gbt import gbt
from drbench.metrics.gbt_pruned import gbt_pruned
from drbench.metrics.omes import omes
from drbench.metrics.predict import predictors
from drbench.representation.representation import Representation

pytestmark = pytest.mark.slow


@pytest.fixture
def fits(monkeypatch):
    """Counts the fits that are made, starting from none remembered."""
    made = []
    judged = predictors.judged

    def counted(problem, prediction):
        made.append(problem.latents.shape[1])
        return judged(problem, prediction)

    monkeypatch.setattr(predictors, "_remembered", type(predictors._remembered)())
    monkeypatch.setattr(predictors, "judged", counted)
    return made


def fitted(latents, labels, split, kind=GradientBoostingClassifier, rounds=10):
    model = kind(n_estimators=rounds, random_state=0).fit(latents[split.train], labels[split.train])
    return labels[split.test], model.predict(latents[split.test])


def test_accuracies_are_those_of_plain_scikit_learn(small):
    latents, codes = small
    result = gbt(latents, codes, rounds=10, engine="sklearn")
    known = Representation.from_arrays(latents, codes)
    balanced, chance = [], []
    for j, name in enumerate(known.factor_names):
        truth, predicted = fitted(latents, codes[:, j], split_rows(known, j, 0))
        assert result.per_factor[name] == pytest.approx(np.mean(truth == predicted))
        balanced.append(balanced_accuracy_score(truth, predicted))
        chance.append(1 / len(np.unique(codes[:, j])))
    assert result.value == pytest.approx(np.mean(list(result.per_factor.values())))
    assert result.parts["balanced_accuracy"] == pytest.approx(np.mean(balanced))
    assert result.chance == pytest.approx(np.mean(chance), abs=0.02)
    assert result.parameters == {
        "seed": 0,
        "rounds": 10,
        "engine": "sklearn",
        "split": "stratified",
    }


def test_a_frequent_class_raises_chance_and_not_balanced_accuracy():
    rng = np.random.default_rng(0)
    codes = (rng.random((300, 2)) < [0.1, 0.5]).astype(int)
    result = gbt(rng.normal(size=(300, 2)), codes, rounds=10)
    assert result.chance == pytest.approx((0.9 + 0.5) / 2, abs=0.04)
    assert result.parts["balanced_accuracy"] == pytest.approx(0.5, abs=0.1)


def test_continuous_factors_count_with_r2(small):
    latents, codes = small
    factors = [
        Factor(name="a", kind="ordinal", size=6),
        Factor(name="b", kind="continuous"),
        Factor(name="c", kind="ordinal", size=10),
    ]
    known = Representation.from_arrays(latents, codes * [1, 0.37, 1], factors=factors)
    result = gbt(known, rounds=10)
    split = split_rows(known, 1, 0)
    truth, predicted = fitted(latents, codes[:, 1] * 0.37, split, GradientBoostingRegressor)
    assert result.per_factor["b"] == pytest.approx(r2_score(truth, predicted), abs=1e-6)
    assert result.value is not None
    assert any("mixes accuracy" in warning for warning in result.warnings)
    pruned = gbt_pruned(known, rounds=5)
    assert pruned.value is None
    assert "b is continuous" in pruned.reason


def test_r2_is_not_below_zero():
    known, scores = [], []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        latents, values = rng.normal(size=(60, 2)), rng.normal(size=60)
        known.append(Representation.from_arrays(latents, values))
        split = split_rows(known[-1], 0, 0)
        scores.append(r2_score(*fitted(latents, values, split, GradientBoostingRegressor)))
    assert min(scores) < 0
    found = [gbt(k, rounds=10, engine="sklearn").value for k in known]
    assert found == pytest.approx(np.maximum(scores, 0))


def test_one_fit_per_factor_serves_dci_and_gbt(small, fits):
    known = Representation.from_arrays(*small)
    gbt(known, rounds=3)
    assert fits == [4, 4, 4]
    dci(known, rounds=3)
    dci(Representation.from_arrays(*small), rounds=3)  # equal arrays, another object
    assert fits == [4] * 6  # three of them for its chance
    gbt(known, rounds=4)
    gbt(known, rounds=3, seed=1)
    gbt(known.mean + 1e-6, known.codes, rounds=3)
    assert fits == [4] * 15
    gbt(known, rounds=3, engine="sklearn")
    assert fits == [4] * 18


def test_memory_is_bounded(small, fits, monkeypatch):
    monkeypatch.setattr("drbench.metrics.predict.predictors._KEPT", 4)
    for seed in range(3):
        gbt(*small, seed=seed, rounds=1)
    assert len(predictors._remembered) == 4
    gbt(*small, seed=2, rounds=1)
    assert len(fits) == 9
    gbt(*small, seed=0, rounds=1)
    assert len(fits) == 12


@pytest.mark.slow
def test_processes_give_the_same_as_one(small, monkeypatch):
    expected = gbt(*small, rounds=3, engine="sklearn")
    monkeypatch.setattr(predictors, "_remembered", type(predictors._remembered)())
    monkeypatch.setattr(parallel, "PROCESSES_FROM", 0.0)
    assert gbt(*small, rounds=3, engine="sklearn") == expected


def test_the_pruned_code_is_the_latent_of_highest_overlap(small):
    latents, codes = small
    S = np.array(omes(latents, codes).matrix)
    D, F = S.shape
    overlap = [
        [S[d, j] * (1 - sum(abs((j == k) - S[d, k]) for k in range(F)) / F) for j in range(F)]
        for d in range(D)
    ]
    best = np.argmax(overlap, axis=0)
    result = gbt_pruned(latents, codes, rounds=10)
    np.testing.assert_array_equal(np.argmax(result.matrix, axis=0), best)
    assert np.sum(result.matrix) == F
    known = Representation.from_arrays(latents, codes)
    union = sorted(set(best.tolist()))
    for j, name in enumerate(known.factor_names):
        split = split_rows(known, j, 0)
        for columns, found in (
            ([best[j]], result.per_factor[name]),
            (union, result.parts[f"union.{name}"]),
        ):
            truth, predicted = fitted(latents[:, columns], codes[:, j], split)
            assert found == pytest.approx(np.mean(truth == predicted))
    assert result.value == result.parts["one"] < result.parts["union"] < result.reference == 1


def test_the_pruned_perfect_code_scores_its_reference_if_no_factor_has_two_levels(bench):
    codes = bench.grid((4, 3, 5, 6))
    result = gbt_pruned(codes * [1, -2, 1, 3], codes, rounds=20)
    assert result.value == result.reference == 1
    two = bench.grid((4, 2, 5))
    noisy = two + 0.3 * np.random.default_rng(0).normal(size=two.shape)
    result = gbt_pruned(np.tile(noisy, (4, 1)), np.tile(two, (4, 1)), rounds=2)
    assert result.value is not None
    assert result.reference is None


def test_a_factor_that_no_latent_holds_is_declined(bench):
    result = gbt_pruned(bench.latents["perfect"], bench.codes, rounds=2)
    assert result.value is None
    assert "factor_3: no latent has a positive overlap score" in result.reason
    assert result.per_factor["factor_0"] == 1


def test_a_class_with_a_single_row_is_named(small):
    latents, codes = small
    codes = codes.copy()
    codes[7, 1] = 6
    result = gbt(latents, codes, rounds=2)
    assert result.value is None
    assert "factor_1: class 6 has a single row" in result.reason
    assert result.per_factor["factor_1"] is None
    assert result.per_factor["factor_0"] > 0
    assert dci(latents, codes, rounds=2).value is None


def test_split_groups_are_kept_together_and_a_missing_class_is_named(small):
    latents, codes = small
    groups = np.repeat(np.arange(60), 6)
    known = replace(Representation.from_arrays(latents, codes), split_groups=groups)
    result = gbt(known, rounds=2)
    assert result.value is not None
    assert result.parameters["split"] == "groups"
    split = split_rows(known, 0, 0)
    assert not set(groups[split.train]) & set(groups[split.test])
    # One group per class of the first factor: no class is on both sides.
    torn = gbt(replace(known, split_groups=codes[:, 0]), rounds=2)
    assert "factor_0: class" in torn.reason
    assert "missing in the training rows" in torn.reason
    alone = gbt(replace(known, split_groups=np.zeros(360, dtype=int)), rounds=2)
    assert "too few split groups" in alone.reason


@pytest.mark.parametrize("seed", range(5))
def test_a_stratified_split_gives_each_class_its_share(seed):
    rng = np.random.default_rng(seed)
    codes = rng.choice(6, size=200, p=[0.4, 0.3, 0.2, 0.06, 0.02, 0.02])
    known = Representation.from_arrays(np.ones((200, 1)), codes)
    split = split_rows(known, 0, seed)
    assert sorted([*split.train, *split.test]) == list(range(200))
    assert len(split.test) == 66
    for label in np.unique(codes):
        share = np.sum(codes[split.test] == label) - np.sum(codes == label) / 3
        assert abs(share) < 1
    assert not np.array_equal(split.test, split_rows(known, 0, seed + 1).test)
