"""Benchmarks anyone can run: ratios of two ways to do one thing, timed in turn in one process."""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, final

import numpy as np

from drbench.data.dataset import load_dataset
from drbench.data.ground_truth import GroundTruth
from drbench.data.sampling import weak_pairs
from drbench.representation import Representation

if TYPE_CHECKING:
    from torch import Tensor, nn

    from drbench.models.model import Model

PAIRS = 64
"""Pairs in a batch: what the published protocol uses."""


@final
@dataclass(frozen=True)
class Comparison:
    """One thing done in two ways."""

    what: str
    """What was timed."""
    baseline: str
    """The other way."""
    seconds: float
    """Median seconds of ours."""
    baseline_seconds: float
    """Median seconds of the other way."""
    ratio: float
    """Median over turns of baseline / ours: how many times faster ours is."""


@final
@dataclass(frozen=True)
class Learning:
    """Disentanglement of a source model against untrained weights of the same seed."""

    seed: int
    untrained: float
    """DCI disentanglement of fresh weights on held-out source images."""
    trained: float
    """The same after training."""


def compare(
    what: str, ours: Callable[[], object], baseline: str, other: Callable[[], object], turns: int
) -> Comparison:
    """Time two functions in turn, after a warm-up of each."""
    ours(), other()
    times = [(_seconds(ours), _seconds(other)) for _ in range(turns)]
    return Comparison(
        what=what,
        baseline=baseline,
        seconds=statistics.median(mine for mine, _ in times),
        baseline_seconds=statistics.median(theirs for _, theirs in times),
        ratio=statistics.median(theirs / mine for mine, theirs in times),
    )


def bench_data() -> Iterator[Comparison]:
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


def bench_metrics() -> Iterator[Comparison]:
    """OMES of a grid sample in closed form, against the random pairs it is the expectation of."""
    from drbench import grid_codes, score

    codes = grid_codes([10, 10, 10, 8, 4, 15])
    rng = np.random.default_rng(0)
    codes = codes[rng.choice(len(codes), 15_000, replace=False)]
    latents = np.hstack([codes, rng.normal(size=(len(codes), 4))]) @ rng.normal(size=(10, 10))
    representation = Representation.from_arrays(latents, codes)
    yield compare(
        "omes of 15,000 x 10, closed form",
        lambda: score(representation, metrics=["omes"]),
        "random pairs, line by line",
        lambda: _omes_by_pairs(latents, codes, rng),
        turns=3,
    )


def bench_training(device: str) -> Iterator[Comparison]:
    """One step of ada_gvae at the published size, against plain float32 in channels-first order."""
    import torch

    from drbench.models.inference import place, seeded_network
    from drbench.models.model import load_model

    images = torch.rand(2 * PAIRS, 3, 64, 64, device=device)
    for width in (128, 32):
        model = load_model("ada_gvae", width=width)
        plain, fast = (seeded_network(model, (64, 64, 3), 0).to(device) for _ in range(2))
        place(fast, device)
        ours = images.contiguous(memory_format=torch.channels_last)
        for name, reduced in (("float32", False), ("bfloat16", True)):
            yield compare(
                f"step of {PAIRS} pairs, width {width}, {name}, channels last",
                partial(_step, model, fast, ours, reduced=reduced),
                "plain float32",
                partial(_step, model, plain, images, reduced=False),
                turns=7,
            )


def bench_learning(seeds: tuple[int, ...] = (0, 1, 2)) -> Iterator[Learning]:
    """Does source training disentangle? The main job's source, against untrained weights."""
    from drbench.runs.execute import execute
    from drbench.runs.request import train_spec
    from drbench.runs.spec import DataRef, Scoring

    data = DataRef(name="color_dsprites", origin="rendered")
    scoring = Scoring(sample=3_000, metrics={"dci": {}})
    for seed in seeds:
        values = []
        for steps in (0, 1_600):
            spec = train_spec(
                data, "ada_gvae", settings={"lr": 1e-3, "width": 32}, steps=steps, seed=seed,
                scoring=scoring,
            )  # fmt: skip
            record = execute(spec)  # kept in the cache: an interrupted study goes on
            values.append(record.scores["after"]["dci"].value or 0.0)
        yield Learning(seed, *values)


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


def _seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def _step(model: "Model", network: "nn.Module", images: "Tensor", *, reduced: bool) -> None:
    """Forward and backward."""
    import torch

    from drbench.models.model import Batch

    with torch.autocast(images.device.type, dtype=torch.bfloat16, enabled=reduced):
        loss = model.loss(network, Batch(images[:PAIRS], images[PAIRS:]))["loss"]
    network.zero_grad()
    torch.autograd.backward(loss)
    if images.is_cuda:
        torch.cuda.synchronize()


def _whole_batch(truth: GroundTruth) -> np.ndarray:
    return truth.images(_pair_rows(truth))


def _one_by_one(truth: GroundTruth) -> np.ndarray:
    return np.concatenate([truth.images(row[None]) for row in _pair_rows(truth)])


def _pair_rows(truth: GroundTruth) -> np.ndarray:
    allowed = np.broadcast_to(True, len(truth))
    first, second, _ = weak_pairs(truth, allowed, PAIRS, 1, True, np.random.default_rng(0))
    return np.concatenate([first, second])


def _omes_by_pairs(latents: np.ndarray, codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Association matrix the published way: disjoint random pairs within each line of a factor."""
    columns = []
    for factor in range(codes.shape[1]):
        lines: dict[tuple[int, ...], list[int]] = {}
        for row, code in enumerate(np.delete(codes, factor, axis=1)):
            lines.setdefault(tuple(code), []).append(row)
        pairs = [
            np.reshape(rng.permutation(rows)[: len(rows) // 2 * 2], (-1, 2))
            for rows in lines.values()
            for _ in range(len(rows))
        ]
        x, y = latents[np.concatenate(pairs).T]
        columns.append([1 - abs(np.corrcoef(x[:, d], y[:, d])[0, 1]) for d in range(x.shape[1])])
    return np.array(columns).T
