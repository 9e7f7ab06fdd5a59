"""Checking a board: what is wrong with it, all of it, in sentences."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from drbench import registry
from drbench.errors import BoardError, PluginError, RequestError
from drbench.leaderboard.build import build, group_id
from drbench.leaderboard.reading import read_model, read_text
from drbench.leaderboard.store import BOARD, RECORDS, record_files
from drbench.metrics.metric import Metric, MetricResult
from drbench.runs.data import declared
from drbench.runs.record import Record

TOLERANCE = 1e-9
"""How far outside its metric's range a score may lie, for rounding."""


def validate(board: Path) -> list[str]:
    """Problems of a board, one sentence each; an empty list is a valid board.

    Checked are: every file in records/ (a regular file named after its key, strict JSON, the
    record's schema, the key equal to the hash of the spec), factors against the registered data
    set where its plugin is installed, scores against the metric's range likewise, numbers of rows,
    runs that were copied under another seed, and leaderboard.json against the records.

    Raises
    ------
    BoardError
        If there is no board in that folder.
    """
    problems: list[str] = []
    records: dict[Path, Record] = {}
    files = record_files(board)
    for path in files:
        try:
            records[path] = read_model(path, Record)
        except BoardError as error:
            problems.append(str(error))
    for path, record in records.items():
        problems += [f"{path}: {problem}" for problem in record_problems(record)]
        if path.stem != record.key:
            problems.append(f"{path} must be named after its key, {record.key}.json.")
    problems += [
        f"{path} is no record: only files named KEY.json belong there."
        for path in sorted((board / RECORDS).iterdir())
        if path not in files
    ]
    problems += _copies(records)
    if len(records) == len(files):
        problems += _derived(board, list(records.values()))
    else:
        problems.append(f"{board / BOARD} was not compared: mend the records first.")
    return problems


def record_problems(record: Record) -> Iterator[str]:
    """What is wrong with a record whose schema is right."""
    yield from _data_problems(record)
    names = {factor.name for factor in record.factors}
    if record.scored_rows > record.spec.scoring.sample:
        yield (
            f"{record.scored_rows} rows were scored, but the spec allows "
            f"{record.spec.scoring.sample}."
        )
    if unknown := sorted(record.redrawn.keys() - names):
        yield f"redrawn names {unknown}, which are no factors of the record."
    asked = record.spec.scoring.metrics
    for stage, scores in record.scores.items():
        if scores.keys() != asked.keys():
            yield (
                f"scored {stage} training are {', '.join(sorted(scores)) or 'no metrics'}, but the "
                f"spec asks for {', '.join(sorted(asked)) or 'none'}."
            )
        for metric, result in scores.items():
            for name, value in asked.get(metric, {}).items():
                if result.parameters.get(name) != value:
                    yield f"{metric} {stage} training was not scored with {name}={value}."
            if result.per_factor and names - result.per_factor.keys():
                yield f"{metric} {stage} training does not have a score for each factor."
            where = f"{metric} {stage} training"
            if unknown := sorted(result.per_factor.keys() - names):
                yield f"{where} has scores of {unknown}, which are no factors of the record."
            if result.n_samples > record.scored_rows:
                yield f"{where} used {result.n_samples} rows of {record.scored_rows}."
            if result.matrix and any(len(row) != len(names) for row in result.matrix):
                yield f"{where} has a matrix that is not {len(names)} factors wide."
            yield from _range_problems(metric, where, result)


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
        found = [(factor.name, factor.size) for factor in record.factors]
        if stage is record.spec and found != expected:
            yield f"the factors are {_listed(found)}, but {name} has {_listed(expected)}."


def _listed(factors: list[tuple[str, int | None]]) -> str:
    return ", ".join(f"{name} ({size or 'continuous'})" for name, size in factors)


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
        **{f"of {k}": v for k, v in result.per_factor.items()},
    }
    for which, score in scores.items():
        if score is not None and not low - TOLERANCE <= score <= high + TOLERANCE:
            yield f"{where}: {which} is {score:g}, outside {low:g} to {high:g}."


def _copies(records: dict[Path, Record]) -> Iterator[str]:
    """Runs that claim different seeds and yet end in the same weights and the same sample."""
    same: defaultdict[tuple[str, str, str], list[Path]] = defaultdict(list)
    for path, record in records.items():
        origin = record.provenance
        same[group_id(record), origin.weights_hash, origin.data_hash].append(path)
    for paths in same.values():
        if len(paths) > 1:
            files = ", ".join(path.name for path in paths)
            yield f"{files} have different seeds and the same weights and sample: one run, copied."


def _derived(board: Path, records: list[Record]) -> Iterator[str]:
    path = board / BOARD
    if not path.exists():
        yield f"{path} is missing: run `drbench leaderboard build`."
        return
    try:
        written, built = read_text(path), build(records).to_json()
    except BoardError as error:
        yield str(error)
        return
    if written != built:
        yield f"{path} is not what its records give: run `drbench leaderboard build`."
