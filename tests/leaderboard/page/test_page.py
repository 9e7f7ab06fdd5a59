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

from drbench.publish.page.parts import PageScore

pages = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("pages.py"))))
make_content = pages.make_content
pytestmark = pytest.mark.browser


def test_it_says_who_leads_how_surely_and_on_which_images(show):
    """Of three groups, one is led surely, one not, and one by a single seed."""
    rows = list(make_content(12).rows)
    rows[0] = pages.with_scores(rows[0], rank_high=1)
    rows[1:4] = [pages.with_scores(row, rank_low=2) for row in rows[1:4]]
    rows[8] = dataclasses.replace(pages.with_scores(rows[8], rank_high=1), seeds=1)
    rows[9:] = [pages.with_scores(row, rank_low=2) for row in rows[9:]]
    rows[8:] = [dataclasses.replace(row, track="own") for row in rows[8:]]
    page = show(make_content(12, rows=rows))
    assert page.inner_text("#headline") == (
        "ada_gvae is ahead of gvae on isaac3d by omes, official images, "
        "but not surely: rank 1 to 2 of 4 when seeds are redrawn."
    )
    page.select_option("#target", "shapes3d")
    assert page.inner_text("#headline") == (
        "ada_gvae leads on shapes3d by omes, rendered images: "
        "first of 4 in at least 95 % of redraws of the seeds."
    )
    page.select_option("#target", "coil100")
    assert "but not surely: a row of one seed may have any rank" in page.inner_text("#headline")
    assert "by omes, own images" in page.inner_text("#headline")
    page.click("#reset")
    badges = page.locator("#leaders .card .badge")
    assert badges.all_inner_texts() == ["Official", "Rendered", "Own images"]
    assert page.locator("#tracks .badge").all_inner_texts() == badges.all_inner_texts()
    border = "all => all.map((badge) => getComputedStyle(badge).borderTopStyle)"
    assert badges.evaluate_all(border) == ["solid", "dashed", "solid"]
    assert len(set(badges.evaluate_all("all => all.map((e) => getComputedStyle(e).color)"))) == 2


def test_sorting_orders_rows_both_ways_and_says_so(show):
    rows = list(make_content(12).rows)
    missing = {"omes": PageScore(why="a latent is constant")}
    rows[0] = dataclasses.replace(rows[0], scores={**rows[0].scores, **missing})
    page = show(make_content(12, rows=rows))
    score = page.locator("#grid th.c-after")
    for direction in ("descending", "ascending"):
        score.locator("button").click()
        assert score.get_attribute("aria-sort") == direction
        down = direction == "descending"
        assert pages.scores(page) == sorted(pages.scores(page), reverse=down)
        assert pages.column(page, "after")[-1] == "a latent is constant", "last either way"
        assert pages.column(page, "rank")[-1] == "\u2013"
    page.click("#grid th.c-model button")
    assert pages.models(page) == sorted(["ada_gvae", "gvae", "beta_vae", "ae"] * 3)


def test_where_lower_is_better_the_lowest_comes_first_and_a_minus_is_a_gain(show):
    rows = list(make_content(4).rows)
    rows[0] = pages.with_scores(rows[0], after=0.1, before=0.35, gain=-0.25)
    page = show(make_content(4, rows=rows), address="#metric=cost")
    page.click("#grid th.c-after button")
    assert pages.scores(page) == sorted(pages.scores(page))
    assert "Lower is better: a gain is a minus" in page.inner_text("#reading")
    gains = page.locator("#grid td.c-gain .gain")
    assert gains.first.inner_text() == "\u22120.250 better"
    assert gains.last.inner_text().endswith(" worse"), "its score has risen"
    colour = "all => all.map((gain) => getComputedStyle(gain).color)"
    better, *worse = gains.evaluate_all(colour)
    assert better not in worse
    assert page.locator("#gains td.loss").count() == 0, "the best row of the pair has gained"
    page.select_option("#metric", "omes")
    assert gains.first.inner_text() == "\u22120.250"
    assert gains.first.evaluate("gain => getComputedStyle(gain).color") == worse[0]


def test_filters_and_search_narrow_the_table_and_back_widens_it(show):
    page = show(make_content(24))
    page.select_option("#target", "isaac3d")
    assert set(pages.column(page, "target")) == {"isaac3d"}
    assert page.inner_text("#shown") == "8 of 24 rows"
    page.fill("#q", "beta 600")
    assert page.inner_text("#shown") == "1 of 24 rows"
    assert pages.models(page) == ["beta_vae"]
    page.fill("#q", "no such thing")
    assert page.inner_text("#grid tr.none") == "No row fits these filters."
    page.click("#reset")
    assert page.inner_text("#shown") == "24 of 24 rows"
    page.select_option("#model", "gvae")
    page.click("#grid th.c-gain button")
    address, seen = page.evaluate("location.hash"), page.inner_text("#grid")
    page.go_back()
    page.go_back()
    assert page.inner_text("#shown") == "24 of 24 rows"
    page.evaluate(f"location.hash = {address!r}")
    page.wait_for_function("document.getElementById('model').value === 'gvae'")
    assert page.inner_text("#grid") == seen, "a link shows the same view"


