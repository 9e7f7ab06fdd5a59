"""From records and verifications to rows, ranked."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from drbench.board.board import (
    FEW_SEEDS,
    Budget,
    Check,
    Leaderboard,
    Rank,
    Row,
    RowKind,
    Run,
)
from drbench.board.cells import Runs, cell
from drbench.board.official import PUBLISHED
from drbench.board.ranking import (
    HIGHER_IS_BETTER,
    LOWER_IS_BETTER,
    VERIFIED,
    Direction,
    direction,
    ranking,
    ranks,
)
from drbench.errors import BoardError
from drbench.files import canonical_json, sha256_text
from drbench.runs.record import Record, Software
from drbench.trust.verification import (
    STATES,
    State,
    Verifications,
    checks_of,
    record_hash,
    state_of,
)


def build(records: Iterable[Record], verifications: Iterable[Verifications] = ()) -> Leaderboard:
    """The leaderboard of some records, the same in whatever order they come.

    A record that comes twice counts once. Verifications of records that are not among them, or were
    changed since, count for nothing.

    Raises
    ------
    BoardError
        If two different records, or two different files of verifications, have the same key.
    """
    unique: dict[str, Record] = {}
    for record in records:
        if unique.setdefault(record.key, record) != record:
            raise BoardError(
                f"Two different records have the key {record.key}: a board holds one record a "
                "run; keep one of them."
            )
    known: dict[str, Verifications] = {}
    for checks in verifications:
        if known.setdefault(checks.key, checks) != checks:
            raise BoardError(
                f"Two different files hold verifications of {checks.key}: merge them with "
                "`drbench leaderboard merge`."
            )
    groups: defaultdict[str, list[Record]] = defaultdict(list)
    for record in unique.values():
        groups[group_id(record)].append(record)
    built = [_row(name, group, known) for name, group in groups.items()]
    built.sort(key=lambda pair: (pair[0].kind != "transfer", pair[0].source.name,
                                 pair[0].target.name, pair[0].model, pair[0].id))  # fmt: skip
    directions, rows = _ranked(built)
    return Leaderboard(
        ranking=ranking(directions),
        published=PUBLISHED,
        official=tuple(row for row in rows if row.track == "official"),
        rendered=tuple(row for row in rows if row.track == "rendered"),
    )


def group_id(record: Record) -> str:
    """Hash of what the runs of a row share: the spec without its seeds, factors, image size."""
    spec = record.spec.model_dump(mode="json")
    stage: dict[str, Any] | None = spec
    while stage:
        del stage["seed"]
        stage = stage["init"]
    factors = [factor.model_dump(mode="json") for factor in record.factors]
    shared = {"spec": spec, "factors": factors, "image_shape": record.image_shape}
    return sha256_text(canonical_json(shared))


def seeds_of(record: Record) -> tuple[int, ...]:
    """Seed of each training on the way to a record, the source's first."""
    return tuple(spec.seed for spec in record.spec.chain)


def _row(name: str, group: list[Record], known: dict[str, Verifications]) -> tuple[Row, Runs]:
    group = sorted(group, key=lambda record: (seeds_of(record), record.key))
    spec, chain = group[0].spec, group[0].spec.chain
    kind: RowKind = "transfer" if spec.init else "source"
    state = {record.key: state_of(record, known.get(record.key)) for record in group}
    records = _counted(group, state)
    counted = {record.key for record in records}
    seeds = [seeds_of(record)[0] for record in records]
    runs = Runs(name, tuple(records), tuple(seeds))
    metrics = sorted({m for r in records for scores in r.scores.values() for m in scores})
    n_seeds = len(set(seeds))
    row = Row(
        id=name,
        track="official" if all(s.data.origin == "official" for s in chain) else "rendered",
        kind=kind,
        source=chain[0].data,
        target=spec.data,
        model=spec.model,
        plugins=_plugins(records),
        budgets=tuple(
            Budget(data=s.data, hyperparameters=s.hyperparameters, training=s.training)
            for s in chain
        ),
        checkpoint=", ".join(sorted({record.provenance.checkpoint for record in records})),
        scoring=spec.scoring,
        factors=records[0].factors,
        image_shape=records[0].image_shape,
        state=min((state[record.key] for record in records), key=STATES.index),
        n_seeds=n_seeds,
        few_seeds=n_seeds < FEW_SEEDS,
        runs=tuple(_run(r, state[r.key], known.get(r.key)) for r in records),
        uncounted=tuple(
            _run(r, state[r.key], known.get(r.key)) for r in group if r.key not in counted
        ),
        metrics={metric: cell(metric, runs) for metric in metrics},
        notes=tuple(dict.fromkeys(note for record in records for note in record.notes)),
    )
    return row, runs


