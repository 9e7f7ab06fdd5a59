"""What a run is: data, model, budget, seed, where it starts, what is scored."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from drbench.data.spec import Origin
from drbench.frozen import Asked
from drbench.models.budget import Training
from drbench.runs.defaults import PAIRS, SAMPLE
from drbench.seeds import LARGEST

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
"""64 hexadecimal digits."""


class DataRef(Asked):
    """Which images: a data set, its origin, and how it is cut down."""

    name: str
    """Registered name of the data set, `folder:NAME` or `hf:OWNER/NAME[:split]`."""
    origin: Origin = "official"
    """The maker's files, a drawing computed from the classes, or images of one's own."""
    resize: int | None = Field(None, ge=1, le=4096)
    """Side in pixels to resize to, by area; None for the data set's own, or for the source's."""
    levels: dict[str, int] = {}
    """Number of evenly spaced classes kept of a factor; factors not named keep all."""
    factors: tuple[str, ...] | None = None
    """Columns of an open set that are factors; None for those that look like it."""
    content: Sha256 | None = None
    """SHA-256 of the files of an open set and their table; None for registered sets."""


def _default_metrics() -> dict[str, dict[str, Any]]:
    from drbench.metrics.scoring import default_metrics

    return {name: {} for name in default_metrics()}


class Scoring(Asked):
    """What is scored, on how much."""

    sample: int = Field(SAMPLE, ge=1)
    """Held-out rows that are encoded and scored, at most."""
    pairs: int = Field(PAIRS, ge=0)
    """Interventions per factor, at most."""
    metrics: dict[str, dict[str, Any]] = Field(default_factory=_default_metrics)
    """Metrics by registered name, with the parameters that depart from their defaults."""


class RunSpec(Asked):
    """All that determines a run's numbers; `drbench.runs.identity` says which specs are equal.

    A transfer is a run whose `init` is another run's spec.
    """

    schema_version: Literal["2.0"] = "2.0"
    """Version of this format."""
    data: DataRef
    """What is trained on and scored."""
    model: str
    """Registered name of the model."""
    hyperparameters: dict[str, Any] = {}
    """Hyperparameters of the model; those left out have their defaults."""
    training: Training
    """Budget and optimiser."""
    scoring: Scoring = Field(default_factory=Scoring)
    """What is scored, on how much."""
    seed: int = Field(0, ge=0, le=LARGEST)
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

    @model_validator(mode="after")
    def _another_set(self) -> "RunSpec":
        if self.init and _set(self.data) == _set(self.init.data):
            raise ValueError(
                f"a transfer from {self.data.name} to itself is none: name another target, or "
                "train the source longer"
            )
        return self

    @property
    def chain(self) -> tuple["RunSpec", ...]:
        """Runs from the one with fresh weights up to this one."""
        return (*(self.init.chain if self.init else ()), self)


def _set(data: DataRef) -> tuple[str, str, str | None]:
    """Which images a DataRef takes its own from, however it is cut down."""
    return data.name, data.origin, data.content
