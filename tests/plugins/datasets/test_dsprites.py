import cmath
import math
import zipfile
from pathlib import Path

import numpy as np
import pytest
from drbench_plugins.datasets import dsprites
from drbench_plugins.rendering.dsprites import draw, packed
from drbench_plugins.rendering.heart import HEART_DEGREES, HEART_RADII
from drbench_plugins.rendering.noise import uniform_bytes

from drbench import DataError, load_dataset
from drbench.data.source import Source
from drbench.errors import MissingFilesError

FILE = "dsprites_ndarray_co1sh3sc6or40x32y32_64x64"
SIZES = (3, 6, 40, 32, 32)
VARIANTS = (
    "dsprites",
    "noisy_dsprites",
    "color_dsprites",
    "noisy_color_dsprites",
    "white_color_dsprites",
)


def random_codes(count, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(0, size, count) for size in SIZES], axis=1)


def drawn_pixel_by_pixel(code):
    """One sprite, by complex numbers and loops."""
    shape, scale, turn, across, down = (int(c) for c in code)
    size = 0.5 + scale / 10
    centre = complex(15.5 + 32 * across / 31, 15.5 + 32 * down / 31)
    image = np.zeros((64, 64), bool)
    for y in range(64):
        for x in range(64):
            # Counter-clockwise on screen, where y points down, is clockwise in the plane.
            point = (complex(x, y) - centre) * cmath.exp(2j * math.pi * turn / 39) / size
            if shape == 0:
                inside = abs(point.real) <= 9.6 and abs(point.imag) <= 9.6
            elif shape == 1:
                inside = math.hypot(point.real / 12.8, point.imag / 7.2) <= 1
            else:
                angle = abs(math.degrees(cmath.phase(point * 1j)))
                below = min(int(angle // 2), 89)
                share = angle / 2 - below
                edge = HEART_RADII[below] * (1 - share) + HEART_RADII[below + 1] * share
                inside = abs(point) <= edge
            image[y, x] = inside
    return image


# The drawing


def test_drawn_sprites_are_the_real_frames_but_for_a_pixel(samples):
    with np.load(samples / "dsprites" / "real_frames.npz") as frames:
        drawn = draw(frames["latents_classes"][:, 1:])
        wrong = (drawn != frames["imgs"]).sum(axis=(1, 2))
    assert wrong.mean() <= 1
    assert wrong.max() <= 8


def test_drawing_equals_a_loop_over_pixels():
    codes = random_codes(9)
    codes[:, 0] = np.arange(9) % 3
    for code, drawn in zip(codes, draw(codes), strict=True):
        assert np.array_equal(drawn, drawn_pixel_by_pixel(code))


def test_heart_outline_is_closed_over_half_a_turn():
    assert HEART_DEGREES[0] == 0
    assert HEART_DEGREES[-1] == 180
    assert len(HEART_DEGREES) == len(HEART_RADII) == 91


def test_areas_are_those_of_the_shapes():
    codes = np.array([[shape, 5, 7, 15, 15] for shape in (0, 1)])
    square, ellipse = draw(codes).sum(axis=(1, 2))
    assert square == pytest.approx(19.2**2, rel=0.03)
    assert ellipse == pytest.approx(math.pi * 12.8 * 7.2, rel=0.03)


def test_positions_move_the_centre_right_and_down():
    codes = np.array([[1, 5, 0, 0, 0], [1, 5, 0, 31, 0], [1, 5, 0, 0, 31]])
    centres = [np.argwhere(mask).mean(axis=0).tolist() for mask in draw(codes)]  # (y, x)
    for (y, x), expected in zip(centres, [(15.5, 15.5), (15.5, 47.5), (47.5, 15.5)], strict=True):
        assert (y, x) == pytest.approx(expected, abs=0.2)


def test_a_quarter_turn_brings_the_tip_of_the_heart_from_the_bottom_to_the_right():
    upright, turned = draw(np.array([[2, 5, 0, 0, 0], [2, 5, 10, 0, 0]]))
    down, right = upright.sum(axis=1), turned.sum(axis=0)
    for width in (down[down > 0], right[right > 0]):
        assert width[-6:].sum() < 0.7 * width[:6].sum()


def test_first_and_last_orientation_are_the_same_pixels():
    first = random_codes(60)
    last = first.copy()
    first[:, 2], last[:, 2] = 0, 39
    assert np.array_equal(draw(first), draw(last))


def test_every_sprite_lies_inside_the_image():
    corners = np.array(
        [[s, 5, o, x, y] for s in range(3) for o in range(39) for x in (0, 31) for y in (0, 31)]
    )
    masks = draw(corners)
    border = masks.copy()
    border[:, 1:-1, 1:-1] = False
    assert not border.any()


def test_a_sprite_is_drawn_the_same_in_any_batch():
    codes = random_codes(40)
    assert np.array_equal(draw(codes)[17], draw(codes[17:18])[0])


def test_packed_sprites_unpack_to_the_drawn_ones():
    codes = random_codes(70)
    blocks = list(packed(codes, block=32))
    assert [len(block) for block in blocks] == [32, 32, 6]
    bits = np.unpackbits(np.concatenate(blocks), axis=1).reshape(-1, 64, 64)
    assert np.array_equal(bits, draw(codes))


# The noise


def splitmix64(state):
    state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    state = (state ^ (state >> 27)) * 0x94D049BB133111EB % 2**64
    return state ^ (state >> 31)


def test_noise_is_splitmix64_entered_at_the_row():
    words = 64 * 64 * 3 // 8
    noise = uniform_bytes(np.array([5_000_000]), (64, 64, 3), seed=7)
    state = splitmix64(7) + (5_000_000 * words + 3) * 0x9E3779B97F4A7C15
    expected = splitmix64(state % 2**64).to_bytes(8, "little")
    assert noise.reshape(-1)[16:24].tobytes() == expected


def test_noise_of_a_row_is_the_same_in_any_batch_and_another_with_another_seed():
    batch = uniform_bytes(np.array([9, 4, 700]), (64, 64, 3))
    assert np.array_equal(batch[1], uniform_bytes(np.array([4]), (64, 64, 3))[0])
    assert (batch[1] == uniform_bytes(np.array([4]), (64, 64, 3), seed=1)[0]).mean() < 0.01


def test_noise_is_uniform():
    noise = uniform_bytes(np.arange(100), (64, 64, 3))
    counts = np.bincount(noise.ravel(), minlength=256)
    expected = noise.size / 256
    chi_squared = ((counts - expected) ** 2 / expected).sum()
    assert abs(chi_squared - 255) < 5 * math.sqrt(2 * 255)


def test_noise_is_independent_between_rows_pixels_and_channels():
    noise = uniform_bytes(np.arange(40), (64, 64, 3)).astype(float) - 127.5
    limit = 5 / math.sqrt(noise.size)
    variance = noise.var()
    for a, b in (
        (noise[1:], noise[:-1]),
        (noise[:, 1:], noise[:, :-1]),
        (noise[:, :, 1:], noise[:, :, :-1]),
        (noise[..., 0], noise[..., 1]),
    ):
        assert abs((a * b).mean() / variance) < 2 * limit


def test_noise_of_a_size_that_is_no_multiple_of_eight_is_cut():
    assert uniform_bytes(np.arange(3), (5, 5)).shape == (3, 5, 5)


# The variants


@pytest.mark.parametrize("name", VARIANTS)
def test_images_are_those_of_the_spec(name):
    data = load_dataset(name, origin="rendered")
    rows = np.array([0, len(data) - 1, 12_345])
    images = data.images(rows)
    assert len(data) == data.spec.grid_size == data.index.is_grid * len(data.codes)
    assert images.shape == (3, *data.spec.image_shape)
    assert images.dtype == np.uint8
    assert data.codes.dtype == np.int16
    assert data.notes == ()
    assert np.array_equal(images[2], data.images(rows[2:])[0])


def test_plain_sprites_are_white_on_black():
    data = load_dataset("dsprites", origin="rendered")
    rows = np.random.default_rng(0).integers(0, len(data), 8)
    assert np.array_equal(data.images(rows)[..., 0], 255 * draw(data.codes[rows]).astype(int))


def test_white_color_repeats_the_plain_sprite_in_three_channels():
    rows = np.array([3, 300_000])
    plain = load_dataset("dsprites", origin="rendered").images(rows)
    white = load_dataset("white_color_dsprites", origin="rendered").images(rows)
    assert np.array_equal(white, np.repeat(plain, 3, axis=-1))


def test_color_is_the_first_factor_and_tints_the_sprite():
    data = load_dataset("color_dsprites", origin="rendered")
    assert data.spec.sizes == (7, 3, 6, 40, 32, 32)
    rows = np.arange(7) * 737_280 + 400_000
    assert np.array_equal(data.codes[rows, 0], np.arange(7))
    assert (data.codes[rows, 1:] == data.codes[rows[0], 1:]).all()
    mask = draw(data.codes[rows[:1], 1:])[0]
    for image, color in zip(data.images(rows), dsprites.PALETTE, strict=True):
        assert (image[~mask] == 0).all()
        assert (image[mask] == [round(255 * part) for part in color]).all()


def test_noisy_sprites_are_the_clipped_sum_of_image_and_noise():
    rows = np.array([70, 500_000])
    plain = load_dataset("dsprites", origin="rendered").images(rows).astype(int)
    noise = uniform_bytes(rows, (64, 64, 3)).astype(int)
    noisy = load_dataset("noisy_dsprites", origin="rendered").images(rows)
    assert np.array_equal(noisy, np.minimum(plain + noise, 255))


def test_noisy_color_has_noise_behind_the_colored_sprite_only():
    rows = np.array([70, 2_000_000])
    data = load_dataset("noisy_color_dsprites", origin="rendered")
    colored = load_dataset("color_dsprites", origin="rendered").images(rows)
    noise = uniform_bytes(rows, (64, 64, 3))
    mask = draw(data.codes[rows, 1:])[..., None]
    assert np.array_equal(data.images(rows), np.where(mask, colored, noise))


def test_prepared_sprites_are_the_ones_drawn_on_demand(monkeypatch):
    monkeypatch.setattr(dsprites, "_SIZES", (3, 2, 2, 3, 4))
    dataset = dsprites.NoisyColorDsprites()
    drawn = dataset.open(Source(dataset.spec, "rendered"))
    rows = np.arange(0, len(drawn), 11)
    on_demand = drawn.images(rows)
    prepared = dataset.open(Source(dataset.spec, "rendered", prepare=True))
    monkeypatch.setattr(dsprites.renderer, "draw", None)
    assert np.array_equal(prepared.images(rows), on_demand)
    found = dataset.open(Source(dataset.spec, "rendered"))  # what is prepared is used
    assert np.array_equal(found.images(rows), on_demand)


# The maker's files


@pytest.mark.parametrize("kind", ["npz", "hdf5"])
@pytest.mark.parametrize("folder", ["", "dsprites"])
def test_official_images_and_codes_are_those_of_the_file(tmp_path, kind, folder, layouts):
    codes = random_codes(30)
    layouts.write_dsprites(tmp_path / folder, codes, kind=kind)
    data = load_dataset("dsprites", root=tmp_path)
    assert data.origin == "official"
    assert np.array_equal(data.codes, codes)
    assert np.array_equal(data.images(np.arange(30))[..., 0] > 0, draw(codes))
    assert "30 of 737,280 combinations" in data.notes[-1]


def test_official_color_repeats_the_file_for_each_color(tmp_path, layouts):
    codes = random_codes(5)
    layouts.write_dsprites(tmp_path, codes)
    data = load_dataset("color_dsprites", root=tmp_path)
    assert np.array_equal(data.codes[:, 0], np.repeat(np.arange(7), 5))
    assert np.array_equal(data.codes[5:10, 1:], codes)
    assert np.array_equal(data.images(np.array([33])).any(axis=-1)[0], draw(codes[3:4])[0])


def test_official_file_is_read_once(tmp_path, monkeypatch, layouts):
    layouts.write_dsprites(tmp_path, random_codes(6, seed=3))
    first = load_dataset("dsprites", root=tmp_path)
    monkeypatch.setattr("drbench_plugins.reading.StoredArray.blocks", None)
    second = load_dataset("noisy_dsprites", root=tmp_path)
    assert np.array_equal(first.codes, second.codes)


def test_changed_file_is_prepared_anew(tmp_path, layouts):
    for seed in (4, 5):
        codes = random_codes(6, seed)
        layouts.write_dsprites(tmp_path, codes)
        data = load_dataset("dsprites", root=tmp_path)
        assert np.array_equal(data.codes, codes)
        assert np.array_equal(data.images(np.arange(6))[..., 0] > 0, draw(codes))


class _Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_pickled_metadata_is_never_unpickled(tmp_path, layouts):
    touched = tmp_path / "touched"
    bomb = np.array({"date": _Bomb(touched)}, dtype=object)
    path = layouts.write_dsprites(tmp_path, random_codes(4), metadata=bomb)
    with np.load(path, allow_pickle=True, encoding="latin1") as file:
        file["metadata"]
    assert touched.exists()  # the trap works
    touched.unlink()
    load_dataset("dsprites", root=tmp_path).images(np.arange(4))
    assert not touched.exists()


def test_missing_file_names_folders_command_and_the_rendered_origin(tmp_path):
    with pytest.raises(MissingFilesError) as error:
        load_dataset("color_dsprites", root=tmp_path)
    for part in (str(tmp_path), "datasets fetch color_dsprites", "rendered", f"{FILE}.npz"):
        assert part in str(error.value)


def test_pixel_other_than_0_and_1_is_refused(tmp_path, layouts):
    imgs = np.zeros((3, 64, 64), np.uint8)
    imgs[2, 5, 5] = 255
    layouts.write_dsprites(tmp_path, random_codes(3), imgs)
    with pytest.raises(DataError, match="pixel of 255"):
        load_dataset("dsprites", root=tmp_path)


def test_class_outside_its_factor_is_refused(tmp_path, layouts):
    codes = random_codes(3)
    codes[1, 2] = 40
    layouts.write_dsprites(tmp_path, codes, np.zeros((3, 64, 64), np.uint8))
    with pytest.raises(DataError, match=r"class 40 in column 3, outside 0 to 39"):
        load_dataset("dsprites", root=tmp_path)


@pytest.mark.parametrize(
    "imgs",
    [np.zeros((2, 64, 64), np.uint8), np.zeros((3, 32, 32), np.uint8), np.zeros((3, 64, 64))],
)
def test_wrong_shapes_and_types_are_refused(tmp_path, imgs, layouts):
    layouts.write_dsprites(tmp_path, random_codes(3), imgs)
    with pytest.raises(DataError, match="expected"):
        load_dataset("dsprites", root=tmp_path)


@pytest.mark.parametrize("kind", ["npz", "hdf5"])
def test_truncated_file_is_refused(tmp_path, kind, layouts):
    path = layouts.write_dsprites(tmp_path, random_codes(40), kind=kind)
    path.write_bytes(path.read_bytes()[:-700])
    with pytest.raises(DataError, match="truncated"):
        load_dataset("dsprites", root=tmp_path)


def test_damaged_bytes_are_refused(tmp_path, layouts):
    path = layouts.write_dsprites(tmp_path, random_codes(40))
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("imgs.npy").header_offset
    data = bytearray(path.read_bytes())
    data[start + 400] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(DataError, match="cannot be read"):
        load_dataset("dsprites", root=tmp_path)


def test_web_page_in_place_of_the_file_is_refused(tmp_path):
    (tmp_path / f"{FILE}.npz").write_text("<!DOCTYPE html><html></html>")
    with pytest.raises(DataError, match="of another kind"):
        load_dataset("dsprites", root=tmp_path)
