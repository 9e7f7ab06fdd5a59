"""Small NORB: photographs of toys on a turntable, in the maker's binary matrices."""

import gzip
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Int

from drbench import Contents, Dataset, DatasetSpec, Factor, GroundTruth, RemoteFile, Source
from drbench_plugins.reading import StoredArray, classes_of, damage_named, row_blocks

SIDE = 96

_TYPES: dict[int, np.dtype] = {0x1E3D4C55: np.dtype("u1"), 0x1E3D4C54: np.dtype("<i4")}
_URL = "https://cs.nyu.edu/~ylclab/data/norb-v1.0-small/"
_HASHES = {
    "smallnorb-5x46789x9x18x6x2x96x96-training": {
        "dat": "5ffd6272a07d32695ee1082a26a41a93a37aab8c28da047f8c34ed348d214873",
        "cat": "2784e542c1922060691090952b6cd6278879a216c90f81476f0f00256d42cdaa",
        "info": "de7eb932ebe7a4ee16217fead60660d0eb3d23632c2f4d1c51f88c501c17bf32",
    },
    "smallnorb-5x01235x9x18x6x2x96x96-testing": {
        "dat": "cf7104eed3e51174d2f65b66d1e5878b9da233b886f161b0d88f4510ba2c7474",
        "cat": "ecaf6d5bb8c3bc5eab9cf0258f6d2198dd474e016e374836fc097f2e5ff509ff",
        "info": "16adf314226327ee006d1a44db8cfef52773c06c829951d5653a9f6f310248a2",
    },
}
_CATEGORY = {"category": range(5)}
"""Labels of the files "cat"."""
_DETAILS = {
    "instance": range(10),
    "elevation": range(9),
    "azimuth": range(0, 36, 2),
    "lighting": range(6),
}
"""Labels of the files "info"."""


@final
class SmallNorb(Dataset):
    """Grey photographs of 50 toys, by the first of the two cameras.

    Training and testing files together: every combination of classes is in one of them.
    """

    spec = DatasetSpec(
        name="smallnorb",
        summary="Grey photographs of 50 toys from 9 heights and 18 sides in 6 lightings",
        factors=(
            Factor(
                name="category",
                kind="categorical",
                values=("animal", "human", "airplane", "truck", "car"),
            ),
            Factor(name="instance", kind="categorical", size=10),
            Factor(name="elevation", kind="ordinal", values=tuple(map(float, range(30, 75, 5)))),
            Factor(name="azimuth", kind="cyclic", values=tuple(map(float, range(0, 360, 20)))),
            Factor(name="lighting", kind="categorical", size=6),
        ),
        image_shape=(SIDE, SIDE, 1),
        real=True,
        three_d=True,
        folders=("smallnorb", "small_norb"),
        files=tuple(
            RemoteFile(
                url=f"{_URL}{part}-{kind}.mat.gz",
                name=f"{part}-{kind}.mat.gz",
                hash=f"sha256:{digest}",
            )
            for part, hashes in _HASHES.items()
            for kind, digest in hashes.items()
        ),
        licence="For research purposes; it cannot be sold.",
        citation="LeCun, Huang, Bottou: Learning Methods for Generic Object Recognition with "
        "Invariance to Pose and Lighting, CVPR 2004.",
        homepage=_URL,
    )

    def open(self, source: Source) -> GroundTruth:
        parts = [
            {kind: source.file(f"{part}-{kind}.mat.gz", f"{part}-{kind}.mat") for kind in hashes}
            for part, hashes in _HASHES.items()
        ]
        paths = [path for part in parts for path in part.values()]
        return source.stored(inputs=paths, read=lambda: _read(parts))


def _read(parts: Sequence[Mapping[str, Path]]) -> Contents:
    codes = [_codes(part["cat"], part["info"]) for part in parts]
    images = (
        pair[:, 0, ..., None]  # of the first camera
        for part, labelled in zip(parts, codes, strict=True)
        for pair in _blocks(part["dat"], np.uint8, len(labelled), 2, SIDE, SIDE)
    )
    return Contents(np.concatenate(codes), images)


def _codes(cat: Path, info: Path) -> Int[np.ndarray, "n factor"]:
    categories = np.concatenate(list(_blocks(cat, np.int32, None)))
    details = np.concatenate(list(_blocks(info, np.int32, len(categories), len(_DETAILS))))
    return np.column_stack(
        [classes_of(categories[:, None], _CATEGORY, cat), classes_of(details, _DETAILS, info)]
    )


def _blocks(path: Path, kind: type[np.generic], *shape: int | None) -> Iterator[np.ndarray]:
    """Blocks of rows of a matrix, which must have this type and shape."""
    opener = gzip.open if path.suffix == ".gz" else open
    with damage_named(path, "matrix", struct.error), opener(path, "rb") as stream:
        matrix = StoredArray(path, "matrix", *_header(stream.read))
        matrix.require(shape, kind)
        yield from row_blocks(stream.read, matrix.shape, matrix.dtype, 512)
        if stream.read(1):  # gzip compares its checksum only here, at the end
            raise ValueError("it goes on after its last row")


def _header(read: Callable[[int], bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type; at least three sizes are stored, however many dimensions there are."""
    magic, dimensions = struct.unpack("<2i", read(8))
    if magic not in _TYPES or not 1 <= dimensions <= 4:
        raise ValueError("it does not begin as a NORB matrix")
    stored = max(dimensions, 3)
    sizes = struct.unpack(f"<{stored}i", read(4 * stored))[:dimensions]
    if min(sizes) < 1:
        raise ValueError(f"its sizes are {sizes}")
    return sizes, _TYPES[magic]
