"""What is wrong with an entry or a submission whose schema is right."""

from collections.abc import Iterator

from drbench import registry
from drbench.board.entry import Entry, Submission
from drbench.errors import DrbenchError
from drbench.metrics.metric import load_metric
from drbench.metrics.result import MetricResult
from drbench.runs.data import declared, image_shape
from drbench.runs.record import Record
from drbench.runs.spec import RunSpec
from drbench.trust.bounds import bound_problems
from drbench.trust.names import record_names, spec_names

TOLERANCE = 1e-9
"""How far outside its metric's range a score may lie, for rounding."""


def problems_of(document: Entry | Submission) -> Iterator[str]:
    """What is wrong with an entry or a submission, a sentence each.

    Checked are names, bounds, and, where their plugins are installed, levels and factors against
    the data set, and scores against the metric's range.
    """
    yield from spec_names(document.spec)
    yield from bound_problems(document.spec)
    yield from _data_problems(document.spec)
    if isinstance(document, Entry):
        yield from _record_problems(document.record)
        scored = {m for scores in document.record.scores.values() for m in scores}
        if scored - document.directions.keys():
            yield "directions are missing of metrics that it has scores of."


def _data_problems(spec: RunSpec) -> Iterator[str]:
    for each in spec.chain:
        if each.data.name in registry.names("dataset"):
            try:
                declared(each.data)
            except DrbenchError as error:
                yield str(error)


def _record_problems(record: Record) -> Iterator[str]:
    yield from record_names(record)
    names = {factor.name for factor in record.factors}
    if len(names) < len(record.factors):
        yield "two factors have the same name."
    if record.scored_rows > record.spec.scoring.sample:
        yield f"{record.scored_rows} rows were scored: at most {record.spec.scoring.sample}."
    data = record.spec.data
    if data.name in registry.names("dataset"):
        try:
            expected = [(factor.name, factor.size) for factor in declared(data).factors]
            shape = image_shape(record.spec.chain[0].data)
        except DrbenchError:
            return  # said of the spec already
        factors = [(factor.name, factor.size) for factor in record.factors]
        if factors != expected:
            yield f"its factors are {factors}, but {data.name} has {expected}."
        if record.image_shape != shape:
            yield f"its images have the shape {record.image_shape}, but the source's have {shape}."
    for stage, scores in record.scores.items():
        for metric, result in scores.items():
            where = f"{metric[:80]!r} {stage} training"
            if unknown := sorted(result.per_factor.keys() - names):
                yield f"{where} has a score of {unknown[0][:80]!r}, no factor of the record."
            yield from _range_problems(metric, where, result)


def _range_problems(name: str, where: str, result: MetricResult) -> Iterator[str]:
    if name not in registry.names("metric"):
        return
    try:
        low, high = load_metric(name).range
    except DrbenchError as error:
        yield f"{where} cannot be checked: {error}"
        return
    scores = {"the score": result.value, **{f"of {k!r}": v for k, v in result.per_factor.items()}}
    for which, score in scores.items():
        if score is not None and not low - TOLERANCE <= score <= high + TOLERANCE:
            yield f"{where}: {which} is {score:g}, outside {low:g} to {high:g}."
