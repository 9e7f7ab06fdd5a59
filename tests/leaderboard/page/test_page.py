"""The page in a real browser: what it shows, and how one moves in it."""

import csv
import dataclasses
import io
import json
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect

from drbench.publish.page.packing import PageScore

pages = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("pages.py"))))
make_content = pages.make_content


def test_it_says_who_leads_how_surely_and_on_which_images(show):
    page = show(make_content(12))
    assert page.inner_text("#headline") == (
        "ada_gvae is ahead of gvae on isaac3d by omes, official images, "
        "but not surely: rank 1 to 2 of 4 when seeds are redrawn."
    )
    cards = page.locator("#leaders .card")
    assert cards.count() == 3
    assert "Official" in cards.nth(0).inner_text()
    assert "Rendered" in cards.nth(1).inner_text()


def test_a_lead_that_every_redraw_confirms_is_called_one(show):
    rows = make_content(4).rows
    first = pages.with_scores(rows[0], rank_high=1)
    others = [pages.with_scores(row, rank_low=2) for row in rows[1:]]
    page = show(make_content(4, rows=[first, *others]))
    assert page.inner_text("#headline") == (
        "ada_gvae leads on shapes3d by omes, rendered images: "
        "first of 4 in at least 95 % of redraws of the seeds."
    )


def test_one_seed_never_leads_surely(show):
    rows = make_content(4).rows
    first = dataclasses.replace(pages.with_scores(rows[0], rank_high=1), seeds=1)
    others = [pages.with_scores(row, rank_low=2) for row in rows[1:]]
    page = show(make_content(4, rows=[first, *others]))
    assert "but not surely: a row of one seed may have any rank" in page.inner_text("#headline")


def test_official_and_rendered_differ_in_words_and_shape(show):
    page = show(make_content(12))
    assert set(pages.column(page, "track")) == {"Official", "Rendered"}
    border = "element => getComputedStyle(element).borderTopStyle"
    assert page.locator("td .badge.official").first.evaluate(border) == "solid"
    assert page.locator("td .badge.rendered").first.evaluate(border) == "dashed"


def test_sorting_orders_rows_both_ways_and_says_so(show):
    page = show(make_content(12))
    score = page.locator("th.c-after")
    score.locator("button").click()
    assert score.get_attribute("aria-sort") == "descending"
    assert pages.scores(page) == sorted(pages.scores(page), reverse=True)
    score.locator("button").click()
    assert score.get_attribute("aria-sort") == "ascending"
    assert pages.scores(page) == sorted(pages.scores(page))
    page.click("th.c-model button")
    assert pages.models(page) == sorted(["ada_gvae", "gvae", "beta_vae", "ae"] * 3)


def test_where_lower_is_better_the_lowest_comes_first(show):
    page = show(make_content(12), address="#metric=cost")
    page.click("th.c-after button")
    assert pages.scores(page) == sorted(pages.scores(page))
    assert "Lower is better" in page.inner_text("#reading")


def test_a_missing_score_is_last_either_way_with_its_reason(show):
    rows = list(make_content(4).rows)
    rows[0] = dataclasses.replace(rows[0], scores={"omes": PageScore(why="a latent is constant")})
    page = show(make_content(4, rows=rows))
    for _ in range(2):
        page.click("th.c-after button")
        assert pages.column(page, "after")[-1] == "a latent is constant"
        assert pages.column(page, "rank")[-1] == "\u2013"


def test_filters_and_search_narrow_the_table(show):
    page = show(make_content(24))
    page.select_option("#target", "isaac3d")
    assert set(pages.column(page, "target")) == {"isaac3d"}
    assert page.inner_text("#said") == "8 of 24 rows"
    page.fill("#q", "beta 600")
    expect(page.locator("#said")).to_have_text("1 of 24 rows")
    assert pages.models(page) == ["beta_vae"]
    page.fill("#q", "no such thing")
    page.wait_for_selector("tr.none")
    page.click("#reset")
    assert page.inner_text("#said") == "24 of 24 rows"


def test_a_link_shows_the_same_view_and_back_works(show):
    page = show(make_content(24))
    page.select_option("#model", "gvae")
    page.click("th.c-gain button")
    address = page.evaluate("location.hash")
    seen = page.inner_text("#grid")
    page.go_back()
    page.go_back()
    assert page.inner_text("#said") == "24 of 24 rows"
    again = show(make_content(24), address=address)
    assert again.input_value("#model") == "gvae"
    assert again.inner_text("#grid") == seen


def test_an_address_of_another_board_still_shows_a_table(show):
    page = show(make_content(4), address="#metric=__proto__&sort=constructor&row=none")
    assert len(pages.column(page, "model")) == 4


