"""A forger: changes a record and its evidence, and makes every hash agree with what he made."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from drbench import Record, Representation, RunSpec, score
from drbench.models.inference import encoder, seeded_network
from drbench.models.weights import load_weights
from drbench.runs.execute import Run
from drbench.runs.record import Stage
from drbench.runs.sample import Sample, represent
from drbench.trust.store import write_board

Arrays = dict[str, np.ndarray]


class Forger:
    """One record of a board, in the hands of its submitter."""

    def __init__(self, board: Path, spec: RunSpec) -> None:
        self.board, self.key = board, spec.key
        self.document: dict[str, Any] = json.loads(self.file.read_text())

    @property
    def file(self) -> Path:
        return self.board / "records" / f"{self.key}.json"

    @property
    def record(self) -> Record:
        return Record.model_validate_json(json.dumps(self.document))

    @property
    def provenance(self) -> dict[str, Any]:
        return self.document["provenance"]

    def path(self, kind: str, stage: str) -> Path:
        name = "encoder_hash" if kind == "weights" else "latents_hash"
        return self.board / "evidence" / kind / f"{self.provenance[name][stage]}.safetensors"

    def read(self, kind: str, stage: str) -> tuple[Arrays, dict[str, str]]:
        with safe_open(self.path(kind, stage), framework="np") as opened:
            return {n: opened.get_tensor(n) for n in opened.keys()}, opened.metadata()  # noqa: SIM118

    def write(self, kind: str, stage: str, arrays: Arrays, metadata: dict[str, str]) -> None:
        self.write_bytes(kind, stage, save(arrays, metadata=metadata))

    def write_bytes(self, kind: str, stage: str, content: bytes) -> None:
        name = "encoder_hash" if kind == "weights" else "latents_hash"
        self.provenance[name][stage] = hashlib.sha256(content).hexdigest()
        path = self.path(kind, stage)
        path.write_bytes(content)

    def change(self, kind: str, stage: str, edit: Callable[[Arrays], Arrays | None]) -> None:
        """Edit the tensors of a file of evidence."""
        arrays, metadata = self.read(kind, stage)
        arrays = edit(arrays) or arrays
        self.write(kind, stage, {n: np.array(a, order="C") for n, a in arrays.items()}, metadata)

    def latents(self, stage: str) -> Representation:
        return Representation.load(self.path("latents", stage))

    def rescore(self) -> None:
        """Score what the evidence holds now, so that scores and latents agree."""
        spec = self.record.spec
        for stage in self.document["scores"]:
            results = score(self.latents(stage), metrics=list(spec.scoring.metrics),
                            seed=spec.seed, parameters=spec.scoring.metrics)  # fmt: skip
            self.document["scores"][stage] = {
                name: result.model_dump(mode="json") for name, result in results.items()
            }

    def encode(self, sample: Sample | None = None) -> None:
        """Encode with the weights that the evidence holds now, images hashed as a run does."""
        spec = self.record.spec
        run = Run.prepare(spec)
        sample = sample or run.sample
        for stage in self.document["scores"]:
            self._encode(run, stage, sample)
        self.document["scored_rows"] = len(sample.rows)
        self.document["redrawn"] = sample.redrawn(run.truth)
        self.rescore()

    def _encode(self, run: Run, stage: Stage, sample: Sample) -> None:
        network = seeded_network(run.model, run.truth.spec.image_shape, 0)
        load_weights(self.path("weights", stage), network, parts=run.model.encoding)
        encode = encoder(run.model, network, seed=run.spec.seed, device="cpu")
        found = represent(encode, run.truth, sample)
        file = found.representation.save(self.board.parent / "forged")
        self.write_bytes("latents", stage, file.read_bytes())
        self.provenance.update(data_hash=found.data_hash, pairs_hash=found.pairs_hash)

    def claim(self, spec: RunSpec) -> None:
        """Say that this is another run: its key, in the record and in the weights."""
        for stage in list(self.document["scores"]):
            arrays, _ = self.read("weights", stage)
            owner = spec.init.key if stage == "before" and spec.init else spec.key
            self.write("weights", stage, arrays, {"run": owner})
        self.document |= {"spec": spec.model_dump(mode="json"), "key": spec.key}
        self.provenance["weights_hash"] = hashlib.sha256(spec.key.encode()).hexdigest()
        self.key = spec.key

    def submit(self) -> Record:
        """Write the record, drop the evidence that nothing names any more, build the board."""
        self.file.write_text(self.record.to_json())
        named = set()
        for path in (self.board / "records").glob("*.json"):
            origin = json.loads(path.read_text())["provenance"]
            named |= {*origin["encoder_hash"].values(), *origin["latents_hash"].values()}
        for path in (self.board / "evidence").rglob("*.safetensors"):
            if path.stem not in named:
                path.unlink()
        write_board(self.board)
        return self.record
