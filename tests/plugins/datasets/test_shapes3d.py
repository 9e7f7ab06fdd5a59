import numpy as np
import pytest
from drbench_plugins.datasets import shapes3d

from drbench import DataError, grid_codes, load_dataset, registry
from drbench.checks import check_dataset
from drbench.errors import MissingFilesError

SIZES = (10, 10, 10, 8, 4, 15)


def noise(count, seed=0, side=64):
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def random_codes(count, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(0, size, count) for size in SIZES], axis=1)


def labels_of(codes):
    """Values as the file has them, by arithmetic instead of a table."""
    floor, wall, thing, scale, shape, turn = codes.T.astype(float)
    columns = [floor / 10, wall / 10, thing / 10, 0.75 + scale / 14, shape, -30 + turn * 60 / 14]
    return np.stack(columns, axis=1)


def official(**options):
    return load_dataset("shapes3d", origin="official", **options)


def test_classes_of_the_whole_file_are_the_ranks_of_the_values(
    tmp_path, monkeypatch, layouts, kept
):
    monkeypatch.setattr(shapes3d, "_IMAGE", (1, 1, 3))
    number = np.arange(480_000)
    pixels = np.stack([number >> 16, number >> 8 & 255, number & 255], axis=1).astype(np.uint8)
    labels = labels_of(grid_codes(SIZES))
    ranks = [np.unique(column, return_inverse=True)[1] for column in labels.T]
    layouts.write_shapes3d(tmp_path, pixels.reshape(-1, 1, 1, 3), labels, compression="gzip")
    data = official(root=tmp_path, size=(1, 1))
    rows = np.random.default_rng(0).permutation(len(data))[:5_000]
    shown = data.images(rows).reshape(-1, 3).astype(int) @ [65_536, 256, 1]
    assert np.array_equal(shown, rows)
    assert np.array_equal(data.codes, np.stack(ranks, axis=1))
    assert data.index.is_grid
    assert data.notes == ("images converted from 64x64x3 to 1x1x3",)


@pytest.mark.parametrize("folder", ["", "shapes3d", "3dshapes"])
def test_an_excerpt_in_any_order_has_the_classes_of_its_labels(tmp_path, layouts, folder):
    codes, images = random_codes(30), noise(30)
    layouts.write_shapes3d(
        tmp_path / folder, images, labels_of(codes), chunks=(7, 16, 64, 1), compression="gzip"
    )
    data = official(root=tmp_path)
    rows = np.array([29, 0, 4, 4])
    assert np.array_equal(data.codes, codes)
    assert np.array_equal(data.images(rows), images[rows])
    assert "30 of 480,000 combinations" in data.notes[0]
    assert check_dataset(registry.load("dataset", "shapes3d"), data) == []


@pytest.mark.parametrize("noisy", [lambda x: x + 1e-7, lambda x: x - 1e-7, np.float32])
def test_labels_may_be_off_by_rounding(tmp_path, layouts, noisy):
    codes = random_codes(40, seed=1)
    layouts.write_shapes3d(tmp_path, noise(40, 1), noisy(labels_of(codes)))
    assert np.array_equal(official(root=tmp_path).codes, codes)


def test_resized_images_are_means_of_areas(tmp_path, layouts):
    images = noise(5, seed=2)
    layouts.write_shapes3d(tmp_path, images, labels_of(random_codes(5, 2)))
    data = official(root=tmp_path, size=(32, 32))
    means = images.reshape(5, 32, 2, 32, 2, 3).astype(float).mean(axis=(2, 4))
    assert np.abs(data.images(np.arange(5)) - means).max() <= 0.5


def test_subgrid_keeps_the_rows_of_its_classes(tmp_path, layouts):
    codes, images = grid_codes((1, 1, 1, 8, 1, 15)), noise(120, seed=3)
    layouts.write_shapes3d(tmp_path, images, labels_of(codes))
    part = official(root=tmp_path).subgrid({"scale": 2, "orientation": 3})
    assert part.codes[:, 3:].tolist() == [[i, 0, j] for i in range(2) for j in range(3)]
    assert np.array_equal(part.images(np.arange(6)), images[[0, 7, 14, 105, 112, 119]])


def test_file_is_read_once(tmp_path, layouts, monkeypatch):
    layouts.write_shapes3d(tmp_path, noise(3, 4), labels_of(random_codes(3, 4)))
    first = official(root=tmp_path)
    monkeypatch.setattr(shapes3d, "_read", None)
    assert np.array_equal(official(root=tmp_path).codes, first.codes)


def test_missing_file_names_the_command(tmp_path):
    with pytest.raises(MissingFilesError, match=r"no 3dshapes\.h5 in .*fetch shapes3d"):
        official(root=tmp_path)


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        (0, 1.0, "row 2 has floor_hue 1, which is none of its 10 values from 0 to 0.9"),
        (2, 0.55, "object_hue 0.55"),
        (3, 0.75 + 0.001, "scale 0.751"),
        (4, 4.0, "shape 4, which is none of its 4 values"),
        (5, -31.0, "orientation -31"),
        (5, np.nan, "orientation nan"),
        (5, np.inf, "orientation inf"),
    ],
)
def test_labels_that_are_no_values_are_refused(tmp_path, layouts, kept, column, value, says):
    labels = labels_of(random_codes(4))
    labels[2:, column] = value
    layouts.write_shapes3d(tmp_path, noise(4), labels)
    with pytest.raises(DataError, match=says):
        official(root=tmp_path)
    assert kept() == []


@pytest.mark.parametrize(
    ("images", "labels", "says"),
    [
        (noise(3), labels_of(random_codes(4)), r"labels is float64 of shape \(4, 6\), .*\(3, 6\)"),
        (noise(5), labels_of(random_codes(4)), r"expected floating of shape \(5, 6\)"),
        (noise(4), labels_of(random_codes(4))[:, :5], r"shape \(4, 5\)"),
        (noise(4), random_codes(4), "labels is int64"),
        (noise(4).astype(np.uint16), labels_of(random_codes(4)), "images is uint16"),
        (noise(4, side=32), labels_of(random_codes(4)), r"expected uint8 of shape \(n, 64, 64, 3"),
        (noise(4)[..., 0], labels_of(random_codes(4)), r"images is uint8 of shape \(4, 64, 64\)"),
    ],
)
def test_other_arrays_are_refused(tmp_path, layouts, kept, images, labels, says):
    layouts.write_shapes3d(tmp_path, images, labels)
    with pytest.raises(DataError, match=says):
        official(root=tmp_path)
    assert kept() == []


def test_truncated_and_damaged_files_are_refused(tmp_path, layouts, kept):
    path = layouts.write_shapes3d(
        tmp_path, noise(9), labels_of(random_codes(9)), chunks=(3, 64, 64, 3), compression="gzip"
    )
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[len(whole) // 2 : len(whole) // 2 + 9] = b"\xff" * 9
    for data in (whole[: len(whole) // 2], bytes(damaged), b"", b"<!DOCTYPE html><html></html>"):
        path.write_bytes(data)
        with pytest.raises(DataError, match=r"3dshapes\.h5 cannot be read"):
            official(root=tmp_path)
    assert kept() == []
    path.write_bytes(whole)
    assert len(official(root=tmp_path)) == 9
    assert kept() == ["images.npy"]
