"""Pages of many rows: small, quick, and the same each time."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from drbench.publish.page.html import LARGEST, page_html

pages = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("pages.py"))))
make_content = pages.make_content


BELOW = 10
"""A loaded machine's share: the times are asked of an idle one, `pytest -s` prints them."""


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """The page of 10,000 rows, as a file."""
    file = tmp_path_factory.mktemp("many") / "index.html"
    file.write_text(page_html(make_content(10_000)), encoding="utf-8")
    return file


def test_details_that_do_not_fit_are_in_the_record(visit, tmp_path):
    content = make_content(120)
    whole = len(page_html(content).encode())
    file = tmp_path / "index.html"
    file.write_text(page_html(content, largest=whole - 1), encoding="utf-8")
    assert file.stat().st_size < whole
    page = visit(file)
    pages.open_row(page, place=0)
    assert page.locator("dialog .quantities").count() > 0, "the best are kept"
    page.keyboard.press("Escape")
    last = content.rows[-1]
    page.goto(f"{file.as_uri()}#row={last.id}")
    page.wait_for_selector("dialog[open] .sheet")
    assert "no room for the details" in page.inner_text("dialog")
    assert page.locator("dialog a").get_attribute("href") == f"records/{last.key}.json"


def test_ten_thousand_rows_stay_small_and_few_are_in_the_document(visit, many):
    assert many.stat().st_size < LARGEST
    page = visit(many)
    assert page.inner_text("#said") == "10,000 of 10,000 rows"
    assert page.locator("tr[data-place]").count() < 60
    page.keyboard.press("/")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    assert page.evaluate("document.activeElement.dataset.place") == "9999"
    page.select_option("#model", "gvae")
    assert set(pages.models(page)) == {"gvae"}


def test_ten_thousand_rows_open_sort_and_filter_at_once(visit, many):
    """`pytest -k at_once -s tests/leaderboard/page` prints the milliseconds."""
    page = visit(many)
    opened = page.evaluate("performance.getEntriesByName('shown')[0].startTime")
    acts = {
        "sort by score": "document.querySelector('th.c-after button').click()",
        "sort by model": "document.querySelector('th.c-model button').click()",
        "sort by rank": "document.querySelector('th.c-rank button').click()",
        "filter": "choose('model', ['gvae', ''])",
        "metric": "choose('metric', ['dci', 'mig', 'omes'])",
    }
    took = {name: page.evaluate(median_of(act)) for name, act in acts.items()}
    print(f"10,000 rows, {many.stat().st_size:,} bytes; shown after {opened:.0f} ms")
    print(", ".join(f"{name} {time:.0f} ms" for name, time in took.items()))
    assert opened < 2_000 * BELOW
    assert max(took.values()) < 100 * BELOW


def median_of(act):
    """Script for the median time (ms) of five acts, each laid out anew."""
    return f"""() => {{
        const choose = (name, values) => {{
            const select = document.getElementById(name);
            select.value = values[i % values.length];
            select.dispatchEvent(new Event('change'));
        }};
        const times = [];
        let i = 0;
        for (; i < 5; i++) {{
            const from = performance.now();
            {act};
            document.getElementById('grid').offsetHeight;
            times.push(performance.now() - from);
        }}
        return times.sort((a, b) => a - b)[2];
    }}"""


def test_the_same_content_is_the_same_page():
    assert page_html(make_content(60)) == page_html(make_content(60))
