import csv

import numpy as np
import pytest
from drbench_plugins.datasets.isaac3d import Isaac3d
from PIL import Image

from drbench import DataError, grid_codes, load_dataset, registry
from drbench.checks import check_dataset
from drbench.data.files.checking import check_files
from drbench.errors import MissingFilesError

SIZES = (3, 8, 5, 4, 4, 4, 6, 4, 4)


def labels(count=None):
    """Values of the first rows of the maker's file, by linspace instead of division."""
    spaced = [np.linspace(0, 1, size) for size in SIZES]
    codes = grid_codes(SIZES)[:count]
    return np.stack(
        [values[column] for values, column in zip(spaced, codes.T, strict=True)], axis=1
    )


def noise(*rows):
    rng = np.random.default_rng(0)
    return {row: rng.integers(0, 256, (128, 128, 3), dtype=np.uint8) for row in rows}


@pytest.mark.parametrize("folder", ["", "isaac3d", "Isaac3D_down128", "isaac3d/Isaac3D_down128"])
def test_rows_whose_image_is_there_have_the_classes_of_their_labels(tmp_path, layouts, folder):
    images = noise(0, 4, 95, 500)
    layouts.write_isaac3d(tmp_path / folder, images, labels(600))
    data = load_dataset("isaac3d", root=tmp_path)
    assert data.codes[:, 5:].tolist() == [[0, 0, 0, 0], [0, 0, 1, 0], [0, 5, 3, 3], [1, 1, 1, 0]]
    assert data.codes[:, :4].max() == 0
    assert data.codes[:, 4].tolist() == [0, 0, 0, 1]
    rows = np.array([3, 0, 1, 1, 2])
    expected = np.stack([images[row] for row in (500, 0, 4, 4, 95)])
    assert np.array_equal(data.images(rows), expected)
    assert "4 of 737,280 combinations" in data.notes[0]


def test_archive_is_read_in_place(tmp_path, layouts):
    images = noise(1, 2, 3)
    folder = layouts.write_isaac3d(tmp_path / "in", images, labels(4))
    layouts.write_zip(tmp_path / "Isaac3D_down128.zip", folder, top="Isaac3D_down128")
    data = load_dataset("isaac3d", root=tmp_path)
    assert np.array_equal(data.codes, grid_codes(SIZES)[1:4])
    assert np.array_equal(data.images(np.arange(3)), np.stack(list(images.values())))


def test_images_are_kept_at_the_size_asked_for_and_not_listed_again(tmp_path, layouts, monkeypatch):
    images = noise(0, 1)
    layouts.write_isaac3d(tmp_path, images, labels(2))
    load_dataset("isaac3d", root=tmp_path, size=(64, 64))
    monkeypatch.setattr("drbench_plugins.datasets.isaac3d.listed", None)
    half = load_dataset("isaac3d", root=tmp_path, size=(64, 64)).images(np.array([1]))[0]
    mean = images[1].reshape(64, 2, 64, 2, 3).mean(axis=(1, 3))
    assert np.abs(half - mean).max() <= 0.5


def test_some_classes_can_be_kept(tmp_path, layouts):
    layouts.write_isaac3d(tmp_path, noise(*range(16)), labels(16))
    data = load_dataset("isaac3d", root=tmp_path).subgrid({"object_color": 2})
    assert data.codes[:, 7:].tolist() == [[color, wall] for color in (0, 1) for wall in range(4)]


def test_it_conforms(tmp_path, layouts):
    layouts.write_isaac3d(tmp_path, noise(0, 1, 7), labels(8))
    data = load_dataset("isaac3d", root=tmp_path)
    assert check_dataset(registry.load("dataset", "isaac3d"), data) == []


def test_real_tiles_are_read_and_the_order_of_factors_is_that_of_the_strips(
    tmp_path, samples, layouts
):
    folder = samples / "isaac3d"
    with (folder / "tiles_labels.csv").open() as file:
        tiles = list(csv.DictReader(file))
    names = list(tiles[0])[2:]
    codes = np.zeros((len(tiles), 9), dtype=int)
    images = {}
    for row, tile in enumerate(tiles):
        with Image.open(folder / tile["file"]) as image:
            images[row] = np.asarray(image)
        # What is unknown is the same along a strip; the strip's number keeps its codes apart.
        known = [tile[name] != "unknown" for name in names]
        codes[row] = [int(tile[name]) if k else 0 for name, k in zip(names, known, strict=True)]
    first = np.unique(codes, axis=0, return_index=True)[1]  # each strip begins at the same codes
    chosen = np.sort(first)
    values = codes[chosen] / (np.array(SIZES) - 1)
    layouts.write_isaac3d(tmp_path, {i: images[row] for i, row in enumerate(chosen)}, values)
    data = load_dataset("isaac3d", root=tmp_path)
    assert [name.replace("-", "_") for name in names] == list(data.spec.factor_names)
    assert np.array_equal(data.codes, codes[chosen])
    swept = [len({tile[name] for tile in tiles if tile["varied_factor"] == name}) for name in names]
    assert swept == list(data.spec.sizes)
    assert np.array_equal(data.images(np.arange(len(chosen)))[-1], images[chosen[-1]])


