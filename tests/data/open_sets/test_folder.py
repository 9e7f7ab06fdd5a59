"""Folders of anyone's images."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from drbench import DataError, RequestError, load_dataset
from drbench.data.open_sets.photographs import in_blocks
from drbench.data.opening import find_dataset

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DRBENCH_CACHE", str(tmp_path / "cache"))


def picture(path, height=6, width=8, mode="RGB", **options):
    channels = {"RGB": (3,), "L": (), "RGBA": (4,)}[mode]
    pixels = RNG.integers(0, 256, (height, width, *channels), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return pixels


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "photos"


def opened(folder, **options):
    return load_dataset(f"folder:{folder}", **options)


def test_sub_folders_are_classes_in_alphabetical_order(folder):
    pixels = {name: picture(folder / name) for name in ("cat/b.png", "cat/a.png", "ant/z.PNG")}
    data = opened(folder)
    (factor,) = data.spec.factors
    assert (factor.name, factor.kind, factor.values) == ("folder", "categorical", ("ant", "cat"))
    assert data.codes[:, 0].tolist() == [0, 1, 1]
    wanted = [pixels[name] for name in ("ant/z.PNG", "cat/a.png", "cat/b.png")]
    assert np.array_equal(data.images(np.arange(3)), wanted)
    assert data.spec.image_shape == (6, 8, 3)


def test_each_level_of_sub_folders_is_a_factor(folder):
    for name in ("cat/red/1.png", "cat/blue/1.png", "dog/red/1.png"):
        picture(folder / name)
    data = opened(folder)
    assert data.spec.factor_names == ("folder_1", "folder_2")
    assert data.codes.tolist() == [[0, 0], [0, 1], [1, 1]]


def test_images_without_sub_folders_have_no_factors(folder):
    for i in range(3):
        picture(folder / f"{i}.jpg")
    data = opened(folder)
    assert data.spec.factors == ()
    assert data.codes.shape == (3, 0)
    assert data.images(np.array([2])).shape == (1, 6, 8, 3)
    assert any("unsupervised" in note for note in data.notes)
    assert any("--pattern" in note for note in data.notes)


def test_names_in_the_braces_of_a_pattern_are_factors(folder):
    names = [f"obj{turned}__{angle}.png" for turned in (1, 10, 2) for angle in (0, 15, 5)]
    pixels = {name: picture(folder / "coil" / name) for name in names}
    picture(folder / "coil" / "cover.png")
    data = opened(folder, pattern="obj{object}__{angle}.png")
    assert [(f.name, f.values) for f in data.spec.factors] == [
        ("object", (1.0, 2.0, 10.0)),
        ("angle", (0.0, 5.0, 15.0)),
    ]
    for row, codes in enumerate(data.codes.tolist()):
        name = f"obj{(1, 2, 10)[codes[0]]}__{(0, 5, 15)[codes[1]]}.png"
        assert np.array_equal(data.images(np.array([row]))[0], pixels.pop(name))
    assert not pixels
    assert "images whose names are not like obj{object}__{angle}.png are left out: 1" in data.notes


def test_a_pattern_with_a_slash_is_one_of_paths(folder):
    for name in ("red/cat1.png", "blue/cat2.png", "red/dog2.png"):
        picture(folder / name)
    data = opened(folder, pattern="{colour}/{animal}2.png")
    assert [f.values for f in data.spec.factors] == [("blue", "red"), ("cat", "dog")]


@pytest.mark.parametrize("pattern", ["obj.png", "{a}{a}.png", "{a}.png}", "{1}.png", "{}.png"])
def test_a_pattern_that_is_none_is_refused(folder, pattern):
    picture(folder / "a.png")
    with pytest.raises(RequestError, match="expected names in braces, each once"):
        opened(folder, pattern=pattern)


def test_a_pattern_that_fits_nothing_names_an_image(folder):
    picture(folder / "cat" / "a.png")
    with pytest.raises(RequestError, match=r"fits none of 1 images in .*the first is cat/a.png"):
        opened(folder, pattern="obj{object}.png")


@pytest.mark.parametrize("name", ["metadata.csv", "labels.csv", "classes.csv", "mine.csv"])
def test_a_table_names_images_and_factors(folder, name):
    pixels = [picture(folder / f"{i}.png") for i in range(4)]
    lines = ["file_name,kind,size,angle,caption"]
    lines += [f"{i}.png,{'ab'[i % 2]},{i // 2},{0.1 + i},text {i}" for i in (2, 0, 3, 1)]
    (folder / name).write_text("\n".join(lines) + "\n")
    data = opened(folder / name if name == "mine.csv" else folder)
    assert [(f.name, f.kind) for f in data.spec.factors] == [
        ("kind", "categorical"),
        ("size", "ordinal"),
        ("angle", "continuous"),
    ]
    assert data.codes.tolist() == [[0, 1, -1], [0, 0, -1], [1, 1, -1], [1, 0, -1]]
    assert data.values[:, 2].tolist() == [2.1, 0.1, 3.1, 1.1]
    assert np.array_equal(data.images(np.arange(4)), [pixels[i] for i in (2, 0, 3, 1)])
    assert any("caption" in note for note in data.notes)


def test_factors_are_picked(folder):
    for i in range(4):
        picture(folder / f"{i}.png")
    (folder / "labels.csv").write_text(
        "file_name,a,b,c\n" + "".join(f"{i}.png,{i % 2},{i // 2},id{i}\n" for i in range(4))
    )
    assert opened(folder, factors=["c", "a"]).spec.factor_names == ("c", "a")
    assert opened(folder).spec.factor_names == ("a", "b")  # the pick is part of what is kept
    assert opened(folder, factors=["none"]).spec.factors == ()
    with pytest.raises(RequestError, match=r"no column 'd' to be a factor; it has: a, b, c"):
        opened(folder, factors=["d"])
    with pytest.raises(RequestError, match="declares its factors"):
        load_dataset("dsprites", origin="rendered", factors=["shape"])


def test_images_of_several_sizes_need_a_size(folder):
    tall, wide = picture(folder / "a.png", 8, 4), picture(folder / "b.png", 4, 8)
    with pytest.raises(DataError, match=r"b.png has 4x8 pixels, the first image 8x4: .*--resize"):
        opened(folder)
    data = opened(folder, size=(8, 8))
    padded = np.zeros((2, 8, 8, 3), dtype=np.uint8)
    padded[0, :, 2:6], padded[1, 2:6] = tall, wide
    assert np.array_equal(data.images(np.arange(2)), padded)
    halved = padded.reshape(2, 4, 2, 4, 2, 3).mean((2, 4))
    assert np.abs(opened(folder, size=(4, 4)).images(np.arange(2)) - halved).max() <= 0.5


def test_grey_transparent_and_turned_pictures_become_upright_rgb(folder):
    grey = picture(folder / "a.png", mode="L")
    glass = picture(folder / "b.png", mode="RGBA")
    turned = Image.new("RGB", (6, 8), (9, 9, 9))
    turned.putpixel((0, 0), (200, 0, 0))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by 90 degrees
    turned.save(folder / "c.png", exif=exif)
    first, second, third = opened(folder).images(np.arange(3))
    assert np.array_equal(first, np.repeat(grey[..., None], 3, axis=2))
    weighted = glass[..., :3] * (glass[..., 3:] / 255)
    assert np.abs(second - weighted).max() <= 1
    assert third[0, -1].tolist() == [200, 0, 0]


def test_what_changed_is_read_anew(folder):
    picture(folder / "cat" / "a.png")
    assert len(opened(folder)) == 1
    picture(folder / "cat" / "b.png")
    assert len(opened(folder)) == 2


def test_a_picture_that_moved_to_another_class_is_of_that_class(folder):
    for name in ("ant/1.png", "ant/2.png", "bee/3.png"):
        picture(folder / name)
    assert opened(folder).codes.ravel().tolist() == [0, 0, 1]
    (folder / "ant" / "2.png").rename(folder / "bee" / "2.png")
    assert opened(folder).codes.ravel().tolist() == [0, 1, 1]


def test_a_picture_that_was_edited_in_place_is_read_anew(folder, tmp_path):
    picture(folder / "a.png")
    opened(folder)
    pixels = picture(tmp_path / "other.png")
    (folder / "a.png").write_bytes((tmp_path / "other.png").read_bytes())
    assert np.array_equal(opened(folder).images(np.array([0]))[0], pixels)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.png", b"no image", r"a.png cannot be decoded"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + b"0" * 40, r"a.png cannot be decoded"),
        ("metadata.csv", b"name,kind\n", r"metadata.csv needs a column 'file_name'"),
        ("metadata.csv", b"file_name,kind\n", r"needs .* its rows are 0"),
        ("metadata.csv", b"file_name,kind\nz.png\n", r"line 2: 1 entries, but the header has 2"),
        ("metadata.csv", b"file_name,kind\nz.png,1\n", r"names 1 images that are not there"),
        ("metadata.csv", b"file_name,kind,kind\nz.png,1,2\n", r"several columns 'kind'"),
        ("metadata.csv", "größe".encode("latin-1"), r"it is not UTF-8 text: save it anew as 'CSV"),
    ],
)
def test_damage_is_one_sentence(folder, name, content, message):
    folder.mkdir()
    (folder / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        opened(folder)


def test_sixteen_bits_are_refused(folder):
    folder.mkdir()
    Image.fromarray(np.full((4, 4), 60_000, dtype=np.uint16)).save(folder / "a.png")
    with pytest.raises(DataError, match=r"a.png has more than 8 bits a channel"):
        opened(folder)


def png_of_sixteen_bit_colour() -> bytes:
    """A PNG file by its specification: no library at hand writes one."""

    def chunk(kind, content):
        return (
            struct.pack(">I", len(content)) + kind + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )  # fmt: skip

    rows = zlib.compress(4 * (b"\0" + bytes(range(24))))  # 4x4 pixels of 6 bytes
    header = struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def test_sixteen_bits_of_colour_are_not_narrowed_in_silence(folder):
    folder.mkdir()
    (folder / "a.png").write_bytes(png_of_sixteen_bit_colour())
    with pytest.raises(DataError, match=r"a.png has more than 8 bits a channel"):
        opened(folder)


def test_hidden_files_and_folders_do_not_count(folder):
    picture(folder / "cat" / "a.png")
    picture(folder / ".thumbnails" / "large" / "a.png")
    (folder / "cat" / "._a.png").write_bytes(b"what some systems leave on foreign disks")
    assert len(opened(folder)) == 1


def test_a_link_to_nowhere_is_one_sentence(folder):
    picture(folder / "a.png")
    (folder / "b.png").symlink_to(folder / "gone.png")
    with pytest.raises(DataError, match=r"b.png cannot be read: No such file.* Make it readable"):
        opened(folder)


def test_images_that_the_table_does_not_name_are_said(folder):
    for name in ("0.png", "1.png", "2.png"):
        picture(folder / name)
    (folder / "labels.csv").write_text("file_name,kind\n0.png,a\n2.png,b\n")
    data = opened(folder)
    assert len(data) == 2
    assert "images that no row of labels.csv names are left out: 1" in data.notes


def test_huge_photographs_are_handed_on_one_by_one():
    huge = np.zeros((3000, 4000, 3), dtype=np.uint8)
    blocks = in_blocks((("a photograph", huge) for _ in range(3)), (3000, 4000), None)
    assert [len(block) for block in blocks] == [1, 1, 1]
    small = in_blocks((("a photograph", huge[:8, :8]) for _ in range(70)), (8, 8), None)
    assert [len(block) for block in small] == [64, 6]


def test_uneven_depth_is_refused(folder):
    picture(folder / "cat" / "a.png")
    picture(folder / "b.png")
    with pytest.raises(DataError, match="another depth"):
        opened(folder)


def test_wrong_references_are_wrong_requests(folder):
    folder.mkdir()
    with pytest.raises(RequestError, match="there is no folder"):
        find_dataset(f"folder:{folder}/nothing")
    with pytest.raises(RequestError, match="holds no images"):
        find_dataset(f"folder:{folder}")
    with pytest.raises(RequestError, match="did you mean 'folder:'"):
        find_dataset(f"foldr:{folder}")
