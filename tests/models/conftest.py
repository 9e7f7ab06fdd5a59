"""A toy data set."""

import numpy as np
import pytest

from drbench import DatasetSpec, Factor, GroundTruth, grid_codes

SIZES = {"x": 4, "y": 4, "side": 3, "colour": 3}


@pytest.fixture(scope="session")
def squares() -> GroundTruth:
    """Coloured squares of 16x16 pixels on black: 144 images of 4 factors."""
    codes = grid_codes(list(SIZES.values()))

    def draw(rows: np.ndarray) -> np.ndarray:
        images = np.zeros((len(rows), 16, 16, 3), dtype=np.uint8)
        for image, (x, y, side, colour) in zip(images, codes[rows], strict=True):
            image[4 * y : 4 * y + side + 2, 4 * x : 4 * x + side + 2, colour] = 255
        return images

    factors = tuple(Factor(name=name, kind="ordinal", size=size) for name, size in SIZES.items())
    spec = DatasetSpec(
        name="squares",
        summary="Coloured squares.",
        factors=factors,
        image_shape=(16, 16, 3),
        origins=("rendered",),
        licence="none",
        citation="none",
    )
    return GroundTruth(spec, "rendered", codes, draw)
