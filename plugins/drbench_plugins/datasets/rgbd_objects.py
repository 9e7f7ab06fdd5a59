"""RGB-D Objects: household objects on a turntable, in colour and in depth."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Float, UInt8

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
from drbench_plugins.pictures import Load, Picture, decoded, listed, opened, read_png

_CATEGORIES = """
    apple ball banana bell_pepper binder bowl calculator camera cap cell_phone cereal_box coffee_mug
    comb dry_battery flashlight food_bag food_box food_can food_cup food_jar garlic glue_stick
    greens hand_towel instant_noodles keyboard kleenex lemon lightbulb lime marker mushroom notebook
    onion orange peach pear pitcher plate pliers potato rubber_eraser scissors shampoo soda_can
    sponge stapler tomato toothbrush toothpaste water_bottle
"""
CATEGORIES = tuple(_CATEGORIES.split())
VIDEOS = (1, 2, 4)
"""Numbers of the videos, one for each height of the camera."""
FRAMES = 263
"""Frames of the longest video, as the seed paper's released code counts them."""
MILLIMETRES = 5
"""Depth of one grey level: 255 is 1275 mm or more."""

_ARCHIVE = "rgbd-dataset_eval.zip"
_NAME = re.compile(r"(.+)_([1-9]\d*)_(\d+)_([1-9]\d*)_(?:depth)?crop")  # categories hold '_'


def _spec(name: str, summary: str, channels: int) -> DatasetSpec:
    return DatasetSpec(
        name=name,
        summary=summary,
        factors=(
            Factor(name="category", kind="categorical", values=CATEGORIES),
            Factor(name="video", kind="ordinal", values=tuple(float(video) for video in VIDEOS)),
            Factor(name="frame", kind="ordinal", size=FRAMES),
        ),
        image_shape=(64, 64, channels),
        real=True,
        three_d=True,
        independent=False,
        fully_annotated=False,
        split_group="instance and video",
        folders=("rgbd_objects", "rgbd_objects/rgbd-dataset", "rgbd-dataset"),
        files=(
            RemoteFile(
                url="https://rgbd-dataset.cs.washington.edu/dataset/rgbd-dataset/rgbd-dataset.tar",
                name="rgbd-dataset.tar",
            ),
        ),
        licence="None stated by its makers; research use.",
        citation="Lai, Bo, Ren, Fox: A Large-Scale Hierarchical Multi-View RGB-D Object Dataset, "
        "ICRA 2011.",
        homepage="https://rgbd-dataset.cs.washington.edu",
    )


@final
class RgbdObjects(Dataset):
    """Photographs of objects of 51 categories on a turntable, cut out of their background."""

    spec = _spec("rgbd_objects", "Objects of 51 categories on a turntable, cut out", 3)

    def open(self, source: Source) -> GroundTruth:
        return _open(source, "_crop.png")


@final
class RgbdObjectsDepth(Dataset):
    """Depth of the objects of rgbd_objects: 5 mm a grey level from the camera, 0 where unknown.

    The level is the depth in millimetres divided by 5, rounded, at most 255: near is dark, 1275 mm
    and more are white. What the sensor missed and what is not the object are 0.
    """

    spec = _spec("rgbd_objects_depth", "Depth of objects of 51 categories on a turntable", 1)

    def open(self, source: Source) -> GroundTruth:
        return _open(source, "_depthcrop.png")


def _open(source: Source, ending: str) -> GroundTruth:
    places = _places(source)
    return source.stored(inputs=places, read=lambda: _contents(places, ending, source))


def _places(source: Source) -> list[Path]:
    """The folders of the instances, or the archive of the evaluation set."""
    for folder in source.folders:
        places = [
            path
            for category in CATEGORIES
            for path in sorted((folder / category).glob(f"{category}_*"))
            if path.is_dir()
        ]
        if places:
            return places
    for folder in source.folders:
        if (folder / _ARCHIVE).is_file():
            return [folder / _ARCHIVE]
    raise source.missing(f"apple/apple_1/ to water_bottle/water_bottle_10/ and no {_ARCHIVE}")


