"""Writing index.html beside the board it shows."""

from pathlib import Path

from drbench.files import write_text
from drbench.publish.page.content import page_content
from drbench.publish.page.html import page_html
from drbench.trust.store import write_board

PAGE = "index.html"


def write_page(board: Path) -> Path:
    """Build a board anew and write its page, whole or not at all.

    Parameters
    ----------
    board : path
        Folder of the leaderboard.

    Returns
    -------
    path
        The page: one HTML file that asks for nothing else.

    Raises
    ------
    BoardError
        If there is no board in that folder, or for a record that is invalid.
    """
    write_text(board / PAGE, page_html(page_content(write_board(board))))
    return board / PAGE
