"""The drawn room beside real frames, and by itself."""

import csv
import itertools

import numpy as np
import pytest
from drbench_plugins.rendering import shapes3d as renderer
from drbench_plugins.rendering.shapes3d import draw
from scipy.ndimage import label

pytestmark = pytest.mark.slow

VIEWS = np.array(list(itertools.product(range(8), range(4), range(15))))
MAE, BOX, OVERLAP = 8, 15, 0.93
"""What a frame may differ, of 255, in all and in the solid's box; least overlap of the solids."""


@pytest.fixture(scope="module")
def frames(samples):
    """Real frames where the room is, and their hues.

    They come from a sheet of 5 x 5 whose tiles are no whole number of pixels, so that each is cut
    off by a pixel: to the left in the first two columns, to the right in the others, and up in the
    last two rows.
    """
    with np.load(samples / "3dshapes" / "real_frames.npz") as stored:
        images = stored["images"].astype(float)
    moved = [
        np.roll(image, (1 if i >= 15 else 0, 1 if i % 5 < 2 else -1), axis=(0, 1))
        for i, image in enumerate(images)
    ]
    with (samples / "3dshapes" / "hues_inferred.csv").open(newline="") as file:
        columns = [f"{name}_hue_class" for name in ("floor", "wall", "object")]
        hues = [[int(row[column]) for column in columns] for row in csv.DictReader(file)]
    return moved, hues


def mask(image, hue):
    """The largest patch of pixels of a hue, to three eighths of the step between hues."""
    high, low = image.max(-1).astype(float), image.min(-1).astype(float)
    chroma = np.maximum(high - low, 1)
    red, green, blue = np.moveaxis(image.astype(float), -1, 0)
    sixth = np.where(
        high == red,
        (green - blue) / chroma,
        np.where(high == green, (blue - red) / chroma + 2, (red - green) / chroma + 4),
    )
    apart = np.abs((sixth / 6 - hue / 10 + 0.5) % 1 - 0.5)
    numbers, _ = label(((apart < 0.0375) & (chroma > 60))[2:-2, 2:-2])
    return numbers == np.bincount(numbers.ravel())[1:].argmax() + 1


@pytest.mark.parametrize("number", range(25))
def test_the_best_drawing_is_close_to_the_real_frame(frames, number):
    real, hues = frames[0][number], frames[1][number]
    drawn = draw(np.column_stack([np.tile(hues, (len(VIEWS), 1)), VIEWS]))
    inner = np.s_[..., 2:-2, 2:-2, :]  # what was moved in at the edges is no part of the frame
    errors = np.abs(drawn[inner] - real[inner]).mean(axis=(1, 2, 3))
    best = drawn[errors.argmin()]
    assert errors.min() <= MAE
    floor, wall, solid = hues
    if solid in (floor, wall):
        return
    theirs, ours = mask(real, solid), mask(best, solid)
    rows, columns = np.nonzero(theirs)
    box = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    difference = np.abs(best[inner] - real[inner])[box].mean()
    assert difference <= BOX
    assert (theirs & ours).sum() / (theirs | ours).sum() >= OVERLAP


def codes(**changed):
    base = {"floor": 0, "wall": 3, "solid": 6, "scale": 4, "shape": 2, "orientation": 7}
    return np.array([list((base | changed).values())])


def test_pictures_have_their_shape_and_depend_on_their_own_codes():
    rng = np.random.default_rng(0)
    wanted = rng.integers(0, [10, 10, 10, 8, 4, 15], (20, 6))
    pictures = draw(wanted)
    assert pictures.shape == (20, 64, 64, 3)
    assert pictures.dtype == np.uint8
    assert np.array_equal(draw(wanted[::-1]), pictures[::-1])
    assert len(np.unique(pictures, axis=0)) == 20
    assert draw(wanted[:0]).shape == (0, 64, 64, 3)


@pytest.mark.parametrize("surface", ["floor", "wall", "solid"])
def test_a_hue_changes_its_surface_and_no_other(surface):
    one, other = (draw(codes(**{surface: hue}))[0].astype(int) for hue in (1, 5))
    third = next(name for name in ("floor", "wall", "solid") if name != surface)
    changed = (one != other).any(axis=-1)
    assert 0.02 < changed.mean() < 0.9
    moved = (draw(codes(**{surface: 1, third: 8}))[0] != one).any(axis=-1)
    both = changed & moved  # pixels on an edge belong to two surfaces
    assert both.mean() < 0.1


@pytest.mark.parametrize("shape", range(4))
def test_the_solid_grows_with_its_scale(shape):
    sizes = [mask(draw(codes(scale=scale, shape=shape))[0], 6).sum() for scale in range(8)]
    assert sizes == sorted(set(sizes))


def test_the_view_turns_about_the_solid():
    left, right = (mask(draw(codes(orientation=turn))[0], 6) for turn in (0, 14))
    assert (left & right).sum() / (left | right).sum() > 0.9  # a ball stays where it is
    assert np.abs(draw(codes(orientation=0)) - draw(codes(orientation=14)).astype(int)).mean() > 2


def test_no_pixel_overflows():
    for view in VIEWS[::37]:
        white = renderer._layers(*view.tolist())[[0, 8, 14, 20]].astype(int).sum(axis=0)
        assert white.max() <= 255
