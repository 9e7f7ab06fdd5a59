"""How each library is called: run by the Python of that library's own environment, 3.7 or later.

python adapters.py LIBRARY CALL CASE.npz RESULT.json

A function a library, which imports it and returns its calls. What is imported, built or converted
before the call is not timed. `z` is (n, latent) float, `v` (n, factor) int; `grid` has both for all
combinations of classes, for libraries that draw their own samples.
"""

import json
import math
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np

REPEAT_BELOW = 10.0
"""Seconds; what takes less is timed the second time, after compiling and lazy imports."""


def take(scores, names):
    """Part of what a library returned, under the report card's names."""
    return {ours: scores[theirs] for theirs, ours in names.items()}


def drbench(z, v, grid):
    """Two arrays to `drbench.score`."""
    import drbench

    def score(name, **parameters):
        result = drbench.score(z, v, [name], parameters={name: parameters})[name]
        # Without a value there is a reason.
        return {"value": result.reason if result.value is None else result.value, **result.parts}

    dci = {"disentanglement": "dci_d", "completeness": "dci_c", "informativeness": "dci_i"}
    return {
        "mig": lambda: take(score("mig"), {"value": "mig"}),
        "dci": lambda: take(score("dci"), dci),
        "sap": lambda: take(score("sap"), {"value": "sap"}),
        "modularity": lambda: take(score("modularity"), {"value": "modularity"}),
        # Ours is 2 AUC - 1.
        "explicitness": lambda: {"explicitness_auc": (1 + score("explicitness")["value"]) / 2},
        "factor_vae_score": lambda: take(score("factor_vae_score"), {"value": "factor_vae"}),
        "beta_vae_score": lambda: take(score("beta_vae_score"), {"value": "beta_vae"}),
        "irs": lambda: take(score("irs"), {"value": "irs"}),
        "gaussian_tc": lambda: take(score("gaussian_tc"), {"value": "gaussian_tc"}),
        "dcimig": lambda: take(score("dcimig"), {"value": "dcimig"}),
        "jemmig": lambda: take(score("jemmig"), {"value": "jemmig"}),
        "mig_sup": lambda: take(score("mig_sup"), {"value": "mig_sup"}),
        "infomec": lambda: take(score("infomec"), {k: k for k in ("infom", "infoc", "infoe")}),
        "omes": lambda: take(score("omes", pooling="max"), {"value": "omes_max"}),
        "omes_sobol": lambda: take(score("omes_sobol", pooling="max"), {"value": "omes_sobol"}),
    }


def disent(z, v, grid):
    """A ground truth of images of one pixel, whose channels are the latents."""
    from disent.dataset import DisentDataset
    from disent.dataset.data import ArrayGroundTruthData
    from disent.metrics import metric_dci, metric_factor_vae, metric_mig, metric_sap

    np.random.seed(0)  # noqa: NPY002 - what its metrics draw from
    names = tuple(f"factor_{j}" for j in range(len(grid.sizes)))
    images = grid.z[:, None, None, :]
    data = DisentDataset(ArrayGroundTruthData(images, names, tuple(map(int, grid.sizes))))

    def encode(batch):
        return batch.reshape(len(batch), -1)

    dci = {
        "dci.disentanglement": "dci_d",
        "dci.completeness": "dci_c",
        "dci.informativeness_test": "dci_i",
    }
    return {
        "metric_mig": lambda: take(metric_mig(data, encode), {"mig.discrete_score": "mig"}),
        "metric_dci": lambda: take(metric_dci(data, encode), dci),
        "metric_sap": lambda: take(metric_sap(data, encode), {"sap.score": "sap"}),
        "metric_factor_vae": lambda: take(
            # The default of 10,000 is drawn without replacement.
            metric_factor_vae(data, encode, num_variance_estimate=min(10000, len(data))),
            {"factor_vae.eval_accuracy": "factor_vae"},
        ),
    }


