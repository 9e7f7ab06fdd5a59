"""Scores remembered by content."""

from pathlib import Path

import numpy as np
import pytest

from drbench import Representation, grid_codes
from drbench.runs import memo
from drbench.runs.memo import remembered_scores


@pytest.fixture
def representation() -> Representation:
    codes = grid_codes([4, 3, 2])
    return Representation.from_arrays(codes + 0.0, codes)


@pytest.fixture
def counted(monkeypatch, tmp_path: Path) -> list[str]:
    """Names of the metrics that were really computed."""
    monkeypatch.setenv("DRBENCH_CACHE", str(tmp_path))
    computed: list[str] = []
    score = memo.score

    def spy(*args, metrics, **kwargs):
        computed.extend(metrics)
        return score(*args, metrics=metrics, **kwargs)

    monkeypatch.setattr(memo, "score", spy)
    return computed


def test_the_same_content_is_scored_once(representation, counted):
    first = remembered_scores(representation, {"mig": {}}, seed=0)
    again = remembered_scores(representation, {"mig": {}}, seed=0)
    assert again == first
    assert counted == ["mig"]


def test_force_scores_again(representation, counted):
    for _ in range(2):
        remembered_scores(representation, {"mig": {}}, seed=0, force=True)
    assert counted == ["mig", "mig"]


def test_other_latents_parameters_or_seeds_are_not_reused(representation, counted):
    remembered_scores(representation, {"mig": {}}, seed=0)
    remembered_scores(representation, {"mig": {"bins": 5}}, seed=0)
    remembered_scores(representation, {"mig": {}}, seed=1)
    other = Representation.from_arrays(representation.mean * 2, representation.codes)
    remembered_scores(other, {"mig": {}}, seed=0)
    assert counted == ["mig"] * 4


def test_sampled_latents_never_reuse_the_scores_of_means(representation, counted):
    from dataclasses import replace

    both = replace(representation, sampled=np.roll(representation.mean, 5, axis=0))
    mean = remembered_scores(both, {"mig": {}}, seed=0)["mig"]
    sampled = remembered_scores(both.with_kind("sampled"), {"mig": {}}, seed=0)["mig"]
    assert mean.value != sampled.value


def test_a_parameter_left_at_its_default_is_the_same_request(representation, counted):
    remembered_scores(representation, {"mig": {}}, seed=0)
    remembered_scores(representation, {"mig": {"bins": 20}}, seed=0)
    assert counted == ["mig"]


@pytest.mark.parametrize("change", ["damaged", "edited", "of another"])
def test_a_memory_that_was_changed_is_scored_again(representation, counted, tmp_path, change):
    first = remembered_scores(representation, {"mig": {}}, seed=0)
    (file,) = (tmp_path / "scores").iterdir()
    text = file.read_text()
    if change == "of another":
        remembered_scores(representation, {"mig": {"bins": 5}}, seed=0)
        (other,) = set((tmp_path / "scores").iterdir()) - {file}
        text = other.read_text()
    elif change == "edited":
        text = text.replace(f'"value":{first["mig"].value}', '"value":0.125')
    file.write_text("{" if change == "damaged" else text)
    counted.clear()
    assert remembered_scores(representation, {"mig": {}}, seed=0) == first
    assert counted == ["mig"]


def test_results_come_in_the_order_asked_for_and_are_told_one_by_one(representation, counted):
    remembered_scores(representation, {"omes": {}}, seed=0)
    told: list[str] = []
    results = remembered_scores(
        representation, {"mig": {}, "omes": {}}, seed=0, on_result=lambda name, _: told.append(name)
    )
    assert list(results) == ["mig", "omes"]
    assert sorted(told) == ["mig", "omes"]


def test_a_cache_that_cannot_be_written_costs_no_score(representation, monkeypatch, capsys):
    monkeypatch.setenv("DRBENCH_CACHE", "/proc/nowhere")
    results = remembered_scores(representation, {"mig": {}}, seed=0)
    assert results["mig"].value == 1
    assert "not remembered" in capsys.readouterr().err


def test_scores_of_other_library_versions_are_not_reused(representation, counted, monkeypatch):
    remembered_scores(representation, {"mig": {}}, seed=0)
    monkeypatch.setattr(memo, "library_versions", lambda: {"scikit-learn": "9.9.9"})
    remembered_scores(representation, {"mig": {}}, seed=0)
    assert counted == ["mig", "mig"]
