"""dSprites and its variants: plain, coloured, noisy."""

from collections.abc import Callable
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Bool, Int, UInt8

from drbench import (
    DataError,
    Dataset,
    DatasetSpec,
    Factor,
    GroundTruth,
    RemoteFile,
    Source,
    grid_codes,
)
from drbench_plugins.reading import stored_array
from drbench_plugins.rendering import dsprites as renderer
from drbench_plugins.rendering.noise import uniform_bytes

Masks = Callable[[Int[np.ndarray, "k"]], Bool[np.ndarray, "k height width"]]

PALETTE = (
    (1.0, 1.0, 1.0),
    (0.9096231780824386, 0.5883403686424795, 0.3657680693481871),
    (0.6350181801577739, 0.6927729880940552, 0.3626904230371999),
    (0.3764832455269371, 0.7283900430001952, 0.5963114605342514),
    (0.39548987063404156, 0.7073922557810771, 0.7874577552076919),
    (0.6963644829189117, 0.6220697032672371, 0.899716387820763),
    (0.90815966835861, 0.5511103319168646, 0.7494337214212151),
)
"""The seed paper's colours (Dapueto, Noceti, Odone 2024), as red, green, blue in [0, 1]."""

NOISE_SEED = 0

_SHAPE = (renderer.SIDE, renderer.SIDE)
_BYTES = renderer.SIDE * renderer.SIDE // 8
_FILE = "dsprites_ndarray_co1sh3sc6or40x32y32_64x64"
_URL = "https://github.com/google-deepmind/dsprites-dataset/raw/master/"
FACTORS = (
    Factor(name="shape", kind="categorical", values=("square", "ellipse", "heart")),
    Factor(name="scale", kind="ordinal", values=tuple(renderer.SCALES.tolist())),
    Factor(name="orientation", kind="cyclic", values=tuple(renderer.ORIENTATIONS.tolist())),
    Factor(name="pos_x", kind="ordinal", values=tuple(renderer.POSITIONS.tolist())),
    Factor(name="pos_y", kind="ordinal", values=tuple(renderer.POSITIONS.tolist())),
)
_SIZES = tuple(factor.size or 0 for factor in FACTORS)
_RGB = np.rint(255 * np.array(PALETTE)).astype(np.uint8)  # (color, channel)
_COLOR = Factor(
    name="color", kind="categorical", values=tuple(f"#{bytes(rgb).hex()}" for rgb in _RGB)
)
FILES = (
    RemoteFile(
        url=f"{_URL}{_FILE}.hdf5",
        name=f"{_FILE}.hdf5",
        hash="sha256:729fa22e884c9c500e1f17415d580746b4c5894fbbb780a1319bbcfa39a745bb",
        bytes=28_024_106,
    ),
    RemoteFile(
        url=f"{_URL}{_FILE}.npz",
        name=f"{_FILE}.npz",
        hash="md5:7da33b31b13a06f4b04a70402ce90c2e",
        same_as=f"{_FILE}.hdf5",
    ),
)


def _spec(name: str, summary: str, *, channels: int = 3, colored: bool = False) -> DatasetSpec:
    return DatasetSpec(
        name=name,
        summary=summary,
        factors=(_COLOR, *FACTORS) if colored else FACTORS,
        image_shape=(*_SHAPE, channels),
        origins=("official", "rendered"),
        folders=("dsprites",),
        files=FILES,
        licence="Apache-2.0",
        citation="Matthey, Higgins, Hassabis, Lerchner: dSprites: Disentanglement testing Sprites "
        "dataset, 2017; Higgins et al.: beta-VAE, ICLR 2017.",
        homepage="https://github.com/google-deepmind/dsprites-dataset",
    )


@final
class Dsprites(Dataset):
    """White sprites on black, one channel."""

    spec = _spec("dsprites", "White sprites on black", channels=1)

    def open(self, source: Source) -> GroundTruth:
        return _open(source)


@final
class NoisyDsprites(Dataset):
    """White sprites on uniform noise.

    min(image + U(0, 1), 1) in three channels, noise drawn independently for each: the sprite stays
    white, the background is the noise.
    """

    spec = _spec("noisy_dsprites", "White sprites on uniform noise in colour")

    def open(self, source: Source) -> GroundTruth:
        return _open(source, noisy=True)


@final
class ColorDsprites(Dataset):
    """Sprites in seven colours on black."""

    spec = _spec("color_dsprites", "Sprites in seven colours on black", colored=True)

    def open(self, source: Source) -> GroundTruth:
        return _open(source)


@final
class NoisyColorDsprites(Dataset):
    """Sprites in seven colours on uniform noise.

    The colour stays on the sprite, U(0, 1) noise fills the background. The released code of the
    seed paper adds noise * (mask - 1) instead, which is negative on the background and wraps when
    it is cast to bytes; that is not followed.
    """

    spec = _spec(
        "noisy_color_dsprites", "Sprites in seven colours on uniform noise in colour", colored=True
    )

    def open(self, source: Source) -> GroundTruth:
        return _open(source, noisy=True)