def test_missing_labels_name_the_folder_and_the_command(tmp_path, layouts):
    layouts.write_isaac3d(tmp_path, noise(0), labels(1))
    (tmp_path / "labels.npy").unlink()
    with pytest.raises(MissingFilesError, match=r"no labels.npy.*datasets fetch isaac3d"):
        load_dataset("isaac3d", root=tmp_path)


def test_missing_images_are_named(tmp_path, layouts):
    layouts.write_isaac3d(tmp_path, {}, labels(2))
    with pytest.raises(MissingFilesError, match="no folder images"):
        load_dataset("isaac3d", root=tmp_path)
    (tmp_path / "images").mkdir()
    with pytest.raises(DataError, match="images holds no PNG"):
        load_dataset("isaac3d", root=tmp_path)


@pytest.mark.parametrize("name", ["000002.png", "00001.png", "a.png", "0000001.png"])
def test_image_without_a_label_is_refused(tmp_path, layouts, kept, name):
    layouts.write_isaac3d(tmp_path, noise(0, 1), labels(2))
    layouts.write_png(tmp_path / "images" / name, noise(0)[0])
    with pytest.raises(DataError, match=f"{name} is not one of 000000.png to 000001.png"):
        load_dataset("isaac3d", root=tmp_path)
    assert kept() == []


@pytest.mark.parametrize("value", [0.4, -1 / 3, 4 / 3, 2 / 3 + 1e-3, np.nan, np.inf])
def test_label_off_the_grid_is_refused(tmp_path, layouts, value):
    values = labels(3)
    values[1, 4] = value
    layouts.write_isaac3d(tmp_path, noise(0, 1, 2), values)
    with pytest.raises(DataError, match=r"row 1 has the value .* of object_scale"):
        load_dataset("isaac3d", root=tmp_path)


def test_rounding_of_labels_is_forgiven(tmp_path, layouts):
    layouts.write_isaac3d(tmp_path, noise(0, 1), labels(2).astype(np.float32))
    assert len(load_dataset("isaac3d", root=tmp_path)) == 2


def test_one_combination_twice_is_refused(tmp_path, layouts):
    layouts.write_isaac3d(tmp_path, noise(0), labels(4)[[0, 1, 2, 1]])
    with pytest.raises(DataError, match="the classes of row 1 occur twice"):
        load_dataset("isaac3d", root=tmp_path)


@pytest.mark.parametrize("wrong", [np.zeros((4, 8)), np.zeros((4, 9), int), np.zeros(9)])
def test_labels_of_another_kind_are_refused(tmp_path, layouts, wrong):
    layouts.write_isaac3d(tmp_path, noise(0), wrong)
    with pytest.raises(DataError, match=r"labels.npy is .* expected float64 of shape \(n, 9\)"):
        load_dataset("isaac3d", root=tmp_path)


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-9], lambda data: b"<html>", lambda data: b""]
)
def test_damaged_labels_are_refused(tmp_path, layouts, damage):
    layouts.write_isaac3d(tmp_path, noise(0), labels(1))
    path = tmp_path / "labels.npy"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=r"labels.npy cannot be read"):
        load_dataset("isaac3d", root=tmp_path)


def test_archive_without_labels_is_refused(tmp_path, layouts):
    layouts.write_isaac3d(tmp_path / "in", noise(0), labels(1))
    layouts.write_zip(tmp_path / "Isaac3D_down128.zip", tmp_path / "in" / "images")
    with pytest.raises(DataError, match=r"holds 0 files labels.npy"):
        load_dataset("isaac3d", root=tmp_path)


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (np.zeros((512, 512, 3), np.uint8), "512x512 PNG of 8 bits, RGB; 128x128"),
        (np.zeros((128, 128), np.uint16), "PNG of 16 bits, grey"),
    ],
)
def test_image_of_another_kind_is_refused(tmp_path, layouts, kept, image, says):
    layouts.write_isaac3d(tmp_path, noise(0) | {1: image}, labels(2))
    with pytest.raises(DataError, match=f"000001.png is a {says}" if "x" in says else says):
        load_dataset("isaac3d", root=tmp_path)
    assert kept() == []


def test_a_check_names_every_image_that_cannot_be_read(tmp_path, layouts):
    layouts.write_isaac3d(tmp_path, noise(*range(4)), labels(4))
    for row in (1, 2):
        path = tmp_path / "images" / f"{row:06d}.png"
        path.write_bytes(path.read_bytes()[:999])
    findings = check_files(Isaac3d(), tmp_path)
    problems = [finding.text for finding in findings if finding.verdict == "problem"]
    assert len(problems) == 2
    for row, problem in zip((1, 2), problems, strict=True):
        assert f"{row:06d}.png cannot be decoded" in problem