def _counted(group: list[Record], state: dict[str, State]) -> list[Record]:
    """Runs that a row's scores are of: the verified ones, or else all that are not refuted."""
    known = [record for record in group if state[record.key] != "refuted"]
    return [record for record in known if state[record.key] in VERIFIED] or known or group


def _run(record: Record, state: State, known: Verifications | None) -> Run:
    origin = record.provenance
    return Run(
        key=record.key,
        record_hash=record_hash(record)[:12],
        seeds=seeds_of(record),
        state=state,
        checks=tuple(
            Check(
                state=each.state,
                by=each.by,
                date=each.date,
                code=each.versions.get("drbench", "unknown"),
            )
            for each in checks_of(record, known)
        ),
        created=origin.created,
        data_hash=origin.data_hash[:12],
        device=origin.device,
        seconds=round(sum(origin.seconds.values()), 3),
        code=origin.versions.get("drbench", "unknown"),
        git_commit=origin.git_commit,
        git_dirty=origin.git_dirty,
    )


def _plugins(records: Sequence[Record]) -> dict[str, tuple[Software, ...]]:
    found: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for record in records:
        for name, software in record.provenance.plugins.items():
            found[name].add((software.distribution, software.version))
    return {
        name: tuple(Software(distribution=d, version=v) for d, v in sorted(pairs))
        for name, pairs in sorted(found.items())
    }


def _ranked(built: list[tuple[Row, Runs]]) -> tuple[dict[str, Direction], list[Row]]:
    """Which way each metric is better, and the rows with their ranks."""
    directions = _directions([row for row, _ in built])
    found: dict[tuple[str, str], Rank | str] = {}
    groups: defaultdict[str, list[tuple[Row, Runs, str]]] = defaultdict(list)
    for row, runs in built:
        for metric in row.metrics:
            if reason := _obstacle(row, metric, directions.get(metric)):
                found[row.id, metric] = reason
            else:
                groups[_group(row, metric)].append((row, runs, metric))
    for group in groups.values():
        metric = group[0][2]
        means = [runs.mean(metric) for _, runs, _ in group]
        resampled = [runs.resampled(metric) for _, runs, _ in group]
        places = ranks(means, resampled, directions[metric])
        found |= {(row.id, metric): rank for (row, _, _), rank in zip(group, places, strict=True)}
    return directions, [_with_ranks(row, found) for row, _ in built]


def _group(row: Row, metric: str) -> str:
    """What rows must share for their scores to be comparable."""
    shared = {
        "metric": metric,
        "makers": _makers(row, metric),
        "track": row.track,
        "kind": row.kind,
        # What a target is cut down to are its factors, and its pixels those of the source.
        "target": row.target.name,
        "origin": row.target.origin,
        "image_shape": row.image_shape,
        "factors": [factor.model_dump(mode="json") for factor in row.factors],
        "sample": row.scoring.sample,
        "pairs": row.scoring.pairs,
        "parameters": row.metrics[metric].parameters,
    }
    return canonical_json(shared)


def _obstacle(row: Row, metric: str, better: Direction | None) -> str | None:
    """Why a row cannot be ranked by a metric; None if it can."""
    each = row.metrics[metric]
    if each.score.after.mean is None:
        return f"a run has no score: {each.score.reason}"
    if row.state == "refuted":
        return "every run was refuted"
    if row.track == "official" and row.state not in VERIFIED:
        return f"a run is {row.state}: the official track ranks what others have re-encoded"
    if metric in HIGHER_IS_BETTER | LOWER_IS_BETTER and _makers(row, metric) != ["drbench"]:
        return "it is another's metric, under a name of drbench's own"
    if better is None:
        return "nothing says whether higher or lower is better"
    return None


def _directions(rows: list[Row]) -> dict[str, Direction]:
    """Which way each metric is better, where something says so and nothing contradicts it."""
    found: defaultdict[str, set[Direction]] = defaultdict(set)
    for row in rows:
        for metric, each in row.metrics.items():
            if better := direction(
                metric,
                _makers(row, metric),
                reference=each.reference.mean,
                chance=each.chance.mean,
            ):
                found[metric].add(better)
    return {metric: ways.pop() for metric, ways in sorted(found.items()) if len(ways) == 1}


def _makers(row: Row, metric: str) -> list[str]:
    """Distributions that a metric of a row came from."""
    return sorted({each.distribution for each in row.plugins.get(f"metric:{metric}", ())})


def _with_ranks(row: Row, found: dict[tuple[str, str], Rank | str]) -> Row:
    metrics = {}
    for metric, each in row.metrics.items():
        rank = found[row.id, metric]
        ranked = {"unranked": rank} if isinstance(rank, str) else {"rank": rank}
        metrics[metric] = each.model_copy(update=ranked)
    return row.model_copy(update={"metrics": metrics})
