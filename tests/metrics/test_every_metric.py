"""What holds for every registered metric, those to come included, beside its conformance."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from drbench import registry
from drbench.errors import RepresentationError
from drbench.metrics.metric import load_metric

pytestmark = pytest.mark.slow

# Know nothing of the factors: noise is their best code.
UNSUPERVISED = {"gaussian_tc", "latent_mi"}
# Speeds up the metrics that fit predictors or draw.
FAST = {"rounds": 8, "epochs": 60, "draws": 600}
METRICS = registry.names("metric")


def fast(metric):
    return {name: value for name, value in FAST.items() if name in metric.defaults}


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_has_an_independent_reference(name, request):
    tests = [path for path in request.path.parent.glob("test_*.py") if path != request.path]
    own = rf"from drbench\.metrics\.{name} import .*\b{name}\b"
    assert any(re.search(own, path.read_text()) for path in tests), (
        f"the metric {name} is held to no reference: add its test"
    )


SCORE_ALL = """
import json, sys
import numpy as np
from drbench.metrics.metric import load_metric
arrays = np.load(sys.argv[1])
print(json.dumps({
    name: load_metric(name)(arrays["latents"], arrays["codes"], **parameters).model_dump()
    for name, parameters in json.loads(sys.argv[2]).items()
}))
"""


@pytest.fixture(scope="module")
def elsewhere(small, session_cache, tmp_path_factory):
    """Results of every metric in another process, with another hash seed and one thread."""
    folder = tmp_path_factory.mktemp("elsewhere")
    np.savez(folder / "arrays.npz", latents=small[0], codes=small[1])
    asked = json.dumps({name: fast(load_metric(name)) for name in METRICS})
    environment = os.environ | {
        "PYTHONHASHSEED": "123",
        "OMP_NUM_THREADS": "1",
        "LOKY_MAX_CPU_COUNT": "1",
        "DRBENCH_CACHE": str(session_cache),  # what was compiled is kept there
    }
    done = subprocess.run(
        [sys.executable, "-c", SCORE_ALL, str(folder / "arrays.npz"), asked],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", METRICS)
def test_another_process_finds_the_same_score(name, small, elsewhere):
    metric = load_metric(name)
    here = json.loads(json.dumps(metric(*small, **fast(metric)).model_dump()))
    there = elsewhere[name]
    near = {
        factor: None if score is None else pytest.approx(score, rel=1e-9, abs=1e-12)
        for factor, score in there["per_factor"].items()
    }
    assert here["value"] == pytest.approx(there["value"], rel=1e-9, abs=1e-12)
    assert here["per_factor"] == near
    assert here["warnings"] == there["warnings"]


@pytest.mark.parametrize("name", METRICS)
def test_the_perfect_code_scores_the_reference_and_noise_scores_chance(name, bench):
    metric = load_metric(name)
    perfect, noise = (
        metric(bench.latents[case], bench.codes, **fast(metric)) for case in ("perfect", "noise")
    )
    if perfect.value is None:  # pruned: no latent overlaps with a factor of two levels
        assert "factor_3" in perfect.reason
        return
    if name not in UNSUPERVISED:
        assert (perfect.value > noise.value) == (metric.direction == "higher")
    if perfect.reference is not None:
        assert perfect.value == pytest.approx(perfect.reference, abs=0.03)
    if noise.value is not None and noise.chance is not None:
        assert noise.value == pytest.approx(noise.chance, abs=0.1)


@pytest.mark.parametrize("name", [name for name in METRICS if name not in UNSUPERVISED])
def test_a_single_valued_factor_is_left_out_and_said(name, small):
    metric, (latents, codes) = load_metric(name), small
    single = codes.copy()
    single[:, 1] = 2
    result = metric(latents, single, **fast(metric))
    assert result.value is not None
    assert result.per_factor["factor_1"] is None
    assert any("factor_1 has a single value" in warning for warning in result.warnings)
    nothing = metric(latents, np.zeros_like(codes), **fast(metric))
    assert nothing.reason == "no factor has two different values"


@pytest.mark.parametrize(
    "wrong",
    [
        lambda z, v: (z * np.nan, v),
        lambda z, v: (z * np.inf, v),
        lambda z, v: (z, v * np.nan),
        lambda z, v: (z[:-1], v),
        lambda z, v: (z[:, 0], v),
        lambda z, v: (z[:0], v[:0]),
    ],
)
def test_what_is_no_representation_is_refused(wrong, small):
    with pytest.raises(RepresentationError):
        load_metric("mig")(*wrong(*small))
