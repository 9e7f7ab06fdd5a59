"""The board that is shipped is what its own commands give."""

from pathlib import Path

import pytest

from drbench.publish.page.content import page_content
from drbench.publish.page.html import page_html
from drbench.trust.store import built_board
from drbench.trust.validate import validate
from drbench.trust.verify import verify

pytestmark = pytest.mark.slow

BOARD = Path(__file__).parents[2] / "leaderboard"


def test_it_is_valid():
    assert validate(BOARD) == []


def test_it_is_two_pairs_two_models_and_three_seeds_on_rendered_images():
    board = built_board(BOARD)
    assert board.official == ()
    assert {(row.source.name, row.target.name) for row in board.rendered} == {
        ("color_dsprites", "shapes3d"), ("shapes3d", "color_dsprites"),
    }  # fmt: skip
    assert [(row.n_seeds, row.level) for row in board.rendered] == [(3, "retrained")] * 4


def test_its_files_are_small():
    large = [path.name for path in BOARD.rglob("*") if path.stat().st_size > 1_000_000]
    assert large == []


def test_its_page_is_the_one_that_render_writes():
    page = page_html(page_content(built_board(BOARD)))
    assert (BOARD / "index.html").read_text(encoding="utf-8") == page


def test_its_scores_come_back_from_its_weights():
    row = built_board(BOARD).rendered[0]
    (verdict,) = verify(BOARD, [f"{row.submitter}/{row.runs[0].key}"])
    assert (verdict.outcome, verdict.reason) == ("confirmed", "")
