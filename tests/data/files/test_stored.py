import subprocess
import sys

import numpy as np
import pytest

from drbench import (
    Contents,
    DataError,
    DatasetSpec,
    DrbenchError,
    Factor,
    RemoteFile,
    Source,
)
from drbench.data.files.fetch import fetch
from drbench.data.imaging import resize_area

SPEC = DatasetSpec(
    name="toy",
    summary="Toy",
    factors=(
        Factor(name="x", kind="ordinal", size=5),
        Factor(name="angle", kind="continuous"),
    ),
    image_shape=(4, 6, 3),
    split_group="film",
    licence="x",
    citation="y",
)
IMAGES = np.random.default_rng(0).integers(0, 256, (5, 4, 6, 3), dtype=np.uint8)
CODES = np.stack([np.arange(5), np.full(5, -1)], axis=1)
VALUES = np.stack([np.arange(5), np.linspace(0, 1, 5)], axis=1)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DRBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "prepared"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "images.bin"
    path.write_bytes(IMAGES.tobytes())
    return path


def contents(**changed):
    fields = {
        "codes": CODES,
        "images": iter((IMAGES[:2], IMAGES[2:])),
        "values": VALUES,
        "groups": np.array([0, 0, 1, 1, 1]),
        "notes": ("a note",),
    }
    return Contents(**(fields | changed))


def never():
    raise AssertionError("read again")


def opened(file, read=contents, size=None, spec=SPEC):
    return Source(spec, "official", size=size).stored(inputs=[file], read=read)


def kept(cache):
    return sorted(path.name for path in cache.rglob("*.npy"))


def test_files_are_read_once_and_all_of_it_comes_back(file):
    for read in (contents, never):
        found = opened(file, read)
        assert np.array_equal(found.codes, CODES)
        assert np.array_equal(found.values, VALUES)
        assert found.groups.tolist() == [0, 0, 1, 1, 1]
        assert found.notes == ("a note",)
        assert np.array_equal(found.images(np.array([4, 0, 4])), IMAGES[[4, 0, 4]])
        assert found.spec == SPEC


def test_what_is_not_given_stays_absent(file):
    spec = SPEC.model_copy(update={"factors": SPEC.factors[:1], "split_group": None})
    given = contents(codes=CODES[:, :1], values=None, groups=None, notes=())
    found = opened(file, lambda: given, spec=spec)
    assert (found.values, found.groups, found.notes) == (None, None, ())


def test_images_are_kept_in_the_size_asked_for(file):
    found = opened(file, size=(2, 3))
    assert found.spec.image_shape == (2, 3, 3)
    assert np.array_equal(found.images(np.arange(5)), resize_area(IMAGES, 2, 3))
    assert found.notes == ("a note", "images converted from 4x6x3 to 2x3x3")
    assert found.resized(2, 3) is found


def test_other_sizes_versions_and_bytes_are_read_anew(file):
    opened(file)
    with pytest.raises(AssertionError, match="read again"):
        opened(file, never, size=(2, 3))
    with pytest.raises(AssertionError, match="read again"):
        opened(file, never, spec=SPEC.model_copy(update={"version": "2"}))
    file.write_bytes(b"other")
    with pytest.raises(AssertionError, match="read again"):
        opened(file, never)


def test_folder_counts_by_its_files(tmp_path):
    folder = tmp_path / "films"
    folder.mkdir()
    (folder / "1.png").write_bytes(b"1")
    opened(folder)
    opened(folder, never)
    (folder / "2.png").write_bytes(b"2")
    with pytest.raises(AssertionError, match="read again"):
        opened(folder, never)


def test_a_file_that_changed_since_it_was_fetched_is_refused(file, monkeypatch):
    monkeypatch.setattr("drbench.data.files.fetch.download", lambda *_: None)
    remote = RemoteFile(url="http://localhost/images.bin", name=file.name)
    spec = SPEC.model_copy(update={"files": (remote,)})
    fetch(spec, file.parent)
    opened(file, spec=spec)
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(DataError, match=r"images.bin has changed since it was fetched on"):
        opened(file, never, spec=spec)


def failing_images():
    yield IMAGES[:2]
    raise DataError("images.bin: the third image is damaged.")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"images": failing_images()}, "third image is damaged"),
        ({"images": iter((IMAGES[:2],))}, "2 rows came, 5 were expected"),
        ({"images": iter((IMAGES.astype(float),))}, "uint8 of shape"),
    ],
)
def test_failure_leaves_no_images_and_the_next_attempt_starts_anew(file, cache, changed, message):
    with pytest.raises(DrbenchError, match=message):
        opened(file, lambda: contents(**changed), size=(4, 6))
    assert "images.npy" not in kept(cache)
    assert np.array_equal(opened(file).images(np.arange(5)), IMAGES)


def test_cache_that_cannot_be_written_is_one_sentence(file, tmp_path, monkeypatch):
    (tmp_path / "taken").write_text("")
    monkeypatch.setenv("DRBENCH_CACHE", str(tmp_path / "taken"))
    with pytest.raises(DrbenchError, match="taken"):
        opened(file)


def test_full_disk_is_found_before_the_reading(file, monkeypatch):
    monkeypatch.setattr(
        "drbench.data.files.rows.shutil.disk_usage", lambda _: type("u", (), {"free": 3})
    )
    with pytest.raises(DrbenchError, match="DRBENCH_CACHE to a larger disk"):
        opened(file)


PROCESS = """
import sys
from pathlib import Path
import numpy as np
from tests.data.files.test_stored import contents, opened, IMAGES
def read():
    print("read", flush=True)
    return contents()
found = opened(Path(sys.argv[1]), read)
assert np.array_equal(found.images(np.arange(5)), IMAGES)
"""


def test_of_processes_that_start_together_one_reads(file):
    command = [sys.executable, "-c", PROCESS, str(file)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert "".join(said).count("read") == 1
