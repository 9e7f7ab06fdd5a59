"""Doing a study on this machine: several runs at once, none twice, whatever fails in between."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import final

from drbench.errors import RequestError, RunError
from drbench.files import write_text
from drbench.progress import track
from drbench.runs.folder import RunFolder
from drbench.runs.spec import RunSpec
from drbench.studies.study import Study

STUDY = "study.json"
"""File of a study's folder that lists its runs."""


@final
@dataclass(frozen=True)
class Outcome:
    """What came of one run."""

    spec: RunSpec
    folder: RunFolder
    failure: str
    """Why it failed; empty if it is done."""


def run_study(study: Study, out: Path, *, jobs: int = 1) -> list[Outcome]:
    """Do the runs of a study, `jobs` at once, each in a process and a folder of its own.

    Runs that are done are not done again. A run that fails stops no other but those that start
    from it.

    Parameters
    ----------
    study : Study
    out : path
        Folder of the study: every run has one in it, named after what it is.
    jobs : int
        Runs at once; the processor's threads are shared among them.

    Raises
    ------
    RequestError
        For less than one job, or a folder that holds something else, or another study.
    """
    if jobs < 1:
        raise RequestError(f"--jobs {jobs}: expected 1 or more.")
    _claim(study, out)
    threads = max(1, (os.cpu_count() or 1) // jobs)
    outcomes: list[Outcome] = []
    with ThreadPoolExecutor(jobs) as pool:  # each thread waits for a process
        for wave in study.waves:
            works = [pool.submit(_process, spec, out, threads) for spec in wave]
            done = as_completed(works)
            label = f"{study.name}: {'sources' if wave[0].init is None else 'transfers'}"
            outcomes += [work.result() for work in track(done, label, len(works))] if wave else []
    return sorted(outcomes, key=lambda outcome: outcome.folder.path.name)


def study_folders(out: Path) -> list[RunFolder]:
    """The folders of the runs of the study in a folder.

    Raises
    ------
    RequestError
        If there is none.
    RunError
        If it cannot be read.
    """
    file = out / STUDY
    if not file.is_file():
        raise RequestError(f"{out} holds no study (no {STUDY} in it): start one with `study run`.")
    try:
        names = json.loads(file.read_bytes())["runs"]
        return [RunFolder(out / name) for name in names]
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"{file} cannot be read: run the study again, in the same folder."
        ) from error


def _claim(study: Study, out: Path) -> None:
    """Write what the study is, and the spec of every run, before any of them begins."""
    if out.exists() and not (out / STUDY).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise RequestError(f"{out} exists and is no study: choose another --out.")
    folders = {RunFolder.at_home(spec, out).path: spec for spec in study.specs}
    document = {"name": study.name, "runs": sorted(path.name for path in folders)}
    if (out / STUDY).is_file() and json.loads((out / STUDY).read_bytes()) != document:
        raise RequestError(
            f"{out} holds another study, or another version of it: choose another --out."
        )
    for path, spec in folders.items():
        if not (folder := RunFolder(path)).spec_file.is_file():
            folder.write_spec(spec)
    write_text(out / STUDY, json.dumps(document, indent=1) + "\n")


def _process(spec: RunSpec, out: Path, threads: int) -> Outcome:
    folder = RunFolder.at_home(spec, out)
    if folder.finished(spec):
        return Outcome(spec, folder, "")
    arguments = ["run", str(folder.spec_file), "--home", str(out)]
    command = [sys.executable, "-m", "drbench", *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "NUMBA_NUM_THREADS": str(threads)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)  # noqa: S603
    folder.output_file.write_text(done.stderr, encoding="utf-8")
    lines = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
    return Outcome(spec, folder, "" if done.returncode == 0 else lines[-1].removeprefix("error: "))
