"""The level `rescored`: the metrics computed again from the latents that were submitted."""

from pathlib import Path

from drbench.errors import DrbenchError
from drbench.metrics.scoring import score
from drbench.progress import part_of
from drbench.representation.representation import Representation
from drbench.runs.record import Record, Stage
from drbench.trust.evidence import EVIDENCE, evidence_names, evidence_problem
from drbench.trust.verify.findings import (
    TOLERANCE,
    DiffersError,
    UnverifiableError,
    difference,
    other_parameter,
    rounding,
)
from drbench.trust.verify.strict import read_latents


def rescore(board: Path, record: Record) -> tuple[dict[Stage, Representation], float]:
    """Read a record's latents and score them again.

    Returns
    -------
    latents : dict of stage to Representation
    largest : float
        Largest difference of any number of any metric, at most `TOLERANCE`.

    Raises
    ------
    UnverifiableError
        For evidence that is missing or damaged, and for metrics that are not here.
    RefutedError
        For latents that cannot be the record's, or that score otherwise.
    """
    require_evidence(board, record)
    given: dict[Stage, Representation] = {}
    for stage, digest in record.provenance.latents_hash.items():
        given[stage] = read_latents(board / EVIDENCE / f"latents/{digest}.safetensors", record)
    largest = 0.0
    for stage, latents in given.items():
        with part_of(f"rescoring {stage} training"):
            largest = max(largest, compare_scores(record, stage, latents))
    return given, largest


def require_evidence(board: Path, record: Record) -> None:
    """Refuse, as unverifiable, a record whose evidence is not all there and whole."""
    folder = board / EVIDENCE
    names = sorted(evidence_names(record))
    missing = [name for name in names if not (folder / name).exists()]
    if len(missing) == len(names):
        raise UnverifiableError(
            "it has no evidence on the board: add the run's whole folder, or retrain it."
        )
    if missing:
        raise UnverifiableError(f"of its evidence {folder / missing[0]} is missing.")
    for name in names:
        if problem := evidence_problem(folder / name, name):
            raise UnverifiableError(problem)


def compare_scores(
    record: Record, stage: Stage, latents: Representation, *, exact: bool = True
) -> float:
    """Largest difference between a record's scores and those of some latents.

    Parameters
    ----------
    record : Record
    stage : {"before", "after"}
    latents : Representation
    exact : bool
        Whether they are the very latents that the record was scored on. If they are equal but for
        rounding, the scores alone are compared, each within what its metric declares of rounding.

    Raises
    ------
    UnverifiableError
        If a metric is not here, or fails.
    DiffersError
        If any differs by more than allowed, or was computed with other parameters.
    """
    scoring = record.spec.scoring
    try:
        found = score(
            latents, metrics=scoring.metrics, seed=record.spec.seed, parameters=scoring.metrics
        )
        allowed = {name: TOLERANCE if exact else rounding(name) for name in found}
    except DrbenchError as error:
        raise UnverifiableError(f"its metrics cannot be computed here: {error}") from error
    largest = 0.0
    for name, result in found.items():
        if other := other_parameter(record.scores[stage][name], result):
            raise DiffersError(f"{name} {stage} training: {other}.")
        most = difference(record.scores[stage][name], result, value_only=not exact)
        if most.apart > allowed[name]:
            raise DiffersError(
                f"{name} {stage} training: {most.where} is {most.given} in the record, but the "
                f"latents give {most.found}: {most.apart:.2g} apart, {allowed[name]:g} allowed."
            )
        largest = max(largest, most.apart)
    return largest
