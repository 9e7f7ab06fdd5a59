import os
import resource
import subprocess
import sys
import threading
import time
from collections import namedtuple

import numpy as np
import pytest

from drbench.data.files import prepared
from drbench.data.files.prepared import open_prepared
from drbench.errors import DataError, DrbenchError

ROWS = np.arange(24, dtype=np.uint8).reshape(6, 4)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DRBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "prepared"


def opened(chunks=lambda: iter((ROWS[:4], ROWS[4:])), **changed):
    return open_prepared(**({"name": "rows", "shape": (6, 4), "chunks": chunks} | changed))


def assert_rows(found):
    assert np.array_equal(found.whole(), ROWS)
    assert np.array_equal(found[np.array([5, 0, 5])], ROWS[[5, 0, 5]])


def never():
    raise AssertionError("made again")
    yield


def test_array_is_made_once_and_mapped_after():
    assert_rows(opened())
    again = opened(never)
    assert_rows(again)
    assert not again.whole().flags.writeable
    assert not again.whole().flags.owndata


def test_nothing_is_made_unless_asked():
    assert opened(never, make=False) is None
    opened()
    assert_rows(opened(never, make=False))


def test_other_names_shapes_and_inputs_are_other_arrays(tmp_path):
    file = tmp_path / "input"
    file.write_bytes(b"one")
    opened()
    for changed in ({"name": "others"}, {"shape": (6, 2, 2)}, {"inputs": [file]}):
        with pytest.raises(AssertionError, match="made again"):
            opened(never, **changed)


def test_inputs_count_by_content_not_by_place(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes(b"one")
    opened(inputs=[first])
    first.rename(second)
    assert_rows(opened(never, inputs=[second]))
    second.write_bytes(b"two")
    with pytest.raises(AssertionError, match="made again"):
        opened(never, inputs=[second])


def test_unchanged_inputs_are_hashed_once(tmp_path, monkeypatch):
    file = tmp_path / "input"
    file.write_bytes(b"one")
    opened(inputs=[file])
    monkeypatch.setattr(prepared, "sha256_file", None)
    assert_rows(opened(never, inputs=[file]))


def test_several_inputs_count_by_their_places_among_each_other(tmp_path):
    folders = [tmp_path / "set" / name for name in "ab"]
    for folder, names in zip(folders, ("12", "3"), strict=True):
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).write_text(name)
    opened(inputs=folders)
    (tmp_path / "set").rename(tmp_path / "moved")
    moved = [tmp_path / "moved" / name for name in "ab"]
    assert_rows(opened(never, inputs=moved))
    (moved[0] / "2").rename(moved[1] / "2")  # the same names and bytes in the same order
    with pytest.raises(AssertionError, match="made again"):
        opened(never, inputs=moved)


def test_a_cache_that_cannot_remember_a_hash_still_holds_the_array(tmp_path, monkeypatch):
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes(b"one")
    opened(inputs=[first])
    first.rename(second)

    def refused(path, text):
        raise DrbenchError(f"Cannot write {path}.")

    monkeypatch.setattr(prepared, "write_bytes", refused)
    assert_rows(opened(never, inputs=[second]))


def test_an_input_that_cannot_be_read_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "input").write_bytes(b"one")

    def refused(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(prepared, "sha256_file", refused)
    with pytest.raises(DataError, match=r"input cannot be read: Permission denied. Make it"):
        opened(never, inputs=[tmp_path / "input"])


def test_what_a_killed_process_left_is_removed(cache):
    code = (
        "import os, numpy\n"
        "from drbench.data.files.prepared import open_prepared\n"
        "def chunks():\n"
        "    yield numpy.zeros((4, 4), numpy.uint8)\n"
        "    os.kill(os.getpid(), 9)\n"
        "open_prepared('rows', shape=(6, 4), chunks=chunks)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    assert len(list(cache.glob(".*.partial"))) == 1
    assert_rows(opened())
    assert not list(cache.glob(".*.partial"))


def interrupted():
    yield ROWS[:4]
    raise KeyboardInterrupt


def test_interrupted_preparation_leaves_nothing_half_written(cache):
    with pytest.raises(KeyboardInterrupt):
        opened(interrupted)
    assert not list(cache.glob("*.np[yz]"))
    assert not list(cache.glob(".*.partial"))
    assert_rows(opened())


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ([ROWS[:4]], "4 rows came, 6 were expected"),
        ([ROWS, ROWS], "12 rows came"),
        ([ROWS[:, :3]], r"rows of shape \(3,\)"),
        ([ROWS.astype(np.int64)], "type int64"),
    ],
)
def test_chunks_that_are_not_what_was_announced_are_refused(cache, blocks, message):
    with pytest.raises(DrbenchError, match=message):
        opened(lambda: iter(blocks))
    assert not list(cache.glob("*.np[yz]"))


