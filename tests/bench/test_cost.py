"""The study of cost: what it measures, leaves out, keeps and fits."""

import dataclasses
import json

import numpy as np
import pytest

from drbench.bench import cost
from drbench.bench.cost import Point, growth, study
from drbench.bench.samples import sample
from drbench.errors import RequestError
from drbench.metrics.duration import Duration
from drbench.metrics.metric import load_metric


@pytest.fixture
def timed(monkeypatch) -> list[tuple[str, int, int, int]]:
    """What was timed; a metric takes a millisecond a row, omes ten."""
    calls = []

    def seconds(latents: np.ndarray, codes: np.ndarray, names: list[str]) -> float:
        (name,) = names
        calls.append((name, *latents.shape, sum(map(len, map(np.unique, codes.T)))))
        return len(latents) / (100 if name == "omes" else 1000)

    monkeypatch.setattr(cost, "fresh_seconds", seconds)
    monkeypatch.setattr(cost, "warm_up", lambda: None)
    monkeypatch.setattr(cost.registry, "names", lambda kind: ["mig", "omes"])
    axes = {
        "rows": [(n, 3, (3, 4)) for n in (500, 2_500, 5_000, 10_000)],
        "latents": [(500, d, (3, 4)) for d in (3, 6)],
        "classes": [(500, 3, sizes) for sizes in ((2, 2), (5, 7))],
    }
    monkeypatch.setattr(cost, "AXES", axes)
    return calls


def test_every_point_is_measured_unless_the_one_before_it_took_too_long(timed, tmp_path):
    found = {row.metric: row for row in study(tmp_path / "cost.json")}
    points = json.loads((tmp_path / "cost.json").read_text())["points"]
    rows = [p for p in points if p["axis"] == "rows"]
    assert [(p["metric"], p["rows"], p["seconds"], p["skipped"]) for p in rows] == [
        ("mig", 500, 0.5, ""),
        ("mig", 2_500, 2.5, ""),
        ("mig", 5_000, 5.0, ""),
        ("mig", 10_000, 10.0, ""),
        ("omes", 500, 5.0, ""),
        ("omes", 2_500, 25.0, ""),
        ("omes", 5_000, None, "25 s at 2,500 rows"),
        ("omes", 10_000, None, "25 s at 2,500 rows"),
    ]
    assert [call for call in timed if call[0] == "mig"][4:] == [
        ("mig", 500, 3, 7), ("mig", 500, 6, 7), ("mig", 500, 3, 4), ("mig", 500, 3, 12),
    ]  # fmt: skip
    assert (found["mig"].left_out, found["omes"].left_out) == (0, 2)


def test_an_interrupted_study_goes_on(timed, tmp_path, monkeypatch):
    file, seconds = tmp_path / "cost.json", cost.fresh_seconds

    def interrupted(*arguments):
        if len(timed) == 5:
            raise KeyboardInterrupt
        return seconds(*arguments)

    monkeypatch.setattr(cost, "fresh_seconds", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(study(file))
    assert len(json.loads(file.read_text())["points"]) == 5
    monkeypatch.setattr(cost, "fresh_seconds", seconds)
    list(study(file))
    list(study(file))
    assert len(timed) == 14


def test_points_of_another_machine_are_not_mixed(timed, tmp_path, monkeypatch):
    list(study(tmp_path / "cost.json"))
    monkeypatch.setattr(cost, "machine", lambda device: "another")
    with pytest.raises(RequestError, match=r"cost\.json was measured on another machine"):
        list(study(tmp_path / "cost.json"))


def test_a_power_law_is_recovered_and_estimates_are_held_to_the_points(monkeypatch):
    law = Duration(2.0, rows=1.5, latents=0.5, classes=0.25)
    sizes = [(5_000, 10, 57), (50_000, 10, 57), (15_000, 100, 57), (15_000, 10, 199)]
    points = [Point("mig", "rows", *size, law.at(*size)) for size in sizes]
    points.append(Point("mig", "rows", 500_000, 10, 57, None, "20 s at 50,000 rows"))
    twice = dataclasses.replace(load_metric("mig"), duration=Duration(4.0, 1.5, 0.5, 0.25))
    monkeypatch.setattr(cost, "load_metric", lambda name: twice)
    found = growth("mig", points)
    assert (found.seconds, found.rows, found.latents, found.classes) == pytest.approx(
        (2.0, 1.5, 0.5, 0.25)
    )
    assert found.left_out == 1
    assert found.estimates_off == pytest.approx(2.0)


def test_a_sample_repeats_no_combination_before_all_came():
    latents, codes = sample((3, 4), 30, 5)
    assert latents.shape == (30, 5)
    _, counts = np.unique(codes, axis=0, return_counts=True)
    assert sorted(counts) == [2] * 6 + [3] * 6
