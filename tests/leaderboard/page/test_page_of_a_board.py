"""From a board's records to what its page says."""

import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest
from records import make_entry, make_record, make_spec, write_board

from drbench.board.build import build
from drbench.board.fill import fill
from drbench.cli import run
from drbench.metrics.result import MetricResult
from drbench.publish.page.content import page_content
from drbench.publish.page.html import page_html
from drbench.publish.page.write import write_page
from drbench.trust.store import built_board, load_entries

pages = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("pages.py"))))


@pytest.fixture
def board(tmp_path):
    """A folder with two models on rendered images, five seeds each."""

    def result(value):
        return MetricResult(
            value=value, per_factor={"shape": value, "pos_x": value / 2}, n_samples=100,
            n_pairs={"shape": 40, "pos_x": 50}, parameters={"alpha": 0.5}, reference=0.9,
            chance=0.05, matrix=((0.25, 0.5, 0.0, 0.0, 0.125),), warnings=("a small sample",),
        )  # fmt: skip

    entries = []
    for model, shift in (("beta_vae", 0.1), ("ada_gvae", 0.6)):
        for seed in (0, 1, 2, 3, 4, 77):
            scores = {"before": {"mig": result(0.1)}, "after": {"mig": result(shift + seed / 100)}}
            record = make_record(model=model, seed=seed, scores=scores)
            dirty = {"git_commit": "abcdef" * 6 + "abcd", "git_dirty": True}
            provenance = record.provenance.model_copy(update=dirty)
            entries.append(make_entry(record.model_copy(update={"provenance": provenance})))
    return write_board(tmp_path / "board", *entries)


@pytest.mark.browser
def test_render_writes_the_page_of_a_board(board, visit, capsys):
    assert run(["leaderboard", "render", "--board", str(board)]) == 0
    assert "index.html" in capsys.readouterr().out
    page = visit(board / "index.html")
    assert page.inner_text("#headline") == (
        "ada_gvae leads on dsprites (shape 2, scale 2, orientation 2, pos_x 2, pos_y 2) by mig, "
        "rendered images: "
        "first of 2 in at least 95 % of redraws of the seeds."
    )
    assert page.input_value("#metric") == "mig", "the published row has others, but no rank"
    # By hand: the mean of .60 to .64, and of its gains over .1.
    page.select_option("#track", "rendered")
    assert pages.scores(page)[0] == 0.62
    assert pages.column(page, "gain")[0].startswith("+0.520")
    pages.open_row(page)
    opened = page.locator("dialog details[open]")
    assert opened.locator(".matrix td").all_inner_texts() == [".25", ".50", ".00", ".00", ".13"]
    text = page.inner_text("dialog")
    for said in (
        "at least 40 pairs a factor", "alpha=0.5", "100 rows", "a perfect code scores 0.900",
        "mig: a small sample", "last step", "steps 10, batch 64, lr 0.0001",
        "100 rows and 1,000 pairs a factor, at most", "keeper", "2026-01-01", "cpu",
        "5 of 5 runs: drbench's source tree had uncommitted changes", "(abcdefab, uncommitted",
    ):  # fmt: skip
        assert said in text
    for link in page.locator("dialog .runs a").all():
        assert (board / link.get_attribute("href")).is_file()


@pytest.mark.browser
def test_a_run_of_another_seed_is_listed_after_those_that_count(board, visit):
    page = visit(write_page(board), address="#track=rendered&model=beta_vae")
    pages.open_row(page)
    lines = page.locator("dialog .runs tbody tr").all_inner_texts()
    assert ["not counted" in line for line in lines] == [False] * 5 + [True]
    assert "77" in lines[-1]


@pytest.mark.browser
def test_what_is_missing_on_the_official_track_is_shown_with_what_fills_it(board, visit):
    page = visit(write_page(board))
    cells = fill(built_board(board))
    buttons = page.locator(".official-table button.none[aria-expanded]")
    assert buttons.all_inner_texts() == ["0 of 5"] * len(cells)
    buttons.first.click()
    commands = page.inner_text("#filling pre").split(" && \\\n")
    assert commands == list(cells[0].commands)
    published = page.locator(".official-table tr", has_text="not reproduced")
    assert "shapes3d \u2192 isaac3d" in published.inner_text()
    published.locator("button").last.click()
    page.wait_for_selector("dialog[open] .sheet")
    assert "arXiv 2409.18017" in page.inner_text("dialog")
    assert "Nothing ranked yet" in page.inner_text("#leaders")


@pytest.mark.browser
def test_rows_that_only_a_setting_tells_apart_name_it(board, visit):
    spec = make_spec().model_copy(update={"hyperparameters": {"beta": 4.0}})
    write_board(board, make_entry(spec=spec))
    page = visit(write_page(board), address="#track=rendered&model=beta_vae")
    assert sorted(page.locator("td.c-model small").all_inner_texts()) == ["beta 1", "beta 4"]


@pytest.mark.browser
def test_the_published_row_is_shown_unranked(board, show):
    page = show(page_content(build(load_entries(board))), address="#metric=gbt&state=published")
    # 51.3 % before and 16.7 more, in the published table.
    assert page.locator("#apart td.c-after b").all_inner_texts() == ["0.680"]
    pages.open_row(page)
    assert "never ranked" in page.inner_text("dialog")
    assert "Nothing ranked yet" in page.inner_text("#leaders")


def row_of(**target):
    spec = make_spec()
    data = spec.data.model_copy(update=target)
    entry = make_entry(spec=spec.model_copy(update={"data": data}))
    return page_content(build([entry])).rows[0]


def test_a_row_of_own_images_is_neither_official_nor_rendered():
    assert row_of(name="folder:photos").track == "own"


def test_an_official_target_of_a_rendered_source_is_said_once():
    row = row_of(origin="official")
    assert (row.track, row.target.count("official images")) == ("rendered", 1)


def test_no_board_is_one_sentence(tmp_path, capsys):
    assert run(["leaderboard", "render", "--board", str(tmp_path / "none")]) == 2
    assert "drbench leaderboard add" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_every_data_set_and_metric_on_the_board_is_cited(board):
    text = page_content(build(load_entries(board))).bibtex
    assert re.findall(r"^@\w+\{([^,]+),$", text, re.MULTILINE)[:3] == [
        "drbench", "dapueto2024transferring", "dataset_dsprites",
    ]  # fmt: skip
    assert "metric_mig" in text
    assert text.count("{") == text.count("}")


def test_the_same_content_is_the_same_page_with_what_each_check_proves():
    page = page_html(pages.make_content(60))
    assert page_html(pages.make_content(60)) == page
    assert "not how the weights were trained" in page
    assert "Only this proves how the weights were trained" in page
