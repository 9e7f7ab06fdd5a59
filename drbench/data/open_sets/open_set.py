"""Sets that only a reference names: `folder:PATH` and `hf:OWNER/NAME[:split]`."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import UInt8

from drbench.data.dataset import Dataset
from drbench.data.files.prepared import fingerprint
from drbench.data.files.stored import Contents
from drbench.data.ground_truth import GroundTruth
from drbench.data.labels import Labels
from drbench.data.open_sets.photographs import in_blocks
from drbench.data.source import Source
from drbench.data.spec import DatasetSpec
from drbench.errors import RequestError
from drbench.files import canonical_json, sha256_text

Pictures = Callable[[], Iterator[tuple[str, UInt8[np.ndarray, "height width 3"]]]]


@final
class OpenSet(Dataset):
    """Images of anyone, with the factors that their table has.

    Parameters
    ----------
    name : str
        `folder:NAME`, `hf:NAME[:split]` or `hf:OWNER/NAME[:split]`: no path.
    summary : str
        One line for people.
    labels : Labels
        Factors and classes of the images.
    pictures : callable
        Yields the name and the pixels of each image, in the order of the labels.
    inputs : paths
        Files that the images and the factors are read from.
    home : str
        Reference with the full path of images on this disk; empty for a set of the hub.
    reading : str
        What tells two sets in these files apart: the pattern of the names, or the split.
    licence, homepage : str
        What is known of them.
    """

    def __init__(
        self,
        name: str,
        summary: str,
        labels: Labels,
        pictures: Pictures,
        inputs: Sequence[Path],
        *,
        home: str = "",
        reading: str = "",
        licence: str = "Its owner's terms.",
        homepage: str = "",
    ) -> None:
        self._labels, self._pictures, self._inputs = labels, pictures, inputs
        self.home, self._reading = home, reading
        first = next(pictures())[1]
        self.spec = DatasetSpec(
            name=name,
            summary=summary,
            factors=labels.factors,
            image_shape=(*first.shape[:2], 3),
            origins=("own",) if home else ("official",),
            real=True,
            independent=False,
            fully_annotated=False,
            licence=licence,
            citation="Its owner.",
            homepage=homepage,
        )

    @cached_property
    def content(self) -> str:
        """SHA-256 of the names and bytes of all files, and of how they are read.

        It stays the same wherever the folder lies and however its path is spelt; what fingerprints
        remember and do not notice is said at `drbench.data.files.prepared.fingerprint`.
        """
        return sha256_text(canonical_json([fingerprint(self._inputs), self._reading]))

    def open(self, source: Source) -> GroundTruth:
        labels = self._labels

        def read() -> Contents:
            own = (source.spec.image_shape[0], source.spec.image_shape[1])
            images = in_blocks(self._pictures(), own, source.size)
            return Contents(labels.codes, images, labels.values, notes=labels.notes)

        return source.stored(inputs=self._inputs, read=read)


def own_name(name: str | None, place: Path) -> str:
    """The name of images of one's own: as chosen, by default their folder's own.

    Raises
    ------
    RequestError
        If the chosen one is more than letters, digits, dots, hyphens and underscores.
    """
    if name is None:
        return re.sub(r"[^A-Za-z0-9_.-]+", "_", place.resolve().name)[:64].lstrip("._-") or "images"
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", name):
        raise RequestError(
            f"--name {name!r}: choose at most 64 letters, digits, dots, hyphens and underscores, "
            "the first a letter or digit."
        )
    return name
