import os
import threading
import time
from collections import namedtuple

import numpy as np
import pytest

from drbench.data import prepared
from drbench.data.prepared import open_prepared
from drbench.errors import DrbenchError

ROWS = np.arange(24, dtype=np.uint8).reshape(6, 4)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DRBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "prepared"


def opened(chunks=lambda: iter((ROWS[:4], ROWS[4:])), **changed):
    return open_prepared(**({"name": "rows", "shape": (6, 4), "chunks": chunks} | changed))


def never():
    raise AssertionError("made again")
    yield


def test_array_is_made_once_and_mapped_after():
    assert np.array_equal(opened(), ROWS)
    again = opened(never)
    assert np.array_equal(again, ROWS)
    assert not again.flags.writeable
    assert not again.flags.owndata


def test_nothing_is_made_unless_asked():
    assert opened(never, make=False) is None
    opened()
    assert np.array_equal(opened(never, make=False), ROWS)


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
    assert np.array_equal(opened(never, inputs=[second]), ROWS)
    second.write_bytes(b"two")
    with pytest.raises(AssertionError, match="made again"):
        opened(never, inputs=[second])


def test_unchanged_inputs_are_hashed_once(tmp_path, monkeypatch):
    file = tmp_path / "input"
    file.write_bytes(b"one")
    opened(inputs=[file])
    monkeypatch.setattr(prepared, "sha256_file", None)
    assert np.array_equal(opened(never, inputs=[file]), ROWS)


def interrupted():
    yield ROWS[:4]
    raise KeyboardInterrupt


def test_interrupted_preparation_leaves_nothing_half_written(cache):
    with pytest.raises(KeyboardInterrupt):
        opened(interrupted)
    assert not list(cache.glob("*.npy"))
    assert not list(cache.glob(".*.partial"))
    assert np.array_equal(opened(), ROWS)


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
    assert not list(cache.glob("*.npy"))


def test_too_small_a_disk_is_said_before_anything_is_written(cache, monkeypatch):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(prepared.shutil, "disk_usage", lambda path: usage(free=10))
    with pytest.raises(DrbenchError, match="set DRBENCH_CACHE to a larger disk"):
        opened(never)


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