def test_a_row_opens_with_seeds_factors_matrix_and_records(show):
    page = show(make_content(12))
    pages.open_row(page)
    opened = page.locator("dialog details[open]")
    assert opened.count() == 1
    assert opened.locator(".slopes line.seed").count() == 5
    factors = opened.locator(".quantities tbody th").all_inner_texts()
    assert factors == ["score", "shape", "scale", "pos x", "pos y", "color", "wall"]
    assert opened.locator(".quantities tr").nth(2).locator("circle.dot").count() == 5
    assert opened.locator(".matrix tbody td").count() == 10 * 6
    links = page.locator("dialog .runs a").evaluate_all(
        "all => all.map(a => a.getAttribute('href'))"
    )
    row = make_content(12).rows[4]  # isaac3d's best
    assert links == [
        f"{folder}/{key}.json"
        for key, *_ in row.details["runs"]["rows"]
        for folder in ("records", "verifications")
    ]
    assert row.id in page.evaluate("location.hash")
    page.keyboard.press("Escape")
    page.wait_for_url(lambda url: "row=" not in url)
    assert not page.locator("dialog").is_visible()


def test_the_keyboard_is_enough(show):
    page = show(make_content(200))
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.press("ArrowDown")
    place = "document.activeElement.dataset.place"
    assert page.evaluate(place) == "0"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    assert page.evaluate(place) == "1"
    page.keyboard.press("End")
    assert page.evaluate(place) == "199"
    assert page.locator("tr[data-place='199']").is_visible()
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open] .sheet")
    page.keyboard.press("Escape")
    expect(page.locator("tr[data-place='199']")).to_be_focused()
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_the_view_can_be_taken_along(show):
    content = make_content(12)
    page = show(content, address="#target=coil100")
    lines = list(csv.DictReader(io.StringIO(pages.download(page, "#csv"))))
    assert [line["model"] for line in lines] == ["ada_gvae", "gvae", "beta_vae", "ae"]
    assert float(lines[0]["after"]) == pytest.approx(content.rows[8].scores["omes"].after, abs=1e-4)
    assert lines[0]["record"] == f"records/{content.rows[8].key}.json"
    taken = json.loads(pages.download(page, "#json"))
    assert [row["id"] for row in taken] == [row.id for row in content.rows[8:12]]
    assert pages.download(page, "#bib") == content.bibtex


def test_published_rows_are_beside_the_ranked_ones_and_never_lead(show):
    rows = list(make_content(4).rows)
    row = pages.with_scores(rows[0], rank=None, rank_low=None, rank_high=None, why="not reproduced")
    rows[0] = dataclasses.replace(row, state="published")
    page = show(make_content(4, rows=rows))
    assert page.inner_text("#headline").startswith("gvae")
    assert "published" in pages.column(page, "state")[-1]
    shown = page.locator("tr.published td").first
    assert "gradient" in shown.evaluate("cell => getComputedStyle(cell).backgroundImage")


def test_gain_by_source_and_target_leads_to_its_rows_track_by_track(show):
    content = make_content(12)
    page = show(content)
    captions = page.locator("#gains caption")
    expect(captions).to_have_text(["Official", "Rendered"])
    gains = [
        [f"+{content.rows[place].scores['omes'].gain:.3f}" for place in places]
        for places in ((4,), (0, 8))  # the best row of each pair is its first
    ]
    for table, expected in zip(page.locator("#gains table").all(), gains, strict=True):
        assert sorted(table.locator("td button").all_inner_texts()) == sorted(expected)
    page.locator("#gains td button").first.click()
    assert set(pages.column(page, "target")) == {"isaac3d"}
    assert page.evaluate("document.activeElement.dataset.place") == "0"


