"""The level `re-encoded`: the latents computed again from the weights, on images of one's own.

Of a submission nothing is used but its tensors: data, sample and interventions are drawn again
from the spec, the network is built by the registered model. Needs torch.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from drbench.errors import DrbenchError
from drbench.models.inference import seeded_network
from drbench.models.weights import load_weights
from drbench.progress import part_of
from drbench.representation.representation import Representation
from drbench.runs.execute import Run
from drbench.runs.record import Record, Stage, trained_by
from drbench.runs.sample import Encoded
from drbench.trust.evidence import EVIDENCE
from drbench.trust.verify.findings import (
    TOLERANCE,
    DiffersError,
    RefutedError,
    UnverifiableError,
)
from drbench.trust.verify.registered import Registered, require_registered
from drbench.trust.verify.rescore import compare_scores
from drbench.trust.verify.strict import read_layout, require_layout


class Reencoded(NamedTuple):
    """What encoding again found."""

    checks: dict[str, float]
    notes: tuple[str, ...]


def reencode(board: Path, record: Record, given: Mapping[Stage, Representation]) -> Reencoded:
    """Compute a record's latents again, and its scores from them.

    Parameters
    ----------
    board : path
    record : Record
    given : mapping of stage to Representation
        The latents that were submitted.

    Returns
    -------
    Reencoded
        Largest differences: `latents`, in units of the root mean square of the strongest latent,
        and `scores of the recomputed latents`; and what could not be compared.

    Raises
    ------
    UnverifiableError
        If data set, model or metrics are not here, or ask for more memory than is taken.
    RefutedError
        If sample, codes, images or latents are other ones than the record claims.
    """
    registered = require_registered(record)
    model, shape = registered.model, registered.image_shape
    files = {
        stage: board / EVIDENCE / f"weights/{digest}.safetensors"
        for stage, digest in record.provenance.encoder_hash.items()
    }
    for stage, file in files.items():
        _require_encoder(file, registered, trained_by(record.spec, stage).key)
    try:
        run = Run.prepare(record.spec)
        network = seeded_network(model, shape, record.spec.seed).to(run.device)
    except DrbenchError as error:
        raise UnverifiableError(f"its images cannot be drawn here: {error}") from error
    for latents in given.values():
        _require_sample(run, latents, record)
    found: dict[Stage, Encoded] = {}
    for stage, file in files.items():
        load_weights(file, network, parts=model.encoding)
        try:
            found[stage] = run.encode(network, stage)
        except DrbenchError as error:
            raise UnverifiableError(f"its images cannot be encoded here: {error}") from error
        _require_images(record, found[stage])
    return _compared(record, given, found, run.device)


def _require_encoder(file: Path, network: Registered, run: str) -> None:
    """Compare a file of weights with what the network has, before any of it is read."""
    layout = read_layout(file)
    require_layout(file, layout, network.encoder)
    if layout.metadata.get("run") != run:
        owner = layout.metadata.get("run", "of no name")[:12]
        raise RefutedError(f"{file} holds the weights of the run {owner}, not of {run[:12]}.")


def _require_sample(run: Run, given: Representation, record: Record) -> None:
    """Rows, pairs and codes are those that the spec draws."""
    rows, pairs = run.sample.rows, run.sample.interventions
    assert given.rows is not None  # it was read with them
    if not np.array_equal(given.rows, rows):
        raise DiffersError(
            f"the scored rows are not the sample that the spec draws: {len(given.mean)} rows, of "
            f"which {len(np.intersect1d(given.rows, rows))} are among the {len(rows)} of the spec."
        )
    own = given.interventions
    factor = np.empty(0, dtype=np.int64) if own is None else own.factor
    if not np.array_equal(factor, pairs.factor) or (own and not _equal(own.rows, pairs.rows)):
        raise DiffersError("the interventions are not those that the spec draws.")
    truth = run.truth
    same = {
        "codes": np.array_equal(given.codes, truth.codes[rows]),
        "values": _equal(given.values, None if truth.values is None else truth.values[rows]),
        "split groups": _equal(
            given.split_groups, None if truth.groups is None else truth.groups[rows]
        ),
    }
    for name, equal in same.items():
        if not equal:
            raise DiffersError(f"the {name} are not those of the scored rows of {truth.spec.name}.")
    if own is not None and not _equal(own.redrawn, pairs.redrawn):
        raise DiffersError("the shares of pairs drawn again are not those of the spec.")
    if run.sample.redrawn(truth) != record.redrawn:
        raise DiffersError("`redrawn` of the record is not what the spec draws.")


def _equal(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    if a is None or b is None:
        return a is None and b is None
    return np.array_equal(a, b, equal_nan=a.dtype.kind == "f" and b.dtype.kind == "f")


def _require_images(record: Record, found: Encoded) -> None:
    origin = record.provenance
    if found.data_hash != origin.data_hash:
        raise DiffersError(
            "the scored images are other ones: codes and pixels have the SHA-256 "
            f"{found.data_hash[:12]}... here, {origin.data_hash[:12]}... in the record."
        )
    if found.pairs_hash != origin.pairs_hash:
        raise DiffersError("the images of the interventions are other ones than here.")


def _compared(
    record: Record,
    given: Mapping[Stage, Representation],
    found: Mapping[Stage, Encoded],
    device: str,
) -> Reencoded:
    checks = {"latents": 0.0, "scores of the recomputed latents": 0.0}
    notes: list[str] = []
    there = record.provenance.device.partition(" ")[0]
    for stage, encoded in found.items():
        again = encoded.representation
        same_noise = there == device.partition(":")[0]
        apart = _latents_apart(given[stage], again, stage, sampled=same_noise)
        checks["latents"] = max(checks["latents"], apart)
        if again.sampled is not None and not same_noise:
            notes.append(
                f"Sampled latents {stage} training were not compared: their noise was drawn on "
                f"{there}, here on {device}."
            )
        if again.fingerprint == given[stage].fingerprint:
            continue  # equal to the last bit, and so are their scores
        with part_of(f"scoring latents recomputed {stage} training"):
            moved = compare_scores(record, stage, again, exact=False)
        name = "scores of the recomputed latents"
        checks[name] = max(checks[name], moved)
    return Reencoded(checks, tuple(notes))


def _latents_apart(
    given: Representation, again: Representation, stage: Stage, *, sampled: bool
) -> float:
    if given.mean.shape != again.mean.shape or (given.sampled is None) != (again.sampled is None):
        raise RefutedError(
            f"latents {stage} training have the shape {given.mean.shape}, but the encoder gives "
            f"{again.mean.shape}, or only one of them is sampled."
        )
    pairs = [("mean latents", given.mean, again.mean)]
    a, b = given.interventions, again.interventions
    if a is not None and b is not None:
        pairs.append(("mean latents of interventions", a.mean, b.mean))
    if sampled and given.sampled is not None and again.sampled is not None:
        pairs.append(("sampled latents", given.sampled, again.sampled))
        if a is not None and b is not None and a.sampled is not None and b.sampled is not None:
            pairs.append(("sampled latents of interventions", a.sampled, b.sampled))
    strength = strongest(again.mean)
    largest = 0.0
    for name, claimed, computed in pairs:
        apart = float(np.abs(claimed - computed).max()) / strength
        if not apart <= TOLERANCE:
            raise DiffersError(
                f"the {name} {stage} training are not what the weights give: up to {apart:.2g} "
                f"times the strongest latent's root mean square away, {TOLERANCE:g} allowed."
            )
        largest = max(largest, apart)
    return largest


def strongest(latents: Float[np.ndarray, "n latent"]) -> float:
    """Root mean square of the latent that has the largest; never 0."""
    square = np.square(latents.astype(np.float64)).mean(axis=0).max()
    return max(float(np.sqrt(square)), float(np.finfo(np.float32).tiny))
