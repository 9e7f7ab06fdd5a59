"""The sample of a data set that is scored, and its representation by any function of images."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from drbench.arrays import to_numpy
from drbench.data.ground_truth import GroundTruth
from drbench.data.sampling import (
    INTERVENTION_STREAM,
    InterventionRows,
    intervention_rows,
    scored_rows,
    split_rows,
)
from drbench.errors import DrbenchError, RequestError
from drbench.progress import progress
from drbench.representation.representation import Interventions, Representation
from drbench.runs.data import image_shape, open_data
from drbench.runs.spec import DataRef, RunSpec

BATCH = 256
KEPT = 2**29
"""Bytes of images, at most, that are kept because their rows come again."""
Latents = Float[np.ndarray, "k latent"]
Encode = Callable[[UInt8[np.ndarray, "k height width channel"]], Any]
"""Maps images to latents (k, latent), or to (mean, sampled)."""


@final
@dataclass(frozen=True)
class Sample:
    """Rows that are encoded: the scored ones, and pairs that differ in one factor."""

    rows: Int[np.ndarray, "n"]
    interventions: InterventionRows

    @classmethod
    def draw(
        cls,
        truth: GroundTruth,
        allowed: Bool[np.ndarray, "n"],
        *,
        size: int,
        pairs: int,
        seed: int,
    ) -> "Sample":
        """Draw from the allowed rows; fewer where there are fewer."""
        rng = np.random.default_rng([seed, INTERVENTION_STREAM])
        return cls(
            rows=scored_rows(allowed, size, seed),
            interventions=intervention_rows(truth, allowed, pairs, rng),
        )

    def redrawn(self, truth: GroundTruth) -> dict[str, float | None]:
        """Share of base rows drawn again per factor; None where no pair exists."""
        shares = zip(truth.spec.factor_names, self.interventions.redrawn, strict=True)
        return {name: float(share) if np.isfinite(share) else None for name, share in shares}


class HeldOut(NamedTuple):
    """What a run may be scored on."""

    truth: GroundTruth
    """The data set, with images as the run takes them."""
    rows: Bool[np.ndarray, "n"]
    """Rows of it that the run never trains on."""
    sample: Sample
    """Those that are scored."""


def held_out(
    spec: RunSpec,
    data: DataRef | GroundTruth,
    *,
    size: int,
    pairs: int,
    seed: int,
    prepare: bool = False,
) -> HeldOut:
    """Open a data set for a run and draw from what the run never trains on.

    Parameters
    ----------
    spec : RunSpec
        The run.
    data : DataRef or GroundTruth
        The data set, its own or another; images get the shape that the run takes.
    size, pairs : int
        Rows, and interventions per factor, at most.
    seed : int
        Of the sample.
    prepare : bool
        Whether images are prepared on disk, for training.
    """
    first = spec.chain[0]
    if isinstance(data, GroundTruth):
        height, width, channels = image_shape(first.data)
        truth = data.resized(height, width).with_channels(channels)
    else:
        like = None if data == first.data else image_shape(first.data)
        truth = open_data(data, like=like, prepare=prepare)
    # One split for a chain: on the source's own data set nothing it was trained on is scored.
    rows = split_rows(truth, first.seed)
    return HeldOut(truth, rows, Sample.draw(truth, rows, size=size, pairs=pairs, seed=seed))


class Encoded(NamedTuple):
    """A sample that was encoded, and what was encoded."""

    representation: Representation
    data_hash: str
    """SHA-256 of the codes and pixels of the scored rows."""
    pairs_hash: str | None
    """SHA-256 of the codes and pixels of the interventions; None where there are none."""


def represent(
    encoder: Encode, truth: GroundTruth, sample: Sample, *, label: str = "encoding"
) -> Encoded:
    """Encode a sample.

    Parameters
    ----------
    encoder : callable
        Images (k, height, width, channel) uint8 to latents (k, latent), or to (mean, sampled).
    truth : GroundTruth
        The data set.
    sample : Sample
        Rows of it.

    Returns
    -------
    Encoded

    Raises
    ------
    RequestError
        If what the encoder returns is no latents.
    """
    rows, pairs = sample.rows, sample.interventions
    every = np.concatenate([rows, pairs.rows.reshape(-1)])
    new = np.zeros(len(every), dtype=bool)
    new[np.unique(every, return_index=True)[1]] = True
    read = _read_once(truth, every)
    scored, paired = (_hash_of_codes(truth, these) for these in (rows, pairs.rows.reshape(-1)))
    parts: list[tuple[Latents, Latents | None]] = []
    encoded: list[Int[np.ndarray, k]] = []
    with progress(label, len(every)) as advance:
        for start in range(0, len(every), BATCH):
            batch = every[start : start + BATCH]
            images = read(batch)
            cut = max(0, len(rows) - start)
            scored.update(images[:cut].tobytes())
            paired.update(images[cut:].tobytes())
            # Samples of one image differ; without samples it is encoded once.
            once = bool(parts) and parts[0][1] is None
            chosen = new[start : start + BATCH] if once else np.ones(len(batch), dtype=bool)
            if chosen.any():
                parts.append(_encoded(encoder, images[chosen]))
                encoded.append(batch[chosen])
            advance(len(images))
    if len(widths := {part[0].shape[1] for part in parts}) > 1:
        raise RequestError(f"The encoder returned {sorted(widths)} latents in different batches.")
    mean = np.concatenate([part[0] for part in parts])
    stochastic = [part[1] for part in parts if part[1] is not None]
    sampled = np.concatenate(stochastic) if len(stochastic) == len(parts) else None
    if sampled is None:
        distinct, first = np.unique(np.concatenate(encoded), return_index=True)
        mean = mean[first[np.searchsorted(distinct, every)]]
    n, shape = len(rows), (len(pairs.rows), 2, mean.shape[1])
    interventions = Interventions(
        factor=pairs.factor,
        mean=mean[n:].reshape(shape),
        sampled=None if sampled is None else sampled[n:].reshape(shape),
        redrawn=pairs.redrawn,
        rows=pairs.rows,
    )
    representation = Representation(
        mean=mean[:n],
        sampled=None if sampled is None else sampled[:n],
        codes=truth.codes[rows],
        values=None if truth.values is None else truth.values[rows],
        factors=truth.spec.factors,
        rows=rows,
        split_groups=None if truth.groups is None else truth.groups[rows],
        interventions=interventions if len(pairs.rows) else None,
        notes=truth.notes,
    )
    return Encoded(
        representation, scored.hexdigest(), paired.hexdigest() if len(pairs.rows) else None
    )


def _hash_of_codes(truth: GroundTruth, rows: Int[np.ndarray, "k"]) -> "hashlib._Hash":
    return hashlib.sha256(np.ascontiguousarray(truth.codes[rows], dtype="<i4").tobytes())


def _read_once(
    truth: GroundTruth, rows: Int[np.ndarray, "n"]
) -> Callable[[Int[np.ndarray, "k"]], UInt8[np.ndarray, "k height width channel"]]:
    """Images of the rows, each read once, as far as those that come again fit in memory."""
    distinct, counts = np.unique(rows, return_counts=True)
    fitting = KEPT // math.prod(truth.spec.image_shape)
    again = set(distinct[counts > 1][:fitting].tolist())
    kept: dict[int, UInt8[np.ndarray, "height width channel"]] = {}

    def read(batch: Int[np.ndarray, "k"]) -> UInt8[np.ndarray, "k height width channel"]:
        numbers = batch.tolist()
        unread = [row for row in dict.fromkeys(numbers) if row not in kept]
        images = truth.images(np.array(unread)) if unread else ()
        fresh = dict(zip(unread, images, strict=True))
        kept.update({row: image.copy() for row, image in fresh.items() if row in again})
        return np.stack([fresh[row] if row in fresh else kept[row] for row in numbers])

    return read


def _encoded(
    encoder: Encode, images: UInt8[np.ndarray, "k height width channel"]
) -> tuple[Latents, Latents | None]:
    try:
        output = encoder(images)
        outputs = output if isinstance(output, tuple) else (output,)
        # Our own deterministic models return (mean, None).
        arrays = [to_numpy(each).astype(np.float32) for each in outputs if each is not None]
    except DrbenchError:
        raise
    except (Exception, SystemExit) as error:  # a stranger's function may fail in any way
        raise DrbenchError(
            f"The encoder failed on {len(images)} images of shape {images.shape[1:]}: "
            f"{type(error).__name__}: {error}"
        ) from error
    if len(arrays) not in (1, 2):
        raise RequestError(
            f"The encoder returned {len(arrays)} arrays: expected latents, or (mean, sampled)."
        )
    mean, sampled = arrays[0], arrays[1] if len(arrays) == 2 else None
    if mean.ndim != 2 or len(mean) != len(images):
        raise RequestError(
            f"The encoder returned an array of shape {mean.shape} for {len(images)} images: "
            f"expected ({len(images)}, number of latents), or two such arrays (mean, sampled)."
        )
    if sampled is not None and sampled.shape != mean.shape:
        raise RequestError(
            f"The encoder returned means of shape {mean.shape}, samples of {sampled.shape}."
        )
    return mean, sampled
