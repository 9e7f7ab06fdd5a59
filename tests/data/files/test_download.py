import gzip
import hashlib
import threading

import pytest

from drbench import DataError, DrbenchError, RemoteFile
from drbench.data.files import download as module
from drbench.data.files.download import download
from tests.data.conftest import CONTENT, Page

DIGEST = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
HALF = len(CONTENT) // 2


@pytest.fixture(autouse=True)
def _quick(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "PAUSE", 0.0)
    monkeypatch.setenv("DRBENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "file.bin"


def remote(server, **fields):
    return RemoteFile(
        **({"url": f"{server.url}/file.bin", "name": "file.bin", "hash": DIGEST} | fields)
    )


def left(path):
    return sorted(file.name for file in path.parent.iterdir())


def begun(asked):
    """First byte that was asked for."""
    return int(asked.removeprefix("bytes=").rstrip("-"))


def ranges(server):
    return [asked for _, asked in server.asked]


def test_file_arrives_whole_and_alone(server, path):
    download(remote(server), path)
    assert path.read_bytes() == CONTENT
    assert left(path) == ["file.bin"]


def test_cut_connection_is_continued_where_it_broke(server, path):
    server.pages["/file.bin"].cut = (HALF,)
    download(remote(server), path)
    assert path.read_bytes() == CONTENT
    first, second = ranges(server)
    assert first == ""
    assert HALF - 2**16 < begun(second) <= HALF


def test_what_an_earlier_attempt_left_is_continued(server, path):
    server.pages["/file.bin"].cut = (HALF, HALF // 4, HALF // 4)
    with pytest.raises(DrbenchError, match=r"broke off after .* run the same command again"):
        download(remote(server), path)
    assert not path.exists()
    download(remote(server), path)
    assert path.read_bytes() == CONTENT
    starts = [begun(asked) for asked in ranges(server)[1:]]
    assert starts == sorted(starts)
    assert starts[-1] > HALF
    assert left(path) == ["file.bin"]


def test_server_without_ranges_starts_over(server, path):
    server.pages["/file.bin"].cut = (HALF,)
    server.pages["/file.bin"].ranges = False
    download(remote(server), path)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("published", [DIGEST, None])
def test_file_that_changed_meanwhile_is_not_mixed(server, path, published):
    server.pages["/file.bin"] = Page(b"x" * len(CONTENT), tag='"0"', cut=(HALF, 0, 0))
    with pytest.raises(DrbenchError, match="broke off"):
        download(remote(server, hash=published), path)
    server.pages["/file.bin"] = Page(CONTENT, tag='"1"')
    download(remote(server, hash=published), path)
    assert path.read_bytes() == CONTENT


def test_part_of_unknown_origin_is_found_by_the_checksum(server, path):
    server.pages["/file.bin"].tag = ""
    path.parent.mkdir()
    (path.parent / ".file.bin.partial").write_bytes(b"x" * HALF)
    download(remote(server), path)
    assert path.read_bytes() == CONTENT
    assert ranges(server) == [f"bytes={HALF}-", ""]


def test_part_that_nothing_vouches_for_is_dropped(server, path):
    path.parent.mkdir()
    (path.parent / ".file.bin.partial").write_bytes(b"x" * HALF)
    download(remote(server, hash=None), path)
    assert path.read_bytes() == CONTENT
    assert ranges(server) == [""]


def test_part_that_is_whole_is_not_asked_for_again(server, path):
    path.parent.mkdir()
    (path.parent / ".file.bin.partial").write_bytes(CONTENT)
    download(remote(server), path)
    assert path.read_bytes() == CONTENT
    assert ranges(server) == [f"bytes={len(CONTENT)}-"]  # answered 416 with the length


def test_next_address_is_tried(server, path, capsys):
    file = remote(server, url=f"{server.url}/gone", mirrors=(f"{server.url}/file.bin",))
    download(file, path)
    assert path.read_bytes() == CONTENT
    assert "gone failed: 404" in capsys.readouterr().err


def test_mirror_with_other_bytes_is_passed_over(server, path):
    server.pages["/other"] = Page(CONTENT[::-1])
    file = remote(server, url=f"{server.url}/other", mirrors=(f"{server.url}/file.bin",))
    download(file, path)
    assert path.read_bytes() == CONTENT


def test_wrong_checksum_leaves_nothing(server, path):
    server.pages["/file.bin"].body = CONTENT[::-1]
    with pytest.raises(DataError, match=r"has the checksum sha256:.*compare with the maker"):
        download(remote(server), path)
    assert left(path) == []


def test_wrong_size_is_refused_before_it_comes(server, path):
    with pytest.raises(DataError, match=r"offers 1,024,000 bytes, the file has 5: it has changed"):
        download(remote(server, bytes=5), path)
    assert left(path) == []


def test_stream_that_does_not_end_is_stopped(server, path):
    server.pages["/file.bin"].headers = {"Content-Length": "", "Connection": "close"}
    with pytest.raises(DataError, match="gave more than the 5 bytes"):
        download(remote(server, bytes=5), path)
    assert left(path) == []


@pytest.mark.parametrize("published", [DIGEST, None])
@pytest.mark.parametrize("start", [b"<!DOCTYPE html><p>", b"\n <html lang='en'>"])
def test_web_page_is_refused(server, path, published, start):
    server.pages["/file.bin"] = Page(start + b"quota", headers={"Content-Type": "text/html"})
    with pytest.raises(DataError, match="gave a web page, not the file"):
        download(remote(server, hash=published, bytes=len(CONTENT)), path)
    assert left(path) == []


def test_web_page_that_only_its_server_calls_one_is_refused(server, path):
    headers = {"Content-Type": "text/html; charset=utf-8"}
    page = Page(b"<!-- log in first --><html>", headers=headers)
    server.pages["/file.bin"] = page
    with pytest.raises(DataError, match="gave a web page, not the file"):
        download(remote(server, hash=None), path)
    assert left(path) == []


def test_nothing_at_all_is_refused(server, path):
    server.pages["/file.bin"] = Page(b"")
    with pytest.raises(DataError, match="is empty"):
        download(remote(server, hash=None), path)
    assert left(path) == []


@pytest.mark.parametrize("name", ["gzip", "x-gzip"])
def test_compression_of_the_file_itself_is_not_undone(server, path, name):
    packed = gzip.compress(CONTENT)
    server.pages["/file.bin"] = Page(packed, headers={"Content-Encoding": name})
    digest = f"sha256:{hashlib.sha256(packed).hexdigest()}"
    download(remote(server, hash=digest, bytes=len(packed)), path)
    assert path.read_bytes() == packed


def test_parts_of_two_files_are_not_joined_by_a_server_that_forgets_to_compare(server, path):
    server.pages["/file.bin"] = Page(b"x" * len(CONTENT), tag='"0"', cut=(HALF, 0, 0))
    with pytest.raises(DrbenchError, match="broke off"):
        download(remote(server, hash=None), path)
    server.pages["/file.bin"] = Page(CONTENT, tag='"1"', guarded=False)
    download(remote(server, hash=None), path)
    assert path.read_bytes() == CONTENT


def test_redirection_to_a_file_of_this_machine_is_not_followed(server, path, tmp_path):
    (tmp_path / "secret").write_bytes(CONTENT)
    headers = {"Location": (tmp_path / "secret").as_uri()}
    server.pages["/file.bin"] = Page(b"", 302, headers=headers)
    with pytest.raises(DrbenchError, match="failed: No connection adapters"):
        download(remote(server), path)
    assert left(path) == []


def test_missing_page_is_one_sentence(server, path):
    with pytest.raises(DrbenchError, match=r"gone failed: 404.*put the file there by hand"):
        download(remote(server, url=f"{server.url}/gone"), path)


def test_server_that_does_not_answer_is_one_sentence(server, path):
    with pytest.raises(DrbenchError, match=r"http://127\.0\.0\.1:9/x failed"):
        download(remote(server, url="http://127.0.0.1:9/x"), path)


def test_folder_that_is_a_file_is_one_sentence(server, path):
    path.parent.write_text("")
    with pytest.raises(DrbenchError, match=r"Keeping .* failed"):
        download(remote(server), path)


def test_disk_that_is_too_small_is_found_first(server, path, monkeypatch):
    monkeypatch.setattr(
        "drbench.data.files.download.shutil.disk_usage", lambda _: type("u", (), {"free": 3})
    )
    with pytest.raises(DrbenchError, match="set DRBENCH_DATA to a larger disk"):
        download(remote(server), path)


def test_two_that_start_together_download_once(server, path):
    threads = [threading.Thread(target=download, args=(remote(server), path)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() == CONTENT
    assert len(server.asked) == 1
