"""A data set of drbench: try it with `--plugins` and this file's path."""

import numpy as np

from drbench import Dataset, DatasetSpec, Factor, GroundTruth, Source, grid_codes

SPEC = DatasetSpec(
    name="template",
    summary="A square in one of three colours, on one of 8 x 8 places.",
    factors=(
        Factor(name="colour", kind="categorical", values=("red", "green", "blue")),
        Factor(name="row", kind="ordinal", size=8),
        Factor(name="column", kind="ordinal", size=8),
    ),
    image_shape=(64, 64, 3),
    origins=("rendered",),
    licence="CC0-1.0",
    citation="none",
)


class Template(Dataset):
    """A square in one of three colours, on one of 8 x 8 places."""

    spec = SPEC

    def open(self, source: Source) -> GroundTruth:
        codes = grid_codes(SPEC.sizes)  # (192, 3): all combinations, the last factor fastest
        pixel = np.arange(64)

        def images(rows: np.ndarray) -> np.ndarray:
            colour, row, column = codes[rows].T  # each (k,)
            across = pixel // 8 == row[:, None]  # (k, 64)
            along = pixel // 8 == column[:, None]  # (k, 64)
            square = across[:, :, None] & along[:, None, :]  # (k, 64, 64)
            painted = np.arange(3) == colour[:, None]  # (k, 3)
            lit = square[..., None] & painted[:, None, None, :]  # (k, 64, 64, 3)
            return lit * np.uint8(255)

        return GroundTruth(SPEC, source.origin, codes, images)


PLUGINS = {"datasets": {"template": Template}}
