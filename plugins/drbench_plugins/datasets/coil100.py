"""COIL-100 photographs, as they are and augmented by rotation and zoom."""

import functools
import io
import math
import re
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Int, UInt8

from drbench import DataError, Dataset, DatasetSpec, Factor, GroundTruth, RemoteFile, Source

SIDE = 128
PIXELS = SIDE * SIDE
STEP = 5
"""Degrees of the turntable between neighbouring photographs."""
ANGLES = tuple(range(0, 360, 20))
SCALES = (1.0, 0.94, 0.88, 0.81, 0.75, 0.69, 0.62, 0.56, 0.5)

_CENTRE = 64  # the published augmentation turns about this pixel, not about 63.5
_NAME = re.compile(r"obj([1-9]\d*)__(0|[1-9]\d*)\.png")
_FACTORS = (
    Factor(name="object", kind="categorical", values=tuple(float(i) for i in range(1, 101))),
    Factor(name="pose", kind="cyclic", values=tuple(float(i) for i in range(0, 360, STEP))),
)


def _spec(name: str, summary: str, *added: Factor) -> DatasetSpec:
    return DatasetSpec(
        name=name,
        summary=summary,
        factors=(*_FACTORS, *added),
        image_shape=(SIDE, SIDE, 3),
        real=True,
        three_d=True,
        folders=("coil100", "coil100/coil-100", "coil-100"),
        files=(
            RemoteFile(
                url="http://www.cs.columbia.edu/CAVE/databases/SLAM_coil-20_coil-100/coil-100/"
                "coil-100.zip",
                name="coil-100.zip",
                hash="sha256:fcb4b8b01c0778f416d8d7a09f45082c4f7075cc74743dcddd5c44307bd4afe7",
                bytes=130_688_843,
            ),
        ),
        licence="None stated by its makers; research use.",
        citation="Nene, Nayar, Murase: Columbia Object Image Library (COIL-100), technical report "
        "CUCS-006-96, 1996"
        + ("; augmented: Dapueto, Noceti, Odone, NeurIPS 2024." if added else "."),
        homepage="https://www.cs.columbia.edu/CAVE/software/softlib/coil-100.php",
    )


@final
class Coil100(Dataset):
    """Photographs of 100 objects on a turntable, 72 poses each."""

    spec = _spec("coil100", "Photographs of 100 objects on a turntable, 72 poses each")

    def open(self, source: Source) -> GroundTruth:
        codes, photographs = _photographs(source)

        def images(rows: Int[np.ndarray, "k"]) -> UInt8[np.ndarray, "k height width channel"]:
            return photographs[rows, :PIXELS].reshape(len(rows), SIDE, SIDE, 3)

        return GroundTruth(source.spec, source.origin, codes, images)


