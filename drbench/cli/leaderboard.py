"""`drbench leaderboard`: collect records, derive the board, check it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drbench.cli.frame import Table, emit

if TYPE_CHECKING:
    from drbench.leaderboard.board import Row

BoardOption = Annotated[
    Path, typer.Option("--board", metavar="DIR", help="Folder of the leaderboard.")
]
DEFAULT_BOARD = Path("leaderboard")

app = typer.Typer(help="Collect records of runs, derive the leaderboard, check it.")


@app.command()
def add(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="Run folders, folders of runs, or record files."),
    ],
    board: BoardOption = DEFAULT_BOARD,
) -> None:
    """Copy the records of finished runs into a board: all of them, or none."""
    from drbench.leaderboard.store import add as add_runs

    new = [record.key for record in add_runs(board, *runs)]
    said = f"added to {board}: {len(new)} new {'record' if len(new) == 1 else 'records'}."
    emit({"board": str(board), "added": new}, said)


@app.command()
def build(board: BoardOption = DEFAULT_BOARD) -> None:
    """Write leaderboard.json from the records of a board."""
    from drbench.leaderboard.store import BOARD, write_board

    built = write_board(board)
    columns = ("track", "source", "target", "model", "seeds", "metric", "before", "after", "gain")
    table = Table(columns, [line for row in built.rows for line in _lines(row)])
    emit(
        built.model_dump(mode="json"),
        f"{board / BOARD}: {len(built.official)} official and {len(built.rendered)} rendered rows",
        *([table] if built.rows else []),
    )


@app.command()
def validate(board: BoardOption = DEFAULT_BOARD) -> None:
    """Check records and leaderboard.json; says all that is wrong, and fails if anything is."""
    from drbench.errors import BoardError
    from drbench.leaderboard.store import record_files
    from drbench.leaderboard.validate import validate as problems_of

    problems = problems_of(board)
    records = len(record_files(board))
    said = problems or [f"{board} is valid: {records} records."]
    document = {"board": str(board), "records": records, "problems": problems}
    emit(document, "\n".join(said))
    if problems:
        raise BoardError(f"{board} has {len(problems)} problems.")


def _lines(row: "Row") -> list[tuple[str | int | float | None, ...]]:
    """A line for each metric of a row."""
    names = (row.track, row.source.name, row.target.name, row.model, row.n_seeds)
    lines = []
    for metric, cell in row.metrics.items():
        summaries = (cell.score.before, cell.score.after, cell.score.gain)
        means = [None if summary is None else summary.mean for summary in summaries]
        lines.append((*names, metric, *means))
    return lines
