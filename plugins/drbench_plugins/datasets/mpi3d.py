"""MPI3D: one scene of a robot arm, drawn simply, drawn realistically, and photographed."""

import math
from dataclasses import replace
from pathlib import Path
from typing import final

import numpy as np

from drbench import (
    Contents,
    Dataset,
    DatasetSpec,
    Factor,
    GroundTruth,
    RemoteFile,
    Source,
    grid_codes,
)
from drbench_plugins.reading import stored_array

_IMAGE = (64, 64, 3)
_FACTORS = (
    Factor(
        name="object_color",
        kind="categorical",
        values=("white", "green", "red", "blue", "brown", "olive"),
    ),
    Factor(
        name="object_shape",
        kind="categorical",
        values=("cone", "cube", "cylinder", "hexagonal", "pyramid", "sphere"),
    ),
    Factor(name="object_size", kind="ordinal", values=("small", "large")),
    Factor(name="camera_height", kind="ordinal", values=("top", "center", "bottom")),
    Factor(name="background_color", kind="categorical", values=("purple", "sea green", "salmon")),
    Factor(name="horizontal_axis", kind="ordinal", size=40),
    Factor(name="vertical_axis", kind="ordinal", size=40),
)
_SIZES = tuple(factor.size or 0 for factor in _FACTORS)


def _spec(name: str, summary: str, md5: str, *, real: bool = False) -> DatasetSpec:
    return DatasetSpec(
        name=name,
        summary=summary,
        factors=_FACTORS,
        image_shape=_IMAGE,
        real=real,
        three_d=True,
        folders=("mpi3d", name),
        files=(
            RemoteFile(
                url=f"https://huggingface.co/datasets/waleedgondal/mpi3d/resolve/main/{name}.npz",
                mirrors=(
                    "https://storage.googleapis.com/disentanglement_dataset/Final_Dataset/"
                    f"{name}.npz",
                ),
                name=f"{name}.npz",
                hash=f"md5:{md5}",
            ),
        ),
        licence="CC BY 4.0",
        citation="Gondal et al.: On the Transfer of Inductive Bias from Simulation to the Real "
        "World: a New Disentanglement Dataset, NeurIPS 2019.",
        homepage="https://github.com/rr-learning/disentanglement_dataset",
    )


@final
class Mpi3dToy(Dataset):
    """A robot arm with an object, drawn simply."""

    spec = _spec(
        "mpi3d_toy",
        "A robot arm with an object, drawn simply",
        "55889cb7c7dfc655d6e0277beee88868",
    )

    def open(self, source: Source) -> GroundTruth:
        return _open(source)


@final
class Mpi3dRealistic(Dataset):
    """A robot arm with an object, drawn realistically."""

    spec = _spec(
        "mpi3d_realistic",
        "A robot arm with an object, drawn realistically",
        "59a6225b88b635365f70c91b3e52f70f",
    )

    def open(self, source: Source) -> GroundTruth:
        return _open(source)


@final
class Mpi3dReal(Dataset):
    """A robot arm with an object, photographed."""

    spec = _spec(
        "mpi3d_real",
        "A robot arm with an object, photographed",
        "0f33f609918fb5c97996692f91129802",
        real=True,
    )

    def open(self, source: Source) -> GroundTruth:
        return _open(source)


def _open(source: Source) -> GroundTruth:
    path = source.file(f"{source.spec.name}.npz")
    return source.stored(inputs=[path], read=lambda: _read(path))


def _read(path: Path) -> Contents:
    rows = (math.prod(_SIZES), *_IMAGE)
    images = stored_array(path, "images")
    if images.shape == (*_SIZES, *_IMAGE):
        images = replace(images, shape=rows)  # the bytes are the same, in the same order
    images.require(rows, np.uint8)  # rows carry no labels, so that all must be there
    return Contents(grid_codes(_SIZES), images.blocks())
