"""Pictures, read back from the figures that are drawn."""

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import drbench
from drbench import MetricResult, plot
from drbench.errors import RequestError
from drbench.metrics.result import Curve

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (5, 6, 8, 3), dtype=np.uint8)
FACTORS = ("shape", "pos_x")


def shown(figure):
    """What each axes of a figure shows, in order."""
    return [np.asarray(axes.get_images()[0].get_array()) for axes in figure.get_axes()]


class Linear:
    """A run whose latents are the first two pixels, and whose images repeat them."""

    def encode(self, images):
        return images[:, 0, :2, 0].astype(np.float32)

    def decode(self, latents):
        return np.tile(latents.round().astype(np.uint8)[:, None, :, None], (1, 4, 2, 1))


def test_images_are_shown_pixel_for_pixel_with_white_where_none_is_left():
    cells = shown(plot.samples(IMAGES, columns=3))
    assert len(cells) == 6
    np.testing.assert_array_equal(cells[:5], IMAGES)
    assert (cells[5] == 255).all()
    np.testing.assert_array_equal(shown(plot.samples(list(IMAGES), count=2)), IMAGES[:2])


def test_some_images_of_a_data_set_are_drawn():
    truth = drbench.load_dataset("dsprites", origin="rendered")
    first, again = (shown(plot.samples(truth, count=4, seed=1)) for _ in range(2))
    assert len(first) == 4
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, shown(plot.samples(truth, count=4, seed=2)))


@pytest.mark.parametrize("start", [np.full((4, 4, 1), 100, dtype=np.uint8), [100.0, 100.0]])
def test_a_traversal_moves_one_latent_a_row(start):
    figure = plot.traversal(Linear(), start, spread=[10, 20], reach=1, steps=3)
    cells = np.array(shown(figure)).reshape(2, 3, 4, 4, 3)
    assert cells[0, :, 0, 0, 0].tolist() == [90, 100, 110]
    assert cells[1, :, 0, 1, 0].tolist() == [80, 100, 120]
    assert (cells[0, :, 0, 1] == 100).all()
    assert (cells[1, :, 0, 0] == 100).all()
    names = [text.get_text() for axes in figure.get_axes() for text in axes.texts]
    assert names == ["latent 0", "latent 1"]


def picture(matrix, theme="light"):
    drawn = plot.associations(matrix, FACTORS, theme=theme).png()
    pixels = np.array(Image.open(io.BytesIO(drawn)))
    return pixels[..., :3].astype(int), pixels[..., 3]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_strong_associations_stand_out_from_the_page(theme):
    weak, _ = picture(np.zeros((3, 2)), theme)
    strong, alpha = picture(np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 0.0]]), theme)
    changed = np.abs(weak - strong).sum(axis=2) > 100
    rows, columns = np.nonzero(changed)
    # One cell: the first latent (top) and the first factor (left), apart from the border.
    assert changed.mean() > 0.03
    assert rows.mean() < 0.6 * len(changed)
    assert columns.mean() < 0.5 * changed.shape[1]
    assert alpha[0, 0] == 0


def test_a_result_has_its_matrix_and_names_and_gaps_are_dots():
    result = MetricResult(value=1, matrix=((1, None), (0.25, 0)), per_factor={"a": 1, "b_c": 0})
    (axes,) = plot.associations(result).get_axes()
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "b c"]
    assert [text.get_text() for text in axes.texts] == ["1.00", "·", ".25", ".00"]


def lines(figure):
    return {axes.get_title(loc="left"): axes.lines[0].get_xydata().tolist() for axes in figure.axes}


def test_curves_are_drawn_each_on_its_own_axes():
    log = {"step": [0, 10, 20], "loss": [3.0, 2.0, 1.0], "omes": [None, 0.5, None]}
    assert lines(plot.curve(log)) == {
        "loss": [[0, 3], [10, 2], [20, 1]],
        "omes": [[10, 0.5]],
    }
    assert list(lines(plot.curve(log, ["omes"]))) == ["omes"]
    along = Curve(parameter="alpha", x=(0, 0.5, 1), y=(0.1, None, 0.3))
    for curves in (along, MetricResult(value=0.2, curve=along)):
        figure = plot.curve(curves)
        assert lines(figure) == {"score": [[0, 0.1], [1, 0.3]]}
        assert figure.axes[0].get_xlabel() == "alpha"


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda: plot.samples(IMAGES / 255), "expected uint8"),
        (lambda: plot.samples(IMAGES[..., :2]), "1 or 3 channels"),
        (lambda: plot.samples(IMAGES[0]), "expected uint8"),
        (lambda: plot.associations(np.ones((3, 3)), FACTORS), "a column a factor"),
        (lambda: plot.associations(MetricResult(value=1)), "has no matrix"),
        (lambda: plot.traversal(Linear(), np.ones((2, 2))), "expected one image"),
        (lambda: plot.curve(MetricResult(value=1)), "no curve"),
        (lambda: plot.curve({"step": [0]}, ["loss"]), "no curve 'loss'"),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw, words):
    with pytest.raises(RequestError, match=words):
        draw()


def test_a_figure_shows_itself_and_leaves_no_global_state():
    script = (
        "import sys, numpy as np, drbench\n"
        "assert 'matplotlib' not in sys.modules\n"
        "figure = drbench.plot.associations(np.full((2, 2), np.nan), ['a', 'b'])\n"
        "assert figure._repr_png_()[1:4] == b'PNG'\n"
        "assert 'matplotlib.pyplot' not in sys.modules and 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True)
