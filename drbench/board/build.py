"""From entries to rows, ranked."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from drbench.board.board import TRACKS, Budget, Leaderboard, Rank, Row, Run
from drbench.board.cells import Runs, cell
from drbench.board.entry import Direction, Entry
from drbench.board.official import PUBLISHED
from drbench.board.ranking import PRESCRIBED, ranking, ranks
from drbench.board.rows import comparable, is_prescribed, row_id, seeds_of, track
from drbench.errors import BoardError
from drbench.files import sha256_text
from drbench.runs.identity import stored_training_key
from drbench.runs.record import Record, Software


def build(entries: Iterable[Entry], n_prescribed: int = PRESCRIBED) -> Leaderboard:
    """The leaderboard of some entries, the same in whatever order they come.

    An entry that comes twice counts once.

    Parameters
    ----------
    entries : iterable of Entry
    n_prescribed : int
        Ranked are runs of the seeds from 0 to one less than this.

    Raises
    ------
    BoardError
        If two different entries of one submitter have the same key.
    """
    built = _rows(entries, lambda seeds: is_prescribed(seeds, n_prescribed))
    rows = _ranked(built, n_prescribed)
    directions = {
        name: {row.metrics[name].direction for row in rows if name in row.metrics}
        for name in sorted({name for row in rows for name in row.metrics})
    }
    agreed = {
        name: way for name, ways in directions.items() for way in ways if len(ways) == 1 and way
    }
    tracks = {name: tuple(row for row in rows if row.track == name) for name in TRACKS}
    return Leaderboard(ranking=ranking(agreed, n_prescribed), published=PUBLISHED, **tracks)


def unranked_rows(entries: Iterable[Entry]) -> list[Row]:
    """Rows in which every run counts, whatever its seed; none is ranked."""
    return [row for row, _ in _rows(entries, lambda _: True)]


def _rows(
    entries: Iterable[Entry], counts: Callable[[Sequence[int]], bool]
) -> list[tuple[Row, Runs]]:
    unique: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        if unique.setdefault((entry.submitter, entry.key), entry) != entry:
            raise BoardError(
                f"Two different entries of {entry.submitter} have the key {entry.key}: a board "
                "holds one a run; keep the newer one."
            )
    groups: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in unique.values():
        groups[row_id(entry)].append(entry)
    built = [_row(name, group, counts) for name, group in groups.items()]
    built.sort(key=lambda pair: (pair[0].kind != "transfer", pair[0].source.name,
                                 pair[0].target.name, pair[0].model, pair[0].id))  # fmt: skip
    return built


def _row(
    name: str, group: list[Entry], counts: Callable[[Sequence[int]], bool]
) -> tuple[Row, Runs]:
    by_network: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in sorted(group, key=lambda entry: (entry.checked, entry.key), reverse=True):
        by_network[entry.record.network].append(entry)
    every = sorted(by_network.values(), key=lambda run: (seeds_of(run[0].record), run[0].key))
    counted = [run for run in every if counts(seeds_of(run[0].record))] or every
    records = tuple(map(_merged, counted))
    directions = tuple({m: w for e in reversed(run) for m, w in e.directions.items()}
                       for run in counted)  # fmt: skip
    runs = Runs(name, records, directions)
    first, spec = records[0], records[0].spec
    row = Row(
        id=name,
        submitter=group[0].submitter,
        level=group[0].level,
        training=stored_training_key(spec),
        track=track(spec),
        kind="transfer" if spec.init else "source",
        source=spec.chain[0].data,
        target=spec.data,
        model=spec.model,
        hyperparameters=first.hyperparameters,
        plugins=_plugins(records),
        budgets=tuple(
            Budget(data=s.data, hyperparameters=s.hyperparameters, training=s.training)
            for s in spec.chain
        ),
        checkpoint=", ".join(sorted({record.provenance.checkpoint for record in records})),
        sample=spec.scoring.sample,
        pairs=spec.scoring.pairs,
        factors=first.factors,
        image_shape=first.image_shape,
        n_seeds=len(set(runs.sources)),
        runs=tuple(map(_run, counted)),
        uncounted=tuple(_run(run) for run in every if run not in counted),
        metrics={
            metric: cell(metric, runs)
            for metric in sorted({m for r in records for s in r.scores.values() for m in s})
        },
        notes=tuple(dict.fromkeys(note for record in records for note in record.notes)),
    )
    return row, runs


def _merged(run: list[Entry]) -> Record:
    """The newest record of a network, with the scores that only older ones have."""
    newest = run[0].record
    scores = {
        stage: {
            m: each for entry in reversed(run) for m, each in entry.record.scores[stage].items()
        }
        for stage in newest.scores
    }
    plugins = {
        name: each for e in reversed(run) for name, each in e.record.provenance.plugins.items()
    }
    provenance = newest.provenance.model_copy(update={"plugins": plugins})
    return newest.model_copy(update={"scores": scores, "provenance": provenance})


def _run(run: list[Entry]) -> Run:
    newest = run[0]
    origin = newest.record.provenance
    return Run(
        keys=tuple(entry.key for entry in run),
        network=newest.record.network,
        entry_hash=sha256_text(newest.to_json())[:12],
        seeds=seeds_of(newest.record),
        by=newest.by,
        checked=newest.checked,
        data_hash=origin.data_hash[:12],
        device=origin.device,
        seconds=round(sum(origin.seconds.values()), 3),
        code=origin.versions.get("drbench", "unknown"),
        git_commit=origin.git_commit,
        git_dirty=origin.git_dirty,
    )


def _plugins(records: Sequence[Record]) -> dict[str, tuple[Software, ...]]:
    unique: defaultdict[str, dict[str, Software]] = defaultdict(dict)
    for record in records:
        for name, software in record.provenance.plugins.items():
            unique[name][software.model_dump_json()] = software
    return {
        name: tuple(software for _, software in sorted(each.items()))
        for name, each in sorted(unique.items())
    }


def _ranked(built: list[tuple[Row, Runs]], n_prescribed: int) -> list[Row]:
    """The rows with their ranks."""
    results: dict[tuple[str, str], Rank | str] = {}
    groups: defaultdict[tuple[str, str], list[tuple[Row, Runs]]] = defaultdict(list)
    for row, runs in built:
        for metric in row.metrics:
            if reason := _obstacle(row, runs, metric, n_prescribed):
                results[row.id, metric] = reason
            else:
                groups[metric, comparable(row, metric)].append((row, runs))
    for (metric, _), group in groups.items():
        better: Direction | None = group[0][0].metrics[metric].direction
        assert better is not None  # or there would have been an obstacle
        means = [runs.mean(metric) for _, runs in group]
        places = ranks(means, [runs.resampled(metric) for _, runs in group], better)
        results |= {(row.id, metric): rank for (row, _), rank in zip(group, places, strict=True)}
    return [_with_ranks(row, results) for row, _ in built]


def _obstacle(row: Row, runs: Runs, metric: str, n_prescribed: int) -> str | None:
    """Why a row cannot be ranked by a metric; None if it can."""
    each = row.metrics[metric]
    makers = {(s.distribution, s.definition) for s in row.plugins.get(f"metric:{metric}", ())}
    if row.level != "retrained":
        return "weights from the author: how they were trained was not checked"
    if not is_prescribed(row.runs[0].seeds, n_prescribed):
        return f"none of its runs has a prescribed seed, from 0 to {n_prescribed - 1}, throughout"
    if each.score.after.mean is None:
        return f"a run has no score: {each.score.reason}"
    if len(runs.parameters(metric)) > 1 or len(makers) > 1:
        return "its runs were scored with different parameters or definitions"
    if each.direction is None:
        return "nothing says whether higher or lower is better"
    return None


def _with_ranks(row: Row, results: dict[tuple[str, str], Rank | str]) -> Row:
    metrics = {}
    for metric, each in row.metrics.items():
        rank = results[row.id, metric]
        ranked = {"unranked": rank} if isinstance(rank, str) else {"rank": rank}
        metrics[metric] = each.model_copy(update=ranked)
    return row.model_copy(update={"metrics": metrics})
