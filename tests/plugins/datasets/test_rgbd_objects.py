import numpy as np
import pytest
from drbench_plugins.datasets import rgbd_objects
from drbench_plugins.datasets.rgbd_objects import CATEGORIES
from PIL import Image

from drbench import DataError, load_dataset, registry
from drbench.checks import check_dataset
from drbench.data.files.checking import check_files
from drbench.data.imaging import resize_area
from drbench.data.sampling import split_rows
from drbench.errors import MissingFilesError

BOTH = ("rgbd_objects", "rgbd_objects_depth")


def frame(height, width, seed=0):
    rng = np.random.default_rng(seed)
    crop = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    depth = rng.integers(500, 1500, (height, width), dtype=np.uint16)
    return crop, depth, rng.random((height, width)) < 0.7


@pytest.fixture
def tree(tmp_path, layouts):
    """Frames of four videos, of three instances; their pixels by name."""
    names = [
        ("soda_can", 10, 4, 2),
        ("soda_can", 10, 4, 10),
        ("soda_can", 2, 4, 10),
        ("apple", 1, 2, 1),
        ("apple", 1, 1, 3),
    ]
    frames = {name: frame(40 + 3 * i, 64 - 5 * i, i) for i, name in enumerate(names)}
    for name, arrays in frames.items():
        layouts.write_rgbd_frame(tmp_path / "rgbd-dataset", name, *arrays)
    return frames


def test_names_are_parsed_from_the_right_and_sorted_as_numbers(tmp_path, tree):
    for name in BOTH:
        data = load_dataset(name, root=tmp_path)
        soda_can = CATEGORIES.index("soda_can")
        assert data.codes.tolist() == [
            [0, 0, 2],
            [0, 1, 0],
            [soda_can, 2, 9],
            [soda_can, 2, 1],
            [soda_can, 2, 9],
        ]
        assert data.groups.tolist() == [0, 1, 2, 3, 3]
        assert data.spec.factors[1].values == (1, 2, 4)


@pytest.mark.parametrize("folder", ["", "rgbd_objects", "rgbd_objects/rgbd-dataset"])
def test_the_tree_is_found_in_its_folders(tmp_path, layouts, folder):
    layouts.write_rgbd_frame(tmp_path / folder, ("cap", 1, 1, 1), *frame(8, 8))
    assert len(load_dataset("rgbd_objects", root=tmp_path)) == 1


