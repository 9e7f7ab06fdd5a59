"""`drbench demo`."""

from pathlib import Path
from typing import Annotated

import typer

from drbench.cli.frame import Table, emit


def demo(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to write.")] = Path(
        "demo"
    ),
) -> None:
    """Show the whole story offline in minutes: train, transfer, score, publish, look."""
    from drbench.demo import run_demo

    made = run_demo(out)
    document = [record.model_dump(mode="json") for record in made.transfers]
    tables = [
        Table(tuple(table.columns), [tuple(row) for row in table.rows], table.caption)
        for table in made.tables
    ]
    notes = ["\n".join(line for table in made.tables for line in table.notes)]
    closing = f"leaderboard: {made.board.resolve()}\npictures:    {made.sheet.resolve()}"
    emit(document, *tables, *filter(None, notes), closing)
