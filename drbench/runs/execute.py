"""One run from its spec to its record: open, train, encode, score, write."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

import numpy as np
import torch
from jaxtyping import Bool
from torch import nn

from drbench.data.ground_truth import GroundTruth
from drbench.errors import RunError
from drbench.files import sha256_file, write_text
from drbench.metrics.result import MetricResult
from drbench.metrics.scoring import score
from drbench.models.budget import Runtime
from drbench.models.inference import chosen_device, encoder, objective, seeded_network
from drbench.models.model import Encoder, Trainable, load_model
from drbench.models.training.loop import fit
from drbench.models.training.state import forget_checkpoints
from drbench.models.weights import load_weights, save_weights
from drbench.runs.folder import RunFolder
from drbench.runs.identity import canonical, network_key, stored_key, stored_network_key
from drbench.runs.memo import remembered_scores
from drbench.runs.provenance import machine, software
from drbench.runs.record import Provenance, Record, Stage, trained_by
from drbench.runs.sample import Encoded, Sample, held_out, represent
from drbench.runs.spec import RunSpec

PREPARE_FROM = 500_000
"""Images a run must draw before it pays to prepare on disk what can be drawn on demand."""
PROBE_ROWS, PROBE_PAIRS = 2_000, 300
"""Rows, and pairs per factor, that `score_every` scores during training."""


def execute(
    spec: RunSpec,
    *,
    out: Path | str | None = None,
    source: Path | str | None = None,
    home: Path | None = None,
    resume: bool = False,
    runtime: Runtime | None = None,
) -> Record:
    """Do a run and write its folder.

    Parameters
    ----------
    spec : RunSpec
        What to do. If it starts from another run (`init`), that is a transfer.
    out : path, optional
        Folder of the run. Default: one in `home`, where a run that is done is not done again.
    source : path, optional
        Folder of the run that `spec.init` describes. Default: its folder in `home`, where it is
        done first if it is not there.
    home : path, optional
        Folder of runs that have no folder of their own. Default: one of the cache.
    resume : bool
        Go on with what the folder holds.
    runtime : Runtime, optional
        How to carry it out.

    Returns
    -------
    record : Record
        Also written to `record.json` in the folder.

    Raises
    ------
    RunError
        If the folder is in the way, or the source is another run than `spec.init`.
    DrbenchError
        If data, model or metrics cannot do what is asked.
    """
    spec, resume = canonical(spec), resume or out is None
    folder = RunFolder(Path(out)) if out is not None else RunFolder.at_home(spec, home)
    if resume and (done := folder.finished(spec)) is not None:
        return done
    drawn = spec.training.steps * spec.training.batch
    run = Work.prepare(spec, prepared=drawn >= PREPARE_FROM, runtime=runtime)
    network = seeded_network(run.model, run.truth.spec.image_shape, spec.seed).to(run.device)
    folder.require_free(spec, resume=resume)
    with folder.locked():
        # Whoever worked here meanwhile may have done it.
        done = folder.finished(spec) if resume else None
        return done or _done(run, network, folder, source, home, resume=resume)


def _done(
    run: "Work",
    network: nn.Module,
    folder: RunFolder,
    source: Path | str | None,
    home: Path | None,
    *,
    resume: bool,
) -> Record:
    """Do a run in its folder, which nobody else works in."""
    spec = run.spec
    folder.claim(spec, resume=resume)
    clock = _Clock()
    scores: dict[Stage, dict[str, MetricResult]] = {}
    terms: dict[Stage, dict[str, float]] = {}
    if spec.init is not None:
        load_weights(
            _weights_of(spec.init, source, home, run.runtime),
            network,
            run=stored_network_key(spec.init),
        )
        scores["before"], terms["before"], _ = run.measure(network, "before", folder, clock)
    with clock("train"):
        run.train(network, folder, resume=resume)
    scores["after"], terms["after"], seen = run.measure(network, "after", folder, clock)
    record = run.record(
        scores,
        terms,
        seen,
        weights_hash=sha256_file(folder.weights_file),
        encoder_hash={stage: sha256_file(folder.encoder_file(stage)) for stage in scores},
        seconds=clock.seconds,
    )
    write_text(folder.record_file, record.to_json())
    forget_checkpoints(folder.path)  # nothing is left to resume
    return record


@final
@dataclass
class _Clock:
    """Seconds of each phase."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        elapsed = time.perf_counter() - start
        self.seconds[phase] = round(self.seconds.get(phase, 0.0) + elapsed, 3)


