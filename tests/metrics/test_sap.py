"""SAP against support vector machines solved in another way."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize

from drbench.data.spec import Factor
from drbench.metrics.estimate.splits import split_rows
from drbench.metrics.sap import sap
from drbench.representation.representation import Representation

pytestmark = pytest.mark.slow


def machine_accuracy(z, labels, split):
    """Held-out accuracy of one-vs-rest machines, each by minimising its loss as written."""
    x, y = z[split.train], labels[split.train]
    names = np.unique(y)
    decisions = []
    for name in names:
        sign = np.where(y == name, 1.0, -1.0)
        # "balanced" weights: rows over twice the rows of the side.
        weight = np.where(sign > 0, len(y) / 2 / np.sum(sign > 0), len(y) / 2 / np.sum(sign < 0))
        if len(names) > 2:  # each of several machines weighs its own class only
            weight = np.where(sign > 0, len(y) / len(names) / np.sum(sign > 0), 1.0)

        def loss(p, sign=sign, weight=weight):
            slack = np.maximum(1 - sign * (p[0] * x + p[1]), 0)
            return p @ p / 2 + 100 * np.mean(weight * slack**2)

        slope, offset = minimize(loss, np.zeros(2), tol=1e-10).x
        decisions.append(slope * z[split.test] + offset)
    return np.mean(names[np.argmax(decisions, axis=0)] == labels[split.test])


def test_scores_are_those_of_machines_solved_by_hand(small):
    latents, codes = small
    rare = (codes[:, 0] == 5) | (codes[:, 2] == 2)  # classes are weighted by their frequency
    kept = ~rare | (np.arange(360) % 3 == 0)
    latents, codes = latents[kept], codes[kept]
    codes = np.hstack([codes[:, :2], codes[:, 2:] > 1])
    known = Representation.from_arrays(latents, codes)
    result = sap(known, seed=1)
    z = (latents - latents.mean(axis=0)) / latents.std(axis=0)
    for j, name in enumerate(known.factor_names):
        split = split_rows(known, j, 1)
        expected = [machine_accuracy(z[:, d], codes[:, j], split) for d in range(4)]
        found = np.array(result.matrix)[:, j]
        np.testing.assert_allclose(found, expected, atol=0.01)
        best, second = sorted(found)[::-1][:2]
        assert result.per_factor[name] == pytest.approx(best - second)
    assert result.value == pytest.approx(np.mean(list(result.per_factor.values())))


@pytest.mark.parametrize("case", ["perfect", "permuted", "small", "constants"])
def test_a_perfect_code_scores_its_reference(bench, case):
    result = sap(bench.latents[case], bench.codes)
    assert result.value == pytest.approx(result.reference, abs=0.02)
    assert result.reference < 0.7


def test_the_number_of_rows_does_not_count_only_what_they_say(bench):
    z, codes = bench.latents["perfect"], bench.codes
    few = np.array(sap(z, codes).matrix)
    many = np.array(sap(np.tile(z, (6, 1)), np.tile(codes, (6, 1))).matrix)
    # Every factor is read as far as a line of thresholds evenly apart can read it, or better.
    assert np.all(np.diag(few) > 0.45)
    np.testing.assert_allclose(np.diag(few), np.diag(many), atol=0.2)


def test_scale_does_not_matter(bench):
    z = bench.latents["perfect"]
    assert sap(z * [0.1, 10, 1e5, 1e-5, 1], bench.codes).value == pytest.approx(
        sap(z, bench.codes).value, abs=1e-6
    )


def test_constant_latents_score_zero(small):
    latents, codes = small
    wide = sap(np.hstack([latents, np.full((360, 2), 0.7)]), codes)
    assert set(np.array(wide.matrix)[4:].ravel()) == {0}
    assert wide.value == sap(latents, codes).value


def test_duplicated_latents_score_zero(bench):
    assert sap(bench.latents["duplicated"], bench.codes).value == pytest.approx(0, abs=1e-9)


def test_noise_scores_little_and_so_do_shuffled_rows(bench):
    assert sap(bench.latents["noise"], bench.codes).value < 0.06
    assert sap(bench.latents["perfect"], bench.codes).chance < 0.06


def test_two_classes_on_one_latent_are_read_in_full():
    codes = np.indices((2, 2)).reshape(2, -1).T.repeat(30, axis=0)
    result = sap(codes * [3.0, -1.0], codes)
    assert np.diag(result.matrix) == pytest.approx(1)
    assert result.value == result.reference == pytest.approx(0.5, abs=0.1)


def test_a_continuous_factor_counts_with_its_squared_correlation(small):
    latents, codes = small
    factors = [Factor(name=f"f{j}", kind="continuous") for j in range(3)]
    known = Representation.from_arrays(latents, codes * [0.1, 7, 1], factors=factors)
    result = sap(known)
    expected = np.corrcoef(latents.T, codes.T)[:4, 4:] ** 2
    np.testing.assert_allclose(result.matrix, expected, atol=1e-12)
    ordered = np.sort(expected, axis=0)
    assert result.value == pytest.approx(np.mean(ordered[-1] - ordered[-2]))
    assert result.reference == pytest.approx(1)


def test_one_latent_and_units_of_several_columns_are_declined(small):
    latents, codes = small
    alone = sap(latents[:, :1], codes)
    assert alone.value is None
    assert "SAP compares two latents" in alone.reason
    known = Representation.from_arrays(latents, codes)
    vectors = sap(replace(known, latent_groups=np.array([0, 0, 1, 2])))
    assert vectors.value is None
    assert "one latent at a time" in vectors.reason
