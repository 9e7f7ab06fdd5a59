"""Sets that only a reference names: `folder:PATH` and `hf:OWNER/NAME[:split]`."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import UInt8

from drbench.data.dataset import Dataset
from drbench.data.files.stored import Contents
from drbench.data.ground_truth import GroundTruth
from drbench.data.open_sets.columns import Table
from drbench.data.open_sets.photographs import in_blocks
from drbench.data.source import Source
from drbench.data.spec import DatasetSpec

Pictures = Callable[[], Iterator[tuple[str, UInt8[np.ndarray, "height width 3"]]]]


@final
class OpenSet(Dataset):
    """Images of anyone, with the factors that their table has.

    Parameters
    ----------
    name : str
        The reference by which it was asked for.
    summary : str
        One line for people.
    table : Table
        Factors and classes of the images.
    pictures : callable
        Yields the name and the pixels of each image, in the order of the table.
    inputs : paths
        Files and folders that the images are read from.
    licence, homepage : str
        What is known of them.
    """

    def __init__(
        self,
        name: str,
        summary: str,
        table: Table,
        pictures: Pictures,
        inputs: Sequence[Path],
        *,
        licence: str = "Its owner's terms.",
        homepage: str = "",
    ) -> None:
        self._table, self._pictures, self._inputs = table, pictures, inputs
        first = next(pictures())[1]
        self.spec = DatasetSpec(
            name=name,
            summary=summary,
            factors=table.factors,
            image_shape=(*first.shape[:2], 3),
            real=True,
            independent=False,
            fully_annotated=False,
            licence=licence,
            citation="Its owner.",
            homepage=homepage,
        )

    def open(self, source: Source) -> GroundTruth:
        table = self._table

        def read() -> Contents:
            own = (source.spec.image_shape[0], source.spec.image_shape[1])
            images = in_blocks(self._pictures(), own, source.size)
            return Contents(table.codes, images, table.values, notes=table.notes)

        return source.stored(inputs=self._inputs, read=read)
