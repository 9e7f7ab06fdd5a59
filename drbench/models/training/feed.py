"""Batches ahead of the step: drawn in a background thread, the same at any pace."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import NamedTuple, final

import numpy as np
import torch
from jaxtyping import Bool, Int, UInt8
from torch import Tensor

from drbench.data.ground_truth import GroundTruth
from drbench.data.sampling import BATCH_STREAM, image_rows, weak_pairs
from drbench.models.budget import Training
from drbench.models.inference import on_device
from drbench.models.model import Batch, Supervision

AHEAD = 2
"""Batches that are drawn, or being drawn, while a step runs."""


class Drawn(NamedTuple):
    """Images of one step in the processor's memory."""

    images: UInt8[Tensor, "m height width channel"]
    """All images of the batch, one part after the other."""
    changed: Int[Tensor, "b k"] | None


@final
@dataclass(frozen=True)
class Draw:
    """What the batches of a training hold; each depends on (seed, step) alone."""

    truth: GroundTruth
    allowed: Bool[np.ndarray, "n"]
    training: Training
    supervision: Supervision
    others: bool
    """Whether a second, independent batch comes with each."""
    seed: int
    device: str

    def drawn(self, step: int) -> Drawn:
        """The images of a step."""
        training, changed = self.training, None
        rng = np.random.default_rng([self.seed, BATCH_STREAM, step])
        if self.supervision == "images":
            parts = [image_rows(self.allowed, training.batch, rng)]
        else:
            *parts, columns = weak_pairs(
                self.truth,
                self.allowed,
                count=training.batch,
                k=training.k,
                distinct=training.distinct,
                rng=rng,
            )
            changed = torch.from_numpy(columns) if self.supervision == "labelled_pairs" else None
        if self.others:
            parts.append(image_rows(self.allowed, training.batch, rng))
        pixels = self.truth.images(np.concatenate(parts))
        images = torch.from_numpy(np.require(pixels, requirements=["C", "W"]))
        if self.device.startswith("cuda"):  # from pinned memory they travel while a step runs
            images = images.pin_memory()
        return Drawn(images, changed)

    def batch(self, drawn: Drawn, step: int) -> Batch:
        """The batch of a step, on the device."""
        training = self.training
        images, *more = torch.split(on_device(drawn.images, self.device), training.batch)
        others = more.pop() if self.others else None
        return Batch(
            images,
            seconds=more.pop() if more else None,
            changed=drawn.changed,
            others=others,
            progress=step / training.steps,
            warmup=min(1.0, step / training.warmup) if training.warmup else 1.0,
        )


@final
class Feed:
    """The batches of some steps, in order."""

    def __init__(self, draw: Draw, steps: range) -> None:
        self._draw, self._steps = draw, steps
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="drbench-feed")
        self._pending: deque[Future[Drawn]] = deque()

    def __enter__(self) -> "Feed":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def __iter__(self) -> Iterator[Batch]:
        later = iter(self._steps)
        for step in islice(later, AHEAD):
            self._submit(step)
        for step in self._steps:
            drawn = self._pending.popleft().result()
            for following in islice(later, 1):
                self._submit(following)
            yield self._draw.batch(drawn, step)

    def settle(self) -> None:
        """Wait until nothing is being drawn, so that the caller may look at images."""
        wait(self._pending)

    def _submit(self, step: int) -> None:
        # In this thread's context, so that what reading images reports joins the same display.
        self._pending.append(self._pool.submit(copy_context().run, self._draw.drawn, step))
