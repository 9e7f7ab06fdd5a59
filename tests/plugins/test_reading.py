import struct
import zipfile

import h5py
import numpy as np
import pytest
from drbench_plugins import reading
from drbench_plugins.reading import classes_of, stored_array

from drbench import DataError


@pytest.fixture(params=["npz", "compressed npz", "hdf5"])
def stored(request, tmp_path):
    array = np.random.default_rng(0).integers(0, 1000, (10, 3, 2))
    path = tmp_path / f"file.{request.param[-4:].strip()}"
    if request.param == "npz":
        np.savez(path, group=array)
    elif request.param == "compressed npz":
        np.savez_compressed(path, group=array)
    else:
        with h5py.File(path, "w") as file:
            file["group"] = array
    return path, array


def test_blocks_are_the_array_in_order(stored):
    path, array = stored
    found = stored_array(path, "group")
    blocks = list(found.blocks(4))
    assert (found.shape, found.dtype) == (array.shape, array.dtype)
    assert [len(block) for block in blocks] == [4, 4, 2]
    assert np.array_equal(np.concatenate(blocks), array)


def test_missing_member_is_named(stored):
    with pytest.raises(DataError, match="no array 'other'"):
        stored_array(stored[0], "other")


def test_missing_member_of_a_member_is_named(stored):
    with pytest.raises(DataError, match="group/deeper"):
        stored_array(stored[0], "group/deeper")


def test_pickles_are_refused(tmp_path):
    np.savez(tmp_path / "file.npz", objects=np.array([{}], dtype=object))
    with pytest.raises(DataError, match="plain array"):
        stored_array(tmp_path / "file.npz", "objects")


def test_fortran_order_is_refused(tmp_path):
    np.savez(tmp_path / "file.npz", array=np.asfortranarray(np.arange(6).reshape(2, 3)))
    with pytest.raises(DataError, match="C order"):
        stored_array(tmp_path / "file.npz", "array")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_data_that_does_not_have_its_checksum_is_refused(tmp_path, save):
    path = tmp_path / "file.npz"
    save(path, array=np.arange(60_000).reshape(6, 10_000))
    with zipfile.ZipFile(path) as archive:
        checksum = struct.pack("<I", archive.getinfo("array.npy").CRC)
    path.write_bytes(path.read_bytes().replace(checksum, b"\0\0\0\0"))
    with pytest.raises(DataError, match="Bad CRC"):
        list(stored_array(path, "array").blocks(2))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_every_flipped_bit_of_an_archive_is_a_named_error_or_harmless(tmp_path, save):
    path, array = tmp_path / "file.npz", np.arange(60, dtype=np.uint8).reshape(6, 10)
    save(path, array=array)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :])
        try:
            stored = stored_array(path, "array")
            stored.require((6, 10), np.uint8)
            read = list(stored.blocks(4))
        except DataError:
            continue
        assert np.array_equal(np.concatenate(read), array)


def test_whole_array_is_the_array(stored):
    path, array = stored
    assert np.array_equal(stored_array(path, "group").whole(), array)


@pytest.mark.parametrize("chunks", [(1, 3, 2), (10, 1, 1), (7, 3, 1), (4, 2, 2)])
def test_blocks_are_the_same_however_hdf5_is_chunked(tmp_path, monkeypatch, chunks):
    monkeypatch.setattr(reading, "_SLAB", 250)  # five rows of 48 bytes
    array = np.random.default_rng(1).integers(0, 1000, (10, 3, 2))
    with h5py.File(tmp_path / "file.h5", "w") as file:
        file.create_dataset("group", data=array, chunks=chunks, compression="gzip")
    blocks = list(stored_array(tmp_path / "file.h5", "group").blocks(2))
    assert max(len(block) for block in blocks) == 2
    assert np.array_equal(np.concatenate(blocks), array)


@pytest.mark.parametrize(
    ("chunk_rows", "slab"),
    [
        (1, 1024),  # small chunks: as asked for
        (2000, 2000),  # a chunk that fits is read whole
        (
            30_000,
            2_728,
        ),  # eleven reads of 34 MB, not thirty of 13 MB that decompress all of it each
    ],
)
def test_large_chunks_are_read_in_few_parts(chunk_rows, slab):
    assert reading._slab(chunk_rows, 64 * 64 * 3, 1024) == slab


def test_a_group_is_no_array(tmp_path):
    with h5py.File(tmp_path / "file.h5", "w") as file:
        file.create_group("images")
    with pytest.raises(DataError, match="no array 'images'"):
        stored_array(tmp_path / "file.h5", "images")


def test_requirements_compare_shape_and_kind(stored):
    found = stored_array(stored[0], "group")
    found.require((None, 3, 2), np.integer)
    for shape, kind in (((10, 3), np.integer), ((9, 3, 2), np.integer), ((10, 3, 2), np.uint8)):
        with pytest.raises(DataError, match=r"group is int64 of shape \(10, 3, 2\), expected"):
            found.require(shape, kind)


def test_class_is_the_rank_of_the_nearest_value(tmp_path):
    known = {"angle": (-10.0, 0.5, 3.0), "hue": (0, 1)}
    labels = np.array([[3, 0], [-10 + 9e-6, 1], [0.5, 1]])
    assert classes_of(labels, known, tmp_path).tolist() == [[2, 0], [0, 1], [1, 1]]
    for wrong in (0.50002, -11, 99, np.nan, -np.inf):
        labels[1, 0] = wrong
        with pytest.raises(DataError, match=f"row 1 has angle {wrong:g}, which is none of its 3"):
            classes_of(labels, known, tmp_path)
