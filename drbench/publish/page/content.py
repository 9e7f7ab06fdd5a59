"""From the leaderboard to what the page shows of it."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from drbench import registry
from drbench.board.board import (
    Budget,
    Cell,
    Change,
    Leaderboard,
    Row,
    Run,
    Summary,
)
from drbench.board.fill import Filling, fill
from drbench.board.official import SIDE
from drbench.board.rows import comparable, place, settings, tier
from drbench.data.spec import Origin
from drbench.metrics.metric import load_metric
from drbench.metrics.scoring import DEFAULT_METRICS
from drbench.publish.page.bibtex import citations
from drbench.publish.page.html import PageCell, PageContent, PageMetric
from drbench.publish.page.packing import PageRow, PageScore, rounded
from drbench.publish.page.published import published_row
from drbench.runs.spec import DataRef

_RUN_HEADS = (
    "record",
    "seeds",
    "by",
    "done",
    "drbench",
    "device",
    "seconds",
    "sample",
)


def page_content(board: Leaderboard) -> PageContent:
    """All that the page of a board is made of."""
    varied = _varied(board.rows)
    rows = [_row(row, varied[_place(row)]) for row in board.rows]
    rows += map(published_row, board.published)
    metrics = _metrics(rows)
    directions = board.ranking.directions
    return PageContent(
        rows=rows,
        metrics={
            m: PageMetric(_title(m), directions[m] == "higher" if m in directions else None)
            for m in metrics
        },
        ranking=f"{board.ranking.rule} {board.ranking.ties}",
        few=board.ranking.n_prescribed,
        schema_version=board.schema_version,
        records=sum(len(row.all_runs) for row in board.rows),
        official=[_official(filling) for filling in fill(board)],
        bibtex=citations(board, metrics),
    )


def _metrics(rows: Sequence[PageRow]) -> list[str]:
    """Metrics that rank a row, in the usual order; then those that only unranked rows have."""
    found = {metric for row in rows for metric in row.scores}
    ranking = {name for row in rows for name, score in row.scores.items() if score.rank}
    usual = {metric: place for place, metric in enumerate(DEFAULT_METRICS)}
    return sorted(found, key=lambda m: (m not in ranking, usual.get(m, len(usual)), m))


def _official(filling: Filling) -> PageCell:
    cell = filling.cell
    return PageCell(
        source=cell.source,
        target=cell.target,
        model=cell.model,
        setting=f"beta {cell.beta:g}",
        wanted=filling.wanted,
        verified=len(filling.verified),
        waiting=len(filling.waiting),
        commands=filling.commands,
    )


def _place(row: Row) -> tuple[str, ...]:
    """What rows share that only their settings tell apart."""
    return row.track, row.kind, row.source.name, row.target.name, row.model


def _varied(rows: Sequence[Row]) -> dict[tuple[str, ...], set[str]]:
    """Settings that rows of one place do not agree on."""
    settings: defaultdict[tuple[str, ...], defaultdict[str, set[str]]] = defaultdict(
        lambda: defaultdict(set)
    )
    for row in rows:
        for name, value in _settings(row.budgets[-1]).items():
            settings[_place(row)][name].add(repr(value))
    return {
        place: {name for name, values in found.items() if len(values) > 1}
        for place, found in settings.items()
    }


def _row(row: Row, varied: Collection[str]) -> PageRow:
    return PageRow(
        id=row.id[:16],
        key=row.runs[0].key,
        track=row.track,
        kind=row.kind,
        source=_source(row),
        target=place(row),
        tier=tier(row),
        model=row.model,
        state=row.level,
        note=_note(row, varied),
        seeds=row.n_seeds,
        scores={name: _score(row, name) for name in row.metrics},
        details={
            "factors": [factor.name for factor in row.factors],
            "metrics": {name: _cell(cell) for name, cell in row.metrics.items()},
            "warnings": _uncounted(row) + _dirty(row.runs) + _warnings(row.metrics),
            "facts": _facts(row),
            "runs": {
                "heads": _RUN_HEADS,
                "rows": [_run(run) for run in row.all_runs],
                "counted": len(row.runs),
            },
        },
    )


def _score(row: Row, metric: str) -> PageScore:
    cell = row.metrics[metric]
    score, rank = cell.score, cell.rank
    low, high = _interval(score.after)
    gain_low, gain_high = _interval(score.gain)
    return PageScore(
        after=score.after.mean,
        low=low,
        high=high,
        before=score.before.mean if score.before else None,
        gain=score.gain.mean if score.gain else None,
        gain_low=gain_low,
        gain_high=gain_high,
        reference=cell.reference.mean,
        chance=cell.chance.mean,
        rank=rank.place if rank else None,
        rank_low=rank.best if rank else None,
        rank_high=rank.worst if rank else None,
        of=rank.rows if rank else None,
        group=comparable(row, metric),
        settings=settings(row, cell),
        why=score.reason or cell.unranked or "",
    )


def _interval(summary: Summary | None) -> tuple[float | None, float | None]:
    return (summary.interval if summary else None) or (None, None)


def _cell(cell: Cell) -> dict[str, Any]:
    samples = sorted({min(cell.samples), max(cell.samples)}) if cell.samples else []
    notes = [f"{' to '.join(f'{n:,}' for n in samples)} rows"]
    if cell.pairs:
        notes.append(f"at least {min(cell.pairs.values()):,} pairs a factor")
    notes += [f"{name}={value}" for name, value in cell.parameters.items()]
    return _quantity(cell.score) | {
        "parts": [(name, _quantity(part)) for name, part in cell.parts.items()],
        "factors": [(name, _quantity(factor)) for name, factor in cell.per_factor.items()],
        "notes": notes,
        "matrix": cell.matrix,
    }


def _quantity(change: Change) -> dict[str, Any]:
    return {
        "before": rounded(change.before.values or ()) if change.before else None,
        "after": rounded(change.after.values or ()),
        "interval": rounded(change.after.interval) if change.after.interval else None,
    }


def _warnings(metrics: Mapping[str, Cell]) -> list[str]:
    """Each warning once, with the metrics that give it."""
    given: defaultdict[str, list[str]] = defaultdict(list)
    for name, cell in metrics.items():
        for warning in cell.warnings:
            given[warning].append(name)
    return [f"{', '.join(names)}: {warning}" for warning, names in given.items()]


def _uncounted(row: Row) -> list[str]:
    """Runs of the row whose scores are not in it."""
    many = len(row.uncounted)
    return [f"{many} of {len(row.all_runs)} runs do not count: other seeds"] if many else []


def _dirty(runs: Sequence[Run]) -> list[str]:
    dirty = sum(run.git_dirty is True for run in runs)
    said = f"{dirty} of {len(runs)} runs: drbench's source tree had uncommitted changes"
    return [said] if dirty else []


def _facts(row: Row) -> list[tuple[str, str]]:
    facts = [
        (f"training {place}", f"{_data(budget.data, row.track)}: {_budget(budget)}")
        for place, budget in enumerate(row.budgets, 1)
    ]
    sample = f"{row.sample:,} rows and {row.pairs:,} pairs a factor, at most"
    facts += [("checkpoint", row.checkpoint), ("scored on", f"{_data(row.target)}: {sample}")]
    plugins: defaultdict[str, list[str]] = defaultdict(list)
    for name, distributions in row.plugins.items():
        for software in distributions:
            plugins[f"{software.distribution} {software.version}"].append(name)
    facts += [("from " + origin, ", ".join(names)) for origin, names in plugins.items()]
    return facts + [("note", note) for note in row.notes]


def _budget(budget: Budget) -> str:
    training = budget.training
    usual = {"steps": f"{training.steps:,}", "batch": training.batch, "lr": training.lr}
    others = training.model_dump(exclude_defaults=True, exclude=set(usual))
    given = usual | others | budget.hyperparameters
    return ", ".join(f"{name} {_short(value)}" for name, value in given.items())


def _note(row: Row, varied: Collection[str]) -> str:
    """What tells rows of one model apart, in short."""
    settings = _settings(row.budgets[-1])
    said = [f"{name} {_short(settings[name])}" for name in settings if name in varied]
    steps = " + ".join(_thousands(budget.training.steps) for budget in row.budgets)
    return ", ".join([*said, f"{steps} steps"])


def _thousands(n: int) -> str:
    return f"{n // 1000:,}k" if n and n % 1000 == 0 else f"{n:,}"


def _settings(budget: Budget) -> dict[str, Any]:
    """All that a training was given, but for its steps."""
    return budget.hyperparameters | budget.training.model_dump(exclude={"steps", "score_every"})


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _run(run: Run) -> tuple[str, ...]:
    dirty = ", uncommitted changes" if run.git_dirty else ""
    commit = f" ({run.git_commit[:8]}{dirty})" if run.git_commit else ""
    return (
        run.key,
        " → ".join(map(str, run.seeds)),
        run.by,
        f"{run.checked:%Y-%m-%d}",
        run.code + commit,
        run.device,
        f"{run.seconds:,.0f}",
        run.data_hash,
    )


def _source(row: Row) -> str:
    """Where the weights were first trained; the official table's size goes without saying."""
    usual = {"resize": None} if row.source.resize == SIDE else {}
    return _data(row.source.model_copy(update=usual), row.track)


def _data(data: DataRef, track: Origin | None = None) -> str:
    """A data set with all that makes it another one; its origin where the track does not say it."""
    cut = [f"{name}: {count}" for name, count in data.levels.items()]
    cut += [f"{data.resize} px"] if data.resize else []
    cut += [f"factors {', '.join(data.factors)}"] if data.factors is not None else []
    cut += [] if data.origin == track else [f"{data.origin} images"]
    return f"{data.name} ({'; '.join(cut)})" if cut else data.name


def _title(metric: str) -> str:
    return load_metric(metric).title if metric in registry.names("metric") else ""
