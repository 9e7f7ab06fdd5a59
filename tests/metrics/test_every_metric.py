"""What holds for every registered metric, those to come included."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from drbench import registry
from drbench.data.spec import Factor
from drbench.errors import RepresentationError
from drbench.metrics.metric import Invariance, load_metric
from drbench.metrics.predict import predictors
from drbench.representation.representation import Representation

# Each metric's test module, where it is held to something computed in another way.
REFERENCES = {
    "omes": "test_omes.py",
    "omes_sobol": "test_omes_sobol.py",
    "dci": "test_dci.py",
    "mig": "test_mig.py",
    "gbt": "test_gbt.py",
    "gbt_pruned": "test_gbt.py",
    "beta_vae_score": "test_beta_vae_score.py",
    "dci_linear": "test_dci_linear.py",
    "explicitness": "test_explicitness.py",
    "factor_vae_score": "test_factor_vae_score.py",
    "mlp": "test_mlp.py",
    "mlp_pruned": "test_mlp.py",
    "probe": "test_probe.py",
    "sap": "test_sap.py",
    "modularity": "test_modularity.py",
    "mig_sup": "test_mig_sup.py",
    "dcimig": "test_dcimig.py",
    "jemmig": "test_jemmig.py",
    "gaussian_tc": "test_gaussian_tc.py",
    "latent_mi": "test_latent_mi.py",
    "irs": "test_irs.py",
    "infomec": "test_infomec.py",
}
# Know nothing of the factors: noise is their best code.
UNSUPERVISED = {"gaussian_tc", "latent_mi"}
# Speeds up the metrics that fit predictors or draw.
FAST = {"rounds": 8, "epochs": 60, "draws": 600}
METRICS = registry.names("metric")


def fast(metric):
    return {name: value for name, value in FAST.items() if name in metric.defaults}


def permute_latents(latents, codes, rng):
    return latents[:, [2, 3, 0, 1]], codes


def flip_signs(latents, codes, rng):
    return latents * [-1, 1, -1, -1], codes


def scale(latents, codes, rng):
    return latents * [0.1, 10, 3, 0.7], codes


def rename_classes(latents, codes, rng):
    sizes = codes.max(axis=0) + 1
    return latents, np.stack(
        [rng.permutation(n)[c] for n, c in zip(sizes, codes.T, strict=True)], axis=1
    )


def reorder_rows(latents, codes, rng):
    order = rng.permutation(len(codes))
    return latents[order], codes[order]


def append_constant(latents, codes, rng):
    return np.hstack([latents, np.full((len(latents), 3), 0.7)]), codes


def label_type(latents, codes, rng):
    return latents, codes.astype(float)


def jobs(latents, codes, rng):
    return latents.copy(), codes


CHANGES = {
    change.__name__: change
    for change in (
        permute_latents,
        flip_signs,
        scale,
        rename_classes,
        reorder_rows,
        append_constant,
        label_type,
        jobs,
    )
}


def test_every_metric_has_an_independent_reference(request):
    folder = request.path.parent
    for name in METRICS:
        assert name in REFERENCES, f"the metric {name} is held to no reference: add its test"
        assert re.search(rf"import .*\b{name}\b", (folder / REFERENCES[name]).read_text())


def test_every_invariance_can_be_tried():
    assert set(CHANGES) == set(get_args(Invariance))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", METRICS)
def test_declared_invariances_hold(name, change, small, monkeypatch):
    known = load_metric(name)
    if change not in known.invariances:
        pytest.skip(f"{name} does not declare {change}")
    before = known(*small, **fast(known))
    changed = CHANGES[change](*small, np.random.default_rng(0))
    if change in ("jobs", "label_type"):
        monkeypatch.setattr(predictors, "_remembered", type(predictors._remembered)())
    if change == "jobs":
        monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    after = known(*changed, **fast(known))
    assert before.value == pytest.approx(before.value) != 0
    assert abs(after.value - before.value) <= known.invariances[change]


@pytest.mark.parametrize("name", METRICS)
def test_a_score_depends_on_its_seed_alone(name, small):
    known = load_metric(name)
    np.random.seed(1)  # noqa: NPY002  # no metric may look at the global generator
    first = known(*small, seed=4, **fast(known))
    np.random.seed(2)  # noqa: NPY002
    assert known(*small, seed=4, **fast(known)) == first
    assert first.parameters["seed"] == 4


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
    known = os.environ | {
        "PYTHONHASHSEED": "123",
        "OMP_NUM_THREADS": "1",
        "LOKY_MAX_CPU_COUNT": "1",
        "DRBENCH_CACHE": str(session_cache),  # what was compiled is kept there
    }
    done = subprocess.run(
        [sys.executable, "-c", SCORE_ALL, str(folder / "arrays.npz"), asked],
        env=known, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", METRICS)
def test_another_process_finds_the_same_score(name, small, elsewhere):
    known = load_metric(name)
    here = json.loads(json.dumps(known(*small, **fast(known)).model_dump()))
    there = elsewhere[name]
    near = {
        factor: None if score is None else pytest.approx(score, rel=1e-9, abs=1e-12)
        for factor, score in there["per_factor"].items()
    }
    assert here["value"] == pytest.approx(there["value"], rel=1e-9, abs=1e-12)
    assert here["per_factor"] == near
    assert here["warnings"] == there["warnings"]


@pytest.mark.parametrize("name", METRICS)
def test_the_perfect_code_of_the_bench_scores_its_reference(name, bench):
    known = load_metric(name)
    perfect, noise = (
        known(bench.latents[case], bench.codes, **fast(known)) for case in ("perfect", "noise")
    )
    if perfect.value is None:  # pruned: no latent overlaps with a factor of two levels
        assert "factor_3" in perfect.reason
        return
    if name not in UNSUPERVISED:
        assert (perfect.value > noise.value) == known.higher_is_better
    if perfect.reference is not None:
        assert perfect.value == pytest.approx(perfect.reference, abs=0.03)
    if noise.value is not None and noise.chance is not None:
        assert noise.value == pytest.approx(noise.chance, abs=0.1)


@pytest.mark.parametrize("name", METRICS)
def test_a_code_beats_noise_and_stays_in_range(name, small):
    known = load_metric(name)
    latents, codes = small
    noise = np.random.default_rng(0).normal(size=latents.shape)
    good, bad = (known(z, codes, **fast(known)) for z in (latents, noise))
    for result in (good, bad):
        assert known.range[0] <= result.value <= known.range[1]
    if name not in UNSUPERVISED:
        assert (good.value > bad.value) == known.higher_is_better
    assert list(good.per_factor) == ["factor_0", "factor_1", "factor_2"]
    assert good.n_samples == len(codes)


def degenerate(latents, codes):
    """What a metric may be handed: None where it must refuse, by what is wrong."""
    rng = np.random.default_rng(0)
    single = codes.copy()
    single[:, 1] = 2
    named = [Factor(name=f"f{j}", kind="continuous") for j in range(3)]
    known = Representation.from_arrays(latents, codes)
    return {
        "one row": (latents[:1], codes[:1]),
        "two rows": (latents[:2], codes[:2]),
        "fewer rows than classes": (latents[:4], np.arange(12).reshape(4, 3)),
        "one factor": (latents, codes[:, :1]),
        "one latent": (latents[:, :1], codes),
        "a single-valued factor": (latents, single),
        "nothing varies": (latents, np.zeros_like(codes)),
        "constant latents": (np.ones_like(latents), codes),
        "text": (latents, codes.astype(str).astype(object) + "x"),
        "booleans": (latents, codes > 1),
        "large offset": (latents + 1e12, codes),
        "huge": (latents * 1e300, codes),
        "tiny": (latents * 1e-300, codes),
        "continuous": (Representation.from_arrays(latents, codes + 0.5, factors=named), None),
        "no grid": (rng.normal(size=(50, 3)), rng.normal(size=(50, 2))),
        "vector units": (replace(known, latent_groups=np.array([0, 0, 1, 1])), None),
        "split groups": (replace(known, split_groups=np.repeat(np.arange(36), 10)), None),
        "one split group": (replace(known, split_groups=np.zeros(360, dtype=int)), None),
        "float32": (replace(known, mean=known.mean.astype(np.float32)), None),
        "narrow codes": (replace(known, codes=known.codes.astype(np.int8)), None),
    }


DEGENERATE = tuple(degenerate(np.zeros((360, 4)), np.zeros((360, 3), dtype=int)))


@pytest.mark.parametrize("what", DEGENERATE)
@pytest.mark.parametrize("name", METRICS)
def test_degenerate_input_gives_a_score_or_a_reason(name, what, small):
    known = load_metric(name)
    given = degenerate(*small)[what]
    fewer = {"rounds": 2} if "rounds" in known.defaults else {}
    result = known(*given, **fast(known) | fewer)
    if result.value is None:
        assert len(result.reason) > 20
    else:
        assert result.reason is None
        assert known.range[0] <= result.value <= known.range[1]
    if name in UNSUPERVISED:
        return
    if what == "a single-valued factor":
        assert result.value is not None
        assert result.per_factor["factor_1"] is None
        assert any("factor_1 has a single value" in warning for warning in result.warnings)
    if what in ("nothing varies", "one row"):
        assert result.reason == "no factor has two different values"


@pytest.mark.parametrize("name", METRICS)
def test_what_is_no_representation_is_refused(name, small):
    known = load_metric(name)
    latents, codes = small
    for z, v in (
        (latents * np.nan, codes),
        (latents * np.inf, codes),
        (latents, codes * np.nan),
        (latents[:-1], codes),
        (latents[:, 0], codes),
        (latents[:0], codes[:0]),
    ):
        with pytest.raises(RepresentationError):
            known(z, v)
