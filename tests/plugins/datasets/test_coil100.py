import math
import struct
import zlib

import numpy as np
import pytest
from drbench_plugins.binarising import silhouette
from drbench_plugins.datasets.coil100 import ANGLES, SCALES, source_maps
from PIL import Image

from drbench import DataError, load_dataset, registry
from drbench.checks import check_dataset
from drbench.data.files.checking import check_files
from drbench.data.opening import find_dataset
from drbench.errors import MissingFilesError

pytestmark = pytest.mark.slow

VIEWS = len(ANGLES) * len(SCALES)
ALL = ("coil100", "coil100_binary", "coil100_augmented", "coil100_augmented_binary")


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
    side = len(image)
    half = side // 2
    for y in range(side):
        for x in range(side):
            # A billionth more than a half: ties round up in spite of rounding errors below them.
            column, row = (math.floor(half + d + 0.5 + 1e-9) for d in inverse(x - half, y - half))
            if 0 <= column < side and 0 <= row < side:
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
    (tmp_path / "coil-100" / "obj2__20.png").unlink()
    new = write_photographs(tmp_path / "coil-100", "obj2__20.png", seed=1)["obj2__20.png"]
    assert np.array_equal(load_dataset("coil100", root=tmp_path).images(np.array([0]))[0], new)


def test_renamed_photograph_has_other_classes(tmp_path, three):
    load_dataset("coil100", root=tmp_path)
    folder = tmp_path / "coil-100"
    (folder / "obj10__5.png").rename(folder / "obj11__5.png")
    assert load_dataset("coil100", root=tmp_path).codes.tolist() == [[1, 4], [1, 20], [10, 1]]


def test_moved_photographs_are_not_decoded_again(tmp_path, three, monkeypatch):
    before = load_dataset("coil100", root=tmp_path)
    (tmp_path / "coil-100").rename(tmp_path / "elsewhere")
    monkeypatch.setattr("drbench_plugins.datasets.coil100.read_png", None)
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


def test_truncated_photograph_is_refused(tmp_path, three, kept):
    path = tmp_path / "coil-100" / "obj2__20.png"
    path.write_bytes(path.read_bytes()[:5000])
    for name in ALL:
        with pytest.raises(DataError, match=r"obj2__20.png cannot be decoded"):
            load_dataset(name, root=tmp_path)
    assert kept() == []


@pytest.mark.parametrize("name", ALL)
def test_no_photograph_is_read_where_the_set_is_kept(tmp_path, three, monkeypatch, name):
    before = load_dataset(name, root=tmp_path)
    for function in ("listed", "read_png"):
        monkeypatch.setattr(f"drbench_plugins.datasets.coil100.{function}", None)
    after = load_dataset(name, root=tmp_path)
    assert np.array_equal(after.codes, before.codes)
    assert np.array_equal(after.images(np.arange(3)), before.images(np.arange(3)))


@pytest.mark.parametrize("name", ALL)
def test_sets_of_photographs_conform(tmp_path, three, name):
    assert check_dataset(registry.load("dataset", name), load_dataset(name, root=tmp_path)) == []


def test_photographs_are_kept_at_the_size_asked_for(tmp_path, three):
    half = load_dataset("coil100", root=tmp_path, size=(64, 64)).images(np.array([0]))[0]
    mean = three["obj2__20.png"].reshape(64, 2, 64, 2, 3).mean(axis=(1, 3))
    assert np.abs(half - mean).max() <= 0.5


def test_some_poses_can_be_kept(tmp_path):
    names = [f"obj{number}__{pose}.png" for number in (1, 2) for pose in range(0, 360, 5)]
    write_photographs(tmp_path, *names)
    data = load_dataset("coil100", root=tmp_path).subgrid({"pose": 4})
    assert data.codes.tolist() == [[number, pose] for number in (0, 1) for pose in range(4)]
    assert data.spec.factors[1].values == (0, 90, 180, 270)


