"""Scoring with several metrics, and the contract of a metric."""

import subprocess
import sys
from typing import Literal

import numpy as np
import pytest

import drbench
from drbench import registry
from drbench.errors import PluginError, RequestError, UnknownNameError
from drbench.metrics.metric import load_metric, metric
from drbench.metrics.result import MetricResult
from drbench.metrics.scoring import DEFAULT_METRICS
from drbench.representation.representation import Representation

ABOUT = {"title": "t", "measures": "m", "range": (0.0, 1.0), "source": "s", "cost": "c"}

PLUGIN = """
import drbench

@drbench.metric(title="t", measures="m", range=(0.0, 1.0), source="s", cost="quick")
def halves(representation, *, seed: int, share: float = 0.5):
    "A constant."
    return drbench.MetricResult(value=share)

PLUGINS = {"metrics": {"halves": halves, "other": halves, "nothing": PLAIN}}
"""


def test_without_names_the_registered_defaults_are_scored_in_order(small):
    done = []
    fast = {name: {"rounds": 1} for name in ("dci", "gbt", "gbt_pruned")}
    results = drbench.score(*small, parameters=fast, on_result=lambda *each: done.append(each))
    assert list(results) == [m for m in DEFAULT_METRICS if m in registry.names("metric")]
    assert done == list(results.items())
    assert {"omes", "dci", "mig", "gbt", "gbt_pruned"} <= set(results)


def test_arrays_and_a_representation_score_alike(small):
    known = Representation.from_arrays(*small)
    assert drbench.score(*small, ["mig", "omes"]) == drbench.score(known, metrics=["mig", "omes"])


def test_results_are_reported_before_the_next_metric_starts(small):
    class Stop(Exception):
        pass

    def stop(name, result):
        assert (name, result.value) == ("mig", pytest.approx(result.value))
        raise Stop

    with pytest.raises(Stop):
        drbench.score(*small, ["mig", "dci"], on_result=stop)


def test_parameters_reach_their_metric_and_are_recorded(small):
    result = drbench.score(*small, "mig", seed=5, parameters={"mig": {"bins": "7"}})["mig"]
    assert result.parameters == {"seed": 5, "bins": 7, "binning": "width"}


@pytest.mark.parametrize(
    ("metrics", "parameters", "words"),
    [
        (["mig"], {"mig": {"bin": 3}}, r"mig.bin: .*Parameters of mig: bins=20, binning=width"),
        (["mig"], {"mig": {"bins": 1}}, "mig.bins: .*greater than or equal to 2"),
        (["mig", "omes"], {"omes": {"pooling": "mean"}}, "omes.pooling: .*'avg' or 'max'"),
        (["mig"], {"dci": {"rounds": 3}}, "'dci', which is not among the metrics"),
    ],
)
def test_wrong_parameters_are_refused_before_anything_is_scored(small, metrics, parameters, words):
    def never(name, result):
        raise AssertionError

    with pytest.raises(RequestError, match=words):
        drbench.score(*small, metrics, parameters=parameters, on_result=never)


def test_the_nearest_metric_is_suggested(small):
    with pytest.raises(UnknownNameError, match="did you mean 'gbt_pruned'"):
        drbench.score(*small, ["gbt_prune"])


def test_codes_are_asked_for_once(small):
    with pytest.raises(RequestError, match="Latents need codes"):
        drbench.score(small[0])
    with pytest.raises(RequestError, match="has its own codes"):
        drbench.score(Representation.from_arrays(*small), small[1])


def test_a_metric_of_a_file_is_scored_and_a_broken_one_named(small, tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(PLUGIN.replace("PLAIN", "len"))
    monkeypatch.setenv("DRBENCH_PLUGINS", str(tmp_path))
    scored = drbench.score(*small, ["halves"], parameters={"halves": {"share": "0.25"}})
    assert scored["halves"].value == 0.25
    with pytest.raises(PluginError, match="a function called 'halves'"):
        load_metric("other")


def test_nan_never_leaves_a_metric(small):
    @metric(**ABOUT)
    def broken(representation, *, seed: int, kind: Literal["nan", "none", "silent"] = "nan"):
        if kind == "none":
            return None
        return MetricResult(value=float("nan") if kind == "nan" else None)

    with pytest.raises(PluginError, match="'broken' makes no valid result"):
        broken(*small)
    with pytest.raises(PluginError, match="needs a reason"):
        broken(*small, kind="silent")
    with pytest.raises(PluginError, match="returns NoneType"):
        broken(*small, kind="none")


def test_a_function_with_another_signature_is_no_metric():
    def two(representation, codes, *, seed: int): ...
    def unseeded(representation): ...
    def untyped(representation, *, seed: int, bins=3): ...
    def undefined(representation, *, seed: int, bins: int): ...

    for function in (two, unseeded):
        with pytest.raises(PluginError, match=r"must be a function \(representation, \*, seed"):
            metric(**ABOUT)(function)
    for function in (untyped, undefined):
        with pytest.raises(
            PluginError, match=r"'bins' of the metric .* needs a type and a default"
        ):
            metric(**ABOUT)(function)


def test_importing_metrics_costs_no_scikit_learn():
    code = (
        "import sys, drbench\n"
        "from drbench.metrics.metric import load_metric\n"
        "from drbench import registry\n"
        "[load_metric(name) for name in registry.names('metric')]\n"
        "print(sorted({'sklearn', 'torch', 'scipy', 'joblib', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_metric_is_declared_in_full():
    for name in registry.names("metric"):
        known = load_metric(name)
        assert known.invariances
        assert "Parameters\n----------" in known.definition
        for parameter in known.defaults:
            assert f"\n{parameter} : " in known.definition, (name, parameter)


def test_results_survive_a_file(small):
    fast = {"dci": {"rounds": 1}}
    for result in drbench.score(*small, ["omes", "mig", "dci"], parameters=fast).values():
        assert MetricResult.model_validate_json(result.model_dump_json()) == result
        assert not any(np.isnan(row).any() for row in np.array(result.matrix, dtype=float))
