"""What training may spend, and how. Needs no torch: specs and boards read it too."""

from typing import Literal, final

from pydantic import Field

from drbench.frozen import Asked

Precision = Literal["float32", "bfloat16"]


@final
class Training(Asked):
    """The budget and what all models' optimisers share: all of it changes the numbers."""

    steps: int = Field(ge=0)
    """Steps of the optimisers."""
    batch: int = Field(64, ge=2)
    """Images, or pairs, a step."""
    lr: float = Field(1e-4, gt=0)
    """Learning rate of Adam."""
    clip: float | None = Field(1.0, gt=0)
    """Largest norm of the gradient of each optimiser; None for no clipping."""
    warmup: int = Field(0, ge=0)
    """Steps over which the regulariser's weight (beta) grows linearly from 0."""
    k: int = Field(1, ge=1)
    """Factors in which the images of a weak pair differ."""
    distinct: bool = True
    """Whether a changed factor must take another value (the released code lets it keep its own)."""
    precision: Precision = "float32"
    """Arithmetic of the network; bfloat16 is autocast, weights stay float32. It is meant for
    GPUs and processors with matrix units (AMX), and slower on others."""


@final
class Runtime(Asked):
    """How a run is carried out, which is no part of what it is.

    Device and threads sum in another order and so move last bits; the rest changes nothing.
    """

    device: str = "auto"
    """Where networks run: cpu, cuda, cuda:1; auto for a GPU if there is one."""
    threads: int | None = Field(None, ge=1)
    """Threads of torch on the processor; None for torch's own choice."""
    log_every: int = Field(50, ge=1)
    """Steps between lines of the training log; only there does anything wait for the device."""
    score_every: int | None = Field(None, ge=1)
    """Steps between scores (OMES, MIG) in the training log; None for none."""
    checkpoint_seconds: float = Field(20.0, ge=0)
    """Seconds between checkpoints."""
