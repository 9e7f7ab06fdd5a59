"""Picture sheets."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from drbench.report.figures import png
from drbench.report.sheet import (
    Section,
    associations,
    facts,
    reconstructions,
    samples,
    sheet_html,
    table,
    traversal,
    write_sheet,
)
from drbench.table import Table

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
FRAMES = RNG.integers(0, 256, (2, 5, 8, 8, 1), dtype=np.uint8)
FACTORS = ("shape", "pos_x")
PANELS = [
    facts({"Source": "dsprites, rendered", "Steps": "10"}),
    table(Table(("model", "code"), [("ada", "1.0 (+2.0)")], "a caption", notes=["a note"])),
    samples(IMAGES, "source images"),
    reconstructions(IMAGES, IMAGES[::-1], "top: image"),
    traversal(FRAMES, ("z0", "z1"), "from -2 to 2"),
    associations({"ada": RNG.random((4, 2)), "beta": RNG.random((4, 2))}, FACTORS, "matrix S"),
]


def page(*panels, **changes):
    return sheet_html(title="A title", sections=[Section("Images", panels)], **changes)


def pictures(html):
    return [
        np.array(Image.open(io.BytesIO(base64.b64decode(data))))
        for data in re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", html)
    ]


@pytest.mark.parametrize("channels", [1, 3])
def test_png_holds_every_pixel(channels):
    image = RNG.integers(0, 256, (5, 7, channels), dtype=np.uint8)
    read = np.array(Image.open(io.BytesIO(png(image))))
    np.testing.assert_array_equal(read.reshape(image.shape), image)


def test_samples_are_on_the_page_pixel_for_pixel():
    np.testing.assert_array_equal(pictures(page(samples(IMAGES))), IMAGES)


def test_each_reconstruction_follows_its_image():
    found = pictures(page(reconstructions(IMAGES, IMAGES[::-1])))
    np.testing.assert_array_equal(found[0::2], IMAGES)
    np.testing.assert_array_equal(found[1::2], IMAGES[::-1])


def test_a_traversal_has_a_labelled_row_a_latent():
    html = page(traversal(FRAMES, ("z0", "z1")))
    assert re.findall(r"<span>(z\d)</span>", html) == ["z0", "z1"]
    np.testing.assert_array_equal(pictures(html), FRAMES[..., 0].reshape(10, 8, 8))


def test_matrices_are_drawn_for_light_and_dark():
    html = page(PANELS[-1])
    assert re.findall(r"<h3>(\w+)</h3>", html) == ["ada", "beta"]
    assert len(pictures(html)) == 4
    assert html.count('prefers-color-scheme: dark)">') == 2


def test_sheet_asks_for_nothing_outside_itself():
    html = page(*PANELS)
    sources = re.findall(r"(?:src|srcset|href|url)\s*[=(]\s*[\"']?([^\"'\s)>]+)", html)
    assert sources
    assert all(source.startswith("data:") for source in sources)
    assert not re.search(r"https?:|<script|@import|<link", html)


def test_sheet_says_all_it_is_given():
    html = page(*PANELS, subtitle="A subtitle")
    for text in ("A title", "A subtitle", "Images", "dsprites, rendered", "1.0 (+2.0)",
                 "a caption", "a note", "source images", "from -2 to 2", "matrix S"):  # fmt: skip
        assert text in html


def test_markup_in_names_is_shown_as_text():
    evil = "<script>alert(1)</script>"
    panels = [
        facts({evil: evil}),
        table(Table((evil, "b"), [(evil, evil)], evil, notes=[evil])),
        samples(IMAGES, evil),
        traversal(FRAMES, (evil, '" onload="x'), evil),
        associations({evil: np.ones((2, 1))}, [evil], evil),
    ]
    sections = [Section(evil, panels, evil)]
    html = sheet_html(title=evil, subtitle=evil, sections=sections)
    assert "<script" not in html
    assert 'onload="' not in html


def test_what_is_written_is_the_page(tmp_path):
    write_sheet(tmp_path / "new" / "sheet.html", title="A title", sections=[])
    written = (tmp_path / "new" / "sheet.html").read_text()
    assert written == sheet_html(title="A title", sections=[])
