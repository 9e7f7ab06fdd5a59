"""The one training loop: source training and fine-tuning alike."""

import json
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Bool
from torch import nn
from torch.optim import Optimizer

from drbench.data.ground_truth import GroundTruth
from drbench.data.sampling import BATCH_STREAM, image_rows, weak_pairs
from drbench.errors import DrbenchError, RunError
from drbench.files import write_text
from drbench.models.budget import Training
from drbench.models.checkpoints import (
    CHECKPOINT,
    WEIGHTS,
    load_checkpoint,
    save_checkpoint,
    save_weights,
)
from drbench.models.inference import own_randomness, place, to_tensor
from drbench.models.model import Batch, Model, Supervision
from drbench.progress import progress

LOG = "log.jsonl"
LOG_EVERY = 50
"""Steps between lines of the log."""
CHECKPOINT_SECONDS = 60.0
"""Seconds between checkpoints."""


@final
@dataclass(frozen=True)
class Fitted:
    """What a training came to."""

    terms: dict[str, float]
    """Terms of the loss at the last step; empty if no step was left to do."""
    seconds: float
    """Seconds of this call."""


def fit(
    model: Model,
    network: nn.Module,
    truth: GroundTruth,
    allowed: Bool[np.ndarray, "n"],
    training: Training,
    *,
    seed: int,
    supervision: Supervision,
    device: str,
    folder: Path,
    run: str = "",
    resume: bool = False,
    probe: Callable[[nn.Module], Mapping[str, float]] | None = None,
) -> Fitted:
    """Train a network, from fresh weights or from another run's.

    Every step draws from (seed, step) alone, so a resumed training ends with the very weights of
    an uninterrupted one. Optimisers start fresh: nothing but weights comes from an earlier run.

    Parameters
    ----------
    model : Model
    network : Module
        Trained in place.
    truth : GroundTruth
        Data set of the network's image shape.
    allowed : (n,) bool
        Rows that may be trained on.
    training : Training
        Budget and optimiser; 0 steps leave the weights as they are.
    seed : int
        Of batches and noise.
    supervision : {"images", "pairs", "labelled_pairs"}
        What a batch holds: the model's own for a source, "images" for fine-tuning.
    device : str
    folder : Path
        Receives weights, log (JSON lines) and checkpoint.
    run : str
        Key of the run, for the weights to carry.
    resume : bool
        Go on from the folder's checkpoint if there is one.
    probe : callable, optional
        Called with the network every `training.score_every` steps; its numbers go to the log.

    Raises
    ------
    RequestError
        If the batches asked for cannot be drawn.
    RunError
        If the folder holds a checkpoint and `resume` is not set, or one of another run.
    DrbenchError
        If the loss is no longer finite.
    KeyboardInterrupt
        After Ctrl-C, once the step is finished and the checkpoint written.
    """
    began = time.monotonic()
    place(network, device)
    optimisers = {
        part: torch.optim.Adam(network.get_submodule(part).parameters(), lr=training.lr)
        for part in model.optimised
    }
    state = _State(
        folder, network, optimisers, _identity(model, truth, training, seed, supervision)
    )
    start = state.restore(training.steps, resume=resume)
    log = _Log(folder / LOG, start)
    terms: dict[str, float] = {}
    network.train()
    with (
        own_randomness(device),
        _ctrl_c_waits() as interrupted,
        progress(
            f"training {model.name} on {truth.spec.name}, seed {seed}", training.steps, done=start
        ) as advance,
    ):
        for step in range(start, training.steps):
            rng = np.random.default_rng([seed, BATCH_STREAM, step])
            torch.manual_seed(int(rng.integers(2**63)))
            warmup = min(1.0, step / training.warmup) if training.warmup else 1.0
            batch = _draw(truth, allowed, training, supervision, rng, device)
            for part, optimiser in optimisers.items():
                now = replace(batch, warmup=warmup, part=part)
                terms |= _update(model, network, optimiser, now, training)
            done = step + 1
            _check_finite(terms, done)
            advance(1, note=f"loss {next(iter(terms.values())):.5g}, {log.rate(done):.3g} steps/s")
            if probe and training.score_every and done % training.score_every == 0:
                log.write(done, terms, probe(network))
                network.train()
            elif done % LOG_EVERY == 0 or done == training.steps:
                log.write(done, terms)
            if interrupted.is_set():
                state.save(done)
                raise KeyboardInterrupt
            state.save_if_due(done)
    state.save(training.steps)
    save_weights(folder / WEIGHTS, network, run=run)
    return Fitted(terms, time.monotonic() - began)


