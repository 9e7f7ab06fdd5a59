"""`drbench leaderboard diff | merge | fill | migrate`: what maintainers of a board do."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drbench.cli.frame import Table, emit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drbench.publish.diff import Difference

BoardOption = Annotated[
    Path, typer.Option("--board", metavar="DIR", help="Folder of the leaderboard.")
]
DEFAULT_BOARD = Path("leaderboard")
PLACE = "A board's folder, a leaderboard.json, or git:REV:PATH."


def diff(
    old: Annotated[str, typer.Argument(metavar="A", help=PLACE)],
    new: Annotated[str, typer.Argument(metavar="B", help=PLACE)],
    tolerance: Annotated[
        float, typer.Option(min=0, help="By how much a score may differ unsaid.")
    ] = 1e-9,
) -> None:
    """What changed from one board to another: rows, runs, scores, states, ranks."""
    from drbench.publish.diff import diff as differences_of
    from drbench.publish.diff import read_board

    found = differences_of(read_board(old), read_board(new), tolerance=tolerance)
    many = f"{len(found)} {'difference' if len(found) == 1 else 'differences'}"
    said = f"{many} from {old} to {new}."
    emit([asdict(each) for each in found], *difference_tables(found), said)


def difference_tables(found: "Sequence[Difference]") -> list[Table]:
    """What changed, a table for each row of the board."""
    by_row: dict[str, list[tuple[object, ...]]] = {}
    for each in found:
        name = each.name[:12] if each.what in ("run", "state") else each.name
        by_row.setdefault(each.row, []).append((each.what, name, each.old, each.new))
    columns = ("what", "name", "old", "new")
    return [Table(columns, lines, title=row) for row, lines in by_row.items()]


def merge(
    boards: Annotated[
        list[Path], typer.Argument(metavar="BOARD...", help="Folders of other boards.")
    ],
    board: BoardOption = DEFAULT_BOARD,
) -> None:
    """Bring other boards' records, verifications and evidence into a board: all, or nothing."""
    from drbench.publish.merge import merge as merge_boards

    done = merge_boards(board, *boards)
    said = (
        f"merged into {board}: {len(done.records)} new records, {len(done.verifications)} files of "
        f"verifications, {len(done.evidence)} of evidence."
    )
    emit({"board": str(board)} | asdict(done), said)


def fill(
    board: BoardOption = DEFAULT_BOARD,
    seeds: Annotated[int, typer.Option(min=1, help="Seeds that fill a cell.")] = 5,
) -> None:
    """Which cells of the official table are empty, and the commands that fill each."""
    from drbench.board.build import build
    from drbench.board.fill import fill as fillings_of
    from drbench.trust.store import RECORDS, built_board

    found = fillings_of(built_board(board) if (board / RECORDS).exists() else build([]), seeds)
    columns = ("source", "target", "model", "beta", "verified", "waiting")
    rows = [
        (*asdict(each.cell).values(), f"{len(each.verified)} of {each.wanted}", len(each.waiting))
        for each in found
    ]
    gaps = [each for each in found if each.commands]
    blocks = [
        "\n".join([f"# {e.cell.source} to {e.cell.target}, {e.cell.model}, beta {e.cell.beta:g}",
                   *e.commands])
        for e in gaps
    ]  # fmt: skip
    said = f"{len(found) - len(gaps)} of {len(found)} cells are full."
    emit([asdict(each) for each in found], Table(columns, rows), said, *blocks)


def migrate(board: BoardOption = DEFAULT_BOARD) -> None:
    """Rewrite a board of an older version of the format in the current one: all files, or none."""
    from drbench.trust.migrate import migrate as migrate_board

    files = migrate_board(board)
    said = f"rewrote {len(files)} files of {board}." if files else f"{board} is up to date."
    emit({"board": str(board), "rewritten": files}, said)
