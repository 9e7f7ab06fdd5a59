"""The record of a run: one immutable JSON file."""

from pathlib import Path
from typing import Any, Literal

from pydantic import AwareDatetime, Field, ValidationError, model_validator

from drbench.data.spec import Factor
from drbench.errors import RunError
from drbench.frozen import Frozen, first_problem
from drbench.metrics.result import MetricResult
from drbench.models.budget import Runtime
from drbench.runs.identity import stored_key, stored_network_key
from drbench.runs.spec import RunSpec, Sha256

RECORD = "record.json"
"""Name of the file in the folder of a run."""
Stage = Literal["before", "after"]


def trained_by(spec: RunSpec, stage: Stage) -> RunSpec:
    """The run that trained the weights of a stage: before training, the one that it starts from."""
    return spec.init if stage == "before" and spec.init else spec


class Software(Frozen):
    """A distribution and its version."""

    distribution: str
    """Name of the distribution, or the file given with --plugins."""
    version: str
    """Its version."""
    definition: str = "1"
    """Version of what the plugin computes: numbers of two definitions are never compared."""


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
    runtime: Runtime = Runtime()
    """How the run was carried out, as far as that was asked for."""
    seconds: dict[str, float]
    """Seconds of each phase."""


class Record(Frozen):
    """What a run was, what it scored, and where the numbers come from."""

    schema_version: Literal["2.0"] = "2.0"
    """Version of this format."""
    key: Sha256
    """Identity of the run."""
    network: Sha256
    """Identity of the weights: that of the run, without what was scored."""
    spec: RunSpec
    """What the run was, in canonical form: what it does not say is at its default."""
    hyperparameters: dict[str, Any]
    """Hyperparameters of the model, complete."""
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
    def _keys_are_the_hashes(self) -> "Record":
        if self.key != stored_key(self.spec) or self.network != stored_network_key(self.spec):
            raise ValueError("key or network is not the hash of the spec")
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
        if self.provenance.encoder_hash.keys() != self.scores.keys():
            raise ValueError("encoder_hash names other stages than the scores")
        return self

    @classmethod
    def load(cls, path: Path | str) -> "Record":
        """Read a record: its file, or the folder of its run.

        Raises
        ------
        RunError
            If there is none, or for a file that is no record.
        """
        file = Path(path) / RECORD if Path(path).is_dir() else Path(path)
        try:
            return cls.model_validate_json(file.read_bytes())
        except FileNotFoundError as error:
            raise RunError(f"{file} does not exist: finish the run with --resume.") from error
        except ValidationError as error:
            place, what = first_problem(error)
            raise RunError(f"{file} is no record: {place}: {what}.") from error

    def to_json(self) -> str:
        """The file's text: sorted, indented, the same for the same record."""
        import json

        document: Any = self.model_dump(mode="json")
        return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
