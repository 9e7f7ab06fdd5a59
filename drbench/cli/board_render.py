"""`drbench leaderboard render`: the page of a board."""

from drbench.cli.board_review import DEFAULT_BOARD, BoardOption
from drbench.cli.frame import emit


def render(board: BoardOption = DEFAULT_BOARD) -> None:
    """Write index.html beside leaderboard.json: one file that needs no server and no network."""
    from drbench.publish.page.write import write_page

    page = write_page(board)
    size = page.stat().st_size
    emit(
        {"page": str(page), "bytes": size}, f"{page}: {size / 1000:,.0f} kB; open it in a browser."
    )
