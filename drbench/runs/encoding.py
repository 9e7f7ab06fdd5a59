"""From images to a representation, through any encoder: ours or a stranger's function."""

import hashlib
import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from drbench import registry
from drbench.data.ground_truth import GroundTruth
from drbench.data.sampling import (
    INTERVENTION_STREAM,
    InterventionRows,
    intervention_rows,
    scored_rows,
)
from drbench.errors import DrbenchError, RequestError
from drbench.progress import progress
from drbench.representation.representation import Interventions, Representation

BATCH = 256
Latents = Float[np.ndarray, "k latent"]
Encoder = Callable[[UInt8[np.ndarray, "k height width channel"]], Any]
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


class Encoded(NamedTuple):
    """A sample that was encoded, and what was encoded."""

    representation: Representation
    data_hash: str
    """SHA-256 of the codes and pixels of the scored rows."""
    pairs_hash: str | None
    """SHA-256 of the codes and pixels of the interventions; None where there are none."""


def represent(
    encoder: Encoder, truth: GroundTruth, sample: Sample, *, label: str = "encoding"
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
    scored, paired = (_hash_of_codes(truth, of) for of in (rows, pairs.rows.reshape(-1)))
    parts: list[tuple[Latents, Latents | None]] = []
    with progress(label, len(every)) as advance:
        for start in range(0, len(every), BATCH):
            images = truth.images(every[start : start + BATCH])
            cut = max(0, len(rows) - start)
            scored.update(images[:cut].tobytes())
            paired.update(images[cut:].tobytes())
            parts.append(_encoded(encoder, images))
            advance(len(images))
    if len(widths := {part[0].shape[1] for part in parts}) > 1:
        raise RequestError(f"The encoder returned {sorted(widths)} latents in different batches.")
    mean = np.concatenate([part[0] for part in parts])
    stochastic = [part[1] for part in parts if part[1] is not None]
    sampled = np.concatenate(stochastic) if len(stochastic) == len(parts) else None
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
        codes=truth.codes[rows].astype(np.int64),
        values=None if truth.values is None else truth.values[rows],
        factors=truth.spec.factors,
        rows=rows,
        split_groups=None if truth.groups is None else truth.groups[rows].astype(np.int64),
        interventions=interventions if len(pairs.rows) else None,
        notes=truth.notes,
    )
    return Encoded(
        representation, scored.hexdigest(), paired.hexdigest() if len(pairs.rows) else None
    )


def _hash_of_codes(truth: GroundTruth, rows: Int[np.ndarray, "k"]) -> "hashlib._Hash":
    return hashlib.sha256(np.ascontiguousarray(truth.codes[rows], dtype="<i4").tobytes())


def _encoded(
    encoder: Encoder, images: UInt8[np.ndarray, "k height width channel"]
) -> tuple[Latents, Latents | None]:
    try:
        output = encoder(images)
        mean, sampled = output if isinstance(output, tuple) else (output, None)
        mean = np.asarray(mean, dtype=np.float32)
        sampled = None if sampled is None else np.asarray(sampled, dtype=np.float32)
    except DrbenchError:
        raise
    except (Exception, SystemExit) as error:  # a stranger's function may fail in any way
        raise DrbenchError(
            f"The encoder failed on images of shape {images.shape}, uint8: "
            f"{type(error).__name__}: {error}"
        ) from error
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


def find_encoder(reference: str) -> Encoder:
    """The function that `FILE.py:function` or `module:function` names.

    Raises
    ------
    RequestError
        If there is no such file, module or function.
    """
    place, _, attribute = reference.rpartition(":")
    if not place or not attribute:
        raise RequestError(f"{reference!r} is no run folder, FILE.py:function or module:function.")
    try:
        module = _module_of(place)
    except DrbenchError:
        raise
    except (Exception, SystemExit) as error:  # a stranger's module may fail in any way
        raise RequestError(
            f"{place} cannot be imported: {type(error).__name__}: {error}."
        ) from error
    encoder = getattr(module, attribute, None)
    if not callable(encoder):
        raise RequestError(f"{place} has no function {attribute!r}.")
    return encoder


def _module_of(place: str) -> Any:
    if not place.endswith(".py"):
        sys.path.insert(0, str(Path.cwd()))  # as `python -m` does
        return importlib.import_module(place)
    path = Path(place).resolve()
    if not path.is_file():
        raise RequestError(f"{path} does not exist.")
    sys.path.insert(0, str(path.parent))  # so that the file finds its neighbours
    return registry.import_file(path)
