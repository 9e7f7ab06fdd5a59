"""Progress of long work: a bar on a terminal, two plain lines when piped."""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar, runtime_checkable

T = TypeVar("T")


@runtime_checkable
class Progress(Protocol):
    """What a worker calls: `advance(3)`, or `advance(1, note="loss 12.3")`."""

    def __call__(self, steps: int = 1, *, note: str = "") -> None: ...


def say(line: str) -> None:
    """Say something beside the result, on standard error."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def progress(label: str, total: int, *, done: int = 0) -> Iterator[Progress]:
    """Report work of `total` steps, `done` of them already behind, on standard error."""
    if sys.stderr.isatty():
        with _bar(label, total, done) as advance:
            yield advance
    else:
        start = time.monotonic()
        print(f"{label} ...", file=sys.stderr, flush=True)
        yield lambda steps=1, *, note="": None
        print(f"{label}: done in {time.monotonic() - start:.1f} s", file=sys.stderr, flush=True)


def track(items: Iterable[T], label: str, total: int) -> Iterator[T]:
    """Iterate over `items` and report each."""
    with progress(label, total) as advance:
        for item in items:
            yield item
            advance()


@contextmanager
def _bar(label: str, total: int, done: int) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as RichProgress

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("[dim]{task.fields[note]}"),
    )
    with RichProgress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total, completed=done, note="")

        def advance(steps: int = 1, *, note: str = "") -> None:
            if note:
                bar.update(task, advance=steps, note=note)
            else:
                bar.update(task, advance=steps)

        yield advance
