"""A toy data set; and one thread, for small tensors gain nothing from more and may lose much."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from drbench import DatasetSpec, Factor, GroundTruth, grid_codes

SIZES = {"x": 4, "y": 4, "side": 3, "colour": 3}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


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
