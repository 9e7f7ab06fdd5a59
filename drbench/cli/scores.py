"""Scores as tables: metrics in rows, factors in columns, what readers should know below."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from drbench.cli.frame import Table

if TYPE_CHECKING:
    from drbench.metrics.result import MetricResult

Results = Mapping[str, "MetricResult"]
HEAD = ("metric", "value", "reference", "chance")
_NAMED = 4
"""Metrics of one warning that are named, not counted."""


def score_tables(results: Results) -> list[Table]:
    """Value, reference and chance beside the score of each factor; then warnings.

    On a terminal that is too narrow for the names of the factors they are numbered, and where it
    is too narrow for that too, their scores follow in a table of their own.
    """
    factors = list(dict.fromkeys(name for r in results.values() for name in r.per_factor))
    numbers = [str(number) for number in range(1, len(factors) + 1)]
    legend = Table(("", "factor"), list(zip(numbers, factors, strict=True)))
    named = [_table(results, HEAD, factors, factors)]
    numbered = [_table(results, HEAD, numbers, factors), legend]
    apart = [_table(results, HEAD, [], []), _table(results, HEAD[:1], numbers, factors), legend]
    shown = next((tables for tables in (named, numbered) if tables[0].fits), apart)
    return [*shown, *_notes(results)]


def _table(
    results: Results, head: Sequence[str], columns: Sequence[str], factors: Sequence[str]
) -> Table:
    """What `head` names of each result, then the scores of the factors under `columns`."""
    rows: list[tuple[object, ...]] = []
    for name, result in results.items():
        overall = (name, result.value, result.reference, result.chance)
        rows.append((*overall[: len(head)], *(result.per_factor.get(each) for each in factors)))
        if factors and result.standard_error:
            errors = [result.standard_error.get(each) for each in factors]
            rows.append(("  standard error", *[""] * (len(head) - 1), *errors))
    return Table((*head, *columns), rows, decimals=3)


def _notes(results: Results) -> list[Table]:
    """Reasons, then warnings, each once, with the metrics that it concerns."""
    reasons = [(name, f"no value: {r.reason}") for name, r in results.items() if r.reason]
    warnings = [(name, line) for name, r in results.items() for line in r.warnings]
    said: dict[str, list[str]] = {}
    for name, line in [*reasons, *warnings]:
        said.setdefault(line, []).append(name)
    rows = [(_concerned(names, len(results)), line) for line, names in said.items()]
    return [Table(("", ""), rows)] if rows else []


def _concerned(names: Sequence[str], among: int) -> str:
    if len(names) == among > 1:
        return "all"
    return ", ".join(names) if len(names) <= _NAMED else f"{len(names)} metrics"