@pytest.mark.parametrize("name", ALL)
def test_a_check_names_every_photograph_that_cannot_be_read(tmp_path, three, name):
    for photograph in ("obj2__20.png", "obj10__5.png"):
        (tmp_path / "coil-100" / photograph).write_text("<html>")
    findings = check_files(find_dataset(name), tmp_path)
    problems = [finding.text for finding in findings if finding.verdict == "problem"]
    assert ["obj2__20.png is no PNG" in problems[0], "obj10__5.png is no PNG" in problems[1]] == [
        True,
        True,
    ]
    assert len(problems) == 2


# Archives


def test_the_makers_archive_is_read_in_place(tmp_path, three, layouts):
    layouts.write_zip(tmp_path / "zip" / "coil-100.zip", tmp_path / "coil-100", top="coil-100")
    for name in ("coil100", "coil100_augmented_binary"):
        unpacked, packed = (load_dataset(name, root=tmp_path / place) for place in ("", "zip"))
        rows = np.array([0, 2, len(packed) - 1])
        assert np.array_equal(packed.codes, unpacked.codes)
        assert np.array_equal(packed.images(rows), unpacked.images(rows))


def test_real_photographs_in_an_archive_are_those_in_the_folder(tmp_path, samples, layouts):
    folder = tmp_path / "coil-100"
    folder.mkdir()
    for path in (samples / "coil-100").glob("obj1[27]__*5.png"):
        (folder / path.name).symlink_to(path)
    layouts.write_zip(tmp_path / "zip" / "coil-100.zip", folder, top="coil-100")
    packed = load_dataset("coil100", root=tmp_path / "zip")
    whole = load_dataset("coil100", root=samples)
    rows = whole.index.rows(whole.index.keys(packed.codes))
    assert len(packed) == 72
    assert np.array_equal(packed.images(np.arange(72)), whole.images(rows))


def write_parts(folder, images, layouts):
    """Views of two objects in two parts: of each the untouched one, and one that is turned."""
    for part, (name, image) in enumerate(images.items()):
        place = folder / f"part{part}"
        for view, shown in (("0__1.0", image), ("20__0.94", np.zeros_like(image))):
            layouts.write_png(place / f"{name}__{view}.png", shown)
        layouts.write_zip(folder / f"dataset_part_{part:03d}.zip", place, top=f"data/{part}")
        for path in place.iterdir():
            path.unlink()
        place.rmdir()


def test_untouched_views_of_the_published_parts_are_the_photographs(tmp_path, layouts):
    rng = np.random.default_rng(0)
    images = {name: rng.integers(0, 256, (128, 128, 3), np.uint8) for name in
              ("obj100__355", "obj3__0")}  # fmt: skip
    write_parts(tmp_path / "coil-100-augmented", images, layouts)
    plain, data = (load_dataset(name, root=tmp_path) for name in ("coil100", "coil100_augmented"))
    assert plain.codes.tolist() == [[2, 0], [99, 71]]
    assert np.array_equal(plain.images(np.array([1, 0])), np.stack(list(images.values())))
    assert len(data) == 2 * VIEWS
    shown = data.images(np.array([view_row(0, 20, 0.94)]))[0]
    assert np.array_equal(shown, augmented(images["obj3__0"], 20, 0.94))


def test_published_silhouettes_are_taken_before_made_ones(tmp_path, layouts):
    rng = np.random.default_rng(0)
    images = {name: rng.integers(0, 2, (64, 64), np.uint8) * 255 for name in
              ("obj100__355", "obj3__0")}  # fmt: skip
    write_parts(tmp_path / "coil-100-augmented-binary", images, layouts)
    write_photographs(tmp_path, "obj5__5.png")
    plain = load_dataset("coil100_binary", root=tmp_path)
    assert plain.codes.tolist() == [[2, 0], [99, 71]]
    assert np.array_equal(plain.images(np.array([1, 0]))[..., 0], np.stack(list(images.values())))
    assert not any("made" in note for note in plain.notes)
    data = load_dataset("coil100_augmented_binary", root=tmp_path)
    shown = data.images(np.array([view_row(1, 140, 0.69)]))[0]
    assert np.array_equal(shown[..., 0], augmented(images["obj100__355"], 140, 0.69))


