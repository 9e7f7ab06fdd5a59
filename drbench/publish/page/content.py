"""From the leaderboard to what the page shows of it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
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
    Track,
)
from drbench.board.fill import Filling, fill
from drbench.board.official import SIDE
from drbench.board.rows import comparable, differences, place, settings, tier
from drbench.data.opening import is_open
from drbench.metrics.metric import load_metric
from drbench.metrics.scoring import DEFAULT_METRICS
from drbench.publish.page.bibtex import citations
from drbench.publish.page.parts import (
    PageCell,
    PageContent,
    PageMetric,
    PageRow,
    PageScore,
    rounded,
)
from drbench.publish.page.published import published_row
from drbench.runs.spec import DataRef


def page_content(board: Leaderboard) -> PageContent:
    """All that the page of a board is made of."""
    labels = _labels(board.rows)
    rows = [_row(row, labels[row.id]) for row in board.rows]
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
    metrics = {metric for row in rows for metric in row.scores}
    ranking = {name for row in rows for name, score in row.scores.items() if score.rank}
    usual = {metric: place for place, metric in enumerate(DEFAULT_METRICS)}
    return sorted(metrics, key=lambda m: (m not in ranking, usual.get(m, len(usual)), m))


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


def _row(row: Row, label: str) -> PageRow:
    return PageRow(
        id=row.id[:16],
        key=f"{row.submitter}/{row.runs[0].key}",
        track=row.track,
        kind=row.kind,
        source=_source(row),
        target=place(row),
        tier=tier(row),
        model=row.model,
        state=row.level,
        note=label,
        seeds=row.n_seeds,
        scores={name: _score(row, name) for name in row.metrics},
        details={
            "factors": [factor.name for factor in row.factors],
            "metrics": {name: _cell(cell) for name, cell in row.metrics.items()},
            "warnings": _uncounted(row) + _dirty(row.runs) + _warnings(row.metrics),
            "facts": _facts(row),
            "runs": [_run(run, row.submitter) for run in row.all_runs],
            "counted": len(row.runs),
        },
    )


def _labels(rows: Sequence[Row]) -> dict[str, str]:
    """What tells each row from others of its model and data, in short, by the row's id."""
    alike: defaultdict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        alike[row.track, row.kind, row.source.name, row.target.name, row.model].append(row)
    labels = {}
    for together in alike.values():
        texts = differences(together)
        for row in together:
            steps = " + ".join(_thousands(budget.training.steps) for budget in row.budgets)
            labels[row.id] = texts[row.id] or f"{steps} steps"
    return labels


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
        of=rank.of if rank else None,
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
    names: defaultdict[str, list[str]] = defaultdict(list)
    for name, cell in metrics.items():
        for warning in cell.warnings:
            names[warning].append(name)
    return [f"{', '.join(names[warning])}: {warning}" for warning in names]


def _uncounted(row: Row) -> list[str]:
    """Runs of the row whose scores are not in it."""
    counts = f"{len(row.uncounted)} of {len(row.all_runs)} runs"
    return [f"{counts} do not count: of other seeds than prescribed"] if row.uncounted else []


def _dirty(runs: Sequence[Run]) -> list[str]:
    dirty = sum(run.git_dirty is True for run in runs)
    counts = f"{dirty} of {len(runs)} runs"
    return [f"{counts}: drbench's source tree had uncommitted changes"] if dirty else []


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
    settings = usual | others | budget.hyperparameters
    return ", ".join(f"{name} {_short(value)}" for name, value in settings.items())


def _thousands(n: int) -> str:
    return f"{n // 1000:,}k" if n and n % 1000 == 0 else f"{n:,}"


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _run(run: Run, submitter: str) -> dict[str, str]:
    """A line of the table of records, by its columns."""
    dirty = ", uncommitted changes" if run.git_dirty else ""
    commit = f" ({run.git_commit[:8]}{dirty})" if run.git_commit else ""
    return {
        "record": f"{submitter}/{run.key}",
        "seeds": " → ".join(map(str, run.seeds)),
        "by": run.by,
        "done": f"{run.checked:%Y-%m-%d}",
        "drbench": run.code + commit,
        "device": run.device,
        "seconds": f"{run.seconds:,.0f}",
        "sample": run.data_hash,
    }


def _source(row: Row) -> str:
    """Where the weights were first trained; the official table's size goes without saying."""
    usual = {"resize": None} if row.source.resize == SIDE else {}
    return _data(row.source.model_copy(update=usual), row.track)


def _data(data: DataRef, track: Track | None = None) -> str:
    """A data set with all that makes it another one; its origin where the track does not say it."""
    cut = [f"{name}: {count}" for name, count in data.levels.items()]
    cut += [f"{data.resize} px"] if data.resize else []
    cut += [f"factors {', '.join(data.factors)}"] if data.factors is not None else []
    cut += [] if data.origin == track or is_open(data.name) else [f"{data.origin} images"]
    return f"{data.name} ({'; '.join(cut)})" if cut else data.name


def _title(metric: str) -> str:
    return load_metric(metric).title if metric in registry.names("metric") else ""
