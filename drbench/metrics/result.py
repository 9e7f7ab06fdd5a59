"""What a metric says of one representation."""

from pydantic import Field, model_validator

from drbench.frozen import Frozen


class Curve(Frozen):
    """A score as a function of one of its parameters."""

    parameter: str
    """Name of the parameter on the horizontal axis."""
    x: tuple[float, ...]
    """Values of the parameter."""
    y: tuple[float | None, ...]
    """Score at each of them."""


class MetricResult(Frozen):
    """What a metric says of one representation."""

    value: float | None
    """The score; None if there is none, with the reason."""
    per_factor: dict[str, float | None] = {}
    """Score of each factor, in the order of the factors; None where it has none."""
    parts: dict[str, float | None] = {}
    """Named components of the score."""
    parameters: dict[str, str | int | float | bool | None] = {}
    """Every parameter that the score depends on, the seed included."""
    n_samples: int = Field(0, ge=0)
    """Rows that were used."""
    n_pairs: dict[str, int] | None = None
    """Pairs that were used per factor, for metrics of interventions."""
    reference: float | None = None
    """What a perfect code would score here: one latent a factor, no noise."""
    chance: float | None = None
    """What latents that know nothing of the factors score here."""
    standard_error: dict[str, float | None] | None = None
    """Standard error of each factor's score."""
    curve: Curve | None = None
    """The score along one of its parameters."""
    matrix: tuple[tuple[float | None, ...], ...] | None = None
    """Association of each latent unit (rows) with each factor (columns)."""
    warnings: tuple[str, ...] = ()
    """What readers should know before they compare."""
    reason: str | None = None
    """Why there is no value."""

    @model_validator(mode="after")
    def _no_value_without_reason(self) -> "MetricResult":
        if self.value is None and not self.reason:
            raise ValueError("a result without a value needs a reason")
        return self