def disentanglement_lib(z, v, grid):
    """A ground truth whose observations are the latents."""
    import gin.tf
    from disentanglement_lib.data.ground_truth.ground_truth_data import GroundTruthData
    from disentanglement_lib.evaluation.metrics import beta_vae as beta
    from disentanglement_lib.evaluation.metrics import dci, irs, mig, sap_score
    from disentanglement_lib.evaluation.metrics import factor_vae as factor
    from disentanglement_lib.evaluation.metrics import modularity_explicitness as modular
    from disentanglement_lib.evaluation.metrics import unsupervised_metrics as alone

    # As in its unsupervised_study_v1.
    gin.parse_config(
        ["discretizer.discretizer_fn = @histogram_discretizer", "discretizer.num_bins = 20"]
    )
    strides = np.append(np.cumprod(grid.sizes[:0:-1])[::-1], 1)

    class Grid(GroundTruthData):
        num_factors = len(grid.sizes)
        factors_num_values = list(grid.sizes)
        observation_shape = [grid.z.shape[1]]

        def sample_factors(self, num, random_state):
            return np.stack([random_state.randint(size, size=num) for size in grid.sizes], axis=1)

        def sample_observations_from_factors(self, factors, random_state):
            return grid.z[factors @ strides]

    data, rng = Grid(), np.random.RandomState(0)

    def encode(batch):
        return batch

    return {
        "compute_mig": lambda: take(
            mig.compute_mig(data, encode, rng, num_train=10000), {"discrete_mig": "mig"}
        ),
        "compute_dci": lambda: take(
            dci.compute_dci(data, encode, rng, num_train=10000, num_test=5000),
            {
                "disentanglement": "dci_d",
                "completeness": "dci_c",
                "informativeness_test": "dci_i",
            },
        ),
        "compute_sap": lambda: take(
            sap_score.compute_sap(
                data, encode, rng, num_train=10000, num_test=5000, continuous_factors=False
            ),
            {"SAP_score": "sap"},
        ),
        "compute_modularity_explicitness": lambda: take(
            modular.compute_modularity_explicitness(
                data, encode, rng, num_train=10000, num_test=5000
            ),
            {"modularity_score": "modularity", "explicitness_score_test": "explicitness_auc"},
        ),
        "compute_beta_vae_sklearn": lambda: take(
            beta.compute_beta_vae_sklearn(
                data, encode, rng, batch_size=64, num_train=10000, num_eval=5000
            ),
            {"eval_accuracy": "beta_vae"},
        ),
        "compute_factor_vae": lambda: take(
            factor.compute_factor_vae(
                data,
                encode,
                rng,
                batch_size=64,
                num_train=10000,
                num_eval=5000,
                num_variance_estimate=10000,
            ),
            {"eval_accuracy": "factor_vae"},
        ),
        "compute_irs": lambda: take(
            irs.compute_irs(data, encode, rng, num_train=10000, batch_size=16), {"IRS": "irs"}
        ),
        "unsupervised_metrics": lambda: take(
            alone.unsupervised_metrics(data, encode, rng, num_train=10000),
            {"gaussian_total_correlation": "gaussian_tc"},
        ),
    }


def latte(z, v, grid):
    """Two arrays; factors declared discrete."""
    import latte
    from latte.functional.disentanglement.modularity import modularity
    from latte.functional.disentanglement.mutual_info import mig
    from latte.functional.disentanglement.sap import sap

    latte.seed(42)
    return {
        "mig": lambda: {"mig": mig(z, v, discrete=True).mean()},
        "sap": lambda: {"sap": sap(z, v, discrete=True).mean()},
        "sap, continuous": lambda: {"sap_r2": sap(z, v).mean()},
        "modularity": lambda: {"modularity": modularity(z, v, discrete=True).mean()},
    }