@final
@dataclass(frozen=True)
class Work:
    """What the phases of a run share."""

    spec: RunSpec
    model: Encoder
    truth: GroundTruth
    held_out: Bool[np.ndarray, "n"]
    sample: Sample
    runtime: Runtime
    device: str

    @classmethod
    def prepare(
        cls, spec: RunSpec, *, prepared: bool = False, runtime: Runtime | None = None
    ) -> "Work":
        """Open the data and draw the sample; `prepared` images are kept on disk for training."""
        model = load_model(spec.model, **spec.hyperparameters)
        scoring = spec.scoring
        drawn = held_out(
            spec,
            spec.data,
            size=scoring.sample,
            pairs=scoring.pairs,
            seed=spec.seed,
            prepare=prepared,
        )
        runtime = runtime or Runtime()
        device = chosen_device(runtime.device)
        return cls(spec, model, drawn.truth, drawn.rows, drawn.sample, runtime, device)

    def train(self, network: nn.Module, folder: RunFolder, *, resume: bool) -> None:
        if folder.weights_file.exists():  # trained already, interrupted while scoring
            load_weights(folder.weights_file, network, run=stored_network_key(self.spec))
            return
        if not isinstance(self.model, Trainable):  # a frozen encoder: its weights are its result
            save_weights(folder.weights_file, network, run=stored_network_key(self.spec))
            return
        fit(
            self.model,
            network,
            self.truth,
            ~self.held_out,
            self.spec.training,
            seed=self.spec.seed,
            supervision="images" if self.spec.init else self.model.supervision,
            folder=folder.path,
            run=stored_network_key(self.spec),
            runtime=self.runtime,
            resume=resume,
            probe=self._probe,
        )

    def measure(
        self, network: nn.Module, stage: Stage, folder: RunFolder, clock: _Clock
    ) -> tuple[dict[str, MetricResult], dict[str, float], Encoded]:
        """Encode and score the held-out sample."""
        # Equal weights give equal files: what a transfer starts from is what its source ended with.
        save_weights(
            folder.encoder_file(stage),
            network,
            run=stored_network_key(trained_by(self.spec, stage)),
            parts=self.model.encoding,
        )
        with clock("encode"):
            encoded = self.encode(network, stage)
            encoded.representation.save(folder.representation(stage))
            terms = objective(self.model, network, self.truth, self.sample.rows, device=self.device)
        with clock("score"):
            scores = remembered_scores(
                encoded.representation, self.spec.scoring.metrics, seed=self.spec.seed
            )
        return scores, terms, encoded

    def encode(self, network: nn.Module, stage: Stage) -> Encoded:
        """The held-out sample through a network."""
        encode = encoder(self.model, network, seed=self.spec.seed, device=self.device)
        label = f"encoding {self.truth.spec.name} {stage} training"
        return represent(encode, self.truth, self.sample, label=label)

    def record(
        self,
        scores: dict[Stage, dict[str, MetricResult]],
        terms: dict[Stage, dict[str, float]],
        seen: Encoded,
        *,
        weights_hash: str,
        encoder_hash: dict[Stage, str],
        seconds: dict[str, float],
    ) -> Record:
        """The record of what was found, `seen` being what the scores after training are of."""
        spec = self.spec
        return Record(
            key=stored_key(spec),
            network=stored_network_key(spec),
            spec=spec,
            hyperparameters=self.model.model_dump(mode="json"),
            factors=self.truth.spec.factors,
            image_shape=self.truth.spec.image_shape,
            scores=scores,
            objective=terms,
            scored_rows=len(self.sample.rows),
            redrawn=self.sample.redrawn(self.truth),
            notes=self.truth.notes,
            provenance=Provenance(
                **software(spec),
                data_hash=seen.data_hash,
                pairs_hash=seen.pairs_hash,
                weights_hash=weights_hash,
                encoder_hash=encoder_hash,
                device=machine(self.device),
                threads=self.runtime.threads or torch.get_num_threads(),
                runtime=self.runtime,
                seconds=seconds,
            ),
        )

    def _probe(self, network: nn.Module) -> dict[str, float]:
        """OMES and MIG of a small part of the held-out rows, for the training log."""
        sample = Sample.draw(
            self.truth, self.held_out, size=PROBE_ROWS, pairs=PROBE_PAIRS, seed=self.spec.seed
        )
        encode = encoder(self.model, network, seed=self.spec.seed, device=self.device)
        encoded = represent(encode, self.truth, sample, label="scoring on the way")
        results = score(encoded.representation, metrics=["omes", "mig"], seed=self.spec.seed)
        return {name: r.value for name, r in results.items() if r.value is not None}


def _weights_of(
    init: RunSpec, source: Path | str | None, home: Path | None, runtime: Runtime
) -> Path:
    """Weights of the run that a transfer starts from."""
    if source is None:
        folder = RunFolder.at_home(init, home)
        if not folder.weights_file.is_file():
            execute(init, home=home, runtime=runtime)
        return folder.require_weights()
    folder = RunFolder.open(Path(source))
    folder.read_record()  # refuses a record of another run
    if network_key(folder.spec) != stored_network_key(init):
        raise RunError(f"{source} is another run than the one that the transfer starts from.")
    return folder.require_weights()
