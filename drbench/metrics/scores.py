"""Scores of several metrics: a mapping that shows itself as a table."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, final

from drbench.errors import DrbenchError
from drbench.metrics.result import MetricResult
from drbench.table import Table

if TYPE_CHECKING:
    import pandas

Results = Mapping[str, MetricResult]
HEAD = ("metric", "value", "reference", "chance")
_NAMED = 4
"""Metrics of one note that are named, not counted."""


@final
class Scores(dict[str, MetricResult]):
    """Results by the name of the metric; prints as a table, shows as one in a notebook.

    Examples
    --------
    >>> factors = {"shape": 0.25, "size": 0.75}
    >>> Scores(mig=MetricResult(value=0.5, per_factor=factors, reference=1.0, chance=0.0))
    metric  value  reference  chance  shape   size
    mig     0.500      1.000   0.000  0.250  0.750
    """

    @property
    def table(self) -> Table:
        """Value, reference and chance, then the score of each factor, a row a metric."""
        names = factors_of(self)
        notes = [f"{who}: {line}" for who, line in notes_of(self)]
        return score_table(self, HEAD, names, names, notes=notes)

    def __repr__(self) -> str:
        return "\n".join([*self.table.lines, *self.table.notes])

    def _repr_html_(self) -> str:
        return self.table.html

    def to_pandas(self) -> "pandas.DataFrame":
        """A data frame with a row for each metric: value, reference, chance, then the factors.

        Raises
        ------
        DrbenchError
            If pandas is not installed.
        """
        try:
            import pandas
        except ModuleNotFoundError as error:
            raise DrbenchError(
                "A data frame needs pandas, which is not installed: pip install pandas"
            ) from error
        names = factors_of(self)
        rows: list[list[Any]] = [
            [r.value, r.reference, r.chance, *(r.per_factor.get(name) for name in names)]
            for r in self.values()
        ]
        index = pandas.Index(list(self), name=HEAD[0])
        return pandas.DataFrame(rows, index, [*HEAD[1:], *names], dtype=float)


def factors_of(results: Results) -> list[str]:
    """Names of the factors that any of the results has a score of."""
    return list(dict.fromkeys(name for result in results.values() for name in result.per_factor))


def score_table(
    results: Results,
    head: Sequence[str],
    columns: Sequence[str],
    factors: Sequence[str],
    *,
    notes: Sequence[str] = (),
) -> Table:
    """What `head` names of each result, then the scores of the factors under `columns`."""
    rows: list[tuple[object, ...]] = []
    for name, result in results.items():
        overall = (name, result.value, result.reference, result.chance)
        rows.append((*overall[: len(head)], *(result.per_factor.get(each) for each in factors)))
        if factors and result.standard_error:
            errors = [result.standard_error.get(each) for each in factors]
            rows.append(("  standard error", *[""] * (len(head) - 1), *errors))
    return Table((*head, *columns), rows, decimals=3, notes=notes)


def notes_of(results: Results) -> list[tuple[str, str]]:
    """Reasons, then warnings, each once: which metrics it concerns, and the sentence."""
    reasons = [(name, f"no value: {r.reason}") for name, r in results.items() if r.reason]
    warnings = [(name, line) for name, r in results.items() for line in r.warnings]
    metrics: dict[str, list[str]] = {}
    for name, line in [*reasons, *warnings]:
        metrics.setdefault(line, []).append(name)
    return [(_concerned(names, len(results)), line) for line, names in metrics.items()]


def _concerned(names: Sequence[str], among: int) -> str:
    if len(names) == among > 1:
        return "all"
    return ", ".join(names) if len(names) <= _NAMED else f"{len(names)} metrics"
