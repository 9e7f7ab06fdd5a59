import hashlib
import http.server
import io
import stat
import threading
import zipfile

import numpy as np
import pytest
from drbench_plugins.datasets.coil100 import Coil100
from PIL import Image

from drbench import DataError, DatasetSpec, DrbenchError, Factor, RemoteFile, RequestError
from drbench.data.fetch import fetch, unpack
from drbench.data.source import Source

CONTENT = bytes(range(256)) * 400


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        status, body, length = self.server.pages.get(self.path, (404, b"", 0))
        self.send_response(status)
        self.send_header("Content-Length", str(length or len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    """A real server; `pages` maps a path to status, body and announced length (0: the true one)."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as running:
        running.pages, running.asked = {"/file.bin": (200, CONTENT, 0)}, []
        running.url = f"http://127.0.0.1:{running.server_port}"
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def remote(server, name="file.bin", content=CONTENT, **fields):
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    return RemoteFile(**({"url": f"{server.url}/{name}", "name": name, "hash": digest} | fields))


def spec(*files):
    return DatasetSpec(
        name="toy",
        summary="Toy",
        factors=(Factor(name="x", kind="ordinal", size=4),),
        image_shape=(1, 1, 1),
        folders=("toy", "other"),
        files=files,
        licence="x",
        citation="y",
    )


def zipped(**members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def test_file_is_fetched_into_the_first_folder(server, tmp_path):
    assert fetch(spec(remote(server)), tmp_path) == tmp_path / "toy"
    assert (tmp_path / "toy" / "file.bin").read_bytes() == CONTENT


def test_default_root_is_the_environments(server, tmp_path, monkeypatch):
    monkeypatch.setenv("DRBENCH_DATA", str(tmp_path / "data"))
    assert fetch(spec(remote(server))) == tmp_path / "data" / "toy"


def test_md5_is_a_checksum_too(server, tmp_path):
    digest = hashlib.md5(CONTENT).hexdigest()
    fetch(spec(remote(server, hash=f"md5:{digest}")), tmp_path)
    with pytest.raises(DataError, match="checksum md5:0"):
        fetch(spec(remote(server, hash=f"md5:{'0' * 32}")), tmp_path / "again")


def test_what_is_there_is_not_fetched_again(server, tmp_path):
    for _ in range(2):
        fetch(spec(remote(server)), tmp_path)
    assert len(server.asked) == 1


def test_damaged_file_is_fetched_again(server, tmp_path):
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "file.bin").write_bytes(CONTENT[:-1])
    fetch(spec(remote(server)), tmp_path)
    assert (tmp_path / "toy" / "file.bin").read_bytes() == CONTENT


def test_of_two_formats_of_the_same_content_one_is_fetched(server, tmp_path):
    twin = remote(server, "twin.bin", same_as="file.bin")
    fetch(spec(remote(server), twin), tmp_path)
    assert server.asked == ["/file.bin"]


def test_wrong_checksum_leaves_nothing(server, tmp_path):
    with pytest.raises(DataError, match="does not have the checksum sha256:"):
        fetch(spec(remote(server, content=b"other")), tmp_path)
    assert not list((tmp_path / "toy").iterdir())


@pytest.mark.parametrize("with_hash", [True, False])
@pytest.mark.parametrize("start", [b"<!DOCTYPE html><p>", b"\n <html lang='en'>"])
def test_web_page_in_place_of_an_archive_is_refused(server, tmp_path, with_hash, start):
    server.pages["/set.zip"] = (200, start + b"quota exceeded", 0)
    file = remote(server, "set.zip", **({} if with_hash else {"hash": None}))
    with pytest.raises(DataError, match="gave a web page, not the file"):
        fetch(spec(file), tmp_path)
    assert not list((tmp_path / "toy").iterdir())


def test_connection_that_is_cut_leaves_nothing(server, tmp_path):
    server.pages["/file.bin"] = (200, CONTENT[:5000], len(CONTENT))
    with pytest.raises(DrbenchError, match=r"Fetching http.* failed"):
        fetch(spec(remote(server, hash=None)), tmp_path)
    assert not list((tmp_path / "toy").iterdir())


def test_missing_page_is_one_sentence(server, tmp_path):
    with pytest.raises(DrbenchError, match=r"gone.bin into .* failed: 404"):
        fetch(spec(remote(server, "gone.bin")), tmp_path)


def test_server_that_does_not_answer_is_one_sentence(server, tmp_path):
    file = remote(server, url="http://127.0.0.1:9/file.bin")
    with pytest.raises(DrbenchError, match="failed"):
        fetch(spec(file), tmp_path)


def test_folder_that_is_a_file_is_one_sentence(server, tmp_path):
    (tmp_path / "toy").write_text("")
    with pytest.raises(DrbenchError, match="failed"):
        fetch(spec(remote(server)), tmp_path)


def test_set_without_files_is_refused(tmp_path):
    with pytest.raises(RequestError, match="has no files to fetch"):
        fetch(spec(), tmp_path)


def test_fetched_archive_opens_as_a_data_set(server, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG")
    archive = zipped(**{"coil-100/obj7__35.png": stream.getvalue(), "coil-100/convert.pl": b"#!"})
    server.pages["/coil-100.zip"] = (200, archive, 0)
    file = remote(server, "coil-100.zip", archive)
    fetch(Coil100.spec.model_copy(update={"files": (file,)}), tmp_path)
    data = Coil100().open(Source(Coil100.spec, "official", tmp_path))
    assert data.codes.tolist() == [[6, 7]]
    assert np.array_equal(data.images(np.array([0]))[0], pixels)


# Unpacking


def unpacked(tmp_path, content):
    (tmp_path / "set.zip").write_bytes(content)
    (tmp_path / "folder").mkdir(exist_ok=True)
    unpack(tmp_path / "set.zip", tmp_path / "folder")


@pytest.mark.parametrize("name", ["../outside", "a/../../outside", "/tmp/outside"])
def test_member_that_leaves_the_folder_is_refused_and_nothing_unpacked(tmp_path, name):
    with pytest.raises(DataError, match="leads out of the folder"):
        unpacked(tmp_path, zipped(**{"good": b"1", name: b"2"}))
    assert not (tmp_path / "outside").exists()
    assert not list((tmp_path / "folder").iterdir())


def test_links_are_refused(tmp_path):
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(link, "/etc")
    with pytest.raises(DataError, match="is a link"):
        unpacked(tmp_path, stream.getvalue())


def test_member_behind_a_link_in_the_folder_is_refused(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "sub").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="leads out"):
        unpacked(tmp_path, zipped(**{"sub/file": b"1"}))
    assert not list((tmp_path / "elsewhere").iterdir())


def test_damaged_archive_is_refused(tmp_path):
    content = bytearray(zipped(file=b"0123456789" * 50))
    content[60] ^= 0xFF
    with pytest.raises(DataError, match="no whole ZIP archive"):
        unpacked(tmp_path, content)
    assert not (tmp_path / "folder" / "file").exists()


def test_truncated_archive_is_refused(tmp_path):
    with pytest.raises(DataError, match="no whole ZIP archive"):
        unpacked(tmp_path, zipped(file=b"0123456789" * 50)[:-30])


def test_archive_larger_than_the_disk_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "drbench.data.fetch.shutil.disk_usage", lambda _: type("u", (), {"free": 3})
    )
    with pytest.raises(DrbenchError, match="set DRBENCH_DATA to a larger disk"):
        unpacked(tmp_path, zipped(file=b"12345"))


def test_unpacking_goes_on_where_it_stopped(tmp_path):
    content = zipped(**{"a/whole": b"12345", "a/cut": b"12345"})
    unpacked(tmp_path, content)
    whole, cut = tmp_path / "folder" / "a" / "whole", tmp_path / "folder" / "a" / "cut"
    cut.write_bytes(b"12")
    before = whole.stat().st_mtime_ns
    unpacked(tmp_path, content)
    assert cut.read_bytes() == b"12345"
    assert whole.stat().st_mtime_ns == before
