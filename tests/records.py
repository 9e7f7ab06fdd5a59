"""Made-up records and entries, valid but of no run."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from drbench.board.entry import Entry, Level
from drbench.data.spec import Factor, Origin
from drbench.files import sha256_text
from drbench.metrics.result import MetricResult
from drbench.models.budget import Training
from drbench.runs.data import image_shape
from drbench.runs.folder import RunFolder
from drbench.runs.identity import stored_key, stored_network_key
from drbench.runs.record import Provenance, Record, Software, Stage, trained_by
from drbench.runs.spec import DataRef, RunSpec, Scoring

DAY = datetime(2026, 1, 1, tzinfo=UTC)
LEVELS = {"shape": 2, "scale": 2, "orientation": 2, "pos_x": 2, "pos_y": 2}


def make_spec(
    *, seed: int = 0, transfer: bool = True, model: str = "beta_vae", origin: Origin = "rendered"
) -> RunSpec:
    """A run on dsprites cut down to two classes a factor, from noisy_dsprites unless said."""
    common: dict[str, Any] = {
        "model": model,
        "training": Training(steps=10),
        "scoring": Scoring(sample=100, metrics={"mig": {}}),
        "seed": seed,
    }
    target = DataRef(name="dsprites", origin=origin, levels=LEVELS)
    source = target.model_copy(update={"name": "noisy_dsprites"})
    return RunSpec(data=target, **common, init=RunSpec(data=source, **common) if transfer else None)


def make_record(
    *,
    seed: int = 0,
    transfer: bool = True,
    model: str = "beta_vae",
    origin: Origin = "rendered",
    scores: dict[Stage, dict[str, MetricResult]] | None = None,
    spec: RunSpec | None = None,
    **changes: Any,
) -> Record:
    """The record of `make_spec`, or of another spec, with what is said changed."""
    spec = spec or make_spec(seed=seed, transfer=transfer, model=model, origin=origin)
    if scores is None:
        before, after = 0.1 + seed / 100, 0.5 + seed / 50
        scores = {"after": {"mig": MetricResult(value=after, n_samples=100)}}
        if spec.init:
            scores["before"] = {"mig": MetricResult(value=before, n_samples=100)}
    metrics = {name for results in scores.values() for name in results}
    key = stored_key(spec)
    provenance = Provenance(
        created=DAY,
        versions={"drbench": "0"},
        plugins={
            f"metric:{name}": Software(distribution="drbench", version="0") for name in metrics
        },
        data_hash=sha256_text(f"data {key}"),
        pairs_hash=None,
        weights_hash=sha256_text(f"weights {key}"),
        encoder_hash={stage: sha256_text(weights_text(spec, stage)) for stage in scores},
        git_commit=None,
        git_dirty=None,
        device="cpu",
        threads=1,
        seconds={"train": 1.0},
    )
    fields: dict[str, Any] = {
        "key": key,
        "network": stored_network_key(spec),
        "spec": spec,
        "hyperparameters": {"beta": 1.0, "latents": 10, "width": 128} | spec.hyperparameters,
        "factors": tuple(Factor(name=n, kind="ordinal", size=s) for n, s in LEVELS.items()),
        "image_shape": image_shape(spec.chain[0].data),
        "scores": scores,
        "objective": {stage: {"elbo": -1.0} for stage in scores},
        "scored_rows": 100,
        "redrawn": {},
        "provenance": provenance,
    }
    return Record(**(fields | changes))


def make_entry(
    record: Record | None = None,
    *,
    submitter: str = "ann",
    level: Level = "retrained",
    days: int = 0,
    **changes: Any,
) -> Entry:
    """An entry of a record, or of what `make_record` makes of the other arguments."""
    record = record or make_record(**changes)
    metrics = {name for results in record.scores.values() for name in results}
    return Entry(
        submitter=submitter,
        level=level,
        by="keeper",
        checked=DAY + timedelta(days=days),
        directions=dict.fromkeys(metrics, "higher"),
        record=record,
    )


def weights_text(spec: RunSpec, stage: Stage) -> str:
    """What stands in for the file of an encoder's weights."""
    return f"encoder {stored_network_key(trained_by(spec, stage))}"


def write_run(folder: Path, record: Record) -> Path:
    """The folder that the run of a record would have left, with texts for weights."""
    run = RunFolder(folder)
    run.path.mkdir(parents=True)
    run.spec_file.write_text(record.spec.model_dump_json())
    run.record_file.write_text(record.to_json())
    for stage in record.scores:
        run.encoder_file(stage).parent.mkdir(exist_ok=True)
        run.encoder_file(stage).write_text(weights_text(record.spec, stage))
    return folder


def write_runs(folder: Path, *records: Record) -> Path:
    """A folder of runs, numbered."""
    for number, record in enumerate(records):
        write_run(folder / str(number), record)
    return folder


def write_board(board: Path, *entries: Entry) -> Path:
    """A built board that holds entries, with texts for their weights."""
    from drbench.trust.store import write_board as build_and_write

    (board / "records").mkdir(parents=True, exist_ok=True)
    for entry in entries:
        file = board / "records" / entry.submitter / f"{entry.key}.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(entry.to_json())
        for stage, digest in entry.weights.items():
            weights = board / "evidence" / "weights" / f"{digest}.safetensors"
            weights.parent.mkdir(parents=True, exist_ok=True)
            weights.write_text(weights_text(entry.spec, stage))
    build_and_write(board)
    return board
