import math
import struct
import zlib

import numpy as np
import pytest
from drbench_plugins.datasets.coil100 import ANGLES, SCALES, source_maps
from PIL import Image

from drbench import DataError, load_dataset
from drbench.errors import MissingFilesError

VIEWS = len(ANGLES) * len(SCALES)


def write_photographs(folder, *names, seed=0):
    """Photographs of noise, in which no two pixels are likely to be equal."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    images = {name: rng.integers(1, 256, (128, 128, 3), dtype=np.uint8) for name in names}
    for name, image in images.items():
        Image.fromarray(image).save(folder / name)
    return images


def warped(image, inverse):
    """One step of the published augmentation, pixel by pixel."""
    result = np.zeros_like(image)
    for y in range(128):
        for x in range(128):
            # A billionth more than a half: ties round up in spite of rounding errors below them.
            column, row = (math.floor(64 + d + 0.5 + 1e-9) for d in inverse(x - 64, y - 64))
            if 0 <= column < 128 and 0 <= row < 128:
                result[y, x] = image[row, column]
    return result


def augmented(image, angle, scale):
    """Rotation, then zoom, in two steps."""
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    turned = warped(image, lambda x, y: (cos * x - sin * y, sin * x + cos * y))
    return warped(turned, lambda x, y: (x / scale, y / scale))


def view_row(image, angle, scale):
    return image * VIEWS + ANGLES.index(angle) * len(SCALES) + SCALES.index(scale)


@pytest.fixture
def three(tmp_path):
    return write_photographs(tmp_path / "coil-100", "obj10__5.png", "obj2__100.png", "obj2__20.png")


# Photographs


@pytest.mark.parametrize("folder", ["", "coil100", "coil-100", "coil100/coil-100"])
def test_names_are_parsed_and_sorted_as_numbers(tmp_path, folder):
    images = write_photographs(tmp_path / folder, "obj10__5.png", "obj2__100.png", "obj2__20.png")
    data = load_dataset("coil100", root=tmp_path)
    assert data.codes.tolist() == [[1, 4], [1, 20], [9, 1]]
    names = ["obj2__20.png", "obj2__100.png", "obj10__5.png"]
    assert np.array_equal(data.images(np.arange(3)), np.stack([images[name] for name in names]))
    assert np.array_equal(data.images(np.array([2, 0]))[1], images["obj2__20.png"])


def test_incomplete_set_says_what_is_missing(tmp_path, three):
    note = load_dataset("coil100", root=tmp_path).notes[-1]
    assert "3 of 7,200" in note
    assert "object 0, 2-8, 10-99" in note


def test_real_photographs_are_those_that_pillow_reads(samples):
    data = load_dataset("coil100", root=samples)
    assert len(data) == 1440
    for row in (0, 777, 1439):
        number, pose = data.codes[row]
        with Image.open(samples / "coil-100" / f"obj{number + 1}__{pose * 5}.png") as image:
            assert np.array_equal(data.images(np.array([row]))[0], np.asarray(image))


def test_replaced_photograph_is_read_anew(tmp_path, three):
    load_dataset("coil100", root=tmp_path)
    new = write_photographs(tmp_path / "coil-100", "obj2__20.png", seed=1)["obj2__20.png"]
    assert np.array_equal(load_dataset("coil100", root=tmp_path).images(np.array([0]))[0], new)


def test_moved_photographs_are_not_decoded_again(tmp_path, three, monkeypatch):
    before = load_dataset("coil100", root=tmp_path)
    (tmp_path / "coil-100").rename(tmp_path / "elsewhere")
    monkeypatch.setattr("drbench_plugins.datasets.coil100._read_png", None)
    after = load_dataset("coil100_augmented", root=tmp_path / "elsewhere")
    assert np.array_equal(after.images(np.array([0])), before.images(np.array([0])))


def test_missing_photographs_name_folder_and_command(tmp_path):
    with pytest.raises(MissingFilesError, match="datasets fetch coil100"):
        load_dataset("coil100", root=tmp_path)


@pytest.mark.parametrize(
    "name",
    ["obj101__0.png", "obj0__0.png", "obj1__360.png", "obj1__3.png", "obj1__05.png", "a.png"],
)
def test_name_out_of_pattern_is_refused(tmp_path, three, name):
    write_photographs(tmp_path / "coil-100", name)
    with pytest.raises(DataError, match=f"{name} is not named as in COIL-100"):
        load_dataset("coil100", root=tmp_path)


def test_file_that_is_no_png_is_refused(tmp_path, three):
    (tmp_path / "coil-100" / "obj1__0.png").write_text("<html></html>" * 9)
    with pytest.raises(DataError, match=r"obj1__0.png is no PNG"):
        load_dataset("coil100", root=tmp_path)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (Image.new("RGB", (64, 128)), "64x128 PNG of 8 bits, RGB"),
        (Image.new("I;16", (128, 128)), "128x128 PNG of 16 bits, grey"),
        (Image.new("RGBA", (128, 128)), "of 8 bits, RGBA"),
        (Image.new("P", (128, 128)), "palette"),
    ],
)
def test_image_of_another_kind_is_refused(tmp_path, three, image, words):
    image.save(tmp_path / "coil-100" / "obj1__0.png")
    with pytest.raises(DataError, match=words):
        load_dataset("coil100", root=tmp_path)


def test_sixteen_bit_color_is_refused(tmp_path, three):
    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", 128, 128, 16, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(128 * (1 + 128 * 6)))
    png = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )
    path = tmp_path / "coil-100" / "obj1__0.png"
    path.write_bytes(png)
    with Image.open(path) as image:
        assert image.mode == "RGB"  # Pillow alone would let it pass
    with pytest.raises(DataError, match="16 bits"):
        load_dataset("coil100", root=tmp_path)


def test_truncated_photograph_is_refused(tmp_path, three):
    path = tmp_path / "coil-100" / "obj2__20.png"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(DataError, match=r"obj2__20.png cannot be decoded"):
        load_dataset("coil100", root=tmp_path)


# Augmentation


def test_augmented_codes_are_the_grid_over_what_is_there(tmp_path, three):
    data = load_dataset("coil100_augmented", root=tmp_path)
    assert data.spec.sizes == (100, 72, 18, 9)
    assert data.spec.grid_size == 1_166_400
    assert len(data) == 3 * VIEWS
    assert data.codes[view_row(2, 340, 0.62)].tolist() == [9, 1, 17, 6]
    assert len(np.unique(data.codes, axis=0)) == len(data)


@pytest.mark.parametrize(
    ("angle", "scale"), [(0, 0.88), (20, 1.0), (60, 0.75), (140, 0.94), (240, 0.5), (300, 0.56)]
)
def test_augmented_pixels_equal_an_independent_two_step_map(tmp_path, three, angle, scale):
    data = load_dataset("coil100_augmented", root=tmp_path)
    shown = data.images(np.array([view_row(1, angle, scale)]))[0]
    assert np.array_equal(shown, augmented(three["obj2__100.png"], angle, scale))


def test_augmented_real_photographs_equal_an_independent_two_step_map(samples):
    plain = load_dataset("coil100", root=samples)
    data = load_dataset("coil100_augmented", root=samples)
    rows = np.random.default_rng(0).integers(0, len(data), 6)
    for row, shown in zip(rows, data.images(rows), strict=True):
        _, _, rotation, scale = data.codes[row]
        photograph = plain.images(np.array([row // VIEWS]))[0]
        assert plain.codes[row // VIEWS].tolist() == data.codes[row, :2].tolist()
        assert np.array_equal(shown, augmented(photograph, ANGLES[rotation], SCALES[scale]))


def test_one_combined_step_would_be_another_augmentation(tmp_path, three):
    data = load_dataset("coil100_augmented", root=tmp_path)
    cos, sin = math.cos(math.radians(40)) / 0.81, math.sin(math.radians(40)) / 0.81
    combined = warped(three["obj2__100.png"], lambda x, y: (cos * x - sin * y, sin * x + cos * y))
    shown = data.images(np.array([view_row(1, 40, 0.81)]))[0]
    assert (shown != combined).any(axis=-1).mean() > 0.05


def test_no_rotation_at_full_size_is_the_photograph(tmp_path, three):
    data = load_dataset("coil100_augmented", root=tmp_path)
    shown = data.images(np.array([view_row(0, 0, 1.0)]))[0]
    assert np.array_equal(shown, three["obj2__20.png"])


def test_half_a_turn_mirrors_about_pixel_64_and_leaves_one_black_row_and_column(tmp_path, three):
    data = load_dataset("coil100_augmented", root=tmp_path)
    shown = data.images(np.array([view_row(0, 180, 1.0)]))[0]
    assert np.array_equal(shown[1:, 1:], three["obj2__20.png"][:0:-1, :0:-1])
    assert not shown[0].any()
    assert not shown[:, 0].any()


def test_half_size_keeps_every_second_pixel_in_a_black_frame(tmp_path, three):
    data = load_dataset("coil100_augmented", root=tmp_path)
    shown = data.images(np.array([view_row(0, 0, 0.5)]))[0]
    assert np.array_equal(shown[32:96, 32:96], three["obj2__20.png"][::2, ::2])
    assert shown.any(axis=-1).sum() == 64 * 64


def test_rotation_is_counter_clockwise():
    to_the_right = 64 * 128 + 100
    maps = source_maps().reshape(18, 9, -1)
    y, x = divmod(int(np.flatnonzero(maps[ANGLES.index(80), 0] == to_the_right)[0]), 128)
    assert y < 64 - 30
    assert 64 <= x < 64 + 10
