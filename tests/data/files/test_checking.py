"""What `datasets check` finds in files."""

import hashlib

import numpy as np
import pytest

from drbench import Contents, DataError, Dataset, DatasetSpec, Factor, RemoteFile
from drbench.data.files.checking import check_files
from drbench.data.files.fetch import fetch
from drbench.errors import MissingFilesError

GOOD = bytes(range(6))


def dataset(**changed):
    fields = {
        "name": "toy",
        "summary": "Toy",
        "factors": (
            Factor(name="x", kind="ordinal", size=3),
            Factor(name="y", kind="ordinal", size=2),
        ),
        "image_shape": (2, 2, 1),
        "files": (
            RemoteFile(
                url="http://127.0.0.1:9/toy.bin",
                name="toy.bin",
                hash=f"sha256:{hashlib.sha256(GOOD).hexdigest()}",
            ),
        ),
        "licence": "x",
        "citation": "y",
    }

    class Toy(Dataset):
        """Byte i of the file is the combination of classes of image i; 255 is damaged."""

        spec = DatasetSpec(**(fields | changed))

        def open(self, source):
            path = source.file("toy.bin")
            classes = np.frombuffer(path.read_bytes(), np.uint8)

            def images():
                for i, number in enumerate(classes):
                    if number == 255:
                        source.fault(DataError(f"{path}: image {i} is damaged."))
                    yield np.full((1, 2, 2, 1), number)

            codes = np.stack([classes % 6 // 2, classes % 2], axis=1)
            return source.stored(inputs=[path], read=lambda: Contents(codes, images()))

    return Toy()


def verdicts(tmp_path, content, **changed):
    (tmp_path / "toy.bin").write_bytes(bytes(content))
    found = check_files(dataset(**changed), tmp_path)
    return {
        kind: [one.text for one in found if one.verdict == kind]
        for kind in ("ok", "note", "problem")
    }


def test_the_makers_files_are_in_order(tmp_path):
    found = verdicts(tmp_path, GOOD)
    assert found["problem"] == found["note"] == []
    hashed, read, complete = found["ok"]
    assert "has the published checksum sha256:" in hashed
    assert read == "6 images were read, each of them"
    assert complete == "every combination is there"


def test_every_damaged_image_is_named(tmp_path):
    found = verdicts(tmp_path, [0, 255, 2, 255, 4, 5])["problem"]
    assert [text for text in found if "image 1 is damaged" in text]
    assert [text for text in found if "image 3 is damaged" in text]
    assert [text for text in found if "not sha256:" in text]


def test_nothing_is_kept_and_nothing_that_was_kept_is_trusted(tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    monkeypatch.setenv("DRBENCH_CACHE", str(cache))
    verdicts(tmp_path, GOOD)
    assert not list(cache.iterdir())


def test_default_root_lies_in_the_users_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DRBENCH_CACHE", str(tmp_path))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "toy.bin").write_bytes(GOOD)
    assert all(found.verdict == "ok" for found in check_files(dataset()))


def test_what_lacks_of_the_grid_is_a_problem(tmp_path):
    (text,) = verdicts(tmp_path, [0, 1, 2, 3], files=())["problem"]
    assert text == "4 of 6 combinations of classes are there; none has x 2"


def test_dependent_factors_need_every_class_but_not_every_combination(tmp_path):
    found = verdicts(tmp_path, [0, 3, 4], files=(), independent=False)
    assert "every class of every factor is there" in found["ok"]
    found = verdicts(tmp_path, [0, 3], files=(), independent=False)
    assert found["problem"] == ["no image has x 2"]


def test_shared_classes_and_missing_partners_are_noted(tmp_path):
    notes = verdicts(tmp_path, [0, 0, 1, 2], files=(), independent=False)["note"]
    assert "1 images share their classes with another" in notes
    # In x only 0 and 2 differ, thrice: the row of class 1 has no partner; in y that of class 2.
    assert [text.split(" of the")[0] for text in notes[1:]] == [
        "factor x: 25.0%",
        "factor y: 25.0%",
    ]


def test_pinned_checksums_are_compared(tmp_path):
    file = RemoteFile(url="http://127.0.0.1:9/toy.bin", name="toy.bin")
    (tmp_path / "toy.bin").write_bytes(GOOD)
    assert "none is pinned" in verdicts(tmp_path, GOOD, files=(file,))["note"][0]
    fetch(dataset(files=(file,)).spec, tmp_path)
    assert "has the checksum that was pinned on" in verdicts(tmp_path, GOOD, files=(file,))["ok"][0]
    changed = verdicts(tmp_path, GOOD[::-1], files=(file,))
    assert "no longer has the checksum that was pinned" in changed["problem"][0]


def test_nothing_to_check_is_an_error(tmp_path):
    with pytest.raises(MissingFilesError):
        check_files(dataset(), tmp_path)
