"""The study of the compiled trees can say yes and no."""

from dataclasses import replace

import pytest

from drbench.bench import trees
from drbench.metrics.predict.boosting import workers


@pytest.fixture(scope="module")
def crew():
    with workers(1) as crew:
        yield crew


@pytest.mark.parametrize("case", sorted(set(trees.DISTINCT) - {"trained"}))
def test_the_trees_are_the_same_where_values_are_distinct(case, crew):
    found = trees.agreement(case, trees.CASES[case], crew, range(2), 4)
    assert found.same == found.fits > 0
    assert found.holds
    assert found.importances == found.accuracy == 0


@pytest.mark.parametrize("case", trees.TIED)
def test_codes_with_equal_values_score_within_scikit_learns_spread_over_seeds(case, crew):
    found = trees.agreement(case, trees.TIED[case], crew, range(2), 6)
    assert found.holds


def test_codes_are_timed_with_equal_values_and_jittered(crew):
    timed = list(trees.repetitions(crew, 400, 1))
    assert [round(row.distinct, 2) for row in timed[:3]] == [0.99, 0.75, 0.5]
    assert all(row.ratio > 0 for row in timed)


def test_a_difference_is_counted_and_judged(crew, monkeypatch):
    fit = trees.fit_factor

    def worse(*arguments, crew, **options):
        found = fit(*arguments, crew=crew, **options)
        return found if crew is None else replace(found, test=found.test - 0.25)

    monkeypatch.setattr(trees, "fit_factor", worse)
    found = trees.agreement("continuous", trees.CASES["continuous"], crew, range(2), 4)
    assert found.same == 0
    assert found.accuracy == pytest.approx(0.25)
    assert not found.holds
