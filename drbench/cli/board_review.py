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
NameOption = Annotated[
    str | None,
    typer.Option(
        "--as", metavar="NAME", help="Whose name to put; by default the one you are logged in with."
    ),
]
PLACE = "A board's folder, a leaderboard.json, or git:REV:PATH."


def diff(
    old: Annotated[str, typer.Argument(metavar="A", help=PLACE)],
    new: Annotated[str, typer.Argument(metavar="B", help=PLACE)],
    tolerance: Annotated[
        float, typer.Option(min=0, help="By how much a score may differ unsaid.")
    ] = 1e-9,
) -> None:
    """What changed from one board to another: rows, runs, scores, ranks."""
    from drbench.publish.diff import diff as differences_of
    from drbench.publish.diff import read_board

    differences = differences_of(read_board(old), read_board(new), tolerance=tolerance)
    many = f"{len(differences)} {'difference' if len(differences) == 1 else 'differences'}"
    summary = f"{many} from {old} to {new}."
    emit([asdict(each) for each in differences], *difference_tables(differences), summary)


def difference_tables(differences: "Sequence[Difference]") -> list[Table]:
    """What changed, a table for each row of the board."""
    by_row: dict[str, list[tuple[object, ...]]] = {}
    for each in differences:
        name = each.name[:12] if each.what == "run" else each.name
        by_row.setdefault(each.row, []).append((each.what, name, each.old, each.new))
    columns = ("what", "name", "old", "new")
    return [Table(columns, lines, title=row) for row, lines in by_row.items()]


def merge(
    boards: Annotated[
        list[Path], typer.Argument(metavar="BOARD...", help="Folders of other boards.")
    ],
    board: BoardOption = DEFAULT_BOARD,
    records: Annotated[
        bool,
        typer.Option("--records", help="Take entries as they are, from boards that you keep."),
    ] = False,
) -> None:
    """Bring other boards' runs into a board, as submissions that wait: all, or nothing."""
    from drbench.publish.merge import merge as merge_boards

    done = merge_boards(board, *boards, records=records)
    summary = (
        f"merged into {board}: {len(done.records)} entries, {len(done.submissions)} submissions, "
        f"{len(done.evidence)} files of weights."
    )
    emit({"board": str(board)} | asdict(done), *done.conflicts, summary)


def fill(
    board: BoardOption = DEFAULT_BOARD,
    seeds: Annotated[int, typer.Option(min=1, help="Seeds that fill a cell.")] = 5,
) -> None:
    """Which cells of the official table are empty, and the commands that fill each."""
    from drbench.board.build import build
    from drbench.board.fill import fill as fillings_of
    from drbench.trust.store import built_board

    is_new = board == DEFAULT_BOARD and not board.exists()  # where everything is still to do
    fillings = fillings_of(build([]) if is_new else built_board(board), seeds)
    columns = ("source", "target", "model", "beta", "retrained", "waiting")
    rows = [
        (*asdict(each.cell).values(), f"{len(each.verified)} of {each.wanted}", len(each.waiting))
        for each in fillings
    ]
    gaps = [each for each in fillings if each.commands]
    blocks = [
        "\n".join([f"# {e.cell.source} to {e.cell.target}, {e.cell.model}, beta {e.cell.beta:g}",
                   *e.commands])
        for e in gaps
    ]  # fmt: skip
    summary = f"{len(fillings) - len(gaps)} of {len(fillings)} cells are full."
    emit([asdict(each) for each in fillings], Table(columns, rows), summary, *blocks)


def migrate(
    board: BoardOption = DEFAULT_BOARD,
    name: NameOption = None,
    keeper: Annotated[
        bool,
        typer.Option(
            "--keeper", help="The runs were done on the machine of who keeps the board: rank them."
        ),
    ] = False,
) -> None:
    """Rewrite a board of version 1.0 of the format; the old one is kept beside it."""
    from drbench.trust.migrate import migrate as migrate_board
    from drbench.trust.names import given_name

    done = migrate_board(
        board, name=given_name("--as", name), level="retrained" if keeper else "re-encoded"
    )
    if done is None:
        emit({"board": str(board), "entries": []}, f"{board} is up to date.")
        return
    summary = (
        f"rewrote {len(done.entries)} records of {board}; as it was it is in {done.before}. Render "
        "its page again with `drbench leaderboard render`."
    )
    document = {"board": str(board), "entries": done.entries, "left_out": done.left_out}
    emit(document | {"before": str(done.before)}, *done.left_out, summary)
