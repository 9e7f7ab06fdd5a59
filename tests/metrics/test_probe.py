"""The linear probe against another solver of the same problem."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import balanced_accuracy_score, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from drbench.data.spec import Factor
from drbench.metrics.dci_linear import dci_linear
from drbench.metrics.estimate import parallel
from drbench.metrics.estimate.splits import split_rows
from drbench.metrics.predict import estimators, predictors
from drbench.metrics.probe import probe
from drbench.representation.representation import Representation

pytestmark = pytest.mark.slow


@pytest.fixture
def forgotten(monkeypatch):
    monkeypatch.setattr(predictors, "_remembered", type(predictors._remembered)())
    return predictors._remembered


@pytest.mark.parametrize("penalty", [0.1, 10.0])
def test_accuracies_are_those_of_another_solver(small, penalty):
    latents, codes = small
    result = probe(latents, codes, penalty=penalty)
    known, balanced = Representation.from_arrays(latents, codes), []
    for j, name in enumerate(known.factor_names):
        split = split_rows(known, j, 0)
        model = LogisticRegression(C=1 / penalty, solver="newton-cg", tol=1e-8, max_iter=500)
        scaled = StandardScaler().fit_transform(latents)
        predicted = model.fit(scaled[split.train], codes[split.train, j]).predict(
            scaled[split.test]
        )
        truth = codes[split.test, j]
        assert result.per_factor[name] == pytest.approx(np.mean(predicted == truth), abs=0.01)
        balanced.append(balanced_accuracy_score(truth, predicted))
    assert result.value == pytest.approx(np.mean(list(result.per_factor.values())))
    assert result.parts["balanced_accuracy"] == pytest.approx(np.mean(balanced), abs=0.01)
    assert result.parameters == {"seed": 0, "penalty": penalty, "split": "stratified"}
    assert result.warnings == ()


@pytest.mark.parametrize(
    ("case", "expected"),
    [("perfect", 1), ("small", 1), ("permuted", 1), ("constants", 1), ("duplicated", 1)],
)
def test_the_bench_is_read_in_full(bench, case, expected):
    result = probe(bench.latents[case], bench.codes, penalty=0.01)
    assert result.value == pytest.approx(expected, abs=0.005)
    assert result.reference == pytest.approx(1, abs=0.005)


def test_a_missing_factor_costs_its_share_and_noise_scores_chance(bench):
    missing = probe(bench.latents["missing"], bench.codes, penalty=0.01)
    assert missing.value == pytest.approx(0.8 + 1 / 30, abs=0.03)
    noise = probe(bench.latents["noise"], bench.codes)
    assert noise.chance == pytest.approx(np.mean([1 / n for n in bench.sizes]), abs=0.01)
    assert noise.value == pytest.approx(noise.chance, abs=0.04)


def test_reference_is_what_the_factors_themselves_score(small):
    latents, codes = small
    assert probe(latents, codes).reference == probe(codes, codes).value < 1


def test_a_frequent_class_raises_chance_and_not_balanced_accuracy():
    rng = np.random.default_rng(0)
    codes = (rng.random((600, 2)) < [0.1, 0.5]).astype(int)
    result = probe(rng.normal(size=(600, 2)), codes)
    assert result.chance == pytest.approx((0.9 + 0.5) / 2, abs=0.04)
    assert result.value == pytest.approx(result.chance, abs=0.06)
    assert result.parts["balanced_accuracy"] == pytest.approx(0.5, abs=0.06)


def test_a_continuous_factor_counts_with_r2(small):
    latents, codes = small
    factors = [Factor(name="a", kind="ordinal", size=6), Factor(name="b", kind="continuous")]
    known = Representation.from_arrays(latents, codes[:, :2] * [1, 0.37], factors=factors)
    result = probe(known)
    split = split_rows(known, 1, 0)
    model = make_pipeline(StandardScaler(), Ridge(1.0))
    model.fit(latents[split.train], codes[split.train, 1])
    expected = r2_score(codes[split.test, 1], model.predict(latents[split.test]))
    assert result.per_factor["b"] == pytest.approx(expected, abs=1e-3)
    assert any("mixes accuracy" in warning for warning in result.warnings)
    assert probe(replace(known, values=known.values * 1e-3 + 7)).value == pytest.approx(
        result.value
    )


def test_one_fit_per_factor_serves_probe_and_dci_linear(small, forgotten):
    probe(*small)
    made = len(forgotten)
    assert made == 6  # three of the code, three of its reference
    dci_linear(*small)
    assert len(forgotten) == made + 3  # of shuffled rows, for its chance
    dci_linear(*small, penalty=2.0)
    assert len(forgotten) == 2 * (made + 3)


def test_memory_is_bounded(small, forgotten, monkeypatch):
    monkeypatch.setattr("drbench.metrics.predict.predictors._KEPT", 4)
    probe(*small)
    assert len(forgotten) == 4


@pytest.mark.slow
def test_processes_give_the_same_as_one(small, forgotten, monkeypatch):
    expected = probe(*small)
    forgotten.clear()
    monkeypatch.setattr(parallel, "PROCESSES_FROM", 0.0)
    assert probe(*small) == expected
    assert len(forgotten) == 6


def test_a_fit_that_was_cut_off_is_named(small, forgotten, monkeypatch):
    monkeypatch.setattr(estimators, "_ITERATIONS", 2)
    result = probe(*small)
    assert result.value is not None
    assert "factor factor_2: the predictor was cut off before it converged" in result.warnings


def test_a_class_with_a_single_row_is_named(small):
    latents, codes = small
    codes = codes.copy()
    codes[7, 1] = 6
    result = probe(latents, codes)
    assert result.value is result.reference is None
    assert "factor_1: class 6 has a single row" in result.reason
    assert result.per_factor["factor_0"] > 0


def test_many_latents_are_read(bench):
    rng = np.random.default_rng(0)
    z = bench.latents["perfect"]
    wide = z @ rng.normal(size=(5, 300)) + rng.normal(size=(len(z), 300))
    result = probe(wide, bench.codes)
    assert result.value > 0.7
    assert result.warnings == ()
