import hashlib
import json

import pytest

from drbench import DataError, DatasetSpec, DrbenchError, Factor, RemoteFile, RequestError
from drbench.data.files.fetch import RECEIPT, fetch
from drbench.errors import MissingFilesError
from tests.data.conftest import CONTENT, Page
from tests.data.files.test_unpack import tarred, zipped

SHA = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def _cache(monkeypatch, tmp_path):
    monkeypatch.setenv("DRBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("drbench.data.files.download.PAUSE", 0.0)


def remote(server, name="file.bin", **fields):
    return RemoteFile(
        **({"url": f"{server.url}/{name}", "name": name, "hash": f"sha256:{SHA}"} | fields)
    )


def spec(*files):
    return DatasetSpec(
        name="toy",
        summary="Toy",
        factors=(Factor(name="x", kind="ordinal", size=4),),
        image_shape=(1, 1, 1),
        folders=("toy", "other"),
        files=files,
        licence="Research only.",
        citation="Toymaker 1999.",
    )


def receipt(folder):
    return json.loads((folder / RECEIPT).read_text())


def test_file_is_fetched_into_the_first_folder(server, tmp_path):
    assert fetch(spec(remote(server)), tmp_path) == tmp_path / "toy"
    assert (tmp_path / "toy" / "file.bin").read_bytes() == CONTENT


def test_default_root_is_the_environments(server, tmp_path, monkeypatch):
    monkeypatch.setenv("DRBENCH_DATA", str(tmp_path / "data"))
    assert fetch(spec(remote(server))) == tmp_path / "data" / "toy"


def test_licence_is_shown_and_recorded(server, tmp_path, capsys):
    folder = fetch(spec(remote(server)), tmp_path)
    assert "licence: Research only. Cite: Toymaker 1999." in capsys.readouterr().err
    written = receipt(folder)
    assert (written["licence"], written["citation"]) == ("Research only.", "Toymaker 1999.")
    assert written["files"]["file.bin"]["sha256"] == SHA


def test_md5_is_a_checksum_too(server, tmp_path):
    digest = hashlib.md5(CONTENT).hexdigest()
    fetch(spec(remote(server, hash=f"md5:{digest}")), tmp_path)
    with pytest.raises(DataError, match=f"not md5:{'0' * 32}"):
        fetch(spec(remote(server, hash=f"md5:{'0' * 32}")), tmp_path / "again")


def test_what_is_there_is_not_fetched_again(server, tmp_path):
    for _ in range(2):
        fetch(spec(remote(server)), tmp_path)
    assert len(server.asked) == 1


def test_damaged_file_is_named_and_left_to_its_owner(server, tmp_path):
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "file.bin").write_bytes(CONTENT[:-1])
    with pytest.raises(DataError, match=r"toy/file.bin has the checksum .* Delete it"):
        fetch(spec(remote(server)), tmp_path)
    assert not server.asked


def test_of_two_formats_of_the_same_content_one_is_fetched(server, tmp_path):
    twin = remote(server, "twin.bin", same_as="file.bin")
    fetch(spec(remote(server), twin), tmp_path)
    assert [path for path, _ in server.asked] == ["/file.bin"]


def test_set_without_files_is_refused(tmp_path):
    with pytest.raises(RequestError, match="has no files to fetch"):
        fetch(spec(), tmp_path)


def test_file_without_a_published_checksum_is_pinned_on_first_use(server, tmp_path, capsys):
    file = remote(server, hash=None)
    folder = fetch(spec(file), tmp_path)
    assert f"pinned sha256:{SHA}" in capsys.readouterr().err
    assert receipt(folder)["files"]["file.bin"]["published_hash"] is False
    (folder / "file.bin").write_bytes(CONTENT[::-1])
    with pytest.raises(DataError, match=f"had sha256:{SHA} on .* it has changed"):
        fetch(spec(file), tmp_path)


def test_file_that_needs_a_person_says_what_to_do_then_is_pinned(server, tmp_path, capsys):
    file = remote(server, hash=None, by_hand="Press Download on the page https://maker.example.")
    with pytest.raises(MissingFilesError, match=r"Press Download .* Put it at .*toy/file\.bin"):
        fetch(spec(file), tmp_path)
    assert not server.asked
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "file.bin").write_bytes(CONTENT)
    fetch(spec(file), tmp_path)
    assert f"pinned sha256:{SHA}" in capsys.readouterr().err


def test_receipt_that_is_no_receipt_is_named(server, tmp_path):
    folder = fetch(spec(remote(server)), tmp_path)
    (folder / RECEIPT).write_text("{")
    with pytest.raises(DataError, match=f"{RECEIPT} is damaged"):
        fetch(spec(remote(server)), tmp_path)


@pytest.mark.parametrize(("name", "packed"), [("set.zip", zipped), ("set.tar.gz", tarred)])
def test_archive_is_unpacked_beside_itself(server, tmp_path, name, packed):
    content = packed(**{"top/one": b"1", "top/two": b"2"})
    server.pages[f"/{name}"] = Page(content)
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    folder = fetch(spec(remote(server, name, hash=digest)), tmp_path)
    assert (folder / "top" / "two").read_bytes() == b"2"


def test_archive_that_is_read_in_place_stays_as_it_is(server, tmp_path):
    server.pages["/set.zip"] = Page(zipped(one=b"1"))
    folder = fetch(spec(remote(server, "set.zip", hash=None, in_place=True)), tmp_path)
    assert (folder / "set.zip").is_file()
    assert not (folder / "one").exists()


def test_archive_with_a_wrong_checksum_is_never_unpacked(server, tmp_path):
    server.pages["/set.zip"] = Page(zipped(one=b"1"))
    with pytest.raises(DataError, match="checksum"):
        fetch(spec(remote(server, "set.zip")), tmp_path)
    assert not list((tmp_path / "toy").iterdir())


def test_hostile_archive_is_refused_after_it_was_fetched(server, tmp_path):
    content = zipped(**{"../../outside": b"1"})
    server.pages["/set.zip"] = Page(content)
    with pytest.raises(DataError, match="leads out of the folder"):
        fetch(spec(remote(server, "set.zip", hash=None)), tmp_path)
    assert not (tmp_path / "outside").exists()


def test_failure_says_what_to_do(server, tmp_path):
    with pytest.raises(DrbenchError, match="put the file there by hand"):
        fetch(spec(remote(server, "gone.bin")), tmp_path)
