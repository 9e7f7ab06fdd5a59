import zipfile

import h5py
import numpy as np
import pytest
from drbench_plugins.datasets import mpi3d

from drbench import DataError, load_dataset, registry
from drbench.checks import check_dataset
from drbench.errors import MissingFilesError

NAMES = ("mpi3d_toy", "mpi3d_realistic", "mpi3d_real")
SMALL = (2, 1, 2, 1, 1, 2, 3)


def noise(count=24, seed=0, side=64):
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(mpi3d, "_SIZES", SMALL)


def makers_index(codes):
    """The formula of the makers' page, for six colours and six shapes."""
    color, shape, size, camera, background, horizontal, vertical = codes.astype(int).T
    return (
        color * 172_800 + shape * 28_800 + size * 14_400
        + camera * 4_800 + background * 1_600 + horizontal * 40 + vertical
    )  # fmt: skip


def write_header_and(folder, shape, data):
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    path = folder / "mpi3d_real.npz"
    with zipfile.ZipFile(path, "w") as archive, archive.open("images.npy", "w") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.write(data)


@pytest.mark.parametrize("shape", [(1_036_800,), (6, 6, 2, 3, 3, 40, 40)])
def test_all_the_images_are_in_the_makers_order(tmp_path, monkeypatch, layouts, kept, shape):
    monkeypatch.setattr(mpi3d, "_IMAGE", (1, 1, 3))
    number = np.arange(1_036_800)
    pixels = np.stack([number >> 16, number >> 8 & 255, number & 255], axis=1).astype(np.uint8)
    layouts.write_mpi3d(tmp_path, "mpi3d_real", pixels.reshape(*shape, 1, 1, 3), compressed=True)
    data = load_dataset("mpi3d_real", root=tmp_path, size=(1, 1))
    rows = np.random.default_rng(0).permutation(len(data))[:5_000]
    shown = data.images(rows).reshape(-1, 3).astype(int) @ [65_536, 256, 1]
    assert len(data) == 1_036_800
    assert data.index.is_grid
    assert np.array_equal(makers_index(data.codes[rows]), shown)
    assert data.notes == ("images converted from 64x64x3 to 1x1x3",)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("folder", ["", "mpi3d"])
@pytest.mark.parametrize("name", NAMES)
def test_images_are_those_of_the_file(tmp_path, layouts, name, folder, compressed):
    images = noise()
    layouts.write_mpi3d(tmp_path / folder, name, images, compressed=compressed)
    data = load_dataset(name, root=tmp_path)
    rows = np.array([23, 0, 7, 7])
    assert np.array_equal(data.images(rows), images[rows])
    assert data.codes[7].tolist() == [0, 0, 1, 0, 0, 0, 1]
    assert data.codes[23].tolist() == [1, 0, 1, 0, 0, 1, 2]
    assert data.spec.real == (name == "mpi3d_real")
    assert "24 of 1,036,800 combinations" in data.notes[0]
    assert check_dataset(registry.load("dataset", name), data) == []


@pytest.mark.usefixtures("small")
def test_array_with_an_axis_for_each_factor_is_the_same_set(tmp_path, layouts):
    images = noise(seed=1)
    layouts.write_mpi3d(tmp_path, "mpi3d_toy", images.reshape(*SMALL, 64, 64, 3))
    data = load_dataset("mpi3d_toy", root=tmp_path)
    assert np.array_equal(data.images(np.arange(24)), images)


@pytest.mark.usefixtures("small")
def test_resized_images_are_means_of_areas(tmp_path, layouts):
    images = noise(seed=2)
    layouts.write_mpi3d(tmp_path, "mpi3d_toy", images)
    data = load_dataset("mpi3d_toy", root=tmp_path, size=(16, 16))
    means = images.reshape(24, 16, 4, 16, 4, 3).astype(float).mean(axis=(2, 4))
    assert np.abs(data.images(np.arange(24)) - means).max() <= 0.5


@pytest.mark.usefixtures("small")
def test_subgrid_keeps_the_images_of_its_classes(tmp_path, layouts):
    images = noise(seed=3)
    layouts.write_mpi3d(tmp_path, "mpi3d_toy", images)
    ends = load_dataset("mpi3d_toy", root=tmp_path).subgrid({"object_size": 1})
    assert len(ends) == 12
    assert np.array_equal(ends.images(np.arange(12)), np.concatenate([images[:6], images[12:18]]))


