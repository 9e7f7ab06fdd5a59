"""Conformance of metrics, tried on the analytic bench."""

import functools
from collections.abc import Iterator
from typing import Any, get_args

import numpy as np

from drbench.checks import bench
from drbench.checks.trying import attempt
from drbench.errors import DrbenchError, PluginError
from drbench.metrics.metric import Cost, Direction, Invariance, Metric
from drbench.metrics.result import MetricResult
from drbench.representation.representation import Representation

_SLACK = 1e-9


def check_metric(metric: Any) -> list[str]:
    """Problems of a metric plugin.

    Parameters
    ----------
    metric : Metric
        Scored about 15 times on 72 rows of 3 factors, with its default parameters.

    Returns
    -------
    problems : list of str
        Empty if the metric conforms.
    """
    if not isinstance(metric, Metric):
        return [f"it is {metric!r}, not made by the decorator drbench.metric"]
    problems = attempt("declaration", lambda: _declaration_problems(metric))
    problems += attempt("a perfect code", lambda: _perfect_problems(metric))
    if problems:
        return problems
    problems += attempt("invariances", lambda: _invariance_problems(metric))
    others = {
        "a continuous factor": bench.continuous(),
        "vector-valued units": bench.vector_units(),
        **bench.degenerate(),
    }
    for what, representation in others.items():
        problems += attempt(what, functools.partial(_odd_problems, metric, what, representation))
    return problems


def _declaration_problems(metric: Metric) -> Iterator[str]:
    for field in ("name", "title", "measures", "source", "version", "definition"):
        if not getattr(metric, field).strip():
            yield f"{field} is empty" if field != "definition" else "the function has no docstring"
    low, high = metric.range
    if not low < high:
        yield f"range is {metric.range}, expected (smallest, largest)"
    for field, words in {"cost": get_args(Cost), "direction": get_args(Direction)}.items():
        if (word := getattr(metric, field)) not in words:
            yield f"{field} is {word!r}, expected {', '.join(words[:-1])} or {words[-1]}"
    if not metric.tolerance >= 0:
        yield f"tolerance is {metric.tolerance}, expected 0 or more"
    for invariance, tolerance in metric.invariances.items():
        if invariance not in get_args(Invariance):
            yield f"{invariance!r} is no invariance: use {', '.join(get_args(Invariance))}"
        elif not tolerance >= 0:
            yield f"the tolerance of {invariance} is {tolerance}"
    metric.validated({})


def _perfect_problems(metric: Metric) -> Iterator[str]:
    known = bench.perfect()
    copies = [known.mean.copy(), known.codes.copy()]
    result = metric(known, seed=0)
    if not all(map(np.array_equal, copies, [known.mean, known.codes])):
        yield "it changes the arrays that it is given"
    if metric(bench.perfect(), seed=0) != result:
        yield "one seed gives two results"
    if result.value is None:
        yield f"a perfect code has no score: {result.reason}"
        return
    yield from _result_problems(metric, "a perfect code", result)
    missing = set(metric.defaults) - set(result.parameters)
    if missing:
        yield f"the result does not record the parameters {', '.join(sorted(missing))}"
    unknown = set(result.per_factor) - set(known.factor_names)
    if unknown:
        yield f"per_factor names {', '.join(sorted(unknown))}, which are no factors"
    chance = metric(bench.noise(), seed=0).value
    higher = metric.direction == "higher"
    better, worse = (result.value, chance) if higher else (chance, result.value)
    if worse is not None and better is not None and better < worse - _SLACK:
        yield f"a perfect code scores {result.value:.4g}, noise {chance:.4g}"


def _invariance_problems(metric: Metric) -> Iterator[str]:
    before = metric(bench.perfect(), seed=0).value
    assert before is not None  # a perfect code without a score was reported before
    for name, tolerance in metric.invariances.items():
        for number, change in enumerate(bench.changes(name)):
            rng = np.random.default_rng(number)
            after = metric(change(bench.perfect(), rng), seed=0).value
            if after is None or abs(after - before) > tolerance + _SLACK:
                yield f"{name} moves the score from {before} to {after}: declared {tolerance:g}"


def _odd_problems(metric: Metric, what: str, representation: Representation) -> Iterator[str]:
    """What a metric cannot use it declines: by a result with a reason, or by a named error."""
    try:
        result = metric(representation, seed=0)
    except PluginError:
        raise
    except DrbenchError:
        return
    yield from _result_problems(metric, what, result)


def _result_problems(metric: Metric, what: str, result: MetricResult) -> Iterator[str]:
    low, high = metric.range
    if result.value is not None and not low - _SLACK <= result.value <= high + _SLACK:
        yield f"{what}: the score {result.value:.6g} is outside {low:g} to {high:g}"
