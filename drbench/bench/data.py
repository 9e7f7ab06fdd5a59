"""Batches of weak pairs by index arithmetic, against the same images one at a time."""

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from drbench.bench import PAIRS
from drbench.bench.compare import Comparison, compare
from drbench.data.files.stored import Contents
from drbench.data.ground_truth import GroundTruth
from drbench.data.opening import load_dataset
from drbench.data.sampling import weak_pairs
from drbench.data.source import Source
from drbench.data.spec import DatasetSpec, Factor
from drbench.files import cache_at


def study() -> Iterator[Comparison]:
    """Batches of weak pairs by index arithmetic, against the same images one at a time."""
    for name in ("color_dsprites", "noisy_color_dsprites"):
        with tempfile.TemporaryDirectory() as empty, cache_at(Path(empty)):
            drawn = load_dataset(name, origin="rendered")
        prepared = load_dataset(name, origin="rendered", prepare=True)
        for how, truth in (("drawn on demand", drawn), ("prepared", prepared)):
            yield compare(
                f"{PAIRS} pairs of {name}, {how}",
                partial(_whole_batch, truth),
                "image by image",
                partial(_one_by_one, truth),
                turns=9,
            )
    for side, images in ((64, 50_000), (128, 12_500)):  # 614 MB each
        with tempfile.TemporaryDirectory() as folder, cache_at(Path(folder)):
            truth = _noise(side, images, Path(folder))
            rows = np.random.default_rng(0).integers(images, size=(200, PAIRS))
            batches = iter(rows)
            yield compare(
                f"{PAIRS} random images of {side}x{side}, prepared",
                partial(_next, truth.images, batches),
                "image by image",
                partial(_next, partial(_singly, truth), batches),
                turns=50,
            )


def _next(read: Callable[[np.ndarray], np.ndarray], batches: Iterator[np.ndarray]) -> np.ndarray:
    """Other rows each time, so that no image is still near the processor."""
    return read(next(batches))


def _noise(side: int, images: int, folder: Path) -> GroundTruth:
    """A set that is files, of noise, prepared in the cache and warm in memory."""
    spec = DatasetSpec(
        name="noise",
        summary="Noise",
        factors=(Factor(name="row", kind="ordinal", size=images),),
        image_shape=(side, side, 3),
        licence="none",
        citation="none",
    )
    file = folder / "noise.bin"
    file.write_bytes(b"")
    rng = np.random.default_rng(0)

    def blocks() -> Iterator[np.ndarray]:
        for start in range(0, images, 500):
            count = min(500, images - start)
            yield rng.integers(0, 256, (count, side, side, 3), dtype=np.uint8)

    codes = np.arange(images)[:, None]
    return Source(spec, "official").stored(inputs=[file], read=lambda: Contents(codes, blocks()))


def _singly(truth: GroundTruth, rows: np.ndarray) -> np.ndarray:
    return np.concatenate([truth.images(row[None]) for row in rows])


def _whole_batch(truth: GroundTruth) -> np.ndarray:
    return truth.images(_pair_rows(truth))


def _one_by_one(truth: GroundTruth) -> np.ndarray:
    return _singly(truth, _pair_rows(truth))


def _pair_rows(truth: GroundTruth) -> np.ndarray:
    allowed = np.broadcast_to(True, len(truth))
    first, second, _ = weak_pairs(
        truth, allowed, count=PAIRS, k=1, distinct=True, rng=np.random.default_rng(0)
    )
    return np.concatenate([first, second])
