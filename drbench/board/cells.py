"""What one metric says of the runs of a row: values, means, spreads, intervals."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
from jaxtyping import Float, Int

from drbench.board.board import Cell, Change, Summary
from drbench.board.bootstrap import interval, resample, resampled_means
from drbench.board.entry import Direction
from drbench.metrics.result import MetricResult
from drbench.runs.record import Record, Stage

Pick = Callable[[MetricResult], float | None]
_UNSCORED = MetricResult(value=None, reason="this metric was not scored")


@final
@dataclass(frozen=True)
class Runs:
    """The records of a row, in order, and how their seeds are resampled."""

    name: str
    """Hash that seeds the resampling, so that no row's depends on another row."""
    records: tuple[Record, ...]
    directions: tuple[dict[str, Direction], ...]
    """Which scores are better, by metric, as each run's entry has it."""

    @cached_property
    def sources(self) -> tuple[int, ...]:
        """Seed of each run's source training: runs that share it are not independent."""
        return tuple(record.spec.chain[0].seed for record in self.records)

    @cached_property
    def seed_of(self) -> Int[np.ndarray, "n"]:
        """Which of the distinct source seeds each run has."""
        return np.unique(self.sources, return_inverse=True)[1]

    @cached_property
    def drawn(self) -> Int[np.ndarray, "b seed"]:
        """How often each source seed is drawn in each resample."""
        return resample(len(set(self.sources)), stream=int(self.name, 16))

    def result(self, record: Record, stage: Stage, metric: str) -> MetricResult:
        """What a record says; a result without value if it does not."""
        return record.scores[stage].get(metric, _UNSCORED)

    def results(self, metric: str) -> list[MetricResult]:
        """What each record says after training."""
        return [self.result(record, "after", metric) for record in self.records]

    def direction(self, metric: str) -> Direction | None:
        """Which scores are better; None where the runs do not agree."""
        declared = {each.get(metric) for each in self.directions}
        return declared.pop() if len(declared) == 1 else None

    def parameters(self, metric: str) -> list[dict[str, Any]]:
        """Parameters that runs were scored with, each once; the seed is none of them."""
        unique: list[dict[str, Any]] = []
        for result in self.results(metric):
            each = {name: value for name, value in result.parameters.items() if name != "seed"}
            unique += [] if each in unique else [each]
        return unique

    def mean(self, metric: str) -> float:
        """Mean score after training, of runs that all have one."""
        scores = self._scores(metric)
        return math.fsum(scores) / len(scores)

    def resampled(self, metric: str) -> Float[np.ndarray, "b"] | None:
        """That mean in each resample of the seeds; None for a single seed."""
        if len(set(self.sources)) == 1:
            return None
        return resampled_means(np.array(self._scores(metric)), self.seed_of, self.drawn)

    def summary(self, values: Sequence[float | None]) -> Summary:
        """Mean, spread and interval of one value a run, which are kept as they are."""
        plain = summarise(values)
        if plain.mean is None or len(set(self.sources)) == 1:
            return plain
        means = resampled_means(np.array(values, dtype=float), self.seed_of, self.drawn)
        low, high = interval(means)
        return plain.model_copy(update={"interval": (_digits(low), _digits(high))})

    def _scores(self, metric: str) -> list[float]:
        values = [result.value for result in self.results(metric)]
        return [value for value in values if value is not None]


def cell(metric: str, runs: Runs) -> Cell:
    """The cell of a metric in a row."""
    results = runs.results(metric)
    everything = [runs.result(r, stage, metric) for r in runs.records for stage in r.scores]
    factors = [factor.name for factor in runs.records[0].factors]
    scored = {name for result in everything for name in result.per_factor}
    parts = sorted({name for result in everything for name in result.parts})
    parameters = runs.parameters(metric)
    return Cell(
        score=_change(runs, metric, lambda result: result.value, exact=True),
        per_factor={
            name: _change(runs, metric, _per_factor(name))
            for name in [*factors, *sorted(scored - set(factors))]
            if name in scored
        },
        parts={name: _change(runs, metric, _part(name)) for name in parts},
        parameters={
            name: value
            for name, value in sorted(parameters[0].items())
            if all(each.get(name, _UNSCORED) == value for each in parameters)
        },
        reference=summarise([result.reference for result in results]),
        chance=summarise([result.chance for result in results]),
        samples=tuple(result.n_samples for result in results),
        pairs=_fewest([result.n_pairs for result in results if result.n_pairs is not None]),
        matrix=_mean_matrix(results, width=len(factors)),
        warnings=tuple(dict.fromkeys(w for result in everything for w in result.warnings)),
        direction=runs.direction(metric),
    )


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
    whole = bool(values) and len(present) == len(values)
    if not whole:
        return Summary(values=tuple(values), mean=None, spread=None)
    # The sums are exact before they round, so that no order of the records changes a digit; from
    # the lowest value, so that equal values have no spread at all.
    low = min(present)
    above = [value - low for value in present]
    middle = math.fsum(above) / len(above)
    squares = math.fsum((each - middle) * (each - middle) for each in above)
    return Summary(
        values=tuple(values),
        mean=_digits(math.fsum(present) / len(present)),
        spread=_digits(math.sqrt(squares / (len(present) - 1))) if len(present) > 1 else None,
    )


