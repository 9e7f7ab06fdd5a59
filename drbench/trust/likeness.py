"""Weights that are too much alike to have been trained from different seeds."""

import hashlib
import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np
from jaxtyping import Float
from safetensors import SafetensorError, safe_open

from drbench.files import canonical_json, sha256_text
from drbench.runs.record import Record, trained_by
from drbench.runs.spec import RunSpec
from drbench.trust.evidence import EVIDENCE, MAX_BYTES

ALIKE = 0.98
"""Mean |cosine| of matched units from which two encoders are one. Of trainings from different
seeds no unit is the other's (0.3 to 0.4 was measured); noise of a tenth of the weights leaves
0.995."""


@final
class Encoder(NamedTuple):
    """What is compared of one file of weights."""

    path: Path
    """File of the record that names it."""
    spec: RunSpec
    """The run that it claims to be of."""
    content: str
    """Hash of all its tensors, whatever its metadata says."""
    units: Float[np.ndarray, "unit weight"]
    """Weights of its first layer, each unit of length 1."""

    @property
    def seed(self) -> int:
        """Seed of the fresh weights that it claims to come from."""
        return self.spec.chain[0].seed


def lookalikes(records: Mapping[Path, Record], board: Path) -> Iterator[tuple[Path, Path, str]]:
    """Pairs of records whose encoders claim to differ, and are equal, or nearly so.

    Equal ones are copies whatever else they claim. Nearly equal ones of one model and source are if
    their seeds differ: trainings of one seed begin with the same weights. Of these the first layer
    is compared, unit by unit and in any order, so that neither noise, nor another scale, sign or
    order of units, hides a copy; its inputs are the colours of pixels, which have an order.
    """
    encoders = list(_encoders(records, board))
    equal: defaultdict[str, list[Encoder]] = defaultdict(list)
    groups: defaultdict[tuple[str, str, tuple[int, ...]], list[Encoder]] = defaultdict(list)
    for encoder in encoders:
        equal[encoder.content].append(encoder)
        source = encoder.spec.chain[0]
        groups[source.model, source.data.name, encoder.units.shape].append(encoder)
    told: set[frozenset[Path]] = set()
    found = [*map(_equal, equal.values()), *map(_alike, groups.values())]
    for first, second, how in itertools.chain.from_iterable(found):
        paths = frozenset((first.path, second.path))
        if paths not in told and len(paths) == 2:
            told.add(paths)
            seeds = f"from seeds {first.seed} and {second.seed}"
            yield first.path, second.path, f"different trainings {seeds} with {how} weights"


def _encoders(records: Mapping[Path, Record], board: Path) -> Iterator[Encoder]:
    """The encoders that records name and the board holds; one that several name comes once."""
    known: set[tuple[str, str]] = set()
    for path, record in records.items():
        for stage, digest in record.provenance.encoder_hash.items():
            spec = trained_by(record.spec, stage)
            if (digest, spec.key) not in known:
                known.add((digest, spec.key))
                file = board / EVIDENCE / f"weights/{digest}.safetensors"
                if encoder := _read(file, path, spec):
                    yield encoder


def _equal(group: list[Encoder]) -> Iterator[tuple[Encoder, Encoder, str]]:
    for own in group[1:]:
        if network_id(own.spec) != network_id(group[0].spec):
            yield group[0], own, "equal"


def _alike(group: list[Encoder]) -> Iterator[tuple[Encoder, Encoder, str]]:
    stacked = np.stack([encoder.units for encoder in group])  # (encoder, unit, weight)
    for number, own in enumerate(group[1:], 1):
        cosine = np.abs(stacked[:number] @ own.units.T)  # (encoder, unit, unit)
        alike = np.minimum(cosine.max(axis=1).mean(axis=1), cosine.max(axis=2).mean(axis=1))
        for place in np.flatnonzero(alike >= ALIKE):
            if group[place].seed != own.seed:
                yield group[place], own, f"{alike[place]:.3f} alike"


def network_id(spec: RunSpec) -> str:
    """Hash of all that a network's weights depend on: the spec without what was scored."""
    while spec.training.steps == 0 and spec.init:
        spec = spec.init  # nothing was trained: the weights are those it started from
    unrelated: Any = {"scoring": True, "init": True, "training": {"score_every"}}
    stages = [stage.model_dump(mode="json", exclude=unrelated) for stage in spec.chain]
    return sha256_text(canonical_json(stages))


def _read(file: Path, path: Path, spec: RunSpec) -> Encoder | None:
    """Weights of a file; None where there is none to compare, or one that `validate` refuses."""
    if file.is_symlink() or not file.is_file() or file.stat().st_size > MAX_BYTES:
        return None
    digest = hashlib.sha256()
    first: np.ndarray | None = None
    try:
        with safe_open(file, framework="np") as opened:
            for name in sorted(opened.keys()):
                array = np.ascontiguousarray(opened.get_tensor(name))
                digest.update(f"{name}{array.shape}{array.dtype}".encode())
                digest.update(array.tobytes())
                if first is None and array.ndim > 1 and array.dtype.kind == "f" and array.size:
                    first = array
    except (SafetensorError, TypeError, ValueError, OverflowError):
        return None
    if first is None:
        return None
    units = first.reshape(len(first), -1).astype(np.float32)
    length = np.linalg.norm(units, axis=1, keepdims=True)
    if not np.isfinite(length).all():
        return None
    return Encoder(path, spec, digest.hexdigest(), units / np.maximum(length, 1e-30))