@pytest.mark.usefixtures("small")
def test_file_is_read_once(tmp_path, layouts, monkeypatch):
    layouts.write_mpi3d(tmp_path, "mpi3d_toy", noise(seed=4))
    first = load_dataset("mpi3d_toy", root=tmp_path)
    monkeypatch.setattr(mpi3d, "_read", None)
    again = load_dataset("mpi3d_toy", root=tmp_path)
    assert np.array_equal(again.images(np.arange(24)), first.images(np.arange(24)))


def test_three_sets_share_their_factors_and_nothing_of_their_files():
    specs = [registry.load("dataset", name).spec for name in NAMES]
    assert specs[0].factors == specs[1].factors == specs[2].factors
    assert specs[0].grid_size == 1_036_800
    assert len({spec.files[0].hash for spec in specs}) == 3
    assert [spec.real for spec in specs] == [False, False, True]


def test_missing_file_is_named(tmp_path):
    with pytest.raises(MissingFilesError, match=r"no mpi3d_real\.npz in .*fetch mpi3d_real"):
        load_dataset("mpi3d_real", root=tmp_path)


@pytest.mark.parametrize(
    ("images", "says"),
    [
        (noise(5), r"uint8 of shape \(5, 64, 64, 3\), expected uint8 of shape \(24, 64"),
        (noise(24, side=8), r"expected uint8 of shape \(24, 64, 64, 3\)"),
        (noise().astype(np.uint16), "uint16 of shape"),
        (np.zeros((3, 2, 4, 64, 64, 3), np.uint8), r"shape \(3, 2, 4, 64"),  # 24, but of what?
    ],
)
@pytest.mark.usefixtures("small")
def test_other_arrays_are_refused(tmp_path, layouts, kept, images, says):
    layouts.write_mpi3d(tmp_path, "mpi3d_real", images)
    with pytest.raises(DataError, match=says):
        load_dataset("mpi3d_real", root=tmp_path)
    assert kept() == []


def test_complex_shapes_with_fewer_classes_are_refused_with_both_counts(tmp_path, layouts, kept):
    write_header_and(tmp_path, (460_800, 64, 64, 3), b"")
    with pytest.raises(DataError, match=r"\(460800, 64, 64, 3\), expected .*\(1036800, 64, 64, 3"):
        load_dataset("mpi3d_real", root=tmp_path)
    assert kept() == []


@pytest.mark.usefixtures("small")
def test_file_that_ends_early_is_refused_and_read_anew_once_whole(tmp_path, layouts, kept):
    write_header_and(tmp_path, (24, 64, 64, 3), bytes(23 * 64 * 64 * 3))
    with pytest.raises(DataError, match=r"mpi3d_real\.npz cannot be read .*it ends early"):
        load_dataset("mpi3d_real", root=tmp_path)
    assert kept() == []
    layouts.write_mpi3d(tmp_path, "mpi3d_real", noise())
    assert np.array_equal(load_dataset("mpi3d_real", root=tmp_path).images(np.arange(24)), noise())
    assert kept() == ["images.npy"]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("compressed", [False, True])
def test_truncated_and_damaged_files_are_refused(tmp_path, layouts, kept, compressed):
    path = layouts.write_mpi3d(tmp_path, "mpi3d_toy", noise(), compressed=compressed)
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 0xFF
    for data in (whole[: len(whole) // 2], whole[:-1], bytes(damaged), b""):
        path.write_bytes(data)
        with pytest.raises(DataError, match="truncated or of another kind"):
            load_dataset("mpi3d_toy", root=tmp_path)
    assert kept() == []


@pytest.mark.usefixtures("small")
def test_file_of_another_kind_is_refused(tmp_path):
    np.savez(tmp_path / "mpi3d_toy.npz", pictures=noise())
    with pytest.raises(DataError, match="no array 'images'"):
        load_dataset("mpi3d_toy", root=tmp_path)
    with h5py.File(tmp_path / "mpi3d_toy.npz", "w") as file:
        file["images"] = noise()
    with pytest.raises(DataError, match="of another kind"):
        load_dataset("mpi3d_toy", root=tmp_path)