def test_a_cell_of_the_official_table_says_how_far_it_is_and_can_be_filled(show):
    cells = [
        pages.make_cell(verified=0, commands=("first --seeds 0-4", "second")),
        pages.make_cell(setting="beta 2", verified=2, waiting=1),
        pages.make_cell(target="shapes3d", verified=5, commands=()),
    ]
    page = show(make_content(12, official=cells), permissions=["clipboard-read", "clipboard-write"])
    assert "3 cells, 1 full, 1 empty" in page.inner_text("#official")
    buttons = page.locator(".official-table button")
    assert buttons.all_inner_texts() == ["0 of 5", "2 of 5\n1 to check", "5 of 5"]
    buttons.nth(0).click()
    assert buttons.nth(0).get_attribute("aria-expanded") == "true"
    page.click("#filling button:has-text('Copy')")
    expect(page.locator("#filling [role=status]")).to_have_text("Copied.")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == "first --seeds 0-4 && \\\nsecond", "one command for a shell"
    buttons.nth(2).click()
    assert buttons.nth(0).get_attribute("aria-expanded") == "false"
    assert page.locator("#filling pre").count() == 0
    page.click("#filling button:has-text('Show its rows')")
    assert page.input_value("#track") == "official"
    buttons.nth(2).click()
    assert not page.locator("#filling").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_never_scrolls_sideways(show, scheme):
    page = show(make_content(24), viewport=pages.PHONE)
    page.emulate_media(color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") == pages.PHONE["width"]
    assert page.evaluate("document.getElementById('box').scrollWidth") <= pages.PHONE["width"]
    pages.open_row(page)
    wide = page.evaluate("document.querySelector('dialog').scrollWidth")
    assert wide <= pages.PHONE["width"]


CONTRAST = """() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const paint = (colour, under) => {
        canvas.fillStyle = `rgb(${under})`; canvas.fillRect(0, 0, 1, 1);
        canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const ground = (element) => paint(getComputedStyle(element).backgroundColor,
        element.parentElement ? ground(element.parentElement) : [255, 255, 255]);
    const light = (rgb) => rgb.map((v) => v / 255)
        .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const found = [];
    for (const element of document.querySelectorAll('body *')) {
        const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
        if (!own || !element.checkVisibility() || element.closest('svg, script')) continue;
        const under = ground(element);
        const [a, b] = [light(paint(getComputedStyle(element).color, under)), light(under)];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) found.push(`${element.className}: ${element.textContent} ${ratio}`);
    }
    return found;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_the_contrast_that_wcag_asks_for(show, scheme):
    """At level AA: 4.5 to 1, in the table, the matrices, and an opened row."""
    rows = list(make_content(12).rows)
    rows[1] = dataclasses.replace(rows[1], state="refuted", seeds=2)
    cells = [pages.make_cell(verified=n, setting=str(n)) for n in (0, 2, 5)]
    page = show(make_content(12, rows=rows, official=cells), color_scheme=scheme)
    page.locator(".official-table button").first.click()
    page.wait_for_selector("#gains table")
    assert page.evaluate(CONTRAST) == []
    pages.open_row(page)
    assert page.locator("dialog .matrix td").count() > 0
    assert page.evaluate(CONTRAST) == []


def test_the_script_leaves_nothing_in_the_window(show):
    page = show(make_content(4))
    own = """() => {
        const frame = document.createElement('iframe');
        document.body.append(frame);
        const usual = new Set(Object.getOwnPropertyNames(frame.contentWindow));
        frame.remove();
        return Object.getOwnPropertyNames(window).filter((name) => !usual.has(name));
    }"""
    assert [name for name in page.evaluate(own) if "playwright" not in name.lower()] == []


def test_the_focus_stays_in_an_opened_row_and_returns_to_what_opened_it(show):
    page = show(make_content(12, official=[pages.make_cell()]))
    page.locator("tr[data-place='2']").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open] .sheet")
    inside = (
        "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
    )
    for _ in range(20):
        page.keyboard.press("Tab")
        assert page.evaluate(inside)
    page.keyboard.press("Escape")
    expect(page.locator("tr[data-place='2']")).to_be_focused()


def test_a_linked_row_gives_the_focus_to_its_line(show):
    content = make_content(12)
    page = show(content, address=f"#row={content.rows[6].id}", wait="dialog[open] .sheet")
    page.keyboard.press("Escape")
    focused = page.locator("tr[data-place]:focus")
    expect(focused).to_have_count(1)
    assert focused.locator("td.c-model b").inner_text() == content.rows[6].model
    assert focused.locator("td.c-target").inner_text() == content.rows[6].target


def test_an_empty_board_says_so(show):
    page = show(make_content(0))
    assert "no results yet" in page.inner_text("#tracks")
    assert not page.locator("#grid").is_visible()


def test_rows_are_equally_high_however_long_their_names(show):
    rows = list(make_content(4).rows)
    long = " ".join(["a_very_long_name"] * 20)
    rows[1] = dataclasses.replace(rows[1], source=long, target=long, model=long, note=long)
    for viewport in (pages.DESK, pages.PHONE):
        page = show(make_content(4, rows=rows), viewport=viewport)
        boxes = [line.bounding_box()["height"] for line in page.locator("tr[data-place]").all()]
        assert len(set(boxes)) == 1


def in_groups(*groups):
    """Rows of one metric's groups, each of a size, a target and a tier; all on official images."""
    rows, made = [], make_content(40).rows
    for size, target, tier, settings in groups:
        for rank in range(1, size + 1):
            row = pages.with_scores(
                made[len(rows)], rank=rank, rank_low=rank, rank_high=rank, of=size,
                group=f"{target} {settings}", settings=settings,
            )  # fmt: skip
            rows.append(dataclasses.replace(row, target=target, tier=tier, track="official"))
    return make_content(len(rows), rows=rows)


def test_a_crowd_on_a_cut_target_does_not_stand_before_the_official_table(show):
    content = in_groups(
        (5, "dsprites (shape 2)", 2, ""), (4, "dsprites", 1, ""), (3, "isaac3d", 0, "")
    )
    page = show(content)
    assert " on isaac3d by omes" in page.inner_text("#headline")
    places = page.locator("#leaders .where > span:first-child").all_inner_texts()
    assert places == ["\u2192 isaac3d", "\u2192 dsprites", "\u2192 dsprites (shape 2)"]
    assert list(dict.fromkeys(pages.column(page, "target"))) == [
        "isaac3d", "dsprites", "dsprites (shape 2)",
    ]  # fmt: skip
    page.select_option("#target", "dsprites (shape 2)")
    assert " on dsprites (shape 2) by omes" in page.inner_text("#headline"), "the cut is said"


def test_cards_of_one_target_say_what_sets_them_apart(show):
    page = show(
        in_groups(
            (2, "dsprites", 1, "100 rows"), (2, "dsprites", 1, "50 rows"), (2, "a", 1, "7 rows")
        )
    )
    texts = page.locator("#leaders .card").all_inner_texts()
    assert len(set(texts)) == 3
    assert [text.split("\n")[2] for text in texts if "dsprites" in text] == ["100 rows", "50 rows"]
    assert not any("7 rows" in text for text in texts), "one that needs no telling apart"


def test_a_row_without_others_has_no_rank(show):
    page = show(in_groups((1, "isaac3d", 0, "")))
    assert pages.column(page, "rank") == ["alone"]
    assert "is alone on isaac3d" in page.inner_text("#headline")
    card = page.locator("#leaders .card").inner_text()
    assert "alone, nothing to compare with" in card
    assert "first" not in card


def test_a_filter_by_target_makes_nobody_first_of_fewer(show):
    """Rows of a group may name its images differently: it is shown as a whole."""
    content = in_groups((3, "isaac3d", 0, ""))
    first, *others = content.rows
    rows = [dataclasses.replace(first, target="isaac3d (official images)"), *others]
    page = show(dataclasses.replace(content, rows=rows), address="#target=isaac3d")
    assert page.inner_text("#headline").startswith(first.model)
    assert "first of 3" in page.inner_text("#headline")


def test_runs_that_do_not_count_are_listed_apart(show):
    row = make_content(1).rows[0]
    details = row.details | {"runs": row.details["runs"] | {"counted": 3}}
    page = show(make_content(1, rows=[dataclasses.replace(row, details=details)]))
    pages.open_row(page)
    lines = page.locator("dialog .runs tbody tr")
    assert ["not counted" in text for text in lines.all_inner_texts()] == [False] * 3 + [True] * 2
    colour = "line => getComputedStyle(line.querySelector('td:nth-child(2)')).color"
    assert lines.nth(0).evaluate(colour) != lines.nth(4).evaluate(colour)


def test_every_column_is_in_sight_at_1280_pixels(show):
    page = show(make_content(40), viewport={"width": 1280, "height": 900})
    box = page.locator("#box").evaluate("box => [box.scrollWidth, box.clientWidth]")
    assert box[0] <= box[1]
    cut = "all => all.filter((cell) => cell.scrollWidth > cell.clientWidth).map((c) => c.innerText)"
    assert page.locator("td.c-state, td.c-seeds, td.c-gain, td.c-track").evaluate_all(cut) == []


def test_a_phone_shows_the_whole_way_from_source_to_target(show):
    rows = list(make_content(4).rows)
    cut = "dsprites (shape 2, scale 2, orientation 2, pos_x 2, pos_y 2)"
    rows[0] = dataclasses.replace(rows[0], source=cut, target=cut)
    page = show(make_content(4, rows=rows), viewport=pages.PHONE)
    clipped = """all => all.filter((cell) => [cell, cell.firstChild].some(
        (e) => e.scrollHeight > e.clientHeight + 1)).map((cell) => cell.innerText)"""
    assert page.locator("td.c-target").evaluate_all(clipped) == []
    inside = """all => all.every((line) => [...line.children].every((cell) =>
        cell.getBoundingClientRect().bottom <= line.getBoundingClientRect().bottom))"""
    assert page.locator("tr[data-place]").evaluate_all(inside)


def test_the_legend_says_what_each_check_proves(show):
    page = show(make_content(4))
    legend = page.inner_text(".legend")
    assert "not how the weights were trained" in legend
    assert "only retrained proves that" in legend
