import struct
import zipfile

import h5py
import numpy as np
import pytest
from drbench_plugins.reading import stored_array

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
