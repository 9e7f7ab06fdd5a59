"""Doing a study on this machine: several runs at once, none twice, whatever fails in between."""

import json
import os
import signal
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

INTERRUPTED = 130
"""Exit code of a command that Ctrl-C ended."""
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
    KeyboardInterrupt
        After Ctrl-C, once every run that was going on has written its checkpoint.
    """
    if jobs < 1:
        raise RequestError(f"--jobs {jobs}: expected 1 or more.")
    _claim(study, out)
    threads = max(1, (os.cpu_count() or 1) // jobs)
    outcomes: list[Outcome] = []
    running: set[subprocess.Popen[str]] = set()
    with ThreadPoolExecutor(jobs) as pool:  # each thread waits for a process
        try:
            for wave in filter(None, study.waves):
                works = [pool.submit(_outcome, spec, out, threads, running) for spec in wave]
                label = f"{study.name}: {'sources' if wave[0].init is None else 'transfers'}"
                done = track(as_completed(works), label, len(works))
                outcomes += [work.result() for work in done]
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in tuple(running):
                process.send_signal(signal.SIGINT)  # each writes its checkpoint and ends
            raise
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


def _outcome(
    spec: RunSpec, out: Path, threads: int, running: set["subprocess.Popen[str]"]
) -> Outcome:
    """Do a run in a process of its own, which is among the running ones meanwhile."""
    folder = RunFolder.at_home(spec, out)
    if folder.finished(spec):
        return Outcome(spec, folder, "")
    arguments = ["run", str(folder.spec_file), "--home", str(out)]
    command = [sys.executable, "-m", "drbench", *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "NUMBA_NUM_THREADS": str(threads)}
    with subprocess.Popen(  # noqa: S603
        command, env=environment, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C reaches it once, through us
    ) as process:  # fmt: skip
        running.add(process)
        _, printed = process.communicate()
        running.remove(process)
    if process.returncode != INTERRUPTED:  # which is no failure
        folder.output_file.write_text(printed, encoding="utf-8")
    lines = printed.strip().splitlines() or [f"it ended with {process.returncode}"]
    failed = process.returncode != 0
    return Outcome(spec, folder, lines[-1].removeprefix("error: ") if failed else "")
