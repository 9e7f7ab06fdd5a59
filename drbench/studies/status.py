"""How far a study is, read from its files alone while it runs."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, final, get_args

from drbench.models.training.log import lines_of
from drbench.runs.folder import RunFolder
from drbench.studies.run import study_folders

State = Literal["planned", "running", "interrupted", "failed", "trained", "done"]
"""planned: nothing yet; running: a process works on it; interrupted: a checkpoint, and nobody works
on it; failed: the last try ended with an error; trained: not scored yet; done: it has a record."""


@final
@dataclass(frozen=True)
class Progress:
    """How far one run is."""

    name: str
    """Name of its folder."""
    state: State
    step: int
    """Steps of the optimiser that its log has."""
    steps: int
    """Steps asked for."""
    failure: str
    """Last line of what a failed try said; empty otherwise."""


def study_status(out: Path) -> list[Progress]:
    """How far each run of the study in a folder is.

    Raises
    ------
    RunError
        If there is no study.
    """
    return [_progress(folder) for folder in study_folders(out)]


def counts(runs: list[Progress]) -> dict[State, int]:
    """Number of runs in each state, in the order in which runs go through them."""
    number = Counter(run.state for run in runs)
    return {state: number[state] for state in get_args(State) if number[state]}


def _progress(folder: RunFolder) -> Progress:
    steps, step = folder.spec.training.steps, _last_step(folder)
    failure = ""
    state: State
    if folder.record_file.is_file():
        state, step = "done", steps
    elif folder.is_busy:
        state = "running"
    elif failure := _failure(folder):
        state = "failed"
    elif folder.weights_file.is_file():
        state, step = "trained", steps
    else:
        state = "interrupted" if step else "planned"
    return Progress(folder.path.name, state, step, steps, failure)


def _failure(folder: RunFolder) -> str:
    if not folder.output_file.is_file():
        return ""
    lines = folder.output_file.read_text(encoding="utf-8").strip().splitlines()
    last = lines[-1] if lines else ""
    return last.removeprefix("error: ") if last.startswith("error: ") else ""


def _last_step(folder: RunFolder) -> int:
    return max((int(line["step"]) for line in lines_of(folder.log_file)), default=0)
