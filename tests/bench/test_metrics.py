"""The study of seconds: what is timed, and that nothing is remembered."""

import numpy as np
import pytest

from drbench import MetricResult
from drbench.bench import metrics as study_module
from drbench.bench.compare import Comparison
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


def test_every_registered_metric_is_timed_alone_then_trees_then_all(scored, monkeypatch):
    monkeypatch.setattr(study_module, "_omes_by_pairs", lambda *_: None)
    monkeypatch.setattr(study_module.registry, "names", lambda kind: ["dci", "gbt", "omes"])
    rows = list(study())
    timings = [(row.what, row.size, row.target) for row in rows if isinstance(row, Timing)]
    shapes3d = "15,000 x 10, 57 classes"
    assert timings == [
        ("dci", shapes3d, None),
        ("gbt", shapes3d, None),
        ("omes", shapes3d, 0.02),
        ("dci + gbt + gbt_pruned", shapes3d, 10.0),
        ("dci + gbt + gbt_pruned", "15,000 x 10, 199 classes", 35.0),
        ("all 3", shapes3d, 60.0),
    ]
    assert sum(isinstance(row, Comparison) for row in rows) == 2
    assert (("dci", "gbt", "gbt_pruned"), (15_000, 10)) in {(c[0], c[2]) for c in scored}


def test_no_two_timed_calls_share_a_seed(scored):
    latents, codes = np.zeros((4, 2)), np.zeros((4, 1), dtype=int)
    for _ in range(2):
        fresh_seconds(latents, codes, ["mig"])
    seeds = [seed for _, seed, _ in scored]
    assert len(set(seeds)) == len(seeds) == 10
