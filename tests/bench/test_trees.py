"""The study of the compiled trees can say yes and no."""

import numpy as np
import pytest

from drbench.bench import trees
from drbench.metrics.predict.boosting import workers

pytestmark = pytest.mark.slow


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
    compiled = trees.predict_compiled

    def worse(*arguments):
        return compiled(*arguments)._replace(recalled=np.zeros(400), predicted=np.zeros(200))

    monkeypatch.setattr(trees, "predict_compiled", worse)
    found = trees.agreement("continuous", trees.CASES["continuous"], crew, range(2), 4)
    assert found.same == 0
    assert found.accuracy > 0.1
    assert not found.holds
