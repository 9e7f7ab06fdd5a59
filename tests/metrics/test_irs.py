"""IRS against closed forms and a loop over the definition."""

import itertools

import numpy as np
import pytest

from drbench.metrics.irs import irs
from drbench.representation.representation import Representation


def reference(latents, codes, quantile):
    """The paper's sums, one realisation at a time."""
    rows = [tuple(row) for row in codes.tolist()]
    mean = {}
    for key in set(rows):
        mean[key] = np.mean([z for z, row in zip(latents, rows, strict=True) if row == key], axis=0)
    far = [np.abs(each - latents.mean(axis=0)) for each in mean.values()]
    largest = np.max(far, axis=0)
    robust = np.empty((latents.shape[1], codes.shape[1]))
    for j in range(codes.shape[1]):
        expected = np.zeros(latents.shape[1])
        for held in set(codes[:, j].tolist()):
            inside = [z for z, row in zip(latents, rows, strict=True) if row[j] == held]
            centre = np.mean(inside, axis=0)
            away = [np.abs(mean[key] - centre) for key in mean if key[j] == held]
            furthest = np.percentile(away, 100 * quantile, axis=0)
            expected += furthest * len(inside) / len(rows)
        robust[:, j] = 1 - expected / largest
    return np.sum(robust.max(axis=1) * largest) / largest.sum(), robust


@pytest.mark.parametrize(
    "case", ["perfect", "permuted", "cubed", "small", "constants", "duplicated", "missing"]
)
def test_latents_of_one_factor_are_robust(bench, case):
    assert irs(bench.latents[case], bench.codes).value == pytest.approx(1)


def test_a_rotation_is_a_closed_form():
    codes = np.array(list(itertools.product(range(3), range(3))))
    a, b = codes.T - 1.0
    # Held at any class of either factor the sum moves by 1, and by 2 at most.
    result = irs(np.stack([a + b, a - b], axis=1), codes, quantile=1.0)
    assert result.value == pytest.approx(0.5)
    np.testing.assert_allclose(result.matrix, np.full((2, 2), 0.5))


@pytest.mark.parametrize("quantile", [0.9, 0.99, 1.0])
def test_it_agrees_with_the_definition(small, quantile):
    latents, codes = small
    rng = np.random.default_rng(1)
    rows = rng.integers(len(codes), size=250)  # some combinations repeat, others are missing
    latents = latents[rows] + 0.1 * rng.normal(size=(250, 4))
    result = irs(latents, codes[rows], quantile=quantile)
    value, matrix = reference(latents, codes[rows], quantile)
    assert result.value == pytest.approx(value)
    np.testing.assert_allclose(result.matrix, np.clip(matrix, 0, 1), atol=1e-9)


def test_noise_scores_its_chance(bench):
    result = irs(bench.latents["noise"], bench.codes)
    assert result.value == pytest.approx(result.chance, abs=0.03)
    assert result.chance > 0.1
    assert irs(bench.latents["noisy"], bench.codes).chance < 0.3


@pytest.mark.parametrize("repeats", [4, 50])
def test_noise_is_no_more_robust_where_combinations_repeat(repeats):
    codes = np.array(list(itertools.product(range(6), range(5), range(8))))
    draw = np.random.default_rng(0).normal
    once = irs(draw(size=(len(codes), 10)), codes)
    often = irs(draw(size=(repeats * len(codes), 10)), np.repeat(codes, repeats, axis=0))
    assert often.value == pytest.approx(once.value, abs=0.08)
    assert often.chance == pytest.approx(once.chance, abs=0.08)


def test_a_latent_that_no_combination_moves_is_left_out(small):
    latents, codes = (np.repeat(part, 2, axis=0) for part in small)
    flutter = np.tile([0.1, -0.1], len(small[0]))[:, None] + 0.3
    assert irs(flutter, codes).reason == "no latent varies here"
    wide = irs(np.hstack([latents, flutter]), codes)
    assert wide.value == pytest.approx(irs(latents, codes).value)
    assert wide.matrix[4] == (None, None, None)


def test_scaling_all_latents_changes_nothing_and_one_its_weight(small):
    latents, codes = small
    value = irs(latents, codes).value
    for factor in (1e-200, 0.1, 10, 1e200):
        assert irs(latents * factor, codes).value == pytest.approx(value)
    assert irs(latents * [100, 1, 1, 1], codes).value > value + 0.1


def test_latents_far_from_zero_are_scored_alike(small):
    latents, codes = small
    constant = np.full((len(latents), 2), [0.1, 1e6 / 3])
    result, expected = irs(np.hstack([latents + 1e6, constant]), codes), irs(latents, codes)
    assert result.value == pytest.approx(expected.value, abs=1e-6)
    assert result.per_factor == pytest.approx(expected.per_factor, abs=1e-6)
    assert result.matrix[4:] == ((None,) * 3,) * 2


def test_units_move_by_their_euclidean_length():
    codes = np.array(list(itertools.product(range(3), range(3))))
    a, b = codes.T - 1.0
    latents = np.stack([a, b, a], axis=1)
    known = Representation.from_arrays(latents, codes, latent_groups=[0, 0, 1])
    result = irs(known, quantile=1.0)
    # The unit (a, b) moves by 1 while a or b is held, and by sqrt 2 at most.
    np.testing.assert_allclose(result.matrix, [[1 - 0.5**0.5] * 2, [1, 0]], atol=1e-12)
    weights = [2**0.5, 1]
    assert result.value == pytest.approx(np.average([1 - 0.5**0.5, 1], weights=weights))


def test_a_collapsed_representation_has_a_reason(bench):
    assert "no latent varies" in irs(np.ones((720, 3)), bench.codes).reason