def latentverse(z, v, grid):
    """Two arrays."""
    from latentverse import run_disentanglement

    def flat(scores):
        return {**scores, **scores["DCI"]}

    names = {
        "Disentanglement": "dci_d",
        "Completeness": "dci_c",
        "Informativeness": "dci_i_mixed",
        "MIG": "mig",
        "SAP": "sap_mixed",
        "TC": "gaussian_tc",
    }
    return {"run_disentanglement": lambda: take(flat(run_disentanglement(z, v)["metrics"]), names)}


def ml4h_latentverse(z, v, grid):
    """Two arrays, one factor at a time."""
    from ml4h_latentverse.tests.disentanglement import run_disentanglement

    def mean(scores):
        # It takes one factor, which leaves nothing of disentanglement.
        return {
            "dci_c": np.mean([s["DCI"]["Completeness"] for s in scores]),
            "dci_i_mixed": np.mean([s["DCI"]["Informativeness"] for s in scores]),
            "mig": np.mean([s["MIG"] for s in scores]),
        }

    return {
        "run_disentanglement": lambda: mean(
            [run_disentanglement(z, factor)["metrics"] for factor in v.T]
        )
    }


def reliably(z, v, grid):
    """Two arrays, without its confidence intervals."""
    from reliably.repr import dci, factorvae_metric, irs, mig, sap

    names = {
        "disentanglement": "dci_d",
        "completeness": "dci_c",
        "informativeness": "dci_i_r2",
    }
    return {
        "mig": lambda: {"mig": mig(z, v, ci=None).value},
        "dci": lambda: take(dci(z, v, ci=None).extra, names),
        "sap": lambda: {"sap_r2": sap(z, v, ci=None).value},
        "factorvae_metric": lambda: {"factor_vae": factorvae_metric(z, v, ci=None).value},
        "irs": lambda: {"irs": irs(z, v, ci=None).value},
    }


def artifex(z, v, grid):
    """Two arrays of jax, factors first."""
    import jax.numpy as jnp
    from artifex.benchmarks.metrics.disentanglement import (
        create_dci_metric,
        create_mig_metric,
        create_sap_metric,
    )
    from flax import nnx

    mig, dci, sap = (
        create(rngs=nnx.Rngs(0))
        for create in (create_mig_metric, create_dci_metric, create_sap_metric)
    )
    factors, latents = jnp.asarray(v), jnp.asarray(z)
    names = {"disentanglement": "dci_d", "completeness": "dci_c", "informativeness": "dci_i"}
    return {
        "create_mig_metric": lambda: take(mig.compute(factors, latents), {"mig_score": "mig"}),
        "create_dci_metric": lambda: take(dci.compute(factors, latents), names),
        "create_sap_metric": lambda: take(
            sap.compute(factors, latents), {"sap_score": "sap_mixed"}
        ),
    }


def plain(value):
    """A number as JSON has it; the name of what is none."""
    if isinstance(value, str):
        return value
    return float(value) if math.isfinite(value) else str(float(value))


def main(library, call, case, out):
    """One call on one case: its values, and how long it takes once everything is loaded."""
    with np.load(case) as file:
        whole, codes, rows, sizes = (file[k] for k in ("latents", "codes", "rows", "sizes"))

    def prepared(whole):
        grid = SimpleNamespace(z=whole, v=codes, sizes=sizes)
        return globals()[library](whole[rows], codes[rows], grid)[call]

    def timed(run):
        start = time.perf_counter()
        values = run()
        return values, time.perf_counter() - start

    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one core for all (Linux)
    values, seconds = timed(prepared(whole))
    if seconds < REPEAT_BELOW:  # on other latents, so that nothing is merely remembered
        seconds = timed(prepared(2 * whole))[1]
    modules = {name: sys.modules.get(name) for name in ("numpy", "sklearn", "torch", "jax")}
    beside = {name: module.__version__ for name, module in modules.items() if module is not None}
    with Path(out).open("w") as file:
        json.dump(
            {
                "values": {name: plain(value) for name, value in values.items()},
                "seconds": seconds,
                "beside": {"python": sys.version.split()[0], **beside},
            },
            file,
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