@final
class Coil100Augmented(Dataset):
    """COIL-100, each photograph in 18 rotations and 9 sizes.

    Computed on demand, pixel for pixel as published (Dapueto, Noceti, Odone 2024): turned counter-
    clockwise, then zoomed, each step by nearest neighbour with a black border.
    """

    spec = _spec(
        "coil100_augmented",
        "COIL-100 photographs, each in 18 rotations and 9 sizes",
        Factor(name="rotation", kind="cyclic", values=tuple(float(angle) for angle in ANGLES)),
        Factor(name="scale", kind="ordinal", values=SCALES),
    )

    def open(self, source: Source) -> GroundTruth:
        base, photographs = _photographs(source)
        views = len(ANGLES) * len(SCALES)
        codes = np.empty((len(base), len(ANGLES), len(SCALES), 4), dtype=np.int16)
        codes[..., :2] = base[:, None, None]
        codes[..., 2] = np.arange(len(ANGLES))[:, None]
        codes[..., 3] = np.arange(len(SCALES))
        pixels = photographs.reshape(-1, 3)
        maps = source_maps()

        def images(rows: Int[np.ndarray, "k"]) -> UInt8[np.ndarray, "k height width channel"]:
            first = (rows // views) * (PIXELS + 1)
            where = maps[rows % views] + first[:, None]
            return np.take(pixels, where, axis=0).reshape(len(rows), SIDE, SIDE, 3)

        return GroundTruth(source.spec, source.origin, codes.reshape(-1, 4), images)


@functools.cache
def source_maps() -> Int[np.ndarray, "view pixel"]:
    """Pixel of the photograph that each pixel of each view shows.

    Returns
    -------
    maps : (162, 16384) int32
        Views in the order (rotation, scale); pixel 16384 is the black one outside the photograph.
    """
    maps = np.empty((len(ANGLES), len(SCALES), PIXELS), dtype=np.int32)
    zooms = [_zoomed(scale) for scale in SCALES]
    for i, angle in enumerate(ANGLES):
        # Two steps of nearest neighbour: one combined step would round elsewhere.
        turned = np.append(_turned(angle), PIXELS)
        for j, zoom in enumerate(zooms):
            maps[i, j] = turned[zoom]
    return maps.reshape(-1, PIXELS)


def _turned(angle: int) -> Int[np.ndarray, "pixel"]:
    # Rounded so that cos 60 is one half: a tie then rounds up, whatever the machine.
    cos, sin = (round(f(math.radians(angle)), 12) for f in (math.cos, math.sin))
    y, x = np.mgrid[:SIDE, :SIDE] - _CENTRE
    return _nearest(cos * x - sin * y, sin * x + cos * y)


def _zoomed(scale: float) -> Int[np.ndarray, "pixel"]:
    y, x = np.mgrid[:SIDE, :SIDE] - _CENTRE
    return _nearest(x / scale, y / scale)


def _nearest(x: np.ndarray, y: np.ndarray) -> Int[np.ndarray, "pixel"]:
    """Flat index of the pixel at a place relative to the centre, halves rounded up."""
    column, row = (np.floor(place + _CENTRE + 0.5).astype(np.int64) for place in (x, y))
    inside = (column >= 0) & (column < SIDE) & (row >= 0) & (row < SIDE)
    return np.where(inside, row * SIDE + column, PIXELS).ravel()


def _photographs(
    source: Source,
) -> tuple[Int[np.ndarray, "n factor"], UInt8[np.ndarray, "n pixel channel"]]:
    """Codes and photographs that are there; each is followed by one black pixel."""
    folder = source.folder("obj*__*.png")
    codes, paths = _named(folder)
    photographs = source.prepared(
        f"coil100-{source.spec.version}",
        inputs=paths,
        shape=(len(paths), PIXELS + 1, 3),
        chunks=lambda: _decoded(paths),
    )
    assert photographs is not None  # required
    return codes, photographs


def _named(folder: Path) -> tuple[Int[np.ndarray, "n factor"], list[Path]]:
    """Codes by file name, in row-major order: sorted as numbers, never as text."""
    found: list[tuple[int, int, Path]] = []
    for path in folder.glob("*.png"):
        match = _NAME.fullmatch(path.name)
        number, degrees = (int(match[1]), int(match[2])) if match else (0, 0)
        if not 1 <= number <= 100 or degrees >= 360 or degrees % STEP:
            raise DataError(
                f"{path} is not named as in COIL-100 (obj1__0.png to obj100__355.png, every 5 "
                "degrees): move it to another folder, or fetch the set again."
            )
        found.append((number - 1, degrees // STEP, path))
    found.sort()
    codes = np.array([entry[:2] for entry in found], dtype=np.int16)
    return codes, [path for *_, path in found]


def _decoded(paths: Sequence[Path]) -> Iterator[UInt8[np.ndarray, "1 pixel channel"]]:
    for path in paths:
        block = np.zeros((1, PIXELS + 1, 3), dtype=np.uint8)
        block[0, :PIXELS] = _read_png(path).reshape(PIXELS, 3)
        yield block


def _read_png(path: Path) -> UInt8[np.ndarray, "height width channel"]:
    from PIL import Image

    data = path.read_bytes()
    if not data.startswith(b"\x89PNG\r\n\x1a\n") or len(data) < 26:
        raise DataError(f"{path} is no PNG file. Fetch the set again.")
    # Pillow narrows 16 bits to 8 without a word, so the header is read here.
    width, height, depth, kind = struct.unpack(">IIBB", data[16:26])
    if (width, height, depth, kind) != (SIDE, SIDE, 8, 2):
        channels = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with alpha", 6: "RGBA"}
        raise DataError(
            f"{path} is a {width}x{height} PNG of {depth} bits, {channels.get(kind, kind)}; "
            f"{SIDE}x{SIDE} of 8 bits, RGB was expected. Fetch the set again."
        )
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            return np.asarray(image)
    except (OSError, SyntaxError) as error:
        raise DataError(
            f"{path} cannot be decoded ({error}): it is truncated or damaged. Fetch the set again."
        ) from error
