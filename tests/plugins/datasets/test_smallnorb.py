import gzip

import numpy as np
import pytest
from drbench_plugins.datasets import smallnorb

from drbench import DataError, load_dataset, registry
from drbench.checks import check_dataset
from drbench.errors import MissingFilesError

# As they are on disk, in no order of classes: category, instance, elevation, azimuth, lighting.
TRAINING = np.array([[0, 8, 6, 4, 4], [4, 4, 8, 34, 0], [1, 9, 0, 0, 5]])
TESTING = np.array([[2, 0, 3, 20, 1], [3, 5, 1, 2, 2]])
CODES = [[0, 8, 6, 2, 4], [4, 4, 8, 17, 0], [1, 9, 0, 0, 5], [2, 0, 3, 10, 1], [3, 5, 1, 1, 2]]


def pairs(count, seed=0):
    """Images of both cameras."""
    return np.random.default_rng(seed).integers(0, 256, (count, 2, 96, 96), dtype=np.uint8)


@pytest.fixture
def toys(tmp_path, layouts):
    """Writes both parts; options change what one file of the training part holds."""

    def write(folder=tmp_path, suffix=".mat.gz", images=None, labels=TRAINING):
        images = pairs(3) if images is None else images
        files = layouts.write_smallnorb(folder, "training", images, labels, suffix=suffix)
        layouts.write_smallnorb(folder, "testing", pairs(2, 1), TESTING, suffix=suffix)
        return files

    return write


@pytest.mark.parametrize("suffix", [".mat.gz", ".mat"])
@pytest.mark.parametrize("folder", ["", "smallnorb"])
def test_rows_are_training_then_testing_by_the_first_camera(tmp_path, toys, folder, suffix):
    toys(tmp_path / folder, suffix)
    data = load_dataset("smallnorb", root=tmp_path)
    assert data.codes.tolist() == CODES
    expected = np.concatenate([pairs(3), pairs(2, 1)])[:, 0, :, :, None]
    rows = np.array([4, 0, 2, 2])
    assert np.array_equal(data.images(rows), expected[rows])
    assert "5 of 48,600 combinations" in data.notes[0]
    assert check_dataset(registry.load("dataset", "smallnorb"), data) == []


def test_all_instances_of_both_parts_make_the_whole_grid(tmp_path, layouts, monkeypatch, kept):
    monkeypatch.setattr(smallnorb, "SIDE", 1)
    grid = np.stack(np.meshgrid(
        range(5), range(10), range(9), range(0, 36, 2), range(6), indexing="ij"
    ), axis=-1).reshape(-1, 5)  # fmt: skip
    grid = np.random.default_rng(0).permutation(grid)
    trains = np.isin(grid[:, 1], [4, 6, 7, 8, 9])
    assert trains.sum() == 24_300
    brightness = (grid[:, 2] * 10 + grid[:, 4]).astype(np.uint8)
    for part, rows in (("training", trains), ("testing", ~trains)):
        images = np.repeat(brightness[rows], 2).reshape(-1, 2, 1, 1)
        layouts.write_smallnorb(tmp_path, part, images, grid[rows])
    data = load_dataset("smallnorb", root=tmp_path, size=(1, 1))
    assert data.notes == ("images converted from 96x96x1 to 1x1x1",)  # nothing lacks
    assert len(np.unique(data.codes, axis=0)) == len(data) == 48_600
    rows = np.random.default_rng(1).integers(0, 48_600, 300)
    expected = data.codes[rows, 2] * 10 + data.codes[rows, 4]
    assert np.array_equal(data.images(rows)[:, 0, 0, 0], expected)


def test_classes_stand_for_the_makers_degrees():
    elevation, azimuth = registry.load("dataset", "smallnorb").spec.factors[2:4]
    assert (elevation.values[0], elevation.values[8]) == (30, 70)
    assert (azimuth.values[1], azimuth.values[17], azimuth.kind) == (20, 340, "cyclic")


def test_resized_images_are_means_of_areas(tmp_path, toys):
    toys()
    data = load_dataset("smallnorb", root=tmp_path, size=(48, 48))
    means = pairs(3)[:, 0].reshape(3, 48, 2, 48, 2).astype(float).mean(axis=(2, 4))
    assert np.abs(data.images(np.arange(3))[..., 0] - means).max() <= 0.5