def _contents(places: Sequence[Path], ending: str, source: Source) -> Contents:
    pictures = [picture for place in places for picture in listed(place, ending)]
    named = sorted(((_parsed(picture), picture) for picture in pictures), key=lambda pair: pair[0])
    if not named:
        raise DataError(
            f"{places[0]} and what lies beside it hold no *{ending}. Fetch the set again."
        )
    kept = [(name, picture) for name, picture in named if name[3] <= FRAMES]
    pictures = [picture for _, picture in kept]
    category, instance, video, frame = np.array([name for name, _ in kept]).T
    codes = np.stack([category, np.searchsorted(VIDEOS, video), frame - 1], axis=1)
    _, groups = np.unique(np.stack([category, instance, video]), axis=1, return_inverse=True)
    angles = _angles(places, pictures)
    notes, values = [], None
    if len(kept) < len(named):
        notes.append(f"{len(named) - len(kept):,} frames after number {FRAMES} are left out")
    if np.isfinite(angles).any():
        values = np.stack([category, video, angles], axis=1)
        notes.append(
            f"{np.isfinite(angles).sum():,} of {len(angles):,} images have the angle of the "
            "turntable, in degrees, as value of frame; the others have NaN"
        )
    return Contents(codes, _images(pictures, source), values, groups.reshape(-1), tuple(notes))


def _parsed(picture: Picture) -> tuple[int, int, int, int]:
    """Category, instance, video and frame that a name tells."""
    match = _NAME.fullmatch(picture.stem)
    if not match or match[1] not in CATEGORIES or int(match[3]) not in VIDEOS:
        raise DataError(
            f"{picture} is not named as in RGB-D Objects (CATEGORY_INSTANCE_VIDEO_FRAME_crop.png, "
            "one of 51 categories, video 1, 2 or 4): move it to another folder, or fetch the set "
            "again."
        )
    return CATEGORIES.index(match[1]), int(match[2]), int(match[3]), int(match[4])


def _angles(places: Sequence[Path], pictures: Sequence[Picture]) -> Float[np.ndarray, "n"]:
    """Angle of the turntable in degrees, NaN where there is no pose file."""
    poses = {pose for place in places for pose in listed(place, "_pose.txt")}
    angles = np.full(len(pictures), np.nan)
    with opened({pose.place for pose in poses}) as load:
        for row, picture in enumerate(pictures):
            pose = _beside(picture, "pose.txt")
            if pose in poses:
                angles[row] = _angle(load(pose), pose)
    return angles


def _angle(data: bytes, pose: Picture) -> float:
    try:
        angle = float(data)
    except ValueError:
        angle = np.nan
    if not np.isfinite(angle):
        raise DataError(f"{pose} holds {data[:40]!r}, expected an angle. Fetch the set again.")
    return angle


def _beside(picture: Picture, ending: str) -> Picture:
    """Another file of the same frame."""
    return Picture(picture.place, f"{picture.name.rpartition('_')[0]}_{ending}")


def _images(
    pictures: Sequence[Picture], source: Source
) -> Iterator[UInt8[np.ndarray, "1 side side channel"]]:
    with opened({picture.place for picture in pictures}) as load:
        yield from decoded(
            pictures,
            lambda picture: _cut_out(load, picture),
            blank=source.spec.image_shape,
            fault=source.fault,
            rows=1,  # each has a size of its own
        )


def _cut_out(load: Load, picture: Picture) -> UInt8[np.ndarray, "side side channel"]:
    """The object alone, in the middle of a black square."""
    if picture.name.endswith("_depthcrop.png"):
        depth = read_png(load, picture, channels=1, depth=16)
        crop = np.minimum(np.rint(depth / MILLIMETRES), 255).astype(np.uint8)
    else:
        crop = read_png(load, picture, channels=3)
    height, width, channels = crop.shape
    mask = read_png(
        load, _beside(picture, "maskcrop.png"), channels=1, depth=1, size=(height, width)
    )
    side = max(height, width)
    square = np.zeros((side, side, channels), dtype=np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = crop * mask
    return square
