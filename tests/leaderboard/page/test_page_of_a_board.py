"""From a board's records to what its page says."""

import re
import runpy
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest
from drbench.trust.verification import Verification, Verifications, record_hash

from drbench.board.build import build
from drbench.board.fill import fill
from drbench.cli import run
from drbench.metrics.result import MetricResult
from drbench.publish.page.content import page_content
from drbench.publish.page.html import page_html
from drbench.publish.page.write import write_page
from drbench.runs.record import Record
from drbench.runs.spec import RunSpec
from drbench.trust.reading import read_model
from drbench.trust.store import built_board, load_board

pages = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("pages.py"))))


@pytest.fixture
def board(tmp_path, make_record):
    """A folder with two models on rendered images, five seeds each."""

    def result(value):
        return MetricResult(
            value=value, per_factor={"shape": value, "pos_x": value / 2}, n_samples=100,
            n_pairs={"shape": 40, "pos_x": 50}, parameters={"alpha": 0.5}, reference=0.9,
            chance=0.05, matrix=((0.25, 0.5, 0.0, 0.0, 0.125),), warnings=("a small sample",),
        )  # fmt: skip

    records = tmp_path / "board" / "records"
    records.mkdir(parents=True)
    for model, shift in (("beta_vae", 0.1), ("ada_gvae", 0.6)):
        for seed in range(5):
            scores = {"before": {"mig": result(0.1)}, "after": {"mig": result(shift + seed / 100)}}
            record = make_record(model=model, seed=seed, scores=scores)
            dirty = {"git_commit": "abcdef" * 6 + "abcd", "git_dirty": True}
            provenance = record.provenance.model_copy(update=dirty)
            record = record.model_copy(update={"provenance": provenance})
            (records / f"{record.key}.json").write_text(record.to_json())
    return tmp_path / "board"


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
        "mig: a small sample", "last step", "steps 10, batch 64, lr 0.0001, beta 1",
        "100 rows and 1,000 pairs a factor, at most", "self-reported", "2026-01-01", "cpu",
        "5 of 5 runs: drbench's source tree had uncommitted changes", "(abcdefab, uncommitted",
    ):  # fmt: skip
        assert said in text
    for link in page.locator("dialog .runs a").all():
        assert (board / link.get_attribute("href")).is_file()


@pytest.mark.browser
def test_a_checked_row_says_by_whom_and_links_what_was_found(board, visit):
    for file in (board / "records").iterdir():
        record = read_model(file, Record)
        check = Verification(
            record_hash=record_hash(record), state="re-encoded", by="A. Reviewer",
            date=date(2026, 2, 3), versions={"drbench": "0"}, checks={"scores": 0.0},
        )  # fmt: skip
        found = Verifications(key=record.key, verifications=(check,))
        (board / "verifications").mkdir(exist_ok=True)
        (board / "verifications" / f"{record.key}.json").write_text(found.to_json())
    page = visit(write_page(board), address="#track=rendered")
    pages.open_row(page)
    assert page.inner_text("dialog .runs").count("A. Reviewer, 2026-02-03") == 5
    links = page.locator("dialog .runs a", has_text="re-encoded").all()
    assert len(links) == 5
    for link in links:
        assert (board / link.get_attribute("href")).is_file()


@pytest.mark.browser
def test_a_refuted_run_is_listed_after_those_that_count(board, visit):
    file = next(f for f in (board / "records").iterdir() if read_model(f, Record).spec.seed == 2)
    record = read_model(file, Record)
    check = Verification(
        record_hash=record_hash(record), state="refuted", by="A. Reviewer",
        date=date(2026, 2, 3), versions={"drbench": "0"}, checks={"scores": 1.0},
        notes=("scores differ",),
    )  # fmt: skip
    (board / "verifications").mkdir()
    found = Verifications(key=record.key, verifications=(check,))
    (board / "verifications" / f"{record.key}.json").write_text(found.to_json())
    page = visit(write_page(board), address=f"#track=rendered&model={record.spec.model}")
    pages.open_row(page)
    lines = page.locator("dialog .runs tbody tr").all_inner_texts()
    assert ["not counted" in line for line in lines] == [False] * 4 + [True]
    assert record.key[:10] in lines[-1]


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
def test_rows_that_only_a_setting_tells_apart_name_it(board, visit, make_record):
    for seed in range(5):
        record = make_record(model="beta_vae", seed=seed)
        spec = RunSpec(**record.spec.model_dump() | {"hyperparameters": {"beta": 4.0}})
        other = make_record(model="beta_vae", seed=seed, spec=spec, key=spec.key)
        (board / "records" / f"{other.key}.json").write_text(other.to_json())
    page = visit(write_page(board), address="#track=rendered&model=beta_vae")
    assert sorted(page.locator("td.c-model small").all_inner_texts()) == [
        "beta 1, 10 + 10 steps", "beta 4, 10 + 10 steps",
    ]  # fmt: skip


@pytest.mark.browser
def test_the_published_row_is_shown_unranked(board, show):
    page = show(page_content(build(load_board(board))), address="#metric=gbt&state=published")
    # 51.3 % before and 16.7 more, in the published table.
    assert page.locator("#apart td.c-after b").all_inner_texts() == ["0.680"]
    pages.open_row(page)
    assert "never ranked" in page.inner_text("dialog")
    assert "Nothing ranked yet" in page.inner_text("#leaders")


def test_a_row_of_own_images_is_neither_official_nor_rendered(make_record):
    document = make_record().spec.model_dump()
    document["data"] |= {"name": "folder:photos", "origin": "official"}
    spec = RunSpec.model_validate(document)
    record = Record.model_validate(make_record().model_dump() | {"spec": document, "key": spec.key})
    assert page_content(build([record])).rows[0].track == "own"


def test_an_official_target_of_a_rendered_source_is_said_once(make_record):
    document = make_record().spec.model_dump()
    document["data"]["origin"] = "official"
    spec = RunSpec.model_validate(document)
    record = Record.model_validate(make_record().model_dump() | {"spec": document, "key": spec.key})
    row = page_content(build([record])).rows[0]
    assert (row.track, row.target.count("official images")) == ("rendered", 1)


def test_no_board_is_one_sentence(tmp_path, capsys):
    assert run(["leaderboard", "render", "--board", str(tmp_path / "none")]) == 1
    assert "drbench leaderboard add" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_every_data_set_and_metric_on_the_board_is_cited(board):
    text = page_content(build(load_board(board))).bibtex
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
