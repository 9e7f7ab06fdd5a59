"""Progress of long work: a bar on a terminal, a plain line now and then when piped."""

import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

T = TypeVar("T")
_SOON, _EVERY = 2.0, 30.0
"""Seconds to the first line of a job that is piped, and between those that follow."""
_WIDE = 100
"""Columns of a terminal from which on the time that has passed is shown beside the time left."""
_jobs: list[threading.Event] = []
"""The piped jobs that go on, each within the one before it; set as they end."""
_part_of: ContextVar[str] = ContextVar("part_of", default="")
_shown: ContextVar["Bars | None"] = ContextVar("shown", default=None)


@runtime_checkable
class Progress(Protocol):
    """What a worker calls: `advance(3)`, or `advance(1, note="loss 12.3")`."""

    def __call__(self, steps: int = 1, *, note: str = "") -> None: ...


def say(line: str) -> None:
    """Say something beside the result, on standard error."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def part_of(what: str) -> Iterator[None]:
    """Name the work that the progress reported inside the block is a part of."""
    token = _part_of.set(f"{_part_of.get()}{what}: ")
    try:
        yield
    finally:
        _part_of.reset(token)


@contextmanager
def progress(label: str, total: int, *, done: int = 0) -> Iterator[Progress]:
    """Report work of `total` steps (0: nobody knows), `done` of them behind, on standard error."""
    shown = _bar if sys.stderr.isatty() else _lines
    with shown(_part_of.get() + label, total, done) as advance:
        yield advance


def track(items: Iterable[T], label: str, total: int) -> Iterator[T]:
    """Iterate over `items` and report each."""
    with progress(label, total) as advance:
        for item in items:
            yield item
            advance()


@contextmanager
def _lines(label: str, total: int, done: int) -> Iterator[Progress]:
    """Lines of a job that lasts, while nothing inside of it says more."""
    start, remark, lines = time.monotonic(), "", 0
    ended = threading.Event()

    def advance(steps: int = 1, *, note: str = "") -> None:
        nonlocal done, remark
        done, remark = done + steps, note or remark

    def tell() -> None:
        nonlocal lines
        while not ended.wait(_EVERY if lines else _SOON):
            if _jobs[-1] is ended:
                counted = f"{done:,} of {total:,}, " if total else ""
                passed = f"{counted}{time.monotonic() - start:.0f} s{remark and f', {remark}'}"
                say(f"{label}: {passed}" if lines else f"{label} ...")
                lines += 1

    teller = threading.Thread(target=tell, daemon=True)
    _jobs.append(ended)
    teller.start()
    try:
        yield advance
    finally:
        ended.set()
        teller.join()
        _jobs.remove(ended)
    if lines:
        say(f"{label}: done in {time.monotonic() - start:.1f} s")


@contextmanager
def _bar(label: str, total: int, done: int) -> Iterator[Progress]:
    with _display() as bars:
        above = bars.tasks[-1].fields["label"] if bars.tasks else ""
        own = label.removeprefix(f"{above}: ")  # the bar above says the rest
        task = bars.add_task(own, total=total or None, completed=done, note="", label=label)

        def advance(steps: int = 1, *, note: str = "") -> None:
            if note:
                bars.update(task, advance=steps, note=note)
            else:
                bars.update(task, advance=steps)

        try:
            yield advance
        finally:
            bars.remove_task(task)


@contextmanager
def _display() -> Iterator["Bars"]:
    """The bars that are on the terminal, or new ones: two displays would overwrite each other."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as RichProgress
    from rich.table import Column

    if (shown := _shown.get()) is not None:
        yield shown
        return
    console = Console(stderr=True)
    wide = console.width >= _WIDE
    # On a narrow terminal the description is cut, not the numbers behind it.
    described = Column(
        no_wrap=True, overflow="ellipsis", max_width=max(20, console.width - (63 if wide else 54))
    )
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", table_column=described),
        BarColumn(bar_width=8),
        MofNCompleteColumn(),
        *([TimeElapsedColumn()] if wide else []),
        TimeRemainingColumn(compact=True),
        TextColumn("[dim]{task.fields[note]}"),
    )
    with RichProgress(*columns, console=console, transient=True) as bars:
        token = _shown.set(bars)
        try:
            yield bars
        finally:
            _shown.reset(token)
