"""`drbench bench`."""

from dataclasses import asdict, fields
from typing import Annotated

import typer

from drbench.cli.frame import Table, emit


def bench(
    device: Annotated[
        str | None, typer.Option("--device", help="cpu or cuda; default: what there is.")
    ] = None,
    metrics: Annotated[bool, typer.Option("--metrics", help="Time metrics only.")] = False,
    data: Annotated[bool, typer.Option("--data", help="Time data only.")] = False,
    training: Annotated[bool, typer.Option("--training", help="Time training only.")] = False,
    learning: Annotated[
        bool, typer.Option("--learning", help="Train three seeds: does DCI rise? (minutes)")
    ] = False,
    sobol: Annotated[
        bool,
        typer.Option(
            "--sobol", help="Train a model: do the estimators of omes_sobol agree? (minutes)"
        ),
    ] = False,
    trees: Annotated[
        bool, typer.Option("--trees", help="Hold the compiled trees to scikit-learn's (minutes).")
    ] = False,
) -> None:
    """Time drbench against the plain way to do the same, in turns: quote the ratios."""
    from drbench import bench as benchmarks
    from drbench.progress import track
    from drbench.runs.provenance import library_versions, machine

    if learning:
        found = list(track(benchmarks.bench_learning(), "seeds", 3))
        rows = [
            (one.seed, one.untrained, one.trained, one.trained - one.untrained) for one in found
        ]
        columns = ("seed", "DCI untrained", "DCI trained", "difference")
        emit([asdict(one) for one in found], Table(columns, rows))
        return
    if sobol:
        from drbench.bench_sobol import bench_sobol

        agreed = list(bench_sobol())
        shown = ("first", "second", "largest", "within_two_errors", "noise", "explained")
        table = Table(shown, [tuple(asdict(one)[name] for name in shown) for one in agreed])
        emit([asdict(one) for one in agreed], table)
        return
    if trees:
        from drbench.bench_trees import CASES, Agreement, bench_trees

        compared = [one for case in track(bench_trees(), "codes", len(CASES)) for one in case]
        header = tuple(field.name for field in fields(Agreement))
        rows_of = [tuple(asdict(one).values()) for one in compared]
        emit([asdict(one) for one in compared], Table(header, rows_of))
        return
    everything = not (metrics or data or training)
    comparisons = []
    place = "cpu"
    if data or everything:
        comparisons += list(benchmarks.bench_data())
    if metrics or everything:
        comparisons += list(benchmarks.bench_metrics())
    if training or everything:
        from drbench.models.inference import default_device

        place = device or default_device()
        comparisons += list(benchmarks.bench_training(place))
    document = {
        "machine": machine(place),
        "versions": library_versions(),
        "comparisons": [asdict(one) for one in comparisons],
    }
    table = Table(
        ("what", "ms", "against", "its ms", "times faster"),
        [
            (c.what, 1e3 * c.seconds, c.baseline, 1e3 * c.baseline_seconds, c.ratio)
            for c in comparisons
        ],
    )
    emit(document, table)
