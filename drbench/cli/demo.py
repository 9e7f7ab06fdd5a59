"""`drbench demo`."""

from pathlib import Path
from typing import Annotated

import typer

from drbench.cli.frame import emit


def demo(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to write.")] = Path(
        "demo"
    ),
) -> None:
    """Show the whole story offline in minutes: train, transfer, score, publish, look."""
    from drbench.demo import run_demo

    made = run_demo(out)
    document = [record.model_dump(mode="json") for record in made.transfers]
    closing = f"leaderboard: {made.board.resolve()}\npictures:    {made.sheet.resolve()}"
    emit(document, *made.tables, closing)
