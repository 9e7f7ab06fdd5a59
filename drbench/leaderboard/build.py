"""From records to rows."""

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from drbench.errors import BoardError
from drbench.files import canonical_json, sha256_text
from drbench.leaderboard.board import Budget, Cell, Change, Leaderboard, Row, Run, Summary
from drbench.metrics.metric import MetricResult
from drbench.runs.record import Record, Stage

Pick = Callable[[MetricResult], float | None]


def build(records: Iterable[Record]) -> Leaderboard:
    """The leaderboard of some records, the same in whatever order they come.

    A record that comes twice counts once.

    Raises
    ------
    BoardError
        If two different records have the same key.
    """
    unique: dict[str, Record] = {}
    for record in records:
        if unique.setdefault(record.key, record) != record:
            raise BoardError(
                f"Two different records have the key {record.key}: a board holds one record a "
                "run; keep one of them."
            )
    groups: defaultdict[str, list[Record]] = defaultdict(list)
    for record in unique.values():
        groups[group_id(record)].append(record)
    rows = [_row(name, runs) for name, runs in groups.items()]
    rows.sort(key=lambda row: (row.kind != "transfer", row.source.name, row.target.name,
                               row.model, row.id))  # fmt: skip
    return Leaderboard(
        official=tuple(row for row in rows if row.track == "official"),
        rendered=tuple(row for row in rows if row.track == "rendered"),
    )


def group_id(record: Record) -> str:
    """Hash of all that runs of one row share: the spec without its seeds, and the factors."""
    spec = record.spec.model_dump(mode="json")
    stage: dict[str, Any] | None = spec
    while stage:
        del stage["seed"]
        stage = stage["init"]
    factors = [factor.model_dump(mode="json") for factor in record.factors]
    return sha256_text(canonical_json({"spec": spec, "factors": factors}))


def _seeds(record: Record) -> tuple[int, ...]:
    return tuple(spec.seed for spec in record.spec.chain)


def _row(name: str, records: list[Record]) -> Row:
    records = sorted(records, key=lambda record: (_seeds(record), record.key))
    spec, chain = records[0].spec, records[0].spec.chain
    official = all(stage.data.origin == "official" for stage in chain)
    metrics = sorted({m for r in records for scores in r.scores.values() for m in scores})
    return Row(
        id=name,
        track="official" if official else "rendered",
        kind="transfer" if spec.init else "source",
        source=chain[0].data,
        target=spec.data,
        model=spec.model,
        budgets=tuple(
            Budget(data=s.data, hyperparameters=s.hyperparameters, training=s.training)
            for s in chain
        ),
        scoring=spec.scoring,
        factors=records[0].factors,
        n_seeds=len({_seeds(record)[0] for record in records}),
        runs=tuple(Run(key=record.key, seeds=_seeds(record)) for record in records),
        metrics={metric: _cell(metric, records) for metric in metrics},
    )


def _cell(metric: str, records: Sequence[Record]) -> Cell:
    results = [_result(record, "after", metric) for record in records]
    everything = [_result(r, stage, metric) for r in records for stage in r.scores]
    factors = [factor.name for factor in records[0].factors]
    scored = {name for result in everything for name in result.per_factor}
    parts = sorted({name for result in everything for name in result.parts})
    pairs = [result.n_pairs for result in results if result.n_pairs is not None]
    return Cell(
        score=_change(records, metric, lambda result: result.value),
        per_factor={
            name: _change(records, metric, _per_factor(name))
            for name in [*factors, *sorted(scored - set(factors))]
            if name in scored
        },
        parts={name: _change(records, metric, _part(name)) for name in parts},
        parameters={
            name: value
            for name, value in sorted(results[0].parameters.items())
            if name != "seed"
            and all(name in r.parameters and r.parameters[name] == value for r in results)
        },
        reference=_mean([result.reference for result in results]),
        chance=_mean([result.chance for result in results]),
        samples=tuple(result.n_samples for result in results),
        pairs={
            name: min(counts.get(name, 0) for counts in pairs)
            for name in sorted({name for counts in pairs for name in counts})
        }
        if pairs
        else None,
    )


def _per_factor(name: str) -> Pick:
    return lambda result: result.per_factor.get(name)


def _part(name: str) -> Pick:
    return lambda result: result.parts.get(name)


def _result(record: Record, stage: Stage, metric: str) -> MetricResult:
    unscored = MetricResult(value=None, reason="this metric was not scored")
    return record.scores[stage].get(metric, unscored)


def _change(records: Sequence[Record], metric: str, pick: Pick) -> Change:
    after, missing = _values(records, "after", metric, pick)
    if not records[0].spec.init:
        return Change(before=None, after=summarise(after), gain=None, reason=_joined(missing))
    before, missing_before = _values(records, "before", metric, pick)
    gains = [
        None if new is None or old is None else new - old
        for new, old in zip(after, before, strict=True)
    ]
    return Change(
        before=summarise(before),
        after=summarise(after),
        gain=summarise(gains),
        reason=_joined(missing_before + missing),
    )


def _values(
    records: Sequence[Record], stage: Stage, metric: str, pick: Pick
) -> tuple[list[float | None], list[str]]:
    """Value of each run, and the reasons of those that have none."""
    results = [_result(record, stage, metric) for record in records]
    values = [pick(result) for result in results]
    missing = [
        f"seed {record.spec.seed} {stage}: {result.reason or 'no value, and no reason given'}"
        for record, result, value in zip(records, results, values, strict=True)
        if value is None
    ]
    return values, missing


def _joined(reasons: list[str]) -> str | None:
    return "; ".join(reasons) or None


def summarise(values: Sequence[float | None]) -> Summary:
    """Mean and unbiased spread; neither if a value is missing.

    Examples
    --------
    >>> summarise([0.25, 0.75]).mean
    0.5
    >>> summarise([0.25, None]).mean is None
    True
    """
    present = [value for value in values if value is not None]
    whole = len(present) == len(values)
    return Summary(
        values=tuple(values),
        mean=_mean(values),
        spread=statistics.stdev(present) if whole and len(present) > 1 else None,
    )


def _mean(values: Sequence[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    # fmean sums exactly, so that no order of the records changes a digit.
    return statistics.fmean(present) if values and len(present) == len(values) else None