@final
class WhiteColorDsprites(Dataset):
    """White sprites on black, three channels."""

    spec = _spec("white_color_dsprites", "White sprites on black in three channels")

    def open(self, source: Source) -> GroundTruth:
        return _open(source)


def _open(source: Source, *, noisy: bool = False) -> GroundTruth:
    """Any variant: sprites from the file or drawn, then coloured, then set on a background."""
    channels = source.spec.image_shape[2]
    colored = source.spec.factors[0] == _COLOR
    rgb = _RGB[: len(_RGB) if colored else 1, :channels]
    codes, masks = official_sprites(source) if source.origin == "official" else _rendered(source)
    count = len(codes)

    def images(rows: Int[np.ndarray, "k"]) -> UInt8[np.ndarray, "k height width channel"]:
        color = rgb[rows // count]
        on = masks(rows % count)
        shape = (*_SHAPE, channels)
        painted = (
            uniform_bytes(rows, shape, NOISE_SEED)
            if noisy
            else np.zeros((len(rows), *shape), dtype=np.uint8)
        )
        for channel in range(channels):
            np.copyto(painted[..., channel], color[:, channel, None, None], where=on)
        return painted

    return GroundTruth(
        source.spec, source.origin, _in_each_color(codes) if colored else codes, images
    )


def _in_each_color(codes: Int[np.ndarray, "n factor"]) -> Int[np.ndarray, "m factors"]:
    """Codes of the sprites, repeated for each colour in front."""
    repeated = np.empty((len(_RGB), len(codes), 1 + len(FACTORS)), dtype=np.int16)
    repeated[..., 0] = np.arange(len(_RGB))[:, None]
    repeated[..., 1:] = codes
    return repeated.reshape(-1, 1 + len(FACTORS))


def _rendered(source: Source) -> tuple[np.ndarray, Masks]:
    codes = grid_codes(_SIZES)
    sprites = source.prepared(
        f"dsprites-rendered-{source.spec.version}",
        shape=(len(codes), _BYTES),
        chunks=lambda: renderer.packed(codes),
        required=False,
    )
    if sprites is None:
        return codes, lambda rows: renderer.draw(codes[rows])
    return codes, _unpacked(sprites.__getitem__)


def official_sprites(source: Source) -> tuple[Int[np.ndarray, "n factor"], Masks]:
    """Codes of the maker's sprites, and a function that gives their masks by row."""
    path = source.file(f"{_FILE}.hdf5", f"{_FILE}.npz")
    is_npz = path.suffix == ".npz"
    imgs = stored_array(path, "imgs")
    classes = stored_array(path, "latents_classes" if is_npz else "latents/classes")
    count = imgs.shape[0]
    if imgs.shape != (count, *_SHAPE) or imgs.dtype != np.uint8:
        raise DataError(
            f"{path}: imgs are {imgs.dtype} of shape {imgs.shape}, expected uint8 of shape "
            f"(n, 64, 64). Fetch the file again."
        )
    if classes.shape != (count, 1 + len(FACTORS)) or classes.dtype.kind not in "iu":
        raise DataError(
            f"{path}: the classes are {classes.dtype} of shape {classes.shape}, expected integers "
            f"of shape ({count}, {1 + len(FACTORS)}). Fetch the file again."
        )
    codes = source.prepared(
        f"dsprites-classes-{source.spec.version}",
        inputs=[path],
        shape=(count, len(FACTORS)),
        chunks=lambda: (_without_color(block, path) for block in classes.blocks(16_384)),
    )
    sprites = source.prepared(
        f"dsprites-official-{source.spec.version}",
        inputs=[path],
        shape=(count, _BYTES),
        chunks=lambda: (_packed(block, path) for block in imgs.blocks()),
    )
    assert codes is not None  # both are required
    assert sprites is not None
    return codes.whole().astype(np.int16), _unpacked(sprites.__getitem__)


def _without_color(block: np.ndarray, path: Path) -> UInt8[np.ndarray, "k factor"]:
    """Classes as they are in the file, without the single colour in front."""
    sizes = np.array([1, *_SIZES])
    wrong = np.argwhere((block < 0) | (block >= sizes))
    if len(wrong):
        row, column = wrong[0]
        raise DataError(
            f"{path}: an image has class {block[row, column]} in column {column}, outside 0 to "
            f"{sizes[column] - 1}. Fetch the file again."
        )
    return block[:, 1:].astype(np.uint8)


def _packed(block: np.ndarray, path: Path) -> UInt8[np.ndarray, "k byte"]:
    if block.max() > 1:
        raise DataError(
            f"{path}: an image has a pixel of {block.max()}, expected 0 or 1. Fetch the file again."
        )
    return np.packbits(block.reshape(len(block), -1), axis=1)


def _unpacked(packed: Callable[[Int[np.ndarray, "k"]], UInt8[np.ndarray, "k byte"]]) -> Masks:
    def masks(rows: Int[np.ndarray, "k"]) -> Bool[np.ndarray, "k height width"]:
        return np.unpackbits(packed(rows), axis=1).view(bool).reshape(len(rows), *_SHAPE)

    return masks
