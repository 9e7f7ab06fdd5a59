"""JEMMIG against published tables, closed forms and entropies counted one by one."""

import itertools
from collections import Counter
from math import log

import numpy as np
import pytest

from drbench.metrics.jemmig import jemmig

PUBLISHED = {
    "perfect": 1,
    "permuted": 1,
    "cubed": 0.986,
    "small": 1,
    "constants": 1,
    "noisy": 0.993,
    "duplicated": 0.644,
    "rotated": 0.684,
    "noise": 0.121,
    "missing": 0.88,
}
RANDOM = {"noise"}


def entropy(symbols):
    counts = Counter(symbols).values()
    return -sum(c / len(symbols) * log(c / len(symbols)) for c in counts)


def reference(latents, codes, bins):
    """JEMMIG of each factor in nats, and normalised."""
    labels = [np.digitize(z, np.linspace(z.min(), z.max(), bins + 1)[1:-1]) for z in latents.T]
    nats, scores = [], []
    for v in codes.T.tolist():
        told = []
        for z in labels:
            joint = entropy(list(zip(z.tolist(), v, strict=True)))
            told.append((entropy(z.tolist()) + entropy(v) - joint, joint))
        (first, joint), (second, _) = sorted(told, reverse=True)[:2]
        nats.append(joint - first + second)
        scores.append(1 - nats[-1] / (entropy(v) + log(bins)))
    return nats, scores


@pytest.mark.parametrize("case", PUBLISHED)
def test_the_bench_scores_what_is_published(bench, case):
    value = jemmig(bench.latents[case], bench.codes).value
    assert value == pytest.approx(PUBLISHED[case], abs=0.012 if case in RANDOM else 0.0015)


def test_duplicated_latents_are_a_closed_form(bench):
    h = np.log(bench.sizes)
    result = jemmig(bench.latents["duplicated"], bench.codes)
    assert list(result.per_factor.values()) == pytest.approx(1 - h / (h + log(10)))
    assert result.parts["nats"] == pytest.approx(h.mean())


@pytest.mark.parametrize("bins", [5, 10])
def test_it_agrees_with_an_independent_estimate(small, bins):
    result = jemmig(*small, bins=bins)
    nats, scores = reference(*small, bins)
    assert list(result.per_factor.values()) == pytest.approx(scores, abs=1e-9)
    assert result.parts["nats"] == pytest.approx(np.mean(nats), abs=1e-9)


def test_of_a_missed_factor_all_latents_tell_alike_and_their_order_does_not_count(bench):
    latents = bench.latents["missing"]
    found = [
        jemmig(latents[:, list(order)], bench.codes).value
        for order in itertools.permutations(range(4))
    ]
    assert found == pytest.approx([PUBLISHED["missing"]] * 24, abs=0.0015)
    wide = np.hstack([np.ones((len(latents), 1)), latents])
    assert jemmig(wide, bench.codes).value == pytest.approx(found[0], abs=1e-12)


def test_chance_is_what_noise_scores_and_not_zero(bench):
    result = jemmig(bench.latents["noise"], bench.codes)
    assert result.value == pytest.approx(result.chance, abs=0.01)
    assert result.chance > 0.05
    assert jemmig(bench.latents["perfect"], bench.codes).chance < 0.3


def test_a_single_latent_has_no_gap(bench):
    assert "compares two latents" in jemmig(bench.latents["perfect"][:, :1], bench.codes).reason
