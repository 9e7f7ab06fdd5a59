"""The record of a run: one immutable JSON file."""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, model_validator

from drbench.data.spec import Factor
from drbench.frozen import Frozen
from drbench.metrics.result import MetricResult
from drbench.runs.spec import RunSpec

Stage = Literal["before", "after"]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
"""64 hexadecimal digits."""


def trained_by(spec: RunSpec, stage: Stage) -> RunSpec:
    """The run that trained the weights of a stage: before training, the one that it starts from."""
    return spec.init if stage == "before" and spec.init else spec


class Software(Frozen):
    """A distribution and its version."""

    distribution: str
    """Name of the distribution, or the file given with --plugins."""
    version: str
    """Its version."""


class Provenance(Frozen):
    """Where numbers come from."""

    created: AwareDatetime
    """When the run was done, UTC."""
    versions: dict[str, str]
    """Versions of drbench, Python and the libraries that compute."""
    plugins: dict[str, Software]
    """Distribution of each plugin that was used, by kind and name (`dataset:dsprites`)."""
    data_hash: Sha256
    """SHA-256 of the codes and pixels of the scored sample."""
    pairs_hash: Sha256 | None
    """SHA-256 of the codes and pixels of the interventions; None where there are none."""
    weights_hash: Sha256
    """SHA-256 of the weights file after training."""
    encoder_hash: dict[Stage, Sha256]
    """SHA-256 of each file of the encoder's weights."""
    latents_hash: dict[Stage, Sha256]
    """SHA-256 of each representation file."""
    checkpoint: Literal["last step"] = "last step"
    """How the weights were chosen among those of all steps."""
    git_commit: str | None
    """Commit of drbench's source tree; None for an installed release."""
    git_dirty: bool | None
    """Whether that tree had uncommitted changes."""
    device: str
    """What the network ran on."""
    threads: int
    """CPU threads of the network."""
    seconds: dict[str, float]
    """Seconds of each phase."""


class Record(Frozen):
    """What a run was, what it scored, and where the numbers come from."""

    schema_version: Literal["1.0"] = "1.0"
    """Version of this format."""
    key: Sha256
    """Content hash of the spec."""
    spec: RunSpec
    """What the run was."""
    factors: tuple[Factor, ...]
    """Factors of what was scored, in the order of the columns of every matrix."""
    image_shape: tuple[int, int, int]
    """Height, width and channels of the images that were encoded: those of the source."""
    scores: dict[Stage, dict[str, MetricResult]]
    """Scores of the held-out sample by metric: after training and, for a transfer, before it."""
    objective: dict[Stage, dict[str, float]]
    """Terms of the loss on the held-out sample (nats an image), ELBO included where it has one."""
    scored_rows: int = Field(ge=0)
    """Held-out rows that were scored."""
    redrawn: dict[str, float | None]
    """Share of base rows drawn again for want of a held-out partner, per factor."""
    notes: tuple[str, ...] = ()
    """What was converted or left out on the way."""
    provenance: Provenance
    """Where the numbers come from."""

    @model_validator(mode="after")
    def _key_is_the_hash(self) -> "Record":
        if self.key != self.spec.key:
            raise ValueError("the key is not the hash of the spec")
        return self

    @model_validator(mode="after")
    def _stages_fit_the_run(self) -> "Record":
        expected = {"before", "after"} if self.spec.init else {"after"}
        if set(self.scores) != expected:
            raise ValueError(
                f"scores are of {' and '.join(sorted(self.scores)) or 'no stage'}, but a "
                f"{'transfer' if self.spec.init else 'run without init'} is scored "
                f"{' and '.join(sorted(expected, reverse=True))} training"
            )
        return self

    @model_validator(mode="after")
    def _hashes_fit_the_run(self) -> "Record":
        origin = self.provenance
        for name in ("encoder_hash", "latents_hash"):
            if getattr(origin, name).keys() != self.scores.keys():
                raise ValueError(f"{name} names other stages than the scores")
        return self

    def to_json(self) -> str:
        """The file's text: sorted, indented, the same for the same record."""
        import json

        document: Any = self.model_dump(mode="json")
        return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
