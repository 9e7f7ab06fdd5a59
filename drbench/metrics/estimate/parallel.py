"""One call a factor, in parallel processes where the time is worth it."""

from collections.abc import Callable, Mapping
from typing import Any

from drbench.progress import progress

PROCESSES_FROM = 4.0
"""Estimated seconds of work from which starting processes pays."""


def in_parallel(
    function: Callable[..., Any],
    calls: Mapping[int, tuple[Any, ...]],
    seconds: Mapping[int, float],
    label: str,
) -> dict[int, Any]:
    """Results of a function by factor, whatever the number of processes.

    Parameters
    ----------
    function : callable
        Pure function that a process can import.
    calls : mapping of int to tuple
        Its arguments, by factor.
    seconds : mapping of int to float
        Rough time of each call; the longest start first.
    label : str
        What the progress bar says.
    """
    import joblib

    if not calls:
        return {}
    factors = sorted(calls, key=lambda j: -seconds[j])
    jobs = min(len(factors), joblib.cpu_count())
    if sum(seconds.values()) < PROCESSES_FROM:
        jobs = 1
    tasks = [joblib.delayed(_on_one_thread)(function, *calls[j]) for j in factors]
    results = {}
    with (
        progress(label, len(factors)) as advance,
        joblib.parallel_config("loky" if jobs > 1 else "sequential", n_jobs=jobs),
    ):
        for j, result in zip(factors, joblib.Parallel(return_as="generator")(tasks), strict=True):
            results[j] = result
            advance()
    return {j: results[j] for j in calls}


def _on_one_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    """Several threads would add up numbers in another order, and wait for each other."""
    import sklearn.utils  # noqa: F401  # only threads of loaded libraries can be limited
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return function(*arguments)