def test_an_address_of_another_board_still_shows_a_table(show):
    page = show(make_content(4), address="#metric=__proto__&sort=constructor&row=none")
    assert len(pages.column(page, "model")) == 4
    own = """() => {
        const frame = document.createElement('iframe');
        document.body.append(frame);
        const usual = new Set(Object.getOwnPropertyNames(frame.contentWindow));
        frame.remove();
        return Object.getOwnPropertyNames(window).filter((name) => !usual.has(name));
    }"""
    assert [name for name in page.evaluate(own) if "playwright" not in name.lower()] == []


def test_a_row_opens_with_seeds_factors_matrix_and_records(show):
    rows = list(make_content(12).rows)
    details = rows[4].details | {"counted": 3}
    rows[4] = dataclasses.replace(rows[4], details=details)  # isaac3d's best
    page = show(make_content(12, rows=rows))
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
    assert [link for link in links if link.startswith("records/")] == [
        f"records/{run['record']}.json" for run in details["runs"]
    ]
    runs = page.locator("dialog .runs tbody tr")
    assert ["not counted" in text for text in runs.all_inner_texts()] == [False] * 3 + [True] * 2
    colour = "run => getComputedStyle(run.querySelector('td:nth-child(2)')).color"
    assert runs.nth(0).evaluate(colour) != runs.nth(4).evaluate(colour)
    assert rows[4].id in page.evaluate("location.hash")
    page.keyboard.press("Escape")
    page.wait_for_url(lambda url: "row=" not in url)
    assert not page.locator("dialog").is_visible()


def test_the_keyboard_is_enough_for_two_thousand_rows(show):
    content = make_content(2_000)
    short = {"factors": [], "metrics": {}, "warnings": [], "facts": [], "runs": []}
    rows = [dataclasses.replace(row, details=short) for row in content.rows]
    page = show(dataclasses.replace(content, rows=rows))
    lines = page.locator("#grid tr[data-id]")
    assert lines.count() == 2_000
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.type(content.rows[-1].id)
    assert page.inner_text("#shown") == "1 of 2,000 rows"
    page.keyboard.press("Escape")
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp"):
        page.keyboard.press(key)
    expect(lines.nth(1)).to_be_focused()
    page.keyboard.press("End")
    expect(lines.last).to_be_focused()
    expect(lines.last).to_be_in_viewport()
    assert lines.last.evaluate("line => getComputedStyle(line).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open] .sheet")
    page.keyboard.press("Escape")
    expect(lines.last).to_be_focused()


def test_the_focus_stays_in_an_opened_row_and_goes_to_its_line(show):
    content = make_content(12)
    page = show(content, address=f"#row={content.rows[6].id}", wait="dialog[open] .sheet")
    inside = (
        "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
    )
    for _ in range(20):
        page.keyboard.press("Tab")
        assert page.evaluate(inside)
    page.keyboard.press("Escape")
    expect(page.locator(f"tr[data-id='{content.rows[6].id}']")).to_be_focused()


def test_the_view_can_be_taken_along(show):
    content = make_content(12)
    page = show(content, address="#target=coil100")
    lines = list(csv.DictReader(io.StringIO(pages.download(page, "#csv"))))
    assert [line["model"] for line in lines] == ["ada_gvae", "gvae", "beta_vae", "ae"]
    assert float(lines[0]["after"]) == content.rows[8].scores["omes"].after
    assert lines[0]["record"] == f"records/{content.rows[8].key}.json"
    taken = json.loads(pages.download(page, "#json"))
    assert [row["id"] for row in taken] == [row.id for row in content.rows[8:12]]
    assert pages.download(page, "#bib") == content.bibtex


def test_rows_without_a_rank_are_listed_apart_with_the_reason_and_never_lead(show):
    rows = list(make_content(4).rows)
    row = pages.with_scores(rows[0], rank=None, rank_low=None, rank_high=None, why="not reproduced")
    rows[0] = dataclasses.replace(row, state="published")
    page = show(make_content(4, rows=rows))
    assert page.inner_text("#headline").startswith("gvae")
    assert len(pages.models(page)) == 3
    apart = page.locator("#apart tr[data-id]")
    assert apart.locator(".c-model b").all_inner_texts() == ["ada_gvae"]
    assert "published" in apart.locator(".c-state").inner_text()
    assert apart.locator(".c-why").inner_text() == "not reproduced"
    page.select_option("#model", "gvae")
    assert not page.locator("#apart").is_visible()


