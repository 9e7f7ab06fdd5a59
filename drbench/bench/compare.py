"""Two ways to do one thing, timed in turn in one process."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True)
class Comparison:
    """One thing done in two ways."""

    what: str
    """What was timed."""
    baseline: str
    """The other way."""
    seconds: float
    """Median seconds of ours."""
    baseline_seconds: float
    """Median seconds of the other way."""
    ratio: float
    """Median over turns of baseline / ours: how many times faster ours is."""


def compare(
    what: str, ours: Callable[[], object], baseline: str, other: Callable[[], object], turns: int
) -> Comparison:
    """Time two functions in turn, after a warm-up of each."""
    ours(), other()
    times = [(_seconds(ours), _seconds(other)) for _ in range(turns)]
    return Comparison(
        what=what,
        baseline=baseline,
        seconds=statistics.median(mine for mine, _ in times),
        baseline_seconds=statistics.median(theirs for _, theirs in times),
        ratio=statistics.median(theirs / mine for mine, theirs in times),
    )


def _seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start