def _draw(
    truth: GroundTruth,
    allowed: Bool[np.ndarray, "n"],
    training: Training,
    supervision: Supervision,
    rng: np.random.Generator,
    device: str,
) -> Batch:
    if supervision == "images":
        rows = image_rows(allowed, training.batch, rng)
        return Batch(to_tensor(truth.images(rows), device))
    first, second, changed = weak_pairs(
        truth,
        allowed,
        count=training.batch,
        k=training.k,
        distinct=training.distinct,
        rng=rng,
    )
    images = to_tensor(truth.images(np.concatenate([first, second])), device)
    labels = torch.from_numpy(changed).to(device) if supervision == "labelled_pairs" else None
    return Batch(images[: len(first)], images[len(first) :], labels)


def _update(
    model: Model, network: nn.Module, optimiser: Optimizer, batch: Batch, training: Training
) -> dict[str, float]:
    """One step of one optimiser; the terms of its loss."""
    parameters = optimiser.param_groups[0]["params"]
    reduced = training.precision == "bfloat16"
    with torch.autocast(batch.images.device.type, dtype=torch.bfloat16, enabled=reduced):
        terms = model.loss(network, batch)
    optimiser.zero_grad()
    torch.autograd.backward(terms["loss"])
    if training.clip is not None:
        nn.utils.clip_grad_norm_(parameters, training.clip)
    optimiser.step()
    prefix = f"{batch.part}." if batch.part else ""
    values = torch.stack([term.detach().float() for term in terms.values()]).tolist()
    return {prefix + name: value for name, value in zip(terms, values, strict=True)}


def _check_finite(terms: Mapping[str, float], step: int) -> None:
    for name, value in terms.items():
        if not math.isfinite(value):
            raise DrbenchError(
                f"Training came apart at step {step}: {name} is {value}. Lower the learning rate "
                "(lr) or the gradient clip; the last checkpoint is whole."
            )


def _identity(
    model: Model, truth: GroundTruth, training: Training, seed: int, supervision: Supervision
) -> dict[str, Any]:
    """What two trainings must share for one to go on where the other stopped."""
    return {
        "model": model.name,
        **model.model_dump(mode="json"),
        "data": truth.spec.name,
        "rows": len(truth),
        **training.model_dump(mode="json", exclude={"steps", "score_every"}),
        "seed": seed,
        "supervision": supervision,
    }


@final
class _State:
    """Saves and restores a training."""

    def __init__(
        self,
        folder: Path,
        network: nn.Module,
        optimisers: Mapping[str, Optimizer],
        run: Mapping[str, Any],
    ) -> None:
        self.path = folder / CHECKPOINT
        self.network, self.optimisers, self.run = network, optimisers, run
        self.saved = time.monotonic()

    def restore(self, steps: int, *, resume: bool) -> int:
        """Steps already done, whose weights and optimiser states are now in place."""
        if not self.path.exists():
            return 0
        if not resume:
            raise RunError(
                f"{self.path.parent} holds a training already: go on with --resume, or choose "
                "another folder."
            )
        done = load_checkpoint(self.path, self.network, self.optimisers, run=self.run)
        if done > steps:
            raise RunError(
                f"{self.path.parent} is at step {done}, past the {steps} asked for: ask for more, "
                "or choose another folder."
            )
        return done

    def save(self, step: int) -> None:
        save_checkpoint(self.path, self.network, self.optimisers, step=step, run=self.run)
        self.saved = time.monotonic()

    def save_if_due(self, step: int) -> None:
        if time.monotonic() - self.saved > CHECKPOINT_SECONDS:
            self.save(step)


@final
class _Log:
    """JSON lines: step, steps per second since the line before, terms of the loss, scores."""

    def __init__(self, path: Path, done: int) -> None:
        self.path, self.step, self.time = path, done, time.monotonic()
        lines = path.read_text(encoding="utf-8").splitlines() if done and path.exists() else []
        # Steps after the checkpoint are about to be done again; a crash may have cut a line.
        kept = [line for line in lines if line.endswith("}") and json.loads(line)["step"] <= done]
        write_text(path, "".join(f"{line}\n" for line in kept))

    def rate(self, step: int) -> float:
        return (step - self.step) / max(time.monotonic() - self.time, 1e-9)

    def write(
        self, step: int, terms: Mapping[str, float], scores: Mapping[str, float] | None = None
    ) -> None:
        line: dict[str, Any] = {"step": step, "steps_per_second": self.rate(step), "terms": terms}
        if scores is not None:
            line["scores"] = {k: v if math.isfinite(v) else None for k, v in scores.items()}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, allow_nan=False) + "\n")
        self.step, self.time = step, time.monotonic()


@contextmanager
def _ctrl_c_waits() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into an event, so that no step is cut in half; the second one acts."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event  # only the main thread receives signals
        return
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: FrameType | None) -> None:
        event.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, before)
