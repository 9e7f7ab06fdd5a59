"""Texture-dSprites: the sprites of dSprites in seven colours and five textures."""

from collections.abc import Iterator
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from drbench import DataError, Dataset, DatasetSpec, Factor, GroundTruth, RemoteFile, Source
from drbench_plugins.datasets.dsprites import FACTORS, FILES, PALETTE, official_sprites

TEXTURES = ("D11", "D40", "D23", "D109", "D102")
"""Numbers of the textures in Brodatz' album, in class order."""
SIDE = 224

_SPRITE = 64
_OFFSET = 20  # of the part of a texture that is used, from its top and its left
_RGB = (255 * np.array(PALETTE)).astype(np.uint8)  # cut, not rounded, as in the released code


@final
class TextureDsprites(Dataset):
    """Sprites in seven colours and five textures on black.

    As in the code that its authors released: the coloured sprite is enlarged from 64 to 224 pixels
    by bilinear interpolation and multiplied by pixels 20 to 243 of the texture.
    """

    spec = DatasetSpec(
        name="texture_dsprites",
        summary="Sprites in seven colours and five textures on black",
        factors=(
            Factor(name="texture", kind="categorical", values=TEXTURES),
            Factor(
                name="color",
                kind="categorical",
                values=tuple(f"#{bytes(rgb).hex()}" for rgb in _RGB),
            ),
            *FACTORS,
        ),
        image_shape=(SIDE, SIDE, 3),
        folders=("dsprites", "texture"),
        files=(
            *FILES,
            RemoteFile(
                url="https://multibandtexture.recherche.usherbrooke.ca/normalized_brodatz.html",
                name="Normalized_Brodatz.zip",
                by_hand="Open https://multibandtexture.recherche.usherbrooke.ca/normalized_brodatz."
                "html in a browser and download the archive of the Normalized Brodatz Texture "
                "database.",
            ),
        ),
        licence="Apache-2.0 (sprites); none stated for the textures, research use.",
        citation="Dapueto, Pastore, Noceti, Odone: Disentangled representations of microscopy "
        "images, IJCNN 2025; Matthey, Higgins, Hassabis, Lerchner: dSprites, 2017; Abdelmounaime, "
        "He: New Brodatz-based image databases for grayscale color and multiband texture "
        "analysis, 2013.",
        homepage="https://github.com/JacopoDapueto/disentangled_microscopy",
    )

    def open(self, source: Source) -> GroundTruth:
        textures = np.stack([_texture(_file(source, name)) for name in TEXTURES])
        sprites, masks = official_sprites(source)
        count, looks = len(sprites), (len(TEXTURES), len(_RGB))
        # 25.8 million rows: mapped from the cache, they take no memory of their own.
        codes = source.prepared(
            f"texture-dsprites-classes-{source.spec.version}",
            inputs=[source.file(*(file.name for file in FILES))],
            shape=(looks[0] * looks[1] * count, 2 + len(FACTORS)),
            chunks=lambda: _in_each_look(sprites, looks),
        )
        assert codes is not None  # required

        def images(rows: Int[np.ndarray, "k"]) -> UInt8[np.ndarray, "k height width channel"]:
            texture, color = np.divmod(rows // count, looks[1])
            painted = np.zeros((len(rows), SIDE, SIDE, 3), dtype=np.uint8)
            for image, mask, t, c in zip(painted, masks(rows % count), texture, color, strict=True):
                _paint(image, mask, textures[t], _RGB[c])
            return painted

        return GroundTruth(source.spec, source.origin, codes.whole().view(np.int8), images)


def _in_each_look(
    sprites: Int[np.ndarray, "n factor"], looks: tuple[int, int]
) -> Iterator[UInt8[np.ndarray, "n factors"]]:
    """Codes of the sprites in each texture and colour, these two in front."""
    for look in np.ndindex(looks):
        block = np.empty((len(sprites), len(look) + sprites.shape[1]), dtype=np.uint8)
        block[:, : len(look)], block[:, len(look) :] = look, sprites
        yield block


def _file(source: Source, name: str) -> Path:
    file = f"Normalized_Brodatz/{name}.tif"
    return source.file(file, f"texture/{file}", f"{name}.tif")


def _texture(path: Path) -> Float[np.ndarray, "height width"]:
    """The part of a texture that is used, 0 to 1."""
    from PIL import Image

    try:
        with Image.open(path, formats=["TIFF"]) as image:
            if image.mode not in ("L", "P", "RGB"):
                raise DataError(
                    f"{path} is a TIFF of mode {image.mode}, expected 8 bits a channel, grey. "
                    "Fetch it again."
                )
            grey = np.asarray(image.convert("L"))
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{path} cannot be read as TIFF ({error}). Fetch it again.") from error
    part = grey[_OFFSET : _OFFSET + SIDE, _OFFSET : _OFFSET + SIDE]
    if part.shape != (SIDE, SIDE):
        raise DataError(
            f"{path} is {grey.shape[1]}x{grey.shape[0]} pixels, expected "
            f"{_OFFSET + SIDE}x{_OFFSET + SIDE} or more. Fetch it again."
        )
    return part / np.float32(255)


def _bilinear() -> Float[np.ndarray, "large small"]:
    """Share of each pixel of a sprite in each pixel of the enlarged one; rows sum to 1."""
    centres = (np.arange(SIDE) + 0.5) * (_SPRITE / SIDE)
    distances = np.abs(centres[:, None] - (np.arange(_SPRITE) + 0.5))
    weights = np.maximum(1 - distances, 0)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


_WEIGHTS = _bilinear()
_FIRST = (_WEIGHTS > 0).argmax(axis=0)  # pixels that a pixel of the sprite reaches
_END = SIDE - (_WEIGHTS > 0)[::-1].argmax(axis=0)


def _paint(
    image: UInt8[np.ndarray, "height width 3"],
    mask: Bool[np.ndarray, "small small"],
    texture: Float[np.ndarray, "height width"],
    rgb: UInt8[np.ndarray, "3"],
) -> None:
    """Enlarge a sprite, colour and texture it; only the pixels that it reaches are touched."""
    if not mask.any():
        return
    (down, rows), (along, columns) = _reach(mask), _reach(mask.T)
    share = _WEIGHTS[down, rows] @ mask[rows, columns] @ _WEIGHTS[along, columns].T
    image[down, along] = np.rint((share * texture[down, along])[..., None] * rgb)


def _reach(mask: Bool[np.ndarray, "small small"]) -> tuple[slice, slice]:
    """Rows of the enlarged sprite that are not black, and those of the sprite itself."""
    places = np.flatnonzero(mask.any(axis=1))
    first, last = places[0], places[-1]
    return slice(_FIRST[first], _END[last]), slice(first, last + 1)