def test_published_silhouette_with_grey_levels_is_refused(tmp_path, layouts, kept):
    grey = {"obj1__0": np.full((64, 64), 128, np.uint8), "obj1__5": np.zeros((64, 64), np.uint8)}
    write_parts(tmp_path / "coil-100-augmented-binary", grey, layouts)
    with pytest.raises(DataError, match=r"obj1__0__0__1.0.png has grey levels"):
        load_dataset("coil100_binary", root=tmp_path)
    assert kept() == []


def test_a_scale_may_be_written_without_its_fraction(tmp_path):
    write_photographs(tmp_path / "coil-100", "obj1__0__0__1.png", "obj1__5__0__1.0.png")
    assert load_dataset("coil100", root=tmp_path).codes.tolist() == [[0, 0], [0, 1]]


def test_angle_or_scale_that_was_not_published_is_refused(tmp_path, three):
    write_photographs(tmp_path / "coil-100", "obj1__0__30__1.0.png")
    with pytest.raises(DataError, match="is not named as in COIL-100"):
        load_dataset("coil100", root=tmp_path)


def test_one_photograph_twice_is_refused(tmp_path, three):
    write_photographs(tmp_path / "coil-100", "obj2__20__0__1.0.png")
    with pytest.raises(DataError, match="show the same"):
        load_dataset("coil100", root=tmp_path)


def test_archive_without_photographs_is_refused(tmp_path, layouts):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "readme.txt").write_text("nothing")
    layouts.write_zip(tmp_path / "coil-100.zip", tmp_path / "in")
    with pytest.raises(DataError, match="holds no photograph"):
        load_dataset("coil100", root=tmp_path)


def test_damaged_archive_is_refused(tmp_path, three, layouts, kept):
    path = layouts.write_zip(tmp_path / "zip" / "coil-100.zip", tmp_path / "coil-100")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match=r"coil-100.zip cannot be read"):
        load_dataset("coil100", root=tmp_path / "zip")
    assert kept() == []


# Silhouettes


def test_silhouettes_are_made_of_the_photographs(tmp_path, three):
    data = load_dataset("coil100_binary", root=tmp_path)
    assert data.spec.image_shape == (64, 64, 1)
    expected = np.stack([silhouette(three[name]) for name in
                         ("obj2__20.png", "obj2__100.png", "obj10__5.png")])  # fmt: skip
    shown = data.images(np.arange(3))[..., 0]
    assert np.array_equal(shown, np.where(expected, 255, 0))
    assert 0 < expected.mean() < 1
    assert "the silhouettes are made from the photographs" in data.notes


def test_silhouettes_are_kept_at_eight_pixels_a_byte(tmp_path, three, kept):
    load_dataset("coil100_augmented_binary", root=tmp_path)
    (path,) = (tmp_path / "own-cache").rglob("images.npy")
    assert np.load(path).size == 3 * 64 * 64 / 8
    assert kept() == ["images.npy"]


def test_silhouettes_are_turned_and_zoomed_about_pixel_32(tmp_path, three):
    plain, data = (load_dataset(f"coil100{part}_binary", root=tmp_path) for part in
                   ("", "_augmented"))  # fmt: skip
    image = plain.images(np.array([1]))[0]
    for angle, scale in ((60, 0.88), (340, 0.56)):
        shown = data.images(np.array([view_row(1, angle, scale)]))[0]
        assert np.array_equal(shown, augmented(image, angle, scale))


def test_real_objects_are_white_on_black(tmp_path, samples):
    for path in (samples / "coil-100").glob("obj*__0.png"):
        (tmp_path / path.name).symlink_to(path)
    data = load_dataset("coil100_binary", root=tmp_path)
    images = data.images(np.arange(20))[..., 0] > 0
    corners = images[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert corners.mean() < 0.1
    assert images[:, 24:40, 24:40].mean() > 0.5  # dark parts of an object are taken for backdrop


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
