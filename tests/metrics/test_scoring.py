"""Scoring with several metrics, and the contract of a metric."""

import subprocess
import sys
from typing import Literal

import numpy as np
import pytest

import drbench
from drbench import registry
from drbench.errors import DrbenchError, PluginError, RequestError, UnknownNameError
from drbench.metrics.metric import load_metric, metric
from drbench.metrics.result import MetricResult
from drbench.metrics.scoring import DEFAULT_METRICS, DEFAULT_WITHOUT_FACTORS
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


def halved(representation, *, seed: int, share: float = 0.5):
    """A constant."""
    return MetricResult(value=share)


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


def test_codes_are_asked_for_once_and_only_by_metrics_that_need_them(small):
    latents, codes = small
    with pytest.raises(RequestError, match="mig needs codes"):
        drbench.score(latents, metrics=["gaussian_tc", "mig"])
    with pytest.raises(RequestError, match="mig needs codes"):
        load_metric("mig")(latents)
    with pytest.raises(RequestError, match="list of factors needs codes"):
        drbench.score(latents, metrics=["gaussian_tc"], factors=["a"])
    with pytest.raises(RequestError, match="has its own codes"):
        drbench.score(Representation.from_arrays(latents, codes), codes)
    alone = drbench.score(latents)
    assert list(alone) == list(DEFAULT_WITHOUT_FACTORS)
    assert alone["gaussian_tc"].value == load_metric("gaussian_tc")(latents, codes).value


def test_factors_can_be_named(small):
    scored = drbench.score(*small, ["mig"], factors=["a", "b", "c"])
    assert list(scored["mig"].per_factor) == ["a", "b", "c"]


def test_a_metric_itself_can_be_asked_for(small):
    mine = metric(**ABOUT)(halved)
    scored = drbench.score(*small, [mine, "mig"], parameters={"halved": {"share": 0.25}})
    assert scored["halved"].value == 0.25
    assert list(scored) == ["halved", "mig"]
    assert drbench.score(*small, mine)["halved"].value == 0.5
    for wrong in (halved, [halved], 3):
        with pytest.raises(RequestError, match=r"is no metric|expected a list of names"):
            drbench.score(*small, wrong)


@pytest.mark.parametrize("seed", [-1, 2**32, 10**30, 0.5, "a", None])
def test_what_is_no_seed_is_refused_before_anything_is_scored(small, seed):
    with pytest.raises(RequestError, match=r"The seed is .*: expected a whole number from 0 to"):
        drbench.score(*small, ["mig"], seed=seed)
    with pytest.raises(RequestError, match="The seed is"):
        load_metric("mig")(*small, seed=seed)


def test_scores_are_a_table_in_text_and_html_and_a_frame(small):
    scored = drbench.score(*small, ["mig", "omes"], factors=["a", "<b>", "c"])
    header, mig, omes, *notes = str(scored).splitlines()
    assert header.split() == ["metric", "value", "reference", "chance", "a", "<b>", "c"]
    for name, line in (("mig", mig), ("omes", omes)):
        result = scored[name]
        numbers = [result.value, result.reference, result.chance, *result.per_factor.values()]
        assert line.split() == [name, *("-" if x is None else f"{x:.3f}" for x in numbers)]
    assert all(any(text in note for note in notes) for text in scored["omes"].warnings)
    html = scored._repr_html_()
    assert "&lt;b&gt;" in html
    assert "<b>" not in html
    frame = scored.to_pandas()
    assert frame.loc["mig", "value"] == scored["mig"].value
    assert frame.loc["omes", "a"] == scored["omes"].per_factor["a"]


def test_without_pandas_a_frame_is_a_sentence(small, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(DrbenchError, match="pip install pandas"):
        drbench.score(*small, ["mig"]).to_pandas()


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
