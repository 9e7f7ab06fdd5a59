"""`drbench leaderboard render`: the page of a board."""

from pathlib import Path
from typing import Annotated

import typer

from drbench.cli.frame import emit


def render(
    board: Annotated[
        Path, typer.Option("--board", metavar="DIR", help="Folder of the leaderboard.")
    ] = Path("leaderboard"),
) -> None:
    """Write index.html beside leaderboard.json: one file that needs no server and no network."""
    from drbench.leaderboard.page.write import write_page

    page = write_page(board)
    size = page.stat().st_size
    emit(
        {"page": str(page), "bytes": size}, f"{page}: {size / 1000:,.0f} kB; open it in a browser."
    )
