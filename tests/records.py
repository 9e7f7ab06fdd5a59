"""Made-up records, valid but of no run."""

from datetime import UTC, datetime
from typing import Any

from drbench.data.spec import Factor, Origin
from drbench.files import sha256_text
from drbench.metrics.result import MetricResult
from drbench.models.budget import Training
from drbench.runs.data import image_shape
from drbench.runs.identity import canonical, key, network_key
from drbench.runs.record import Provenance, Record, Software, Stage, trained_by
from drbench.runs.spec import DataRef, RunSpec, Scoring


def make_record(
    *,
    seed: int = 0,
    transfer: bool = True,
    model: str = "beta_vae",
    origin: Origin = "rendered",
    scores: dict[Stage, dict[str, MetricResult]] | None = None,
    **changes: Any,
) -> Record:
    """A record of dsprites cut down to two classes a factor; of a transfer unless said."""
    levels = {"shape": 2, "scale": 2, "orientation": 2, "pos_x": 2, "pos_y": 2}
    common: dict[str, Any] = {
        "data": DataRef(name="dsprites", origin=origin, levels=levels),
        "model": model,
        "hyperparameters": {"beta": 1.0},
        "training": Training(steps=10),
        "scoring": Scoring(sample=100, metrics={"mig": {}}),
        "seed": seed,
    }
    source = common | {"data": DataRef(name="noisy_dsprites", origin=origin, levels=levels)}
    spec = canonical(RunSpec(**common, init=RunSpec(**source) if transfer else None))
    if scores is None:
        before, after = 0.1 + seed / 100, 0.5 + seed / 50
        scores = {"after": {"mig": MetricResult(value=after, n_samples=100)}}
        if transfer:
            scores["before"] = {"mig": MetricResult(value=before, n_samples=100)}
    digest = sha256_text(f"data {key(spec)}")
    metrics = {name for results in scores.values() for name in results}
    provenance = Provenance(
        created=datetime(2026, 1, 1, tzinfo=UTC),
        versions={"drbench": "0"},
        plugins={
            f"metric:{name}": Software(distribution="drbench", version="0") for name in metrics
        },
        data_hash=digest,
        pairs_hash=None,
        weights_hash=sha256_text(f"weights {key(spec)}"),
        encoder_hash={
            stage: sha256_text(f"encoder {key(trained_by(spec, stage))}") for stage in scores
        },
        git_commit=None,
        git_dirty=None,
        device="cpu",
        threads=1,
        seconds={"train": 1.0},
    )
    fields: dict[str, Any] = {
        "key": key(spec),
        "network": network_key(spec),
        "hyperparameters": {"beta": 1.0},
        "spec": spec,
        "factors": tuple(Factor(name=n, kind="ordinal", size=s) for n, s in levels.items()),
        "image_shape": image_shape(changes.get("spec", spec).chain[0].data),
        "scores": scores,
        "objective": {stage: {"elbo": -1.0} for stage in scores},
        "scored_rows": 100,
        "redrawn": {},
        "provenance": provenance,
    }
    return Record(**(fields | changes))
