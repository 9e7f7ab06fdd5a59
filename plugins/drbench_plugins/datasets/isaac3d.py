"""Isaac3D: a robot arm that holds an object in a kitchen, rendered."""

import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Float, Int, UInt8

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
from drbench_plugins.pictures import Picture, decoded, listed, opened, read_png

SIDE = 128

_ARCHIVE = "Isaac3D_down128.zip"
_NAME = re.compile(r"\d{6}")
_TOLERANCE = 1e-3  # of a step between neighbouring values


def _ordinal(name: str, size: int) -> Factor:
    return Factor(name=name, kind="ordinal", values=tuple(np.linspace(0, 1, size).tolist()))


@final
class Isaac3d(Dataset):
    """A robot arm that holds an object, rendered under nine factors."""

    spec = DatasetSpec(
        name="isaac3d",
        summary="A robot arm that holds an object in a kitchen, rendered",
        factors=(
            Factor(name="object_shape", kind="categorical", size=3),
            _ordinal("robot_x_move", 8),
            _ordinal("robot_y_move", 5),
            _ordinal("camera_height", 4),
            _ordinal("object_scale", 4),
            _ordinal("lighting_intensity", 4),
            _ordinal("lighting_y_dir", 6),
            Factor(name="object_color", kind="categorical", size=4),
            Factor(name="wall_color", kind="categorical", size=4),
        ),
        image_shape=(SIDE, SIDE, 3),
        three_d=True,
        occlusions=True,
        folders=("isaac3d", "isaac3d/Isaac3D_down128", "Isaac3D_down128"),
        files=(
            RemoteFile(
                url="https://drive.google.com/uc?id=1OmQ1G2wnm6eTsSFGTKFZZAh5D3nQTW1B",
                name=_ARCHIVE,
                in_place=True,
                by_hand="Open https://drive.google.com/file/d/1OmQ1G2wnm6eTsSFGTKFZZAh5D3nQTW1B in "
                "a browser and confirm the download (13 GB).",
            ),
        ),
        licence="CC BY 4.0",
        citation="Nie et al.: Semi-Supervised StyleGAN for Disentanglement Learning, ICML 2020.",
        homepage="https://github.com/NVlabs/High-res-disentanglement-datasets",
    )

    def open(self, source: Source) -> GroundTruth:
        holder = source.file("labels.npy", _ARCHIVE)
        in_folder = holder.name == "labels.npy"
        images = holder.parent / "images" if in_folder else holder
        if not images.exists():
            raise source.missing(f"folder images beside {holder}")

        def read() -> Contents:
            labels = Picture(holder.parent, holder.name) if in_folder else _labels_in(holder)
            return _contents(labels, images, source)

        return source.stored(inputs=[holder, images] if in_folder else [holder], read=read)


def _labels_in(archive: Path) -> Picture:
    members = listed(archive, "labels.npy")
    if len(members) != 1:
        raise DataError(
            f"{archive} holds {len(members)} files labels.npy, expected 1. Fetch it again."
        )
    return members[0]


def _contents(labels: Picture, images: Path, source: Source) -> Contents:
    with opened([labels.place]) as load:
        codes = _codes(labels, _array(load(labels), labels))
    pictures = listed(images)
    for picture in pictures:
        if not _NAME.fullmatch(picture.stem) or int(picture.stem) >= len(codes):
            raise DataError(
                f"{picture} is not one of 000000.png to {len(codes) - 1:06d}.png, the images that "
                f"{labels} names: move it to another folder, or fetch the set again."
            )
    pictures.sort(key=lambda picture: picture.stem)
    if not pictures:
        raise DataError(f"{images} holds no PNG files. Fetch the set again.")
    rows = np.array([int(picture.stem) for picture in pictures])
    return Contents(codes[rows], _images(pictures, source))


def _array(data: bytes, labels: Picture) -> Float[np.ndarray, "n factor"]:
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise DataError(
            f"{labels} cannot be read ({error}): it is truncated or of another kind. "
            "Fetch it again."
        ) from error
    sizes = Isaac3d.spec.sizes
    if array.ndim != 2 or array.shape[1] != len(sizes) or array.dtype.kind != "f":
        raise DataError(
            f"{labels} is {array.dtype} of shape {array.shape}, expected float64 of shape "
            f"(n, {len(sizes)}). Fetch it again."
        )
    return array


def _codes(labels: Picture, values: Float[np.ndarray, "n factor"]) -> Int[np.ndarray, "n factor"]:
    """Classes of values that are evenly spaced from 0 to 1."""
    codes = np.empty(values.shape, dtype=np.int16)
    for column, (name, size) in enumerate(
        zip(Isaac3d.spec.factor_names, Isaac3d.spec.sizes, strict=True)
    ):
        value = values[:, column]
        place = np.where(np.isfinite(value), value, -1) * (size - 1)
        classes = np.rint(place)
        wrong = (np.abs(place - classes) > _TOLERANCE) | (classes < 0) | (classes >= size)
        if wrong.any():
            row = int(wrong.argmax())
            raise DataError(
                f"{labels}: row {row} has the value {value[row]} of {name}, which is none of "
                f"{size} values evenly spaced from 0 to 1. Fetch it again."
            )
        codes[:, column] = classes
    _, first, count = np.unique(
        np.ravel_multi_index(tuple(codes.T), Isaac3d.spec.sizes),
        return_index=True,
        return_counts=True,
    )
    if count.max(initial=1) > 1:
        row = first[count > 1].min()
        raise DataError(f"{labels}: the classes of row {row} occur twice. Fetch it again.")
    return codes


def _images(
    pictures: Sequence[Picture], source: Source
) -> Iterator[UInt8[np.ndarray, "k height width channel"]]:
    with opened({picture.place for picture in pictures}) as load:
        yield from decoded(
            pictures,
            lambda picture: read_png(load, picture, channels=3, size=(SIDE, SIDE)),
            blank=source.spec.image_shape,
            fault=source.fault,
        )
