"""`drbench leaderboard`: collect records, derive the board, check it."""

from pathlib import Path
from typing import Annotated

import typer

from drbench.cli.board_publish import publish
from drbench.cli.board_render import render
from drbench.cli.board_review import DEFAULT_BOARD, BoardOption, diff, fill, merge, migrate
from drbench.cli.board_verify import verify
from drbench.cli.frame import Table, emit

app = typer.Typer(help="Collect records of runs, derive the leaderboard, check it.")
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
        typer.Argument(metavar="RUN...", help="Run folders, folders of runs, or record files."),
    ],
    board: BoardOption = DEFAULT_BOARD,
) -> None:
    """Copy the records of finished runs into a board: all of them, or none."""
    from drbench.trust.evidence import without_evidence
    from drbench.trust.store import add as add_runs

    new = add_runs(board, *runs)
    bare = [record.key for record in without_evidence(board, new)]
    said = f"added to {board}: {len(new)} new {'record' if len(new) == 1 else 'records'}."
    if bare:
        said += (
            f" {len(bare)} of them without evidence (weights and latents), which nobody can verify "
            "but by training again: add the run's whole folder."
        )
    document = {"board": str(board), "added": [record.key for record in new]}
    emit(document | {"without_evidence": bare}, said)


@app.command()
def build(board: BoardOption = DEFAULT_BOARD) -> None:
    """Write leaderboard.json from the records of a board."""
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
    said = (
        f"{board / BOARD}: {len(built.official)} official and {len(built.rendered)} rendered rows"
    )
    emit(built.model_dump(mode="json"), said, *blocks)


@app.command()
def validate(
    board: BoardOption = DEFAULT_BOARD,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="BOARD",
            help="Published board, of which nothing may be lost, and to which no verification "
            "may be added.",
        ),
    ] = None,
    allow_verifications: Annotated[
        bool,
        typer.Option(
            "--allow-verifications",
            help="Verifications may differ from those of --against: for maintainers, who give "
            "them.",
        ),
    ] = False,
) -> None:
    """Check all files of a board; says all that is wrong, and fails if anything is."""
    from drbench.errors import BoardError, RequestError
    from drbench.trust.store import record_files
    from drbench.trust.validate import validate as problems_of

    if allow_verifications and against is None:
        raise RequestError(
            "--allow-verifications says what may differ from another board: name it with --against."
        )
    problems = problems_of(board, against, allow_verifications=allow_verifications)
    records = len(record_files(board))
    said = problems or [f"{board} is valid: {records} records."]
    document = {"board": str(board), "records": records, "problems": problems}
    emit(document, "\n".join(said))
    if problems:
        many = f"{len(problems)} {'problem' if len(problems) == 1 else 'problems'}"
        raise BoardError(f"{board} has {many}.")
