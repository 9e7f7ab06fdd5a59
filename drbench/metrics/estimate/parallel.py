"""One call a factor, in parallel processes where the time is worth it."""

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from drbench.progress import progress

PROCESSES_FROM = 4.0
"""Seconds left, at the pace so far, from which starting processes pays."""


def in_parallel(
    function: Callable[..., Any], calls: Mapping[int, tuple[Any, ...]], label: str
) -> dict[int, Any]:
    """Results of a function by factor, whatever the number of processes.

    Calls are made one after the other; where the rest would take long at their pace, processes
    share it.

    Parameters
    ----------
    function : callable
        Pure function that a process can import.
    calls : mapping of int to tuple
        Its arguments, by factor.
    label : str
        What the progress bar says.
    """
    import joblib

    if not calls:
        return {}
    results: dict[int, Any] = {}
    waiting, start = list(calls), time.perf_counter()
    with progress(label, len(calls)) as advance:
        while waiting and not (results and _left(start, results, waiting) >= PROCESSES_FROM):
            j = waiting.pop(0)
            results[j] = _on_one_thread(function, *calls[j])
            advance()
        jobs = max(1, min(len(waiting), joblib.cpu_count()))
        tasks = [joblib.delayed(_on_one_thread)(function, *calls[j]) for j in waiting]
        with joblib.parallel_config("loky" if jobs > 1 else "sequential", n_jobs=jobs):
            shared = joblib.Parallel(return_as="generator")(tasks)
            for j, result in zip(waiting, shared, strict=True):
                results[j] = result
                advance()
    return results


def _left(start: float, done: Collection[int], waiting: Collection[int]) -> float:
    """Seconds that the waiting calls would take one after the other."""
    return (time.perf_counter() - start) / len(done) * len(waiting)


def _on_one_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    """Several threads would add up numbers in another order, and wait for each other."""
    import sklearn.utils  # noqa: F401  # only threads of loaded libraries can be limited
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return function(*arguments)
