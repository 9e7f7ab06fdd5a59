"""3D Shapes: one solid in a room, in all hues, sizes, shapes and views."""

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
from drbench_plugins.reading import classes_of, stored_array
from drbench_plugins.rendering import shapes3d as renderer

_IMAGE = (64, 64, 3)
_FILE = "3dshapes.h5"
_HUES = tuple(k / 10 for k in range(10))
_VALUES = {
    "floor_hue": _HUES,
    "wall_hue": _HUES,
    "object_hue": _HUES,
    "scale": tuple(np.linspace(0.75, 1.25, 8).tolist()),
    "shape": (0.0, 1.0, 2.0, 3.0),
    "orientation": tuple(np.linspace(-30, 30, 15).tolist()),
}
"""Labels of the file; the class is the rank."""


@final
class Shapes3d(Dataset):
    """A solid in a room with a floor and walls, each in ten hues."""

    spec = DatasetSpec(
        name="shapes3d",
        summary="A solid in a room with a floor and walls, each in ten hues",
        factors=(
            Factor(name="floor_hue", kind="cyclic", values=_HUES),
            Factor(name="wall_hue", kind="cyclic", values=_HUES),
            Factor(name="object_hue", kind="cyclic", values=_HUES),
            Factor(name="scale", kind="ordinal", values=_VALUES["scale"]),
            Factor(
                name="shape",
                kind="categorical",
                values=("cube", "cylinder", "sphere", "capsule"),
            ),
            Factor(name="orientation", kind="ordinal", values=_VALUES["orientation"]),
        ),
        image_shape=_IMAGE,
        origins=("official", "rendered"),
        three_d=True,
        folders=("shapes3d", "3dshapes"),
        files=(
            RemoteFile(
                url=f"https://storage.googleapis.com/3d-shapes/{_FILE}",
                name=_FILE,
                hash="sha256:0a0f6ed98baff276a50f3a081a7434d788da63cb135a98189b2a5b5769be1785",
                bytes=267_573_662,
            ),
        ),
        licence="Apache-2.0",
        citation="Burgess, Kim: 3D Shapes Dataset, 2018; Kim, Mnih: Disentangling by Factorising, "
        "ICML 2018.",
        homepage="https://github.com/google-deepmind/3d-shapes",
    )

    def open(self, source: Source) -> GroundTruth:
        if source.origin == "rendered":
            codes = grid_codes(source.spec.sizes)
            return GroundTruth(
                source.spec, source.origin, codes, lambda rows: renderer.draw(codes[rows])
            )
        path = source.file(_FILE)
        return source.stored(inputs=[path], read=lambda: _read(path))


def _read(path: Path) -> Contents:
    images, labels = stored_array(path, "images"), stored_array(path, "labels")
    images.require((None, *_IMAGE), np.uint8)
    labels.require((images.shape[0], len(_VALUES)), np.floating)
    return Contents(classes_of(labels.whole(), _VALUES, path), images.blocks())
