"""What is wrong with a record whose schema is right."""

from collections.abc import Iterable, Iterator

from drbench import registry
from drbench.errors import PluginError, RequestError
from drbench.metrics.metric import Metric
from drbench.metrics.result import MetricResult
from drbench.runs.data import declared, image_shape
from drbench.runs.record import Record
from drbench.trust.names import name_problems

TOLERANCE = 1e-9
"""How far outside its metric's range a score may lie, for rounding."""


def record_problems(record: Record) -> Iterator[str]:
    """What is wrong with a record, a sentence each.

    Checked are names, factors against the registered data set and scores against the metric's range
    where their plugins are installed, and whether the record is what its spec asked for.
    """
    yield from name_problems(record)
    yield from _data_problems(record)
    names = {factor.name for factor in record.factors}
    if len(names) < len(record.factors):
        yield "two factors have the same name."
    if min(record.provenance.seconds.values(), default=0) < 0 or record.provenance.threads < 1:
        yield "the seconds are negative, or there are no threads."
    if record.scored_rows > record.spec.scoring.sample:
        yield (
            f"{record.scored_rows} rows were scored, but the spec allows "
            f"{record.spec.scoring.sample}."
        )
    if unknown := record.redrawn.keys() - names:
        yield f"redrawn names {_quoted(unknown)}, no factor of the record."
    asked = record.spec.scoring.metrics
    for stage, scores in record.scores.items():
        if scores.keys() != asked.keys():
            yield (
                f"scored {stage} training are {_quoted(scores)}, but the spec asks for "
                f"{_quoted(asked)}."
            )
        for metric, result in scores.items():
            where = f"{metric[:80]!r} {stage} training"
            for name, value in asked.get(metric, {}).items():
                if result.parameters.get(name) != value:
                    yield f"{where} was not scored with {_quoted([f'{name}={value}'])}."
            yield from _result_problems(where, result, names, record)
            yield from _range_problems(metric, where, result)


def _result_problems(
    where: str, result: MetricResult, names: set[str], record: Record
) -> Iterator[str]:
    if result.per_factor and names - result.per_factor.keys():
        yield f"{where} does not have a score for each factor."
    pairs, errors = result.n_pairs or {}, result.standard_error or {}
    if unknown := (result.per_factor.keys() | pairs.keys() | errors.keys()) - names:
        yield f"{where} has scores of {_quoted(unknown)}, no factor of the record."
    if result.n_samples > record.scored_rows:
        yield f"{where} used {result.n_samples} rows of {record.scored_rows}."
    if min(pairs.values(), default=0) < 0:
        yield f"{where} used {min(pairs.values())} pairs."
    if result.matrix and any(len(line) != len(names) for line in result.matrix):
        yield f"{where} has a matrix that is not {len(names)} factors wide."


def _data_problems(record: Record) -> Iterator[str]:
    for stage in record.spec.chain:
        name = stage.data.name
        if name not in registry.names("dataset"):
            continue
        try:
            expected = [(factor.name, factor.size) for factor in declared(stage.data).factors]
        except (RequestError, PluginError) as error:
            yield str(error)
            continue
        if stage is record.spec.chain[0] and record.image_shape != image_shape(stage.data):
            yield (
                f"the images have the shape {record.image_shape}, but those of {name} have "
                f"{image_shape(stage.data)}."
            )
        found = [(factor.name, factor.size) for factor in record.factors]
        if stage is record.spec and found != expected:
            yield f"the factors are {_listed(found)}, but {name} has {_listed(expected)}."


def _listed(factors: list[tuple[str, int | None]]) -> str:
    return ", ".join(f"{name[:80]} ({size or 'continuous'})" for name, size in factors)


def _range_problems(name: str, where: str, result: MetricResult) -> Iterator[str]:
    if name not in registry.names("metric"):
        return
    try:
        metric = registry.load("metric", name)
    except PluginError as error:
        yield f"{where} cannot be checked: {error}"
        return
    if not isinstance(metric, Metric):
        yield f"{where} cannot be checked: the plugin registered as {name!r} is no metric."
        return
    low, high = metric.range
    scores = {
        "the score": result.value,
        "the reference": result.reference,
        "chance": result.chance,
        **{f"of {_quoted([k])}": v for k, v in result.per_factor.items()},
    }
    for which, score in scores.items():
        if score is not None and not low - TOLERANCE <= score <= high + TOLERANCE:
            yield f"{where}: {which} is {score:g}, outside {low:g} to {high:g}."


def _quoted(names: Iterable[str]) -> str:
    """Names of a stranger's choice, such that they cannot pass for lines of ours."""
    ordered = sorted(names)
    more = f" and {len(ordered) - 10} more" if len(ordered) > 10 else ""
    return (", ".join(repr(name[:80]) for name in ordered[:10]) or "nothing") + more