def in_a_square(image):
    """Padded by what is missing on both sides, an odd pixel at the end."""
    height, width = image.shape[:2]
    over, beside = max(width - height, 0), max(height - width, 0)
    sides = ((over // 2, over - over // 2), (beside // 2, beside - beside // 2), (0, 0))
    return np.pad(image, sides)


def test_the_object_is_cut_out_put_in_a_square_and_resized_by_area(tmp_path, tree):
    data = load_dataset("rgbd_objects", root=tmp_path)
    for row, name in ((0, ("apple", 1, 1, 3)), (3, ("soda_can", 10, 4, 2))):
        crop, _, mask = tree[name]
        square = in_a_square(np.where(mask[..., None], crop, 0).astype(np.uint8))
        assert np.array_equal(data.images(np.array([row]))[0], resize_area(square[None], 64)[0])


def test_depth_is_a_level_each_five_millimetres_and_nothing_where_it_is_unknown(tmp_path, layouts):
    depth = np.array([[0, 2, 3, 1000], [1002, 1003, 1272, 1273], [1275, 1300, 9999, 65535],
                      [700, 700, 700, 700]], np.uint16)  # fmt: skip
    mask = np.ones((4, 4), bool)
    mask[3, 1:3] = False
    crop = np.zeros((4, 4, 3), np.uint8)
    layouts.write_rgbd_frame(tmp_path, ("bowl", 1, 1, 1), crop, depth, mask)
    data = load_dataset("rgbd_objects_depth", root=tmp_path, size=(4, 4))
    assert data.images(np.array([0]))[0, ..., 0].tolist() == [
        [0, 0, 1, 200],
        [200, 201, 254, 255],
        [255, 255, 255, 255],
        [140, 0, 0, 140],
    ]


def test_size_asked_for_is_made_of_the_crop_itself(tmp_path, layouts):
    crop, depth, _ = frame(128, 128)
    layouts.write_rgbd_frame(tmp_path, ("bowl", 1, 1, 1), crop, depth, np.ones((128, 128), bool))
    data = load_dataset("rgbd_objects", root=tmp_path, size=(128, 128))
    assert np.array_equal(data.images(np.array([0]))[0], crop)


def test_real_frames_are_objects_on_black(samples):
    folder = samples / "rgbd-dataset"
    color, depth = (load_dataset(name, root=samples) for name in BOTH)
    assert len(color) == len(depth) == 10
    assert [CATEGORIES[category] for category in color.codes[::2, 0]] == [
        "bowl", "cap", "cereal_box", "coffee_mug", "soda_can"
    ]  # fmt: skip
    rows = np.arange(10)
    for row, image, level in zip(rows, color.images(rows), depth.images(rows), strict=True):
        name = f"{CATEGORIES[color.codes[row, 0]]}_1"
        stem = f"{name}_1_{color.codes[row, 2] + 1}"
        with Image.open(folder / name[:-2] / name / f"{stem}_maskcrop.png") as picture:
            mask = np.asarray(picture)
        on = resize_area(in_a_square(mask[..., None].astype(np.uint8) * 255)[None], 64)[0, ..., 0]
        assert not image[on == 0].any()
        assert not level[on == 0].any()
        inside = level[on == 255]
        # Between half a metre and 1.2, but for what the sensor missed.
        assert 100 < np.median(inside) < 240
        assert (image[on == 255].max(axis=-1) > 0).mean() > 0.99


def test_split_keeps_videos_whole(tmp_path, tree):
    data = load_dataset("rgbd_objects", root=tmp_path)
    held_out = split_rows(data, seed=0, share=0.4)
    assert held_out[3] == held_out[4]
    assert 0 < held_out.sum() < 5


def test_poses_are_values_of_the_frame_where_there_are_any(tmp_path, tree, layouts):
    assert load_dataset("rgbd_objects", root=tmp_path).values is None
    name = ("apple", 1, 1, 3)
    layouts.write_rgbd_frame(tmp_path / "rgbd-dataset", name, *tree[name], pose=12.25)
    for set_name in BOTH:
        data = load_dataset(set_name, root=tmp_path)
        assert data.values[0].tolist() == [0, 1, 12.25]
        assert data.values[1:, 1].tolist() == [2, 4, 4, 4]
        assert np.isnan(data.values[1:, 2]).all()
        assert data.notes[0].startswith("1 of 5 images have the angle")
        assert data.codes[0, 2] == 2


@pytest.mark.parametrize("text", ["", "north", "nan", "1 2"])
def test_pose_that_is_no_angle_is_refused(tmp_path, tree, layouts, kept, text):
    name = ("apple", 1, 1, 3)
    layouts.write_rgbd_frame(tmp_path / "rgbd-dataset", name, *tree[name], pose=text)
    with pytest.raises(DataError, match=r"apple_1_1_3_pose.txt holds .* expected an angle"):
        load_dataset("rgbd_objects", root=tmp_path)
    assert kept() == []


def test_frames_beyond_the_last_class_are_left_out_and_said(tmp_path, tree, monkeypatch, kept):
    monkeypatch.setattr(rgbd_objects, "FRAMES", 9)
    data = load_dataset("rgbd_objects", root=tmp_path)
    assert data.codes[:, 2].tolist() == [2, 0, 1]
    assert data.notes == ("2 frames after number 9 are left out",)


def test_evaluation_archive_is_read_in_place(tmp_path, tree, layouts):
    layouts.write_zip(
        tmp_path / "zip" / "rgbd-dataset_eval.zip", tmp_path / "rgbd-dataset", top="rgbd-dataset"
    )
    for name in BOTH:
        packed, unpacked = (load_dataset(name, root=tmp_path / place) for place in ("zip", ""))
        assert np.array_equal(packed.codes, unpacked.codes)
        assert np.array_equal(packed.groups, unpacked.groups)
        assert np.array_equal(packed.images(np.arange(5)), unpacked.images(np.arange(5)))


@pytest.mark.parametrize("name", BOTH)
def test_nothing_is_read_where_the_set_is_kept(tmp_path, tree, monkeypatch, name):
    before = load_dataset(name, root=tmp_path)
    monkeypatch.setattr(rgbd_objects, "listed", None)
    after = load_dataset(name, root=tmp_path)
    assert np.array_equal(after.images(np.arange(5)), before.images(np.arange(5)))


@pytest.mark.parametrize("name", BOTH)
def test_they_conform(tmp_path, tree, name):
    data = load_dataset(name, root=tmp_path)
    assert check_dataset(registry.load("dataset", name), data) == []


def test_frame_that_is_added_is_seen(tmp_path, tree, layouts):
    load_dataset("rgbd_objects", root=tmp_path)
    layouts.write_rgbd_frame(tmp_path / "rgbd-dataset", ("apple", 1, 2, 2), *frame(9, 9))
    assert len(load_dataset("rgbd_objects", root=tmp_path)) == 6


def test_missing_tree_names_folders_and_command(tmp_path):
    with pytest.raises(MissingFilesError, match=r"rgbd-dataset.*datasets fetch rgbd_objects"):
        load_dataset("rgbd_objects", root=tmp_path)


@pytest.mark.parametrize("name", BOTH)
def test_missing_mask_is_named(tmp_path, tree, kept, name):
    path = tmp_path / "rgbd-dataset" / "apple" / "apple_1" / "apple_1_1_3_maskcrop.png"
    path.unlink()
    with pytest.raises(DataError, match=r"apple_1_1_3_maskcrop.png is missing"):
        load_dataset(name, root=tmp_path)
    assert kept() == []


@pytest.mark.parametrize(
    "stem", ["apple_1_3_1", "apple_1_1_0", "apple_1_1", "apple_x_1_1", "tree_1_1_1", "apple1_1_1"]
)
def test_name_out_of_pattern_is_refused(tmp_path, tree, layouts, stem):
    place = tmp_path / "rgbd-dataset" / "apple" / "apple_1"
    layouts.write_png(place / f"{stem}_crop.png", frame(4, 4)[0])
    with pytest.raises(DataError, match=f"{stem}_crop.png is not named as in RGB-D Objects"):
        load_dataset("rgbd_objects", root=tmp_path)


def test_folders_without_crops_are_refused(tmp_path):
    (tmp_path / "apple" / "apple_1").mkdir(parents=True)
    with pytest.raises(DataError, match=r"apple_1 .*hold no \*_crop.png"):
        load_dataset("rgbd_objects", root=tmp_path)


@pytest.mark.parametrize(
    ("name", "which", "image", "says"),
    [
        ("rgbd_objects", "crop", np.zeros((9, 9), np.uint16), "16 bits, grey; 8 bits, RGB was"),
        ("rgbd_objects_depth", "depthcrop", np.zeros((9, 9), np.uint8), "16 bits, grey was"),
        ("rgbd_objects", "maskcrop", np.zeros((9, 9), np.uint8), "of 1 bits, grey was"),
        ("rgbd_objects", "maskcrop", np.zeros((8, 9), bool), "9x8 PNG of 1 bits"),
    ],
)
def test_image_of_another_kind_is_refused(tmp_path, layouts, kept, name, which, image, says):
    place = layouts.write_rgbd_frame(tmp_path, ("apple", 1, 1, 1), *frame(9, 9))
    layouts.write_png(place / f"apple_1_1_1_{which}.png", image)
    with pytest.raises(DataError, match=f"apple_1_1_1_{which}.png is a .*{says}"):
        load_dataset(name, root=tmp_path)
    assert kept() == []


def test_a_check_names_every_image_that_cannot_be_read(tmp_path, tree):
    place = tmp_path / "rgbd-dataset"
    (place / "apple" / "apple_1" / "apple_1_1_3_maskcrop.png").unlink()
    (place / "soda_can" / "soda_can_2" / "soda_can_2_4_10_crop.png").write_text("<html>")
    findings = check_files(rgbd_objects.RgbdObjects(), tmp_path)
    problems = [finding.text for finding in findings if finding.verdict == "problem"]
    assert len(problems) == 2
    assert "apple_1_1_3_maskcrop.png is missing" in problems[0]
    assert "soda_can_2_4_10_crop.png is no PNG" in problems[1]
