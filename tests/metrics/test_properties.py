"""What must hold of every metric whatever it is given: random shapes, scales, copies and gaps."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from drbench import registry
from drbench.data.spec import Factor
from drbench.metrics.metric import Invariance, load_metric
from drbench.metrics.result import MetricResult
from drbench.representation.representation import Representation

pytestmark = pytest.mark.slow

METRICS = registry.names("metric")
FAST = {"rounds": 2, "epochs": 15, "draws": 90}
EXACT = 1e-5
"""Tolerances up to this are promises, not the spread of a predictor."""
CHANGES = tuple(sorted({*get_args(Invariance)} - {"jobs", "label_type"}))
KINDS = (
    "noise", "noise", "a factor", "a factor", "two factors", "a copy", "quantised", "constant",
    "nearly constant", "outlier", "far from zero", "huge", "tiny", "subnormal",
)  # fmt: skip


def column(kind, codes, before, rng):
    """One latent, given the classes and the latents before it."""
    n, factors = codes.shape
    noise = rng.normal(size=n)
    factor, other = codes[:, rng.integers(factors)], codes[:, rng.integers(factors)]
    return {
        "noise": noise,
        "a factor": factor + 0.1 * noise,
        "two factors": factor - 0.7 * other + 0.1 * noise,
        "a copy": before[-1] if before else noise,
        "quantised": rng.integers(0, 3, n),
        "constant": np.full(n, 0.7),
        "nearly constant": 1 + 2.0**-52 * rng.integers(0, 2, n),
        "outlier": np.where(np.arange(n) == n - 1, 1e6, noise),
        "far from zero": noise + 1e8,
        "huge": 1e30 * noise,
        "tiny": 1e-30 * noise,
        "subnormal": 1e-310 * noise,
    }[kind].astype(float)


@st.composite
def representations(draw, rows=(1, 2, 3, 7, 20, 60), kinds=KINDS, fewest=1):
    """A representation, and what its latents are."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6), label="seed"))
    n = draw(st.sampled_from(rows), label="rows")
    sizes = draw(st.lists(st.sampled_from([1, 2, 3, 6, n]), min_size=1, max_size=3), label="sizes")
    chosen = draw(st.lists(st.sampled_from(kinds), min_size=fewest, max_size=5), label="latents")
    codes = np.stack([rng.integers(0, size, n) for size in sizes], axis=1)
    latents: list[np.ndarray] = []
    for kind in chosen:
        latents.append(column(kind, codes, latents, rng))
    known = Representation.from_arrays(np.stack(latents, axis=1), codes)
    match draw(st.sampled_from(["plain", "plain", "continuous", "units", "groups", "float32"])):
        case "continuous":
            real = [Factor(name="real", kind="continuous"), *known.factors[1:]]
            table = np.column_stack([rng.normal(size=n), known.codes[:, 1:]])
            known = Representation.from_arrays(known.mean, table, factors=real)
        case "units":
            known = replace(known, latent_groups=rng.integers(0, len(chosen), len(chosen)))
        case "groups":
            known = replace(known, split_groups=rng.integers(0, n // 3 + 1, n))
        case "float32":
            known = replace(known, mean=known.mean.astype(np.float32))
    return known, frozenset(chosen)


def fast(metric):
    return {name: value for name, value in FAST.items() if name in metric.defaults}


@pytest.mark.parametrize("name", METRICS)
@settings(max_examples=8, deadline=None)
@given(representations())
def test_whatever_it_is_given_there_is_a_score_in_range_or_a_reason(name, given_one):
    known, metric = given_one[0], load_metric(name)
    result = metric(known, **fast(metric))
    assert (result.value is None) == bool(result.reason)
    for number in (result.value, result.reference, result.chance):
        assert number is None or metric.range[0] <= number <= metric.range[1]
    assert all(error is None or error >= 0 for error in (result.standard_error or {}).values())
    assert list(result.per_factor) == list(known.factor_names)
    assert MetricResult.model_validate_json(result.model_dump_json()) == result


def changed(change, known, rng):
    """The representation after a change that a metric may say it does not notice."""
    n, latents = known.mean.shape
    units = known.latent_groups
    if change == "permute_latents":
        order = rng.permutation(latents)
        moved = None if units is None else units[order]
        return replace(known, mean=known.mean[:, order], latent_groups=moved)
    if change in ("flip_signs", "scale"):
        by = [-1.0, 1.0] if change == "flip_signs" else [0.1, 0.3, 1.0, 2.0, 10.0]
        return replace(known, mean=known.mean * rng.choice(by, latents))
    if change == "append_constant":
        more = None if units is None else np.append(units, [latents + 1, latents + 2])
        return replace(
            known, mean=np.hstack([known.mean, np.full((n, 2), 0.7)]), latent_groups=more
        )
    if change == "rename_classes":
        sizes = [factor.size for factor in known.factors]
        columns = [
            column if size is None else rng.permutation(size)[column]
            for size, column in zip(sizes, known.codes.T, strict=True)
        ]
        return replace(known, codes=np.stack(columns, axis=1))
    order = rng.permutation(n)
    per_row = {"mean", "codes", "values", "split_groups"}
    arrays = {name: array for name in per_row if (array := getattr(known, name)) is not None}
    return replace(known, **{name: array[order] for name, array in arrays.items()})


def stated(name, change, known, kinds, result):
    """Whether a known fault of the metric speaks of this very change to this representation."""
    if name == "omes" and change == "reorder_rows":
        return len(np.unique(known.codes, axis=0)) < len(known.codes)  # the first row counts
    if name == "omes_sobol" and change in ("reorder_rows", "rename_classes"):
        return result.parameters["used"] in ("regression", "mixed")
    if name == "factor_vae_score" and change == "permute_latents":
        return bool(kinds & {"quantised"})  # of latents that are held still the first votes
    return False


@pytest.mark.parametrize("name", METRICS)
@settings(max_examples=8, deadline=None)
@given(
    representations(
        rows=(20, 60),
        kinds=("noise", "a factor", "two factors", "a copy", "quantised", "constant"),
        fewest=2,  # where a gap between latents is defined
    ),
    st.integers(0, 10**6),
)
def test_declared_invariances_are_exact_where_they_say_so(name, given_one, seed):
    (known, kinds), metric = given_one, load_metric(name)
    spread = known.mean.std(axis=0)
    assume(not np.any((spread > 0) & (spread < 0.05 * spread.max())))  # never near the cut-off
    exact = [change for change in CHANGES if metric.invariances.get(change, 1) <= EXACT]
    before = metric(known, **fast(metric))
    rng = np.random.default_rng(seed)
    for change in exact:
        if stated(name, change, known, kinds, before):
            continue
        after = metric(changed(change, known, rng), **fast(metric))
        assert (after.value is None) == (before.value is None), (change, before, after)
        if before.value is not None:
            assert after.value == pytest.approx(before.value, abs=1e-6), change
