"""Cars3D: car models seen from all sides and four heights."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import UInt8

from drbench import (
    Contents,
    DataError,
    Dataset,
    DatasetSpec,
    Factor,
    GroundTruth,
    RemoteFile,
    Source,
    grid_codes,
)
from drbench_plugins.reading import damage_named

ELEVATIONS, AZIMUTHS, CARS = 4, 24, 183
SIDE = 128

_PATTERN = "car_*_mesh.mat"
_SHAPE = (SIDE, SIDE, 3, AZIMUTHS, ELEVATIONS)


@final
class Cars3d(Dataset):
    """Computer models of 183 cars from 24 sides and 4 heights."""

    spec = DatasetSpec(
        name="cars3d",
        summary="Computer models of 183 cars from 24 sides and 4 heights",
        factors=(
            Factor(name="elevation", kind="ordinal", size=ELEVATIONS),
            Factor(name="azimuth", kind="cyclic", size=AZIMUTHS),
            Factor(name="object", kind="categorical", size=CARS),
        ),
        image_shape=(SIDE, SIDE, 3),
        three_d=True,
        folders=("cars3d", "cars3d/data/cars", "data/cars", "cars"),
        files=(
            RemoteFile(
                url="http://www.scottreed.info/files/nips2015-analogy-data.tar.gz",
                name="nips2015-analogy-data.tar.gz",
                hash="md5:4e866a7919c1beedf53964e6f7a23686",
            ),
        ),
        licence="None stated by its makers; research use.",
        citation="Reed, Zhang, Zhang, Lee: Deep Visual Analogy-Making, NIPS 2015; Fidler, "
        "Dickinson, Urtasun, NIPS 2012.",
        homepage="http://www.scottreed.info",
    )

    def open(self, source: Source) -> GroundTruth:
        folder = source.folder(_PATTERN)
        return source.stored(inputs=[folder], read=lambda: _read(source, folder))


def _read(source: Source, folder: Path) -> Contents:
    # Shorter names first: then the numbers are in order, padded with zeros or not.
    paths = sorted(folder.glob(_PATTERN), key=lambda path: (len(path.name), path.name))
    if len(paths) > CARS:
        raise DataError(
            f"{folder} holds {len(paths)} files {_PATTERN}, expected {CARS} or fewer. Move what "
            "is not the maker's to another folder, or fetch the set again."
        )
    views = grid_codes((ELEVATIONS, AZIMUTHS))
    codes = np.empty((len(paths), len(views), 3), dtype=np.int16)
    codes[..., :2] = views
    codes[..., 2] = np.arange(len(paths))[:, None]
    return Contents(codes.reshape(-1, 3), _cars(source, paths))


def _cars(
    source: Source, paths: Sequence[Path]
) -> Iterator[UInt8[np.ndarray, "view height width channel"]]:
    for path in paths:
        try:
            views = _read_car(path)
        except DataError as error:
            source.fault(error)
            views = np.zeros((ELEVATIONS * AZIMUTHS, SIDE, SIDE, 3), dtype=np.uint8)
        yield views


def _read_car(path: Path) -> UInt8[np.ndarray, "view height width channel"]:
    """Views of one car, in the order (elevation, azimuth)."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    with damage_named(path, "im", MatReadError, IndexError, TypeError):
        im = loadmat(path, variable_names=["im"])["im"]
    if im.shape != _SHAPE or im.dtype != np.uint8:
        raise DataError(
            f"{path}: im is {im.dtype} of shape {im.shape}, expected uint8 of shape {_SHAPE}. "
            "Fetch the set again."
        )
    return im.transpose(4, 3, 0, 1, 2).reshape(ELEVATIONS * AZIMUTHS, SIDE, SIDE, 3)
