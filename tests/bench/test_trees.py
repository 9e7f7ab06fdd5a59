"""The study of the compiled trees can say yes and no."""

from dataclasses import replace

import pytest

from drbench.bench import trees
from drbench.metrics.predict.boosting import workers


@pytest.fixture(scope="module")
def crew():
    with workers(1) as crew:
        yield crew


@pytest.mark.parametrize("case", sorted(set(trees.CASES) - {"trained", "coinciding"}))
def test_the_trees_are_the_same_on_codes_of_every_kind(case, crew):
    found = trees.agreement(case, trees.CASES[case], crew, range(2), 4)
    assert found.same == found.fits > 0
    assert found.holds
    assert found.importances == found.accuracy == 0


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