def _digits(value: float) -> float:
    """The value with six significant digits; what is derived needs no more, and the file is read.

    Examples
    --------
    >>> _digits(0.1 + 0.2)
    0.3
    """
    return float(f"{value:.6g}")


def _per_factor(name: str) -> Pick:
    return lambda result: result.per_factor.get(name)


def _part(name: str) -> Pick:
    return lambda result: result.parts.get(name)


def _change(runs: Runs, metric: str, pick: Pick, *, exact: bool = False) -> Change:
    kept = (lambda value: value) if exact else _digits
    after, missing = _values(runs, "after", metric, pick)
    if not runs.records[0].spec.init:
        return Change(
            before=None, after=_kept(runs, after, kept), gain=None, reason=_joined(missing)
        )
    before, missing_before = _values(runs, "before", metric, pick)
    gains = [
        None if new is None or old is None else new - old
        for new, old in zip(after, before, strict=True)
    ]
    return Change(
        before=_kept(runs, before, kept),
        after=_kept(runs, after, kept),
        gain=runs.summary(gains).model_copy(update={"values": None}),
        reason=_joined(missing_before + missing),
    )


def _kept(runs: Runs, values: list[float | None], kept: Callable[[float], float]) -> Summary:
    shown = tuple(None if value is None else kept(value) for value in values)
    return runs.summary(values).model_copy(update={"values": shown})


def _values(
    runs: Runs, stage: Stage, metric: str, pick: Pick
) -> tuple[list[float | None], list[str]]:
    """Value of each run, and the reasons of those that have none."""
    results = [runs.result(record, stage, metric) for record in runs.records]
    values = [pick(result) for result in results]
    missing = [
        f"seed {record.spec.seed} {stage}: {result.reason or 'no value, and no reason given'}"
        for record, result, value in zip(runs.records, results, values, strict=True)
        if value is None
    ]
    return values, missing


def _joined(reasons: list[str]) -> str | None:
    return "; ".join(reasons) or None


def _fewest(pairs: list[dict[str, int]]) -> dict[str, int] | None:
    if not pairs:
        return None
    names = sorted({name for counts in pairs for name in counts})
    return {name: min(counts.get(name, 0) for counts in pairs) for name in names}


def _mean_matrix(
    results: Sequence[MetricResult], width: int
) -> tuple[tuple[float | None, ...], ...] | None:
    matrices = [result.matrix for result in results if result.matrix]
    if len(matrices) < len(results) or len({len(matrix) for matrix in matrices}) != 1:
        return None
    if not width or any(len(line) != width for matrix in matrices for line in matrix):
        return None  # not of these factors
    # A missing association is NaN here, and makes the mean of its place missing.
    mean = np.mean([_in_order(np.array(matrix, dtype=float)) for matrix in matrices], axis=0)
    return tuple(
        tuple(None if np.isnan(value) else round(float(value), 3) for value in line)
        for line in mean
    )


def _in_order(matrix: Float[np.ndarray, "latent factor"]) -> Float[np.ndarray, "latent factor"]:
    """Latents matched with the factors, in their order, then the others, the strongest first."""
    from scipy.optimize import linear_sum_assignment

    filled = np.nan_to_num(matrix)
    latents, factors = linear_sum_assignment(filled, maximize=True)
    matched = latents[np.argsort(factors)]
    rest = np.setdiff1d(np.arange(len(matrix)), matched)
    rest = rest[np.argsort(-filled[rest].max(axis=1), kind="stable")]
    return matrix[np.concatenate([matched, rest])]