def test_subgrid_keeps_the_rows_of_its_classes(tmp_path, toys):
    toys()
    part = load_dataset("smallnorb", root=tmp_path).subgrid({"category": 2})  # animal and car
    assert part.codes[:, 0].tolist() == [0, 1]
    assert np.array_equal(part.images(np.array([1]))[0, ..., 0], pairs(3)[1, 0])


@pytest.mark.parametrize("kind", ["dat", "cat", "info"])
def test_each_missing_file_is_named(tmp_path, toys, kind):
    path = toys()[kind]
    path.unlink()
    with pytest.raises(MissingFilesError, match=path.name):
        load_dataset("smallnorb", root=tmp_path)


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        (0, 5, r"cat\.mat\.gz: row 1 has category 5, which is none of its 5 values"),
        (1, -1, r"info\.mat\.gz: row 1 has instance -1"),
        (2, 9, "elevation 9"),
        (3, 3, "azimuth 3, which is none of its 18 values from 0 to 34"),
        (4, 6, "lighting 6"),
    ],
)
def test_labels_that_are_no_classes_are_refused(tmp_path, toys, kept, column, value, says):
    labels = TRAINING.copy()
    labels[1, column] = value
    toys(labels=labels)
    with pytest.raises(DataError, match=says):
        load_dataset("smallnorb", root=tmp_path)
    assert kept() == []


@pytest.mark.parametrize(
    ("images", "says"),
    [
        (pairs(2), r"uint8 of shape \(2, 2, 96, 96\), expected uint8 of shape \(3, 2, 96, 96\)"),
        (pairs(4), r"expected uint8 of shape \(3, 2, 96, 96\)"),
        (pairs(3)[:, :1], r"shape \(3, 1, 96, 96\)"),
        (pairs(3).astype("<i4"), "matrix is int32"),
    ],
)
def test_images_that_do_not_fit_their_labels_are_refused(tmp_path, toys, kept, images, says):
    toys(images=images)
    with pytest.raises(DataError, match=says):
        load_dataset("smallnorb", root=tmp_path)
    assert kept() == []


def test_labels_of_other_lengths_are_refused(tmp_path, toys, layouts):
    files = toys()
    layouts.write_norb_matrix(files["info"], TRAINING[:2, 1:].astype("<i4"))
    with pytest.raises(DataError, match=r"int32 of shape \(2, 4\), expected .*\(3, 4\)"):
        load_dataset("smallnorb", root=tmp_path)


@pytest.mark.parametrize("suffix", [".mat.gz", ".mat"])
@pytest.mark.parametrize("kind", ["dat", "cat", "info"])
def test_truncated_and_other_files_are_refused(tmp_path, toys, kept, kind, suffix):
    path = toys(suffix=suffix)[kind]
    whole = path.read_bytes()
    for data in (whole[:-1], whole[: len(whole) // 2], whole[:6], b"", b"<!DOCTYPE html><html>"):
        path.write_bytes(data)
        with pytest.raises(DataError, match=rf"{path.name} cannot be read"):
            load_dataset("smallnorb", root=tmp_path)
    assert kept() == []
    path.write_bytes(whole)
    assert len(load_dataset("smallnorb", root=tmp_path)) == 5


@pytest.mark.parametrize(
    "data",
    [
        b"\x54\x4c\x3d\x1e" + bytes(4),  # no dimensions
        b"\x54\x4c\x3d\x1e" + b"\1\0\0\0" + b"\xff" * 12,  # sizes below zero
        b"\x51\x4c\x3d\x1e" + b"\1\0\0\0" * 4 + bytes(8),  # numbers of another type
        b"\x54\x4c\x3d\x1e" + b"\1\0\0\0" * 4 + bytes(8),  # two numbers where one is announced
    ],
)
def test_other_matrices_are_refused(tmp_path, toys, kept, data):
    path = toys()["cat"]
    path.write_bytes(gzip.compress(data))
    with pytest.raises(DataError, match="cannot be read"):
        load_dataset("smallnorb", root=tmp_path)
    assert kept() == []


def test_wrong_checksum_of_the_images_is_found(tmp_path, toys, kept):
    path = toys()["dat"]
    data = bytearray(path.read_bytes())
    data[-8] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match="CRC"):
        load_dataset("smallnorb", root=tmp_path)
    assert kept() == []
