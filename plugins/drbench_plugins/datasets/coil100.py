"""COIL-100 photographs and their silhouettes, as they are and augmented by rotation and zoom."""

import functools
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Int, UInt8

from drbench import (
    Contents,
    DataError,
    Dataset,
    DatasetSpec,
    Factor,
    GroundTruth,
    RemoteFile,
    Source,
)
from drbench_plugins.binarising import silhouette
from drbench_plugins.pictures import Load, Picture, decoded, listed, opened, read_png

Decode = Callable[[Load, Picture], UInt8[np.ndarray, "height width channel"]]

SIDE = 128
HALF = SIDE // 2
"""Side of a silhouette."""
STEP = 5
"""Degrees of the turntable between neighbouring photographs."""
ANGLES = tuple(range(0, 360, 20))
SCALES = (1.0, 0.94, 0.88, 0.81, 0.75, 0.69, 0.62, 0.56, 0.5)

_VIEWS = len(ANGLES) * len(SCALES)
_ARCHIVE = "coil-100.zip"
_PARTS, _BINARY_PARTS = "coil-100-augmented", "coil-100-augmented-binary"
_NAME = re.compile(r"obj([1-9]\d*)__(0|[1-9]\d*)(?:__(\d+)__(\d+(?:\.\d+)?))?")
_FACTORS = (
    Factor(name="object", kind="categorical", values=tuple(float(i) for i in range(1, 101))),
    Factor(name="pose", kind="cyclic", values=tuple(float(i) for i in range(0, 360, STEP))),
)


_AUGMENTATION = (
    Factor(name="rotation", kind="cyclic", values=tuple(float(angle) for angle in ANGLES)),
    Factor(name="scale", kind="ordinal", values=SCALES),
)


def _spec(
    name: str, summary: str, *added: Factor, shape: tuple[int, int, int] = (SIDE, SIDE, 3)
) -> DatasetSpec:
    derived = bool(added) or shape[2] == 1
    return DatasetSpec(
        name=name,
        summary=summary,
        factors=(*_FACTORS, *added),
        image_shape=shape,
        real=True,
        three_d=True,
        folders=("coil100", "coil100/coil-100", "coil-100"),
        files=(
            RemoteFile(
                url="http://www.cs.columbia.edu/CAVE/databases/SLAM_coil-20_coil-100/coil-100/"
                "coil-100.zip",
                name=_ARCHIVE,
                in_place=True,
                hash="sha256:fcb4b8b01c0778f416d8d7a09f45082c4f7075cc74743dcddd5c44307bd4afe7",
                bytes=130_688_843,
            ),
        ),
        licence="None stated by its makers; research use.",
        citation="Nene, Nayar, Murase: Columbia Object Image Library (COIL-100), technical report "
        "CUCS-006-96, 1996"
        + ("; augmented: Dapueto, Noceti, Odone, NeurIPS 2024." if derived else "."),
        homepage="https://www.cs.columbia.edu/CAVE/software/softlib/coil-100.php",
    )


@final
class Coil100(Dataset):
    """Photographs of 100 objects on a turntable, 72 poses each."""

    spec = _spec("coil100", "Photographs of 100 objects on a turntable, 72 poses each")

    def open(self, source: Source) -> GroundTruth:
        return _photographs(source)


@final
class Coil100Binary(Dataset):
    """Silhouettes of the objects of COIL-100.

    As published (Dapueto, Noceti, Odone 2024): grey, median of 5x5, Otsu's threshold, closing by
    5x5, half the size by area, Otsu's threshold.
    """

    spec = _spec(
        "coil100_binary",
        "Silhouettes of 100 objects on a turntable, 72 poses each",
        shape=(HALF, HALF, 1),
    )

    def open(self, source: Source) -> GroundTruth:
        return _silhouettes(source)


@final
class Coil100Augmented(Dataset):
    """COIL-100, each photograph in 18 rotations and 9 sizes.

    Computed on demand, pixel for pixel as published (Dapueto, Noceti, Odone 2024): turned counter-
    clockwise, then zoomed, each step by nearest neighbour with a black border.
    """

    spec = _spec(
        "coil100_augmented",
        "COIL-100 photographs, each in 18 rotations and 9 sizes",
        *_AUGMENTATION,
    )

    def open(self, source: Source) -> GroundTruth:
        return _augmented(source, _photographs(replace(source, spec=Coil100.spec, size=None)))


