"""Rough durations, said before a metric that takes long."""

import numpy as np
import pytest

from drbench import Factor, MetricResult, Representation, metric, registry, score
from drbench.metrics import scoring
from drbench.metrics.duration import Duration, count_classes, in_words

ABOUT = {"title": "t", "measures": "m", "range": (0.0, 1.0), "source": "s", "cost": "c"}
LAW = Duration(4.0, rows=2.0, latents=1.0, classes=0.5)


def representation(n: int, latents: int, sizes: list[int]) -> Representation:
    factors = [Factor(name=f"f{j}", kind="categorical", size=size) for j, size in enumerate(sizes)]
    codes = np.zeros((n, len(sizes)), dtype=np.int64)
    return Representation.from_arrays(np.zeros((n, latents)), codes, factors=factors)


@pytest.fixture
def processors(monkeypatch):
    def have(count: int) -> None:
        monkeypatch.setattr("joblib.cpu_count", lambda: count)

    return have


def test_seconds_grow_with_the_powers_of_rows_latents_and_classes():
    assert LAW.at(15_000, 10, 57) == 4.0
    assert LAW.at(30_000, 30, 4 * 57) == pytest.approx(4.0 * 2**2 * 3 * 2)
    known = representation(1_500, 20, [100, 128])
    assert count_classes(known) == 228
    assert LAW.expected(known, {}) == pytest.approx(4.0 / 100 * 2 * 2)


def test_a_continuous_factor_counts_as_one_class():
    values = np.random.default_rng(0).normal(size=(20, 2))
    factors = [Factor(name=name, kind="continuous") for name in "ab"]
    assert count_classes(Representation.from_arrays(values, values, factors=factors)) == 2


def test_parameters_multiply():
    law = Duration(1.0, 0, 0, 0, times={"rounds": 0.01, "engine": {"sklearn": 25.0}})
    known = representation(10, 2, [2])
    assert law.expected(known, {"rounds": 50, "engine": "compiled"}) == pytest.approx(0.5)
    assert law.expected(known, {"rounds": 200, "engine": "sklearn"}) == pytest.approx(50)


def test_no_more_processors_help_than_there_are_factors(processors):
    law = Duration(6.0, 0, 0, 0, parallel=True)
    for count, seconds in ((1, 12.0), (2, 6.0), (3, 4.0), (16, 4.0)):
        processors(count)
        assert law.expected(representation(10, 2, [2, 2, 2]), {}) == pytest.approx(seconds)


def slow(name: str, seconds: float, **about):
    def compute(representation, *, seed: int, rounds: int = 100) -> MetricResult:
        return MetricResult(value=0.5)

    compute.__name__ = name
    return metric(**ABOUT, duration=Duration(seconds, 0, 0, 0, **about))(compute)


@pytest.fixture
def scored(monkeypatch, capsys):
    """What is said while metrics are scored."""

    def run(*metrics, **parameters) -> list[str]:
        by_name = {each.name: each for each in metrics}
        monkeypatch.setattr(scoring, "load_metric", by_name.__getitem__)
        score(representation(1_500, 7, [1000, 57]), metrics=by_name, parameters=parameters)
        return capsys.readouterr().err.splitlines()

    return run


def test_only_a_long_duration_is_said(scored):
    assert scored(slow("quick", 9.9), slow("long", 38.0)) == [
        "long: about 40 s (1,500 x 7, 1,057 classes)"
    ]


def test_the_first_of_the_metrics_that_share_fits_pays(scored):
    trees = {"fits": "trees", "times": {"rounds": 0.01}}
    shared = slow("first", 60.0, **trees), slow("second", 60.0, **trees)
    assert [line.split(":")[0] for line in scored(*shared)] == ["first"]
    assert [line.split(":")[0] for line in scored(*shared, second={"rounds": 50})] == [
        "first",
        "second",
    ]
    assert len(scored(slow("first", 60.0), slow("second", 60.0))) == 2


def test_durations_are_rounded_as_one_would_say_them():
    assert [in_words(seconds) for seconds in (10, 14, 89, 91, 160, 5399, 5401)] == [
        "10 s", "15 s", "90 s", "2 min", "3 min", "90 min", "1.5 h",
    ]  # fmt: skip


def test_every_registered_metric_has_a_duration():
    for name in registry.names("metric"):
        duration = registry.load("metric", name).duration
        assert duration is not None, name
        assert set(duration.times) <= set(registry.load("metric", name).defaults), name
