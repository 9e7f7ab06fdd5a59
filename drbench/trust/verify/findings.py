"""What a check of a record may find wrong, and how much two numbers may differ."""

import json
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from drbench.errors import BoardError
from drbench.metrics.metric import load_metric
from drbench.metrics.result import MetricResult

TOLERANCE = 1e-5
"""Largest difference of equal results: of scores absolute, or relative where they exceed 1."""


class UnverifiableError(BoardError):
    """A check that cannot be made here: it says nothing of the record."""


class RefutedError(BoardError):
    """A record that does not hold, whoever checks it, and where."""


class DiffersError(RefutedError):
    """A result that came out differently: it refutes only where all else is equal."""


class Difference(NamedTuple):
    """The largest difference between two results."""

    apart: float
    """How large; relative to what was found where that exceeds 1."""
    where: str
    """Which number."""
    given: float | None
    found: float | None


def difference(given: MetricResult, found: MetricResult, *, value_only: bool = False) -> Difference:
    """Largest difference between two results of one metric.

    Compared are all numbers, or the score alone; not the sentences. The difference is infinite
    where one result has a number and the other has none.
    """
    a, b = dict(_numbers(given, value_only)), dict(_numbers(found, value_only))
    worst = Difference(0.0, "value", given.value, found.value)
    for name in dict.fromkeys([*a, *b]):
        apart = _apart(a.get(name, math.nan), b.get(name, math.nan))
        if apart > worst.apart:
            worst = Difference(apart, name, a.get(name), b.get(name))
    return worst


def other_parameter(given: MetricResult, found: MetricResult) -> str | None:
    """What the first parameter is that two results do not have equal, for people; None if all are.

    Equal to the last bit and of one type, and of neither one more: parameters are inputs.
    """
    here, there = _parameters(given), _parameters(found)
    for name in sorted(here.keys() | there.keys()):
        if here.get(name) != there.get(name):
            said = [str(each.get(name, "absent"))[:64] for each in (here, there)]
            return f"parameter {name[:64]!r} is {said[0]} in the record, but {said[1]} here"
    return None


def rounding(metric: str) -> float:
    """How far rounding of latents may move a metric, by its own declaration.

    A latent that another machine computes differs in its last digits, and a row may then fall on
    the other side of a bin's edge or of a tree's split, as in a scaled or a mirrored latent.
    """
    declared = load_metric(metric).invariances
    return max(TOLERANCE, declared.get("scale", 0.0), declared.get("flip_signs", 0.0))


def _parameters(result: MetricResult) -> dict[str, str]:
    return {
        name: json.dumps(value)
        for name, value in result.model_dump(mode="json")["parameters"].items()
    }


def _apart(a: float | None, b: float | None) -> float:
    if a is None and b is None:
        return 0.0
    if a is None or b is None or math.isnan(a) or math.isnan(b):
        return math.inf
    return abs(a - b) / max(1.0, abs(b))


def _numbers(result: MetricResult, value_only: bool) -> Iterator[tuple[str, float | None]]:
    names = ("value", "per_factor", "parts", "reference", "chance", "standard_error", "curve",
             "matrix", "n_samples", "n_pairs")  # fmt: skip
    for name in names[:1] if value_only else names:
        yield from _flat(name, getattr(result, name))


def _flat(name: str, value: Any) -> Iterator[tuple[str, float | None]]:
    if value is None or isinstance(value, int | float):
        yield name, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{name} of {key}", inner)
    elif isinstance(value, tuple):
        for place, inner in enumerate(value):
            yield from _flat(f"{name} {place}", inner)
    else:  # a curve
        yield from _flat(f"{name} x", value.x)
        yield from _flat(f"{name} y", value.y)
