"""The one training loop: source training and fine-tuning alike."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor, nn

from drbench.data.ground_truth import GroundTruth
from drbench.errors import DrbenchError
from drbench.models.budget import Runtime, Training
from drbench.models.inference import chosen_device, limited_threads, own_randomness, place
from drbench.models.model import Supervision, Trainable
from drbench.models.training.feed import Draw, Feed
from drbench.models.training.interrupt import ctrl_c_waits
from drbench.models.training.log import Line, Log
from drbench.models.training.state import Checkpoints
from drbench.models.training.step import built_step
from drbench.models.weights import WEIGHTS, save_weights
from drbench.progress import progress, say

LOG = "log.jsonl"


def fit(
    model: Trainable,
    network: nn.Module,
    truth: GroundTruth,
    allowed: Bool[np.ndarray, "n"],
    training: Training,
    *,
    seed: int,
    supervision: Supervision,
    folder: Path,
    run: str,
    runtime: Runtime | None = None,
    resume: bool = False,
    probe: Callable[[nn.Module], Mapping[str, float]] | None = None,
    callback: Callable[[Line], None] | None = None,
) -> dict[str, float]:
    """Train a network, from fresh weights or from another run's.

    Batches depend on (seed, step) alone, and a checkpoint holds the state of torch's generator:
    a resumed training ends with the very weights of an uninterrupted one. Optimisers start fresh:
    nothing but weights comes from an earlier run.

    Parameters
    ----------
    model : Trainable
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
    folder : Path
        Receives weights, log (JSON lines) and checkpoints.
    run : str
        Key of all that determines the weights: they carry it, and a checkpoint of another key is
        refused.
    runtime : Runtime, optional
        Device, threads, how often to log, score and save.
    resume : bool
        Go on from the folder's checkpoint if there is one.
    probe : callable, optional
        Called with the network every `runtime.score_every` steps; its numbers go to the log.
    callback : callable, optional
        Called with each line of the log.

    Returns
    -------
    terms : dict
        Terms of the loss at the last step; empty if no step was left to do.

    Raises
    ------
    RequestError
        If the batches asked for cannot be drawn, or there is no such device.
    RunError
        If the folder holds a checkpoint and `resume` is not set, one of another run, or damaged
        ones only.
    DrbenchError
        If the loss is no longer finite.
    KeyboardInterrupt
        After Ctrl-C, once the step is finished and the checkpoint written.
    """
    runtime = runtime or Runtime()
    device = chosen_device(runtime.device)
    place(network, device)
    optimisers = model.optimisers(network, training)
    step = built_step(model, network, optimisers, training)
    checkpoints = Checkpoints(
        folder, network, optimisers, device, run=run, seconds=runtime.checkpoint_seconds
    )
    draw = Draw(truth, allowed, training, supervision, model.needs_others, seed, device)
    terms: dict[str, float] = {}
    with own_randomness(device), limited_threads(runtime.threads):
        torch.manual_seed(seed)
        start = checkpoints.restore(resume=resume)
        if start:
            say(f"training goes on from step {start:,} of {training.steps:,}")
        log = Log(folder / LOG, start, callback)
        label = f"training {model.name}, seed {seed}"
        network.train()
        with (
            ctrl_c_waits() as interrupted,
            Feed(draw, range(start, training.steps)) as feed,
            progress(label, training.steps, done=start) as advance,
        ):
            for done, batch in enumerate(feed, start + 1):
                losses = step(batch)  # they stay on the device: nothing waits for it
                advance()
                stops, last = interrupted.is_set(), done == training.steps
                scored = runtime.score_every is not None and done % runtime.score_every == 0
                if last or scored or done % runtime.log_every == 0:
                    terms = _finite(losses, done, checkpoints.saved)
                    scores = _probed(probe, network, feed, device) if scored and probe else None
                    log.write(done, terms, scores)
                    advance(0, note=f"loss {terms['loss']:.4g} {log.rate:.3g}/s")
                if last or stops or checkpoints.due:
                    _finite(losses, done, checkpoints.saved)
                    checkpoints.save(done)
                if stops:
                    raise KeyboardInterrupt
    save_weights(folder / WEIGHTS, network, run=run)
    return terms


def _finite(losses: Mapping[str, Tensor], step: int, saved: int | None) -> dict[str, float]:
    """The terms as numbers: here the device is waited for."""
    values = torch.stack([loss.float() for loss in losses.values()]).tolist()
    terms = dict(zip(losses, values, strict=True))
    for name, value in terms.items():
        if not math.isfinite(value):
            whole = f" The checkpoint of step {saved:,} is whole." if saved else ""
            raise DrbenchError(
                f"Training came apart by step {step}: {name} is {value}. Lower the learning rate "
                f"(lr) or the gradient clip.{whole}"
            )
    return terms


def _probed(
    probe: Callable[[nn.Module], Mapping[str, float]], network: nn.Module, feed: Feed, device: str
) -> Mapping[str, float]:
    """What a probe says, without a trace in what follows."""
    feed.settle()  # the probe looks at images too
    with own_randomness(device):
        scores = probe(network)
    network.train()
    return scores
