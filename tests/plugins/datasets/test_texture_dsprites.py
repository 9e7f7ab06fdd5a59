import numpy as np
import pytest
from drbench_plugins.datasets.dsprites import PALETTE
from drbench_plugins.rendering.dsprites import draw
from PIL import Image

from drbench import DataError, load_dataset, registry
from drbench.checks import check_dataset
from drbench.errors import MissingFilesError

TEXTURES = ("D11", "D40", "D23", "D109", "D102")
SIZES = (3, 6, 40, 32, 32)


def random_codes(count, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(0, size, count) for size in SIZES], axis=1)


@pytest.fixture
def textures(tmp_path, layouts):
    """Files of noise, each in its own range."""
    rng = np.random.default_rng(0)
    made = {
        name: rng.integers(40 * i, 256, (250, 260), dtype=np.uint8)
        for i, name in enumerate(TEXTURES)
    }
    layouts.write_brodatz(tmp_path / "texture", made)
    return made


def expected(code, textures):
    """One image by Pillow's bilinear interpolation of each channel."""
    texture, color = textures[TEXTURES[code[0]]], PALETTE[code[1]]
    sprite = draw(code[None, 2:])[0]
    channels = []
    for part in color:
        level = np.float32(int(255 * part))
        small = Image.fromarray(sprite * level)
        large = np.asarray(small.resize((224, 224), Image.Resampling.BILINEAR), dtype=float)
        channels.append(large * (texture[20:244, 20:244] / 255))
    return np.stack(channels, axis=-1)


def test_sprites_are_enlarged_colored_and_textured(tmp_path, layouts, textures):
    codes = random_codes(6)
    codes[:2, 3:] = [[0, 0], [31, 31]]
    layouts.write_dsprites(tmp_path / "dsprites", codes)
    data = load_dataset("texture_dsprites", root=tmp_path)
    assert len(data) == 5 * 7 * 6
    rows = np.random.default_rng(1).permutation(len(data))[:40]
    for row, image in zip(rows, data.images(rows), strict=True):
        # Halves are rounded one way or the other by rounding errors.
        assert np.abs(image - expected(data.codes[row], textures)).max() <= 0.5 + 1e-3


def test_codes_are_texture_color_and_those_of_the_sprite(tmp_path, layouts, textures):
    codes = random_codes(6)
    layouts.write_dsprites(tmp_path, codes)
    data = load_dataset("texture_dsprites", root=tmp_path)
    assert data.spec.sizes == (5, 7, 3, 6, 40, 32, 32)
    assert data.codes[6 * (7 * 3 + 5) + 2].tolist() == [3, 5, *codes[2]]
    assert "210 of 25,804,800 combinations" in data.notes[-1]
    assert data.spec.factors[1].values[0] == "#ffffff"


@pytest.mark.parametrize(
    "place", ["texture", "dsprites", "dsprites/texture", "", "dsprites/Normalized_Brodatz/.."]
)
def test_textures_are_found_in_their_folders(tmp_path, layouts, place):
    layouts.write_brodatz(
        tmp_path / place, dict.fromkeys(TEXTURES, np.full((640, 640), 9, np.uint8))
    )
    layouts.write_dsprites(tmp_path / "dsprites", random_codes(2), kind="hdf5")
    assert load_dataset("texture_dsprites", root=tmp_path).images(np.arange(2)).max() == 9


def test_a_sprite_without_pixels_is_black(tmp_path, layouts, textures):
    layouts.write_dsprites(tmp_path, random_codes(1), np.zeros((1, 64, 64), np.uint8))
    assert not load_dataset("texture_dsprites", root=tmp_path).images(np.arange(35)).any()


def test_it_conforms(tmp_path, layouts, textures):
    layouts.write_dsprites(tmp_path, random_codes(4))
    data = load_dataset("texture_dsprites", root=tmp_path)
    assert check_dataset(registry.load("dataset", "texture_dsprites"), data) == []


def test_it_can_be_resized_and_cut_to_a_part_of_its_grid(tmp_path, layouts, textures):
    layouts.write_dsprites(tmp_path, random_codes(4))
    data = load_dataset("texture_dsprites", root=tmp_path, size=(64, 64))
    data = data.subgrid({"texture": 2, "color": 1})
    assert data.spec.factors[0].values == ("D11", "D102")
    assert len(data) == 8
    assert data.images(np.arange(8)).shape == (8, 64, 64, 3)


def test_missing_texture_is_named(tmp_path, layouts, textures):
    layouts.write_dsprites(tmp_path, random_codes(1))
    (tmp_path / "texture" / "Normalized_Brodatz" / "D109.tif").unlink()
    with pytest.raises(MissingFilesError, match=r"D109.tif.*datasets fetch texture_dsprites"):
        load_dataset("texture_dsprites", root=tmp_path)


def test_missing_sprites_are_named(tmp_path, textures):
    with pytest.raises(MissingFilesError, match=r"64x64.hdf5"):
        load_dataset("texture_dsprites", root=tmp_path)


@pytest.mark.parametrize(
    ("texture", "says"),
    [
        (np.zeros((243, 640), np.uint8), "640x243 pixels, expected 244x244 or more"),
        (np.zeros((640, 640), np.uint16), "of mode I;16, expected 8 bits"),
        (np.zeros((640, 640), np.float32), "of mode F, expected 8 bits"),
    ],
)
def test_texture_of_another_kind_is_refused(tmp_path, layouts, textures, texture, says):
    layouts.write_dsprites(tmp_path, random_codes(1))
    layouts.write_brodatz(tmp_path / "texture", {"D40": texture})
    with pytest.raises(DataError, match=f"D40.tif is .*{says}"):
        load_dataset("texture_dsprites", root=tmp_path)


@pytest.mark.parametrize("damage", [lambda data: data[:3000], lambda data: b"<html></html>"])
def test_damaged_texture_is_refused(tmp_path, layouts, textures, damage):
    layouts.write_dsprites(tmp_path, random_codes(1))
    path = tmp_path / "texture" / "Normalized_Brodatz" / "D23.tif"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=r"D23.tif cannot be read as TIFF"):
        load_dataset("texture_dsprites", root=tmp_path)
