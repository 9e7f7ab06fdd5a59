"""The table of a transfer: before (gain by fine-tuning), in percent, mean over the runs."""

from collections.abc import Iterable
from itertools import groupby

from drbench.board.board import Change, Row
from drbench.board.build import unranked_rows
from drbench.board.entry import Entry
from drbench.board.rows import labels
from drbench.runs.record import Record
from drbench.table import Table

MISSING = "n/a"
CLASSIFIERS = (("full", "gbt"), ("pruned", "gbt_pruned"))
"""Lines with a cell for each factor, and the metric they show."""
PROPERTIES = (
    ("modularity: OS", "omes", "os"),
    ("modularity: DCI", "dci", "disentanglement"),
    ("compactness: MES", "omes", "mes"),
    ("compactness: MIG", "mig", ""),
)
"""Columns, the metric that each shows, and which of its parts (none for the score itself)."""


def transfer_tables(records: Iterable[Record]) -> list[Table]:
    """Two tables for each source and target, with a block for each model.

    The first has the accuracy of gbt (full code) and gbt_pruned (pruned code), a column for each
    factor of the target with its size, and `all`; the second modularity and compactness. What is
    missing shows as `n/a`, with the reason in the notes. Runs that are no transfers are left out.
    """
    entries = [
        Entry(submitter="own", level="retrained", by="own", checked=record.provenance.created,
              directions={}, record=record)
        for record in records
    ]  # fmt: skip
    rows = [row for row in unranked_rows(entries) if row.kind == "transfer"]
    rows.sort(key=_alike)
    return [table for _, alike in groupby(rows, key=_alike) for table in _tables(list(alike))]


def percent(change: Change | None) -> str:
    """A score before training and its gain, both in percent with one decimal.

    Examples
    --------
    >>> from drbench.board.cells import summarise
    >>> score = Change(before=summarise([0.349]), after=summarise([0.4]), gain=summarise([0.051]))
    >>> percent(score)
    '34.9 (+5.1)'
    """
    if change is None or change.before is None or change.before.mean is None:
        return MISSING
    gain = None if change.gain is None else change.gain.mean
    # Adding 0 turns the -0.0 that rounding leaves into 0.0.
    shown = MISSING if gain is None else f"{round(100 * gain, 1) + 0.0:+.1f}"
    return f"{100 * change.before.mean:.1f} ({shown})"


def _alike(row: Row) -> tuple[str, ...]:
    """What rows of one table share, comparable."""
    return (
        row.track,
        row.source.model_dump_json(),
        row.target.model_dump_json(),
        ",".join(factor.model_dump_json() for factor in row.factors),
    )


def _tables(rows: list[Row]) -> list[Table]:
    first = rows[0]
    where = (
        f"{first.source.name} ({first.source.origin}) to {first.target.name} "
        f"({first.target.origin}), before (gain) in %"
    )
    sizes = [f"{f.name.replace('_', ' ')} ({f.size or 'real'})" for f in first.factors]
    properties = [column for column, _, _ in PROPERTIES]
    by_factor, overall = [], []
    notes: tuple[list[str], list[str]] = [], []
    names = labels(rows)
    for row in rows:
        label = f"{names[row.id]} ({'1 seed' if row.n_seeds == 1 else f'{row.n_seeds} seeds'})"
        for number, (code, metric) in enumerate(CLASSIFIERS):
            scores = _per_factor(row, metric)
            by_factor.append(("" if number else label, code, *map(percent, scores)))
            notes[0].extend(f"{label}, {code}: {reason}" for reason in _reasons(scores))
        scores = [_score(row, metric, part) for _, metric, part in PROPERTIES]
        overall.append((label, "full", *map(percent, scores)))
        for column, score in zip(properties, scores, strict=True):
            notes[1].extend(f"{label}, {column}: {reason}" for reason in _reasons([score]))
    return [
        Table(("model", "code", *sizes, "all"), by_factor, f"Accuracy, {where}", notes=notes[0]),
        Table(
            ("model", "code", *properties),
            overall,
            f"Modularity and compactness, {where}",
            notes=notes[1],
        ),
    ]


def _per_factor(row: Row, metric: str) -> list[Change | None]:
    """Score of each factor, then of all."""
    cell = row.metrics.get(metric)
    if cell is None:
        return [None] * (len(row.factors) + 1)
    return [*(cell.per_factor.get(factor.name) for factor in row.factors), cell.score]


def _score(row: Row, metric: str, part: str) -> Change | None:
    cell = row.metrics.get(metric)
    if cell is None:
        return None
    return cell.parts.get(part) if part else cell.score


def _reasons(changes: Iterable[Change | None]) -> list[str]:
    """Why values are missing, each reason once."""
    reasons = ["not scored" if change is None else change.reason for change in changes]
    return [reason for reason in dict.fromkeys(reasons) if reason]
