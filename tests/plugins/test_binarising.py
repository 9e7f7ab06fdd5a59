import statistics
from fractions import Fraction

import numpy as np
import pytest
from drbench_plugins.binarising import close, grey, halve, median, otsu, silhouette


def noise(*shape, low=0, high=256, seed=0):
    return np.random.default_rng(seed).integers(low, high, shape, dtype=np.uint8)


def window(image, y, x):
    """Pixels of 5x5, without those beyond the border."""
    return image[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3]


def every_pixel(image, value):
    height, width = image.shape
    return np.array([[value(y, x) for x in range(width)] for y in range(height)])


def test_grey_is_the_rounded_luma():
    # Weights of fifteen bits differ from the decimal ones by less than 2e-5.
    image = noise(40, 40, 3)
    exact = image @ np.array([0.299, 0.587, 0.114])
    assert np.abs(grey(image) - exact).max() <= 0.5 + 255 * 2e-5
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    assert np.array_equal(grey(ramp)[0], np.arange(256))


def test_median_is_that_of_25_pixels_the_outermost_repeated():
    image = noise(11, 13)
    around = np.pad(image, 2, mode="edge")
    expected = every_pixel(
        image, lambda y, x: statistics.median(around[y : y + 5, x : x + 5].ravel().tolist())
    )
    assert np.array_equal(median(image), expected)


def test_closing_is_the_smallest_of_the_largest_inside_the_image():
    image = noise(12, 15)
    grown = every_pixel(image, lambda y, x: window(image, y, x).max())
    expected = every_pixel(image, lambda y, x: window(grown, y, x).min())
    assert np.array_equal(close(image), expected)


def test_closing_fills_holes_and_leaves_islands():
    image = np.zeros((30, 30), np.uint8)
    image[5:20, 5:20] = 255
    image[10:13, 10:13] = 0
    filled = image.copy()
    filled[10:13, 10:13] = 255
    image[25, 25] = filled[25, 25] = 255
    assert np.array_equal(close(image), filled)


def test_half_the_size_is_the_mean_of_four_halves_up():
    image = np.array([[0, 0, 1, 0], [0, 1, 1, 0], [255, 255, 9, 9], [255, 254, 9, 9]], np.uint8)
    assert halve(image).tolist() == [[0, 1], [255, 9]]


def variance_between(image, level):
    """Exact, by definition; of levels that leave one class empty it is 0."""
    dark = [int(p) for p in image.ravel() if p <= level]
    light = [int(p) for p in image.ravel() if p > level]
    if not dark or not light:
        return Fraction(0)
    apart = Fraction(sum(dark), len(dark)) - Fraction(sum(light), len(light))
    return Fraction(len(dark) * len(light), image.size**2) * apart**2


@pytest.mark.parametrize("seed", range(6))
def test_otsu_parts_the_levels_that_differ_the_most_the_first_of_equals(seed):
    image = noise(5, 7, high=[256, 3, 20, 2, 256, 60][seed], seed=seed) * np.uint8(1 + (seed == 2))
    by_level = [variance_between(image, level) for level in range(256)]
    assert otsu(image) == by_level.index(max(by_level))


def test_otsu_takes_the_lower_of_two_equally_good_levels():
    image = np.array([[10, 20, 30]], np.uint8)
    assert variance_between(image, 10) == variance_between(image, 20)
    assert otsu(image) == 10


@pytest.mark.parametrize("level", [0, 77, 255])
def test_otsu_of_an_image_of_one_level_is_0(level):
    assert otsu(np.full((4, 4), level, np.uint8)) == 0


def test_silhouette_of_a_bright_object_with_a_hole_is_the_filled_object_at_half_the_size():
    image = noise(128, 128, 3, high=40)
    image[32:96, 40:80] = noise(64, 40, 3, low=180)
    image[60:62, 60:62] = 0
    expected = np.zeros((64, 64), bool)
    expected[16:48, 20:40] = True
    different = silhouette(image) != expected
    different[[16, 16, 47, 47], [20, 39, 20, 39]] = False  # the median rounds the corners
    assert not different.any()


@pytest.mark.parametrize("field", [9, 13])
def test_grey_pixels_of_the_halved_image_go_where_otsu_puts_them(field):
    """With many grey pixels at edges: they are dark on one board and light on the other."""
    y, x = np.mgrid[:128, :128] // field
    board = np.where((x + y) % 2 == 0, 200, 0).astype(np.uint8)
    smooth = median(board)
    half = halve(close(np.where(smooth > 0, 255, 0).astype(np.uint8)))
    levels = np.unique(half).tolist()
    apart = [variance_between(half, level) for level in levels]
    best = levels[apart.index(max(apart))]
    assert best == {9: 128, 13: 0}[field]
    shown = silhouette(np.repeat(board[..., None], 3, axis=2))
    assert np.array_equal(shown, half > best)
