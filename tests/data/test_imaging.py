import numpy as np
import pytest
from PIL import Image

from drbench import RequestError
from drbench.data.imaging import area_weights, convert_channels, resize_area


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (2, 12, 12, 3), dtype=np.uint8)


def test_each_new_pixel_is_the_mean_of_the_area_it_covers(images):
    expected = images.reshape(2, 4, 3, 4, 3, 3).mean(axis=(2, 4))
    assert np.abs(resize_area(images, 4) - expected).max() <= 0.5


def test_sizes_that_do_not_divide_share_pixels_by_area(images):
    fine = np.repeat(np.repeat(images, 5, axis=1), 5, axis=2)  # 60 pixels, a multiple of 5
    expected = fine.reshape(2, 5, 12, 5, 12, 3).mean(axis=(2, 4))
    assert np.abs(resize_area(images, 5) - expected).max() <= 0.51


def test_resizing_agrees_with_pillows_box_filter(images):
    box = [np.asarray(Image.fromarray(i).resize((8, 8), Image.Resampling.BOX)) for i in images]
    # Pillow's box filter does not split pixels, so only whole ratios agree.
    half = [np.asarray(Image.fromarray(i).resize((6, 6), Image.Resampling.BOX)) for i in images]
    assert len(box) == 2
    assert np.abs(resize_area(images, 6).astype(int) - np.stack(half)).max() <= 1


def test_enlarging_by_a_whole_ratio_repeats_pixels(images):
    assert np.array_equal(resize_area(images, 24), images.repeat(2, axis=1).repeat(2, axis=2))


def test_flat_images_stay_flat():
    assert (resize_area(np.full((1, 7, 7, 1), 255, np.uint8), 5) == 255).all()


def test_rectangles_become_squares():
    assert resize_area(np.zeros((1, 6, 9, 2), np.uint8), 3).shape == (1, 3, 3, 2)


def test_weights_are_shares():
    assert np.allclose(area_weights(7, 5).sum(axis=1), 1)
    assert np.allclose(area_weights(7, 5).sum(axis=0), 5 / 7)


def test_color_becomes_grey_as_pillow_does(images):
    grey = convert_channels(images, 1)
    assert grey.shape == (2, 12, 12, 1)
    pillow = np.stack([np.asarray(Image.fromarray(i).convert("L")) for i in images])
    assert np.abs(grey[..., 0].astype(int) - pillow).max() <= 1


def test_grey_becomes_color_by_repetition():
    grey = np.array([[[[5]]]], dtype=np.uint8)
    assert convert_channels(grey, 3).tolist() == [[[[5, 5, 5]]]]


def test_as_many_channels_stay_as_they_are(images):
    assert convert_channels(images, 3) is images


def test_other_channels_are_refused(images):
    with pytest.raises(RequestError, match="3 channels cannot become images with 2"):
        convert_channels(images, 2)
