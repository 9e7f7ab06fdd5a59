import threading
import zipfile

import numpy as np
import pytest
from drbench_plugins import pictures
from drbench_plugins.pictures import Picture, decoded, listed, opened, read_png
from PIL import Image

from drbench import DataError

pytestmark = pytest.mark.slow


def png(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)
    return Picture(path.parent, path.name)


def noise(*shape, seed=0, dtype=np.uint8):
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype)


def zipped(picture, path, name, how=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", how) as archive:
        archive.write(picture.place / picture.name, name)
    return Picture(path, name)


def refuse(error):
    raise error


def in_blocks(items, decode, rows, fault=refuse):
    return decoded(items, decode, blank=(1, 1, 1), fault=fault, rows=rows)


def read(picture, **kind):
    with opened([picture.place]) as load:
        return read_png(load, picture, **kind)


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        (noise(3, 5, 3), {"channels": 3}),
        (noise(3, 5), {"channels": 1}),
        (noise(3, 5, dtype=np.uint16), {"channels": 1, "depth": 16}),
        (noise(3, 5) > 99, {"channels": 1, "depth": 1}),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_what_was_written_is_read_in_a_folder_and_in_an_archive(tmp_path, image, kind, packed):
    picture = png(tmp_path / "a.png", image)
    if packed:
        picture = zipped(picture, tmp_path / "some.zip", "deep/down/b.png")
    shown = read(picture, **kind, size=(3, 5))
    assert shown.dtype == image.dtype
    assert np.array_equal(shown, image.reshape(3, 5, -1))


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ({"channels": 1}, "is a 5x3 PNG of 8 bits, RGB; 8 bits, grey was expected"),
        ({"channels": 3, "depth": 16}, "is a 5x3 PNG of 8 bits, RGB; 16 bits, RGB was expected"),
        ({"channels": 3, "size": (5, 3)}, "is a 5x3 PNG of 8 bits, RGB; 3x5 of 8 bits, RGB was"),
    ],
)
def test_another_kind_is_refused_by_name(tmp_path, kind, says):
    picture = png(tmp_path / "a.png", noise(3, 5, 3))
    with pytest.raises(DataError, match=f"{tmp_path}/a.png {says}"):
        read(picture, **kind)


def test_files_are_listed_by_their_ending(tmp_path):
    png(tmp_path / "a_crop.png", noise(1, 1))
    png(tmp_path / "a_depthcrop.png", noise(1, 1))
    below = png(tmp_path / "below" / "b_crop.png", noise(1, 1))
    assert listed(tmp_path, "_crop.png") == [Picture(tmp_path, "a_crop.png")]
    inside = zipped(below, tmp_path / "some.zip", "below/b_crop.png")
    assert listed(inside.place) == [inside]
    assert inside.stem == "b_crop"


def test_missing_file_and_member_are_named(tmp_path):
    picture = png(tmp_path / "a.png", noise(1, 1))
    inside = zipped(picture, tmp_path / "some.zip", "a.png")
    for place in (picture.place, inside.place):
        with pytest.raises(DataError, match=r"/b.png is missing"):
            read(Picture(place, "b.png"), channels=1)


def test_web_page_in_place_of_an_archive_is_refused(tmp_path):
    (tmp_path / "some.zip").write_text("<!DOCTYPE html>")
    for work in (listed, lambda place: read(Picture(place, "a.png"), channels=1)):
        with pytest.raises(DataError, match=r"some.zip cannot be read .*another kind"):
            work(tmp_path / "some.zip")


@pytest.mark.parametrize("how", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_member_that_does_not_have_its_checksum_is_refused(tmp_path, how):
    picture = png(tmp_path / "a.png", noise(20, 20, 3))
    inside = zipped(picture, tmp_path / "some.zip", "a.png", how)
    data = bytearray(inside.place.read_bytes())
    data[200] ^= 0xFF
    inside.place.write_bytes(data)
    with pytest.raises(DataError, match=r"some.zip/a.png cannot be read"):
        read(inside, channels=3)


def test_every_truncation_and_flipped_bit_is_a_named_error_or_harmless(tmp_path):
    image = noise(16, 16, 3)
    image[4:12, 4:12] = 7  # so that the pixels are compressed
    picture = png(tmp_path / "a.png", image)
    whole, intact = (tmp_path / "a.png").read_bytes(), read(picture, channels=3)
    damages = [whole[:end] for end in range(len(whole) - 12)]  # the last chunk is empty
    for place in range(8, len(whole)):
        damages.append(whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :])
    refused = 0
    for data in damages:
        (tmp_path / "a.png").write_bytes(data)
        try:
            shown = read(picture, channels=3, size=(16, 16))
        except DataError:
            refused += 1
        else:
            assert np.array_equal(shown, intact)  # say, in a byte that no pixel depends on
    assert refused > len(whole) - 12


def test_blocks_are_in_order_whatever_thread_is_first(monkeypatch):
    monkeypatch.setattr(pictures, "_AHEAD", 7)
    late = threading.Event()

    def decode(item):
        if item == 0:
            late.wait(10)  # the first is done last
        if item == 6:
            late.set()
        return np.full((1, 1, 1), item)

    blocks = list(in_blocks(range(23), decode, rows=5))
    assert [len(block) for block in blocks] == [5, 5, 5, 5, 3]
    assert np.concatenate(blocks).ravel().tolist() == list(range(23))


@pytest.mark.parametrize(("ahead", "rows"), [(1, 4), (4, 1), (4, 4), (50, 3)])
def test_blocks_are_complete_however_far_ahead(monkeypatch, ahead, rows):
    monkeypatch.setattr(pictures, "_AHEAD", ahead)
    blocks = in_blocks(range(9), lambda item: np.full((1, 1, 1), item), rows=rows)
    assert np.concatenate(list(blocks)).ravel().tolist() == list(range(9))


def test_no_more_is_decoded_than_the_announced_number_ahead(monkeypatch):
    monkeypatch.setattr(pictures, "_AHEAD", 4)
    seen = []
    blocks = in_blocks(range(100), lambda item: seen.append(item) or np.zeros((1, 1, 1)), rows=2)
    next(blocks)
    blocks.close()
    assert max(seen) < 2 + 4


def test_what_a_thread_raises_reaches_who_takes_the_block():
    def decode(item):
        if item == 3:
            raise DataError("three is bad")
        return np.zeros((1, 1, 1))

    blocks = in_blocks(range(9), decode, rows=2)
    next(blocks)
    with pytest.raises(DataError, match="three is bad"):
        next(blocks)


def test_image_that_cannot_be_decoded_is_black_where_its_fault_is_noted():
    def decode(item):
        if item in (3, 4):
            raise DataError(f"{item} is bad")
        return np.full((1, 1, 1), 7)

    faults = []
    images = np.concatenate(list(in_blocks(range(6), decode, rows=4, fault=faults.append)))
    assert images.ravel().tolist() == [7, 7, 7, 0, 0, 7]
    assert [str(fault) for fault in faults] == ["3 is bad", "4 is bad"]
