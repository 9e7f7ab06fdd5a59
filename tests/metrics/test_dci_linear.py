"""Linear DCI against coefficients of another solver and entropies of scipy."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import entropy
from sklearn.linear_model import LogisticRegression, Ridge

from drbench.data.spec import Factor
from drbench.metrics.dci_linear import dci_linear
from drbench.metrics.estimate.splits import split_rows
from drbench.metrics.probe import probe
from drbench.representation.representation import Representation

pytestmark = pytest.mark.slow


def scores(R):
    """Disentanglement and completeness, each by a loop over what it averages."""
    D, F = R.shape
    modular = sum(R[d].sum() / R.sum() * (1 - entropy(R[d], base=F)) for d in range(D))
    compact = sum(R[:, j].sum() / R.sum() * (1 - entropy(R[:, j], base=D)) for j in range(F))
    return modular, compact


def test_scores_are_those_of_another_solver(small):
    latents, codes = small
    known = Representation.from_arrays(latents, codes)
    z = (latents - latents.mean(axis=0)) / latents.std(axis=0)
    columns, train, test = [], [], []
    for j in range(3):
        split = split_rows(known, j, 2)
        model = LogisticRegression(solver="newton-cg", tol=1e-8, max_iter=500)
        model.fit(z[split.train], codes[split.train, j])
        weights = np.mean([np.abs(row) for row in model.coef_], axis=0)
        columns.append(weights / weights.sum())
        train.append(model.score(z[split.train], codes[split.train, j]))
        test.append(model.score(z[split.test], codes[split.test, j]))
    result = dci_linear(known, seed=2)
    R = np.stack(columns, axis=1)
    np.testing.assert_allclose(result.matrix, R, atol=2e-3)
    modular, compact = scores(R)
    assert result.value == result.parts["disentanglement"] == pytest.approx(modular, abs=2e-3)
    assert result.parts["completeness"] == pytest.approx(compact, abs=2e-3)
    assert result.parts["informativeness"] == pytest.approx(np.mean(test), abs=0.01)
    assert result.parts["informativeness_train"] == pytest.approx(np.mean(train), abs=0.01)
    each = [1 - entropy(column, base=4) for column in columns]
    assert list(result.per_factor.values()) == pytest.approx(each, abs=5e-3)


def tiled(bench, case, times=12):
    """The bench seen often: what few rows blur stands out."""
    return np.tile(bench.latents[case], (times, 1)), np.tile(bench.codes, (times, 1))


@pytest.mark.parametrize(
    ("case", "disentanglement", "completeness"),
    [
        ("perfect", 1, 1),
        ("permuted", 1, 1),
        ("constants", 1, 1),
        ("duplicated", 1, 1 - np.log(2) / np.log(10)),
        # Two of five latents share two factors evenly: 1 - 2 / 5 * log 2 / log 5.
        ("rotated", 0.828, 0.828),
    ],
)
def test_the_bench_scores_its_closed_forms(bench, case, disentanglement, completeness):
    parts = dci_linear(*tiled(bench, case), penalty=0.01).parts
    assert parts["disentanglement"] == pytest.approx(disentanglement, abs=0.05)
    assert parts["completeness"] == pytest.approx(completeness, abs=0.03)


def test_noise_scores_near_zero(bench):
    result = dci_linear(bench.latents["noise"], bench.codes)
    assert result.value == pytest.approx(result.chance, abs=0.05)
    assert result.value < 0.1
    assert result.reference > 0.9


def test_reference_is_what_the_factors_themselves_score(small):
    latents, codes = small
    assert dci_linear(latents, codes).reference == dci_linear(codes, codes).value < 1


def test_columns_of_a_unit_count_as_one(small):
    known = Representation.from_arrays(*small)
    apart = np.array(dci_linear(known).matrix)
    joined = dci_linear(replace(known, latent_groups=np.array([0, 1, 1, 2])))
    np.testing.assert_allclose(joined.matrix, [apart[0], apart[1] + apart[2], apart[3]])
    assert joined.value == pytest.approx(scores(np.array(joined.matrix))[0])


def test_a_continuous_factor_has_ridge_coefficients(small):
    latents, codes = small
    factors = [Factor(name="a", kind="continuous"), Factor(name="b", kind="ordinal", size=6)]
    known = Representation.from_arrays(latents, codes[:, :2] * [0.3, 1], factors=factors)
    split = split_rows(known, 0, 0)
    z = (latents - latents.mean(axis=0)) / latents.std(axis=0)
    weights = np.abs(Ridge(1.0).fit(z[split.train], codes[split.train, 0]).coef_)
    found = np.array(dci_linear(known).matrix)[:, 0]
    np.testing.assert_allclose(found, weights / weights.sum(), rtol=1e-6)


def test_one_factor_has_no_disentanglement_and_one_latent_no_completeness(small):
    latents, codes = small
    alone = dci_linear(latents, codes[:, :1])
    assert alone.value is alone.parts["disentanglement"] is alone.reference is None
    assert "disentanglement compares factors" in alone.reason
    assert alone.parts["completeness"] > 0
    single = dci_linear(latents[:, :1], codes)
    assert single.value is single.parts["completeness"] is None
    assert "completeness compares latents" in single.reason
    assert single.parts["disentanglement"] is not None
    assert set(single.per_factor.values()) == {None}


def test_informativeness_is_the_linear_probe(small):
    assert dci_linear(*small).parts["informativeness"] == probe(*small).value


def test_latents_that_tell_nothing_score_zero(small):
    result = dci_linear(np.ones((360, 3)), small[1])
    assert (result.value, result.parts["completeness"]) == (0, 0)


def test_many_latents_are_scored(bench):
    rng = np.random.default_rng(0)
    z = bench.latents["perfect"]
    wide = np.hstack([z, 0.1 * rng.normal(size=(len(z), 763))])
    result = dci_linear(wide, bench.codes)
    assert np.array(result.matrix).shape == (768, 5)
    assert np.array(result.matrix).argmax(axis=0).tolist() == [0, 1, 2, 3, 4]
