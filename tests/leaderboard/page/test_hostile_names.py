"""The page in a real browser: what bad names do to it."""

import csv
import dataclasses
import io
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from drbench.publish.page.html import page_html

pages = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("pages.py"))))
make_content = pages.make_content
pytestmark = pytest.mark.browser

NASTY = (
    "<script>window.hit = 1</script>",
    '<img src=x onerror="window.hit = 1">',
    "</script><script>window.hit = 1</script>",
    "<!--<script>",
    "{{ 7 * 7 }} ${7 * 7} javascript:alert(1)",
    "'\"><svg onload=alert(1)>",
    "javascript:window.hit=1",
    "&lt;b&gt; &amp; <!-- -->",
    "__proto__",
    "constructor",
    "\u202egpj.elif\u202c \u2067x\u2069\u200b",
)


def named(name):
    """A row with a name wherever there is one."""
    row = make_content(1).rows[0]
    quantity = row.details["metrics"]["omes"]
    details = row.details | {
        "metrics": {name: quantity | {"factors": [[name, quantity]], "notes": [name]}},
        "factors": [name] * 6,
        "warnings": [name],
        "facts": [[name, name]],
        "runs": [{"record": name, "checked": name, name: name}],
    }
    score = dataclasses.replace(row.scores["omes"], why=name, group=name, settings=name)
    return dataclasses.replace(
        row, id=str(NASTY.index(name)), key=name, source=name, target=name, model=name, state=name,
        note=name, scores={name: score}, details=details,
    )  # fmt: skip


def test_markup_in_names_is_text_and_nothing_runs(show):
    metric = make_content(1).metrics["omes"]
    metrics = {name: dataclasses.replace(metric, title=name) for name in NASTY}
    every = "\n".join(NASTY)
    page = show(
        make_content(
            0, rows=[named(name) for name in NASTY], metrics=metrics, ranking=every, bibtex=every
        )
    )
    for place, name in enumerate(NASTY):
        page.select_option("#metric", name)
        line = page.locator(f"tr[data-id='{place}']")
        assert line.locator("td.c-model b").inner_text() == name
        assert line.locator("td.c-target").inner_text() == name
        line.click()
        page.wait_for_selector("dialog[open] .sheet")
        assert page.locator("dialog h2").inner_text().startswith(name)
        assert page.locator("dialog .runs a").count() == 0, "only a hash becomes a link"
        assert page.locator("main script, dialog script, img, main svg[onload]").count() == 0
        page.keyboard.press("Escape")
    assert page.evaluate("window.hit") is None


def test_a_name_that_turns_text_around_turns_only_itself(show):
    """Without isolation, what follows an unclosed right-to-left override is reversed too."""
    name = "evil\u202eeman"
    row = dataclasses.replace(make_content(1).rows[0], model=name, target=name)
    page = show(make_content(1, rows=[row]))
    for selector in ("td.c-model b", "td.c-target span", "#headline b", ".card b"):
        shown = page.locator(selector).first
        assert shown.evaluate("e => getComputedStyle(e).unicodeBidi") == "isolate"


@pytest.mark.parametrize("viewport", ["DESK", "PHONE"])
def test_a_name_of_ten_thousand_letters_breaks_no_layout(show, viewport):
    name = "n" * 10_000
    rows = list(make_content(4).rows)
    rows[0] = dataclasses.replace(rows[0], source=name, target=name, model=name, note=name)
    size = getattr(pages, viewport)
    cell = pages.make_cell(source=name, target=name, model=name, setting=name, commands=(name,))
    page = show(make_content(4, rows=rows, official=[cell]), viewport=size)
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert page.locator("header").bounding_box()["height"] < 400
    assert page.locator("#leaders").bounding_box()["height"] < 800
    line = page.locator("tr[data-id]", has_text="nnnnn").first
    assert line.bounding_box()["height"] < 400
    line.click()
    page.wait_for_selector("dialog[open] .sheet")
    assert page.evaluate("document.querySelector('dialog').scrollWidth") <= size["width"]


def test_the_policy_lets_no_other_script_run(browser, tmp_path):
    file = tmp_path / "index.html"
    file.write_text(page_html(make_content(1)), encoding="utf-8")
    page = browser.new_page()
    messages = []
    page.on("console", lambda message: messages.append(message.text))
    page.goto(file.as_uri())
    page.evaluate("""() => {
        const other = document.createElement('button');
        other.setAttribute('onclick', 'window.hit = 1');
        other.setAttribute('style', 'color: red');
        document.body.append(other);
        other.click();
        return fetch('https://example.org/').catch(() => null);
    }""")
    assert page.evaluate("window.hit") is None
    assert any("Executing inline event handler violates" in text for text in messages)
    assert any("Applying inline style violates" in text for text in messages)
    assert any("example.org" in text and "violates" in text for text in messages)
    page.close()


FORMULAS = ('=HYPERLINK("x")', "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\n=1", "\uff1d1", "\u200b=1")


def test_a_spreadsheet_runs_no_name(show):
    first = pages.with_scores(make_content(1).rows[0], gain=-0.25)
    rows = [
        dataclasses.replace(first, id=str(place), model=name, note='a "quoted", note')
        for place, name in enumerate(FORMULAS)
    ]
    page = show(make_content(1, rows=rows))
    lines = list(csv.DictReader(io.StringIO(pages.download(page, "#csv"), newline="")))
    assert [line["model"] for line in lines] == [f"'{name}" for name in FORMULAS]
    assert {line["note"] for line in lines} == {'a "quoted", note'}
    assert {line["gain"] for line in lines} == {"-0.25"}, "numbers stay numbers"
