"""`drbench leaderboard`: collect runs, derive the board, check it."""

from pathlib import Path
from typing import Annotated

import typer

from drbench.cli.board_publish import publish
from drbench.cli.board_render import render
from drbench.cli.board_review import (
    DEFAULT_BOARD,
    BoardOption,
    NameOption,
    diff,
    fill,
    merge,
    migrate,
)
from drbench.cli.board_verify import verify
from drbench.cli.frame import Table, emit

app = typer.Typer(help="Collect runs, derive the leaderboard, check it.")
app.command("publish")(publish)
app.command("verify")(verify)
app.command("render")(render)
app.command("diff")(diff)
app.command("merge")(merge)
app.command("fill")(fill)
app.command("migrate")(migrate)


@app.command()
def add(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="Run folders, or folders of numbered runs."),
    ],
    board: BoardOption = DEFAULT_BOARD,
    name: NameOption = None,
    submit: Annotated[
        bool,
        typer.Option(
            "--submit", help="Add specs and weights alone, to send to a board that another keeps."
        ),
    ] = False,
) -> None:
    """Add runs that were done on this machine to a board, with their weights: all, or none."""
    from drbench.trust import store
    from drbench.trust.names import given_name

    added = (store.submit if submit else store.add)(board, *runs, name=given_name("--as", name))
    kinds = ("submission", "submissions") if submit else ("entry", "entries")
    emit(
        {"board": str(board), "added": [store.name_of(each) for each in added]},
        f"added to {board}: {len(added)} new {kinds[len(added) != 1]}.",
    )


@app.command()
def build(board: BoardOption = DEFAULT_BOARD) -> None:
    """Write leaderboard.json from the entries of a board."""
    from drbench.board.board import TRACKS
    from drbench.board.standings import COLUMNS, LINES, standings
    from drbench.trust.store import BOARD, write_board

    built = write_board(board)
    blocks: list[Table | str] = []
    left = LINES
    for each in standings(built):
        if left > 0:
            blocks.append(Table(COLUMNS, each.lines[:left], title=each.title, decimals=3))
        left -= len(each.lines)
    if left < 0:
        blocks.append(f"{-left:,} more lines: `drbench leaderboard render` shows all.")
    counts = ", ".join(
        f"{sum(row.track == track for row in built.rows)} {track}" for track in TRACKS
    )
    emit(built.model_dump(mode="json"), f"{board / BOARD}: {counts} rows", *blocks)


@app.command()
def validate(
    board: BoardOption = DEFAULT_BOARD,
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The board before: only submissions and their weights may have come since.",
        ),
    ] = None,
) -> None:
    """Check all files of a board; says all that is wrong, and fails if anything is."""
    from drbench.errors import BoardError
    from drbench.trust.store import read_files
    from drbench.trust.validate import validate as problems_of

    problems = problems_of(board, against)
    files = read_files(board)
    summary = f"{board} is valid: {len(files.entries)} entries, {len(files.waiting)} waiting."
    document = {
        "board": str(board),
        "entries": len(files.entries),
        "waiting": len(files.waiting),
        "problems": problems,
    }
    emit(document, "\n".join(problems or [summary]))
    if problems:
        many = f"{len(problems)} {'problem' if len(problems) == 1 else 'problems'}"
        raise BoardError(f"{board} has {many}.")
