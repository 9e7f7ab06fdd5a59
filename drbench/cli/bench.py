"""`drbench bench`."""

import importlib
import inspect
from dataclasses import asdict, fields
from itertools import groupby
from typing import Annotated, Any

import typer

from drbench.cli.frame import Table, emit

QUICK = ("data", "metrics", "training")
"""Studies without one that is asked for."""


def bench(
    device: Annotated[
        str | None, typer.Option("--device", help="cpu or cuda; default: what there is.")
    ] = None,
    data: Annotated[bool, typer.Option("--data", help="Time batches of images.")] = False,
    metrics: Annotated[bool, typer.Option("--metrics", help="Time every metric.")] = False,
    training: Annotated[bool, typer.Option("--training", help="Time a training step.")] = False,
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
    from drbench.runs.provenance import library_versions, machine

    asked = {
        "data": data, "metrics": metrics, "training": training, "learning": learning,
        "sobol": sobol, "trees": trees,
    }  # fmt: skip
    chosen = [name for name, wanted in asked.items() if wanted] or QUICK
    if device is None and "training" in chosen:
        from drbench.models.inference import default_device

        device = default_device()
    settings = {"training": {"device": device}}
    found = {}
    for name in chosen:
        study = importlib.import_module(f"drbench.bench.{name}").study
        found[name] = list(study(**settings.get(name, {})))
    document = {
        "machine": machine(device or "cpu"),
        "versions": library_versions(),
        **{name: [asdict(row) for row in rows] for name, rows in found.items()},
    }
    emit(document, *(table for rows in found.values() for table in _tables(rows)))


def _tables(rows: list[Any]) -> list[Table]:
    """A table for each kind of row, its fields as columns."""
    return [
        Table(
            tuple(field.name.replace("_", " ") for field in fields(kind)),
            [tuple(asdict(row).values()) for row in alike],
            inspect.getdoc(kind) or "",
        )
        for kind, alike in groupby(rows, type)
    ]
