"""The study of seconds: what is timed, and that nothing is remembered."""

import numpy as np
import pytest

from drbench import MetricResult, registry
from drbench.bench import metrics as study_module
from drbench.bench.metrics import Timing, fresh_seconds, study


@pytest.fixture
def scored(monkeypatch) -> list[tuple[tuple[str, ...], int, tuple[int, int]]]:
    """Names, seed and size of each call."""
    calls = []

    def score(latents, codes, metrics, *, seed=0, parameters=None) -> dict[str, MetricResult]:
        calls.append((tuple(metrics), seed, np.shape(latents)))
        return {}

    monkeypatch.setattr(study_module, "score", score)
    return calls


def test_every_registered_metric_is_timed_alone(scored, monkeypatch):
    monkeypatch.setattr(study_module, "_omes_by_pairs", lambda *_: None)
    timed = {row.what for row in study() if isinstance(row, Timing)}
    assert timed >= set(registry.names("metric"))


def test_no_two_timed_calls_share_a_seed(scored):
    latents, codes = np.zeros((4, 2)), np.zeros((4, 1), dtype=int)
    for _ in range(2):
        fresh_seconds(latents, codes, ["mig"])
    seeds = [seed for _, seed, _ in scored]
    assert len(set(seeds)) == len(seeds) == 10