@final
class Coil100AugmentedBinary(Dataset):
    """Silhouettes of COIL-100, each in 18 rotations and 9 sizes.

    The silhouettes of coil100_binary, turned and zoomed on demand as in coil100_augmented.
    """

    spec = _spec(
        "coil100_augmented_binary",
        "COIL-100 silhouettes, each in 18 rotations and 9 sizes",
        *_AUGMENTATION,
        shape=(HALF, HALF, 1),
    )

    def open(self, source: Source) -> GroundTruth:
        return _augmented(source, _silhouettes(replace(source, spec=Coil100Binary.spec)))


def _augmented(source: Source, base: GroundTruth) -> GroundTruth:
    """Every view of every row of `base`."""
    side, _, channels = base.spec.image_shape
    codes = np.empty((len(base), len(ANGLES), len(SCALES), 4), dtype=np.int16)
    codes[..., :2] = base.codes[:, None, None]
    codes[..., 2] = np.arange(len(ANGLES))[:, None]
    codes[..., 3] = np.arange(len(SCALES))
    maps = source_maps(side)
    pixels = side * side

    def images(rows: Int[np.ndarray, "k"]) -> UInt8[np.ndarray, "k height width channel"]:
        shown = np.empty((len(rows), pixels, channels), dtype=np.uint8)
        flat = np.zeros((pixels + 1, channels), dtype=np.uint8)  # the last pixel stays black
        views = maps[rows % _VIEWS]
        for view, where, image in zip(shown, views, base.images(rows // _VIEWS), strict=True):
            flat[:pixels] = image.reshape(pixels, channels)
            np.take(flat, where, axis=0, out=view, mode="clip")  # clip spares a buffer
        return shown.reshape(len(rows), side, side, channels)

    return GroundTruth(source.spec, source.origin, codes.reshape(-1, 4), images, notes=base.notes)


@functools.cache
def source_maps(side: int = SIDE) -> Int[np.ndarray, "view pixel"]:
    """Pixel of an image of this side that each pixel of each view shows.

    Returns
    -------
    maps : (162, side**2) int32
        Views in the order (rotation, scale); pixel side**2 is the black one outside the image.
    """
    pixels = side * side
    maps = np.empty((len(ANGLES), len(SCALES), pixels), dtype=np.int32)
    # The published augmentation turns about this pixel, not about the middle of the image.
    y, x = np.mgrid[:side, :side] - side // 2
    zooms = [_nearest(x / scale, y / scale, side) for scale in SCALES]
    for i, angle in enumerate(ANGLES):
        # Rounded so that cos 60 is one half: a tie then rounds up, whatever the machine.
        cos, sin = (round(f(math.radians(angle)), 12) for f in (math.cos, math.sin))
        # Two steps of nearest neighbour: one combined step would round elsewhere.
        turned = np.append(_nearest(cos * x - sin * y, sin * x + cos * y, side), pixels)
        for j, zoom in enumerate(zooms):
            maps[i, j] = turned[zoom]
    return maps.reshape(-1, pixels)


def _nearest(x: np.ndarray, y: np.ndarray, side: int) -> Int[np.ndarray, "pixel"]:
    """Flat index of the pixel at a place relative to the centre, halves rounded up."""
    column, row = (np.floor(place + side // 2 + 0.5).astype(np.int64) for place in (x, y))
    inside = (column >= 0) & (column < side) & (row >= 0) & (row < side)
    return np.where(inside, row * side + column, side * side).ravel()


def _photographs(source: Source) -> GroundTruth:
    """Photographs that are there, at the size asked for."""
    places = _places(source)
    return source.stored(inputs=places, read=lambda: _contents(places, _photograph, source))


def _silhouettes(source: Source) -> GroundTruth:
    """Silhouettes that are there, the published ones or else made; kept eight pixels a byte."""
    published = _parts(source, _BINARY_PARTS)
    places = published or _places(source)
    decode = _published if published else _made
    packing = source.spec.model_copy(update={"image_shape": (HALF, HALF // 8, 1)})
    packer = replace(source, spec=packing, size=None)
    packed = packer.stored(inputs=places, read=lambda: _contents(places, decode, packer))

    def images(rows: Int[np.ndarray, "k"]) -> UInt8[np.ndarray, "k height width channel"]:
        on = np.unpackbits(packed.images(rows)[..., 0], axis=2)
        return (on * np.uint8(255))[..., None]

    made = () if published else ("the silhouettes are made from the photographs",)
    return replace(packed, spec=source.spec, images=images, notes=made)


def _places(source: Source) -> list[Path]:
    """What holds the photographs: a folder, the maker's archive, or the parts on the hub."""
    for folder in source.folders:
        if next(folder.glob("obj*__*.png"), None) is not None:
            return [folder]
    for folder in source.folders:
        if (folder / _ARCHIVE).is_file():
            return [folder / _ARCHIVE]
    if parts := _parts(source, _PARTS):
        return parts
    raise source.missing(f"obj1__0.png to obj100__355.png, no {_ARCHIVE} and no {_PARTS}/")


def _parts(source: Source, name: str) -> list[Path]:
    """Archives of a folder of the published augmentation."""
    parts = (sorted((folder / name).glob("dataset_part_*.zip")) for folder in source.folders)
    return next(filter(None, parts), [])


def _contents(places: Sequence[Path], decode: Decode, source: Source) -> Contents:
    """In row-major order: sorted as numbers, never as text."""
    by_code: dict[tuple[int, int], Picture] = {}
    for place in places:
        for picture in listed(place):
            code = _code(picture)
            if code is None:
                continue
            if code in by_code:
                raise DataError(f"{picture} and {by_code[code]} show the same: remove one.")
            by_code[code] = picture
    if not by_code:
        raise DataError(f"{places[0]} holds no photograph. Fetch the set again.")
    codes = sorted(by_code)
    pictures = [by_code[code] for code in codes]
    return Contents(np.array(codes), _images(pictures, decode, source))


def _images(
    pictures: Sequence[Picture], decode: Decode, source: Source
) -> Iterator[UInt8[np.ndarray, "k height width channel"]]:
    with opened({picture.place for picture in pictures}) as load:
        yield from decoded(
            pictures,
            functools.partial(decode, load),
            blank=source.spec.image_shape,
            fault=source.fault,
        )


def _code(picture: Picture) -> tuple[int, int] | None:
    """Object and pose that a name tells; None for a view that is turned or zoomed."""
    match = _NAME.fullmatch(picture.stem)
    number, degrees = (int(match[1]), int(match[2])) if match else (0, 0)
    angle, scale = (int(match[3]), float(match[4])) if match and match[3] else (0, 1.0)
    is_view = angle in ANGLES and scale in SCALES
    if not is_view or not 1 <= number <= 100 or degrees >= 360 or degrees % STEP:
        raise DataError(
            f"{picture} is not named as in COIL-100 (obj1__0.png to obj100__355.png, every 5 "
            "degrees): move it to another folder, or fetch the set again."
        )
    return (number - 1, degrees // STEP) if (angle, scale) == (0, 1.0) else None


def _photograph(load: Load, picture: Picture) -> UInt8[np.ndarray, "height width 3"]:
    return read_png(load, picture, channels=3, size=(SIDE, SIDE))


def _made(load: Load, picture: Picture) -> UInt8[np.ndarray, "height byte 1"]:
    return np.packbits(silhouette(_photograph(load, picture)), axis=1)[..., None]


def _published(load: Load, picture: Picture) -> UInt8[np.ndarray, "height byte 1"]:
    image = read_png(load, picture, channels=1, size=(HALF, HALF))
    if not np.isin(image, (0, 255)).all():
        raise DataError(f"{picture} has grey levels beside 0 and 255. Fetch the set again.")
    return np.packbits(image[..., 0] > 0, axis=1)[..., None]
