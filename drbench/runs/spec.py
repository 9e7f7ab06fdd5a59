"""What a run is: data, model, budget, seed, where it starts, what is scored."""

from functools import cached_property
from typing import Any, Literal

from pydantic import Field, model_validator

from drbench.data.spec import Origin
from drbench.files import canonical_json, sha256_text
from drbench.frozen import Frozen
from drbench.models.budget import Training


class DataRef(Frozen):
    """Which images: a data set, its origin, and how it is cut down."""

    name: str
    """Registered name of the data set, `folder:PATH` or `hf:OWNER/NAME[:split]`."""
    origin: Origin = "official"
    """The maker's files, or a drawing computed from the classes."""
    resize: int | None = Field(None, ge=1)
    """Side in pixels to resize to, by area; None for the data set's own, or for the source's."""
    levels: dict[str, int] = {}
    """Number of evenly spaced classes kept of a factor; factors not named keep all."""
    factors: tuple[str, ...] | None = None
    """Columns of a `folder:` or `hf:` set that are factors; None for those that look like it."""


def _default_metrics() -> dict[str, dict[str, Any]]:
    from drbench.metrics.scoring import default_metrics

    return {name: {} for name in default_metrics()}


class Scoring(Frozen):
    """What is scored, on how much."""

    sample: int = Field(15_000, ge=1)
    """Held-out rows that are encoded and scored, at most."""
    pairs: int = Field(1_000, ge=0)
    """Interventions per factor, at most."""
    metrics: dict[str, dict[str, Any]] = Field(default_factory=_default_metrics)
    """Metrics by registered name, with the parameters that depart from their defaults."""


class RunSpec(Frozen):
    """All that determines a run; equal specs are the same run.

    A transfer is a run whose `init` is another run's spec.
    """

    schema_version: Literal["1.0"] = "1.0"
    """Version of this format."""
    data: DataRef
    """What is trained on and scored."""
    model: str
    """Registered name of the model."""
    hyperparameters: dict[str, Any] = {}
    """Hyperparameters of the model, complete."""
    training: Training
    """Budget and optimiser."""
    scoring: Scoring = Field(default_factory=Scoring)
    """What is scored, on how much."""
    seed: int = Field(0, ge=0)
    """Seed of weights, batches, split and sample."""
    init: "RunSpec | None" = None
    """The run whose weights this one starts from; None for fresh weights."""

    @model_validator(mode="after")
    def _same_model(self) -> "RunSpec":
        if self.init and self.init.model != self.model:
            raise ValueError(
                f"a run of {self.model} cannot start from weights of {self.init.model}"
            )
        return self

    @cached_property
    def key(self) -> str:
        """Content hash: 64 hexadecimal digits."""
        return sha256_text(canonical_json(self.model_dump(mode="json")))

    @property
    def chain(self) -> tuple["RunSpec", ...]:
        """Runs from the one with fresh weights up to this one."""
        return (*(self.init.chain if self.init else ()), self)
