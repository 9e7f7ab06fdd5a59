"""`drbench run` and `drbench study`."""

from pathlib import Path
from typing import Annotated

import typer

from drbench.cli.frame import Table, emit
from drbench.errors import DrbenchError
from drbench.progress import say

StudyArgument = Annotated[str, typer.Argument(metavar="S", help="Name; see `study list`.")]
FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a study.")]

app = typer.Typer(help="Sets of runs: the demo, the shipped board, the official table.")


def run(
    spec: Annotated[Path, typer.Argument(metavar="SPEC.json", help="What the run is.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="RUN", help="Folder; default: in --home.")
    ] = None,
    home: Annotated[
        Path | None,
        typer.Option("--home", metavar="DIR", help="Folder of all runs; default: in the cache."),
    ] = None,
) -> None:
    """Do one run, as a study's worker does it; goes on where an earlier try stopped."""
    from drbench.cli.runs import report
    from drbench.runs.execute import execute
    from drbench.runs.folder import RunFolder, read_spec
    from drbench.runs.identity import canonical

    asked = canonical(read_spec(spec))
    folder = RunFolder(out) if out else RunFolder.at_home(asked, home)
    report([execute(asked, out=folder.path, home=home, resume=True)], folder.path)


@app.command("list")
def list_studies() -> None:
    """List the studies that come with drbench."""
    from drbench.studies.shipped import STUDIES

    rows = [(name, (make.__doc__ or "").splitlines()[0]) for name, make in STUDIES.items()]
    keys = ("name", "summary")
    document = [dict(zip(keys, row, strict=True)) for row in rows]
    emit(document, Table(keys, rows))


@app.command("show")
def show(study: StudyArgument) -> None:
    """Show the runs of a study."""
    from drbench.runs.folder import RunFolder
    from drbench.studies.shipped import find_study

    shown = find_study(study)
    rows = [
        (
            RunFolder.at_home(spec).path.name,
            " -> ".join(run.data.name for run in spec.chain),
            spec.model,
            spec.seed,
            spec.training.steps,
        )
        for spec in shown.specs
    ]
    document = [spec.model_dump(mode="json") for spec in shown.specs]
    table = Table(("run", "data", "model", "seed", "steps"), rows)
    emit({"name": shown.name, "specs": document}, table, f"{len(rows)} runs")


@app.command("run")
def run_all(
    study: StudyArgument,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the study.")],
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", help="Runs at once.")] = 1,
) -> None:
    """Do a study on this machine; what is done already is not done again."""
    from drbench.studies.run import run_study
    from drbench.studies.shipped import find_study

    outcomes = run_study(find_study(study), out, jobs=jobs)
    failures = [outcome for outcome in outcomes if outcome.failure]
    for outcome in failures:
        say(f"{outcome.folder.path}: {outcome.failure}")
    document = [
        {"run": str(outcome.folder.path), "failure": outcome.failure or None}
        for outcome in outcomes
    ]
    done = len(outcomes) - len(failures)
    emit(document, f"{done} of {len(outcomes)} runs are done, in {out}")
    if failures:
        raise DrbenchError(f"{len(failures)} runs failed: mend the cause and run the study again.")


@app.command("status")
def status(folder: FolderArgument) -> None:
    """Show how far the runs of a study are, while it runs or afterwards."""
    from drbench.studies.status import counts, study_status

    runs = study_status(folder)
    rows = [(run.name, run.state, f"{run.step:,} of {run.steps:,}", run.failure) for run in runs]
    summary = ", ".join(f"{number} {state}" for state, number in counts(runs).items())
    document = [
        {"run": r.name, "state": r.state, "step": r.step, "steps": r.steps, "failure": r.failure}
        for r in runs
    ]
    emit(
        document, Table(("run", "state", "steps", "failure"), rows), f"{len(runs)} runs: {summary}"
    )