def test_gain_by_source_and_target_leads_to_its_rows_track_by_track(show):
    content = make_content(12)
    page = show(content)
    expect(page.locator("#gains caption")).to_have_text(["Official", "Rendered"])
    gains = [
        [f"+{content.rows[place].scores['omes'].gain:.3f}" for place in places]
        for places in ((4,), (0, 8))  # the best row of each pair is its first
    ]
    for table, expected in zip(page.locator("#gains table").all(), gains, strict=True):
        assert sorted(table.locator("td button").all_inner_texts()) == sorted(expected)
    page.locator("#gains td button").first.click()
    assert set(pages.column(page, "target")) == {"isaac3d"}
    expect(page.locator("#grid tr[data-id]").first).to_be_focused()


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


def test_a_phone_never_scrolls_sideways_and_shows_the_whole_way(show):
    rows = list(make_content(24).rows)
    cut = "dsprites (shape 2, scale 2, orientation 2, pos_x 2, pos_y 2)"
    rows[0] = dataclasses.replace(rows[0], source=cut, target=cut)
    page = show(make_content(24, rows=rows), viewport=pages.PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") == pages.PHONE["width"]
    assert page.evaluate("document.querySelector('.box').scrollWidth") <= pages.PHONE["width"]
    clipped = """all => all.filter((cell) => [cell, cell.firstChild].some(
        (e) => e.scrollHeight > e.clientHeight + 1)).map((cell) => cell.innerText)"""
    assert page.locator("td.c-target").evaluate_all(clipped) == []
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
    rows[1] = dataclasses.replace(rows[1], state="re-encoded", seeds=2, track="own")
    rows[2] = dataclasses.replace(rows[2], scores={"omes": PageScore(after=0.5, why="alone")})
    cells = [pages.make_cell(verified=n, setting=str(n)) for n in (0, 2, 5)]
    page = show(make_content(12, rows=rows, official=cells), color_scheme=scheme)
    page.locator(".official-table button").first.click()
    assert page.evaluate(CONTRAST) == []
    pages.open_row(page)
    assert page.locator("dialog .matrix td").count() > 0
    assert page.evaluate(CONTRAST) == []


def test_an_empty_board_says_so(show):
    page = show(make_content(0))
    assert "No results yet" in page.inner_text("#tracks")
    assert not page.locator("#grid").is_visible()


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
    order = ["isaac3d", "dsprites", "dsprites (shape 2)"]
    places = page.locator("#leaders .where > span:first-child").all_inner_texts()
    assert places == [f"\u2192 {name}" for name in order]
    assert list(dict.fromkeys(pages.column(page, "target"))) == order
    page.select_option("#target", "dsprites (shape 2)")
    assert " on dsprites (shape 2) by omes" in page.inner_text("#headline"), "the cut is said"


def test_cards_of_one_target_say_what_sets_them_apart_and_one_row_is_no_race(show):
    page = show(
        in_groups(
            (2, "dsprites", 1, "100 rows"), (2, "dsprites", 1, "50 rows"), (1, "a", 1, "7 rows")
        )
    )
    alone, *others = page.locator("#leaders .card").all_inner_texts()
    assert [text.split("\n")[2] for text in others] == ["100 rows", "50 rows"]
    assert "7 rows" not in alone, "it needs no telling apart"
    assert "alone, nothing to compare with" in alone
    assert "first" not in alone
    assert "is alone on a by omes" in page.inner_text("#headline")
    assert pages.column(page, "rank")[0] == "alone"


def test_a_filter_by_target_makes_nobody_first_of_fewer(show):
    """Rows of a group may name its images differently: it is shown as a whole."""
    content = in_groups((3, "isaac3d", 0, ""))
    first, *others = content.rows
    rows = [dataclasses.replace(first, target="isaac3d (official images)"), *others]
    page = show(dataclasses.replace(content, rows=rows), address="#target=isaac3d")
    assert page.inner_text("#headline").startswith(first.model)
    assert "first of 3" in page.inner_text("#headline")


def test_every_column_is_in_sight_at_1280_pixels_and_every_row_on_paper(show):
    page = show(make_content(40), viewport={"width": 1280, "height": 900})
    box = page.locator(".box").first
    assert box.evaluate("box => box.scrollWidth <= box.clientWidth")
    cut = "all => all.filter((cell) => cell.scrollWidth > cell.clientWidth).map((c) => c.innerText)"
    assert page.locator("td.c-state, td.c-seeds, td.c-gain, td.c-track").evaluate_all(cut) == []
    hidden = "box => box.scrollHeight - box.clientHeight"
    assert box.evaluate(hidden) > 0
    page.emulate_media(media="print")
    assert box.evaluate(hidden) == 0
    assert not page.locator(".controls").is_visible()
