"""Scores on a terminal: metrics in rows, factors in columns, what readers should know below."""

from typing import TYPE_CHECKING

from drbench.cli.frame import Table, fits

if TYPE_CHECKING:
    from drbench.metrics.scores import Results


def score_tables(results: "Results") -> list[Table]:
    """Value, reference and chance beside the score of each factor; then notes.

    On a terminal that is too narrow for the names of the factors they are numbered, and where it
    is too narrow for that too, their scores follow in a table of their own.
    """
    from drbench.metrics.scores import HEAD, factors_of, notes_of, score_table

    factors = factors_of(results)
    numbers = [str(number) for number in range(1, len(factors) + 1)]
    legend = Table(("", "factor"), list(zip(numbers, factors, strict=True)))
    named = [score_table(results, HEAD, factors, factors)]
    numbered = [score_table(results, HEAD, numbers, factors), legend]
    overall = score_table(results, HEAD, [], [])
    apart = [overall, score_table(results, HEAD[:1], numbers, factors), legend]
    shown = next((tables for tables in (named, numbered) if fits(tables[0])), apart)
    notes = notes_of(results)
    return [*shown, Table(("", ""), notes)] if notes else shown
