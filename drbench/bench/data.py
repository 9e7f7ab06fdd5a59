"""Batches of weak pairs by index arithmetic, against the same images one at a time."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np

from drbench.bench import PAIRS
from drbench.bench.compare import Comparison, compare
from drbench.data.dataset import load_dataset
from drbench.data.ground_truth import GroundTruth
from drbench.data.sampling import weak_pairs


def study() -> Iterator[Comparison]:
    """Batches of weak pairs by index arithmetic, against the same images one at a time."""
    for name in ("color_dsprites", "noisy_color_dsprites"):
        with tempfile.TemporaryDirectory() as empty, _cache(empty):
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


@contextmanager
def _cache(folder: str) -> Iterator[None]:
    """Another cache folder for a moment: one in which nothing is prepared."""
    before = os.environ.get("DRBENCH_CACHE")
    os.environ["DRBENCH_CACHE"] = folder
    try:
        yield
    finally:
        if before is None:
            del os.environ["DRBENCH_CACHE"]
        else:
            os.environ["DRBENCH_CACHE"] = before


def _whole_batch(truth: GroundTruth) -> np.ndarray:
    return truth.images(_pair_rows(truth))


def _one_by_one(truth: GroundTruth) -> np.ndarray:
    return np.concatenate([truth.images(row[None]) for row in _pair_rows(truth)])


def _pair_rows(truth: GroundTruth) -> np.ndarray:
    allowed = np.broadcast_to(True, len(truth))
    first, second, _ = weak_pairs(truth, allowed, PAIRS, 1, True, np.random.default_rng(0))
    return np.concatenate([first, second])