def test_too_small_a_disk_is_said_before_anything_is_written(cache, monkeypatch):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr("drbench.data.files.rows.shutil.disk_usage", lambda path: usage(free=10))
    with pytest.raises(DrbenchError, match="set DRBENCH_CACHE to a larger disk"):
        opened(never)


def test_disk_that_fills_up_meanwhile_is_one_sentence(cache):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (140, before[1]))  # the header and 12 of 24 bytes
    try:
        with pytest.raises(DrbenchError, match=r"too large.* set DRBENCH_CACHE to a larger disk"):
            opened()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(cache.glob("*.np[yz]"))
    assert not list(cache.glob(".*.partial"))
    assert_rows(opened())


def test_cache_that_is_no_folder_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DRBENCH_CACHE", str(tmp_path / "file"))
    with pytest.raises(DrbenchError, match="Set DRBENCH_CACHE to a folder"):
        opened(never)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_read_only_cache_is_one_sentence(tmp_path, cache):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache").chmod(0o500)
    with pytest.raises(DrbenchError, match="Set DRBENCH_CACHE to a folder"):
        opened(never)


def test_two_that_start_together_prepare_once():
    started, count = threading.Barrier(2), []

    def chunks():
        count.append(1)
        time.sleep(0.1)  # long enough for the other to find nothing there yet
        yield ROWS

    def work():
        started.wait()
        opened(chunks)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(count) == 1


# Damage


LONG = np.random.default_rng(0).integers(0, 256, (2500, 7), dtype=np.uint8)  # rows share checksums
PICTURES = np.random.default_rng(0).integers(0, 256, (3, 40, 41, 3), dtype=np.uint8)


def kept(array, *lengths):
    """An array of the cache, made of blocks of these lengths; and its file."""
    rows = open_prepared(
        "x", shape=array.shape, chunks=lambda: iter(np.split(array, np.cumsum(lengths)))
    )
    (path,) = prepared.prepared_path("x-{}.npy", "x", array.shape, "").parent.glob("x-*.npy")
    return rows, path


@pytest.mark.parametrize("lengths", [(), (1,), (586, 1, 0, 584), (1170, 1000)])
@pytest.mark.parametrize("array", [LONG, PICTURES], ids=["long", "pictures"])
def test_what_was_written_in_any_blocks_is_read_back(array, lengths):
    lengths = [length for length in lengths if length < len(array)]
    rows, _ = kept(array, *lengths)
    order = np.random.default_rng(1).permutation(len(array))
    assert np.array_equal(rows[order], array[order])
    assert np.array_equal(rows.whole(), array)


@pytest.mark.parametrize("array", [LONG, PICTURES], ids=["long", "pictures"])
def test_a_flipped_byte_is_found_where_it_is_read_and_harms_nothing_else(array):
    _, path = kept(array)
    damaged = bytearray(path.read_bytes())
    damaged[-1] ^= 1
    path.write_bytes(damaged)
    rows, _ = kept(array)
    last = len(array) - 1
    assert np.array_equal(rows[np.array([0])], array[:1])
    for read in (lambda: rows[np.array([0, last])], rows.whole):
        with pytest.raises(DataError, match=r"is damaged .*Delete it and run the same command"):
            read()
    path.unlink()
    assert np.array_equal(kept(array)[0].whole(), array)


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_no_damage_of_the_cache_is_read_as_other_data_or_is_a_bare_error(suffix):
    _, path = kept(LONG[:600])
    path = path.with_suffix(suffix)
    whole = path.read_bytes()
    places = [*range(0, len(whole), 1 + len(whole) // 400)]
    changes = [whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :] for place in places]
    for content in [*changes, whole[:-1], whole[:40], b""]:
        path.write_bytes(content)
        try:
            assert np.array_equal(kept(LONG[:600])[0].whole(), LONG[:600])
        except DataError as error:
            assert "is damaged" in str(error)  # noqa: PT017 - or it was harmless


def test_a_damaged_memory_of_a_hash_is_not_believed(tmp_path, cache):
    file = tmp_path / "input"
    file.write_bytes(b"one")
    opened(inputs=[file])
    (memo,) = cache.glob("hash-*")
    whole = memo.read_bytes()
    for content in (b"f" + whole[1:], whole[:20], b"\xff" * 80, b""):
        memo.write_bytes(content)
        assert_rows(opened(never, inputs=[file]))
