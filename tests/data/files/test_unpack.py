import io
import stat
import struct
import tarfile
import zipfile

import pytest

from drbench import DataError, DrbenchError
from drbench.data.files.unpack import is_archive, unpack


def zipped(**members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def tarred(mode="w:gz", **members):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return stream.getvalue()


def unpacked(tmp_path, content, name="set.zip"):
    (tmp_path / name).write_bytes(content)
    (tmp_path / "folder").mkdir(exist_ok=True)
    unpack(tmp_path / name, tmp_path / "folder")


ARCHIVES = pytest.mark.parametrize(
    ("name", "packed"),
    [
        ("set.zip", zipped),
        ("set.tar", lambda **m: tarred("w", **m)),
        ("set.tar.gz", tarred),
        ("set.tgz", tarred),
        ("set.tar.xz", lambda **m: tarred("w:xz", **m)),
    ],
)


@ARCHIVES
def test_members_land_under_their_names(tmp_path, name, packed):
    unpacked(tmp_path, packed(**{"a/b": b"1" * 5000, "c": b""}), name)
    folder = tmp_path / "folder"
    assert (folder / "a" / "b").read_bytes() == b"1" * 5000
    assert (folder / "c").read_bytes() == b""
    assert is_archive(tmp_path / name)


def test_other_files_are_no_archives(tmp_path):
    assert not is_archive(tmp_path / "images.npz")
    assert not is_archive(tmp_path / "images.mat.gz")


@ARCHIVES
@pytest.mark.parametrize(
    "outside", ["../outside", "a/../../outside", "/tmp/outside-of-drbench", "."]
)
def test_member_that_leaves_the_folder_is_refused_and_nothing_unpacked(
    tmp_path, name, packed, outside
):
    with pytest.raises(DataError, match="leads out of the folder"):
        unpacked(tmp_path, packed(**{"good": b"1", outside: b"2"}), name)
    assert not (tmp_path / "outside").exists()
    assert not list((tmp_path / "folder").iterdir())


def test_links_in_a_zip_are_refused(tmp_path):
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(link, "/etc")
    with pytest.raises(DataError, match="is a link"):
        unpacked(tmp_path, stream.getvalue())


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices_in_a_tar_are_refused(tmp_path, kind):
    entry = tarfile.TarInfo("entry")
    entry.type, entry.linkname = kind, "/etc/passwd"
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(entry)
    with pytest.raises(DataError, match="is a link"):
        unpacked(tmp_path, stream.getvalue(), "set.tar")
    assert not list((tmp_path / "folder").iterdir())


def test_member_behind_a_link_in_the_folder_is_refused(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "sub").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="leads out"):
        unpacked(tmp_path, zipped(**{"sub/file": b"1"}))
    assert not list((tmp_path / "elsewhere").iterdir())


def test_bomb_is_refused_by_its_table(tmp_path):
    with pytest.raises(DataError, match="would become 1 files of 50,000,000 bytes"):
        unpacked(tmp_path, zipped(bomb=bytes(50_000_000)))
    assert not list((tmp_path / "folder").iterdir())


def test_member_larger_than_its_announcement_is_refused(tmp_path):
    content = bytearray(zipped(file=bytes(range(256)) * 20))
    told = struct.pack("<I", 256 * 20)
    for place in (content.find(told), content.rfind(told)):
        content[place : place + 4] = struct.pack("<I", 100)
    with pytest.raises(DataError, match=r"larger than the archive says|no whole ZIP archive"):
        unpacked(tmp_path, bytes(content))
    assert not list((tmp_path / "folder").iterdir())


def test_damaged_archive_is_refused(tmp_path):
    content = bytearray(zipped(file=bytes(range(256)) * 5))
    content[60] ^= 0xFF
    with pytest.raises(DataError, match="no whole ZIP archive"):
        unpacked(tmp_path, content)
    assert not (tmp_path / "folder" / "file").exists()


@ARCHIVES
def test_truncated_archive_is_refused(tmp_path, name, packed):
    whole = packed(file=bytes(range(256)) * 50)
    with pytest.raises(DataError, match="archive"):
        unpacked(tmp_path, whole[: len(whole) // 2], name)
    assert not list((tmp_path / "folder").iterdir())


def test_archive_larger_than_the_disk_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "drbench.data.files.unpack.shutil.disk_usage", lambda _: type("u", (), {"free": 3})
    )
    with pytest.raises(DrbenchError, match="set DRBENCH_DATA to a larger disk"):
        unpacked(tmp_path, zipped(file=b"12345"))


@ARCHIVES
def test_unpacking_goes_on_where_it_stopped(tmp_path, name, packed):
    content = packed(**{"a/whole": b"12345", "a/cut": b"12345"})
    unpacked(tmp_path, content, name)
    whole, cut = tmp_path / "folder" / "a" / "whole", tmp_path / "folder" / "a" / "cut"
    cut.write_bytes(b"12")
    before = whole.stat().st_mtime_ns
    unpacked(tmp_path, content, name)
    assert cut.read_bytes() == b"12345"
    assert whole.stat().st_mtime_ns == before


def test_member_that_would_replace_the_archive_is_refused(tmp_path):
    content = tarred(**{"folder/set.tar.gz": b"1"})
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "set.tar.gz").write_bytes(content)
    with pytest.raises(DataError, match="would replace the archive"):
        unpack(tmp_path / "folder" / "set.tar.gz", tmp_path)
    assert (tmp_path / "folder" / "set.tar.gz").read_bytes() == content


def test_name_too_long_for_the_disk_is_one_sentence(tmp_path):
    with pytest.raises(DrbenchError, match=r"set.tar failed: File name too long"):
        unpacked(tmp_path, tarred("w", **{"n" * 300: b"1"}), "set.tar")


def test_what_is_no_archive_is_one_sentence(tmp_path):
    with pytest.raises(DataError, match=r"is no whole TAR archive \(.+\): delete") as caught:
        unpacked(tmp_path, b"<html>", "set.tar.gz")
    assert "\n" not in str(caught.value)
