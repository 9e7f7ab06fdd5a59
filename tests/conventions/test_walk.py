"""Walks start at drbench's score, change one choice at a time, and add up."""

from dataclasses import dataclass, fields

import pytest

from drbench.conventions.convention import Choices, Convention, NoValueError
from drbench.conventions.explain import CONVENTIONS, explain
from drbench.conventions.walk import walk
from drbench.errors import UnknownNameError
from drbench.metrics.metric import load_metric

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Fake(Choices):
    """A score whose choices add up, and one of which has none."""

    first: int = 1
    second: int = 1
    third: int = 1

    def score(self, representation, seed):
        if self.second == 2 and self.third == 1:
            raise NoValueError("half way there is none")
        return {"sum": self.first + 10.0 * self.second + 100.0 * self.third, "seed": float(seed)}


def followed(mixed, known=None, **choices):
    convention = Convention("theirs", "nowhere", Fake(**choices))
    start = Fake().score(mixed, 0)
    return walk(convention, mixed, start, seed=0, known={} if known is None else known)


@pytest.mark.parametrize("metric", CONVENTIONS)
def test_drbenchs_own_choices_score_what_the_metric_scores(metric, mixed):
    ours = type(CONVENTIONS[metric][0].choices)().score(mixed, seed=1)
    assert next(iter(ours.values())) == pytest.approx(
        load_metric(metric)(mixed, seed=1).value, abs=1e-12
    )


@pytest.mark.parametrize("metric", CONVENTIONS)
def test_steps_change_one_choice_each_and_add_up(metric, mixed, monkeypatch):
    kept = [c for c in CONVENTIONS[metric] if "forest" not in c.library]  # slow, and no other way
    monkeypatch.setitem(CONVENTIONS, metric, tuple(kept))
    found = explain(mixed, [metric])[metric]
    assert [w.convention for w in found.walks] == kept
    for each in found.walks:
        choices = each.convention.choices
        order = [field.name.replace("_", " ") for field in fields(choices)]
        assert [s.choice for s in each.steps] == [
            n for n in order if n in each.convention.differences()
        ]
        for part, total in each.difference.items():
            steps = sum(step.delta[part] for step in each.steps if step.delta)
            assert steps == pytest.approx(total, abs=1e-12)
            assert each.start[part] + total == pytest.approx(each.parts[part], abs=1e-12)
        assert each.parts == choices.score(mixed, 0)


def test_a_step_without_a_number_is_made_up_for_by_the_next(mixed):
    way = followed(mixed, first=3, second=2, third=2)
    assert [step.delta and step.delta["sum"] for step in way.steps] == [2.0, None, 110.0]
    assert way.steps[1].reason == "half way there is none"
    assert way.difference["sum"] == 112.0


def test_a_library_without_a_number_says_why(mixed):
    way = followed(mixed, second=2)
    assert (way.parts, way.difference) == (None, None)
    assert way.reason == "half way there is none"


def test_the_largest_step_comes_first_and_invisible_ones_do_not_count(mixed):
    way = followed(mixed, first=4, third=2)
    assert [step.choice for step in way.moving()] == ["third", "first"]
    assert followed(mixed).moving() == []


def test_what_another_walk_scored_is_not_scored_again(mixed):
    known = {}
    followed(mixed, known, first=2)
    known[Fake(first=2)] = {"sum": -5.0, "seed": 0.0}
    assert followed(mixed, known, first=2).parts["sum"] == -5.0


def test_a_metric_without_conventions_is_refused(mixed):
    with pytest.raises(UnknownNameError, match="did you mean 'mig'"):
        explain(mixed, ["mi_g"])
