"""What lies on a board: entries, written by who keeps it, and submissions, which wait for that."""

import json
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, model_validator

from drbench.frozen import Frozen
from drbench.runs.identity import stored_key
from drbench.runs.record import Record, Stage
from drbench.runs.spec import RunSpec, Sha256

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
"""Of people and groups: lower case, so that no two differ by capitals alone."""
Direction = Literal["higher", "lower"]
Level = Literal["re-encoded", "retrained"]
"""What the machine that wrote an entry began with: the submitter's weights, or the spec alone."""


class Submission(Frozen):
    """A run that somebody asks the keeper of a board to check: no numbers."""

    schema_version: Literal["2.0"] = "2.0"
    """Version of this format."""
    submitter: Name
    """Under whose name the run shall stand."""
    spec: RunSpec
    """What the run was, in canonical form."""
    weights: dict[Stage, Sha256]
    """SHA-256 of each file of the encoder's weights."""

    @model_validator(mode="after")
    def _stages_fit_the_run(self) -> "Submission":
        expected = {"before", "after"} if self.spec.init else {"after"}
        if set(self.weights) != expected:
            raise ValueError(f"weights of {' and '.join(sorted(expected))} training are expected")
        return self

    @property
    def key(self) -> str:
        """Identity of the run."""
        return stored_key(self.spec)

    def to_json(self) -> str:
        """The file's text: sorted, indented, the same for the same submission."""
        return _text(self)


class Entry(Frozen):
    """A run on a board: all numbers are of the machine of who keeps the board."""

    schema_version: Literal["2.0"] = "2.0"
    """Version of this format."""
    submitter: Name
    """Whose run it is."""
    level: Level
    """What the record was made from."""
    by: Name
    """Whose machine wrote the record."""
    checked: AwareDatetime
    """When, UTC."""
    directions: dict[str, Direction]
    """Which scores are better, by metric, as the metrics declare it."""
    record: Record
    """What that machine found."""

    @property
    def key(self) -> str:
        """Identity of the run."""
        return self.record.key

    @property
    def spec(self) -> RunSpec:
        """What the run was."""
        return self.record.spec

    @property
    def weights(self) -> dict[Stage, str]:
        """SHA-256 of each file of the encoder's weights."""
        return dict(self.record.provenance.encoder_hash)

    def to_json(self) -> str:
        """The file's text: sorted, indented, the same for the same entry."""
        return _text(self)


def submission_of(entry: Entry, submitter: str | None = None) -> Submission:
    """What the submitter of an entry would send to another board."""
    name = submitter or entry.submitter
    return Submission(submitter=name, spec=entry.spec, weights=entry.weights)


def _text(document: Frozen) -> str:
    content: Any = document.model_dump(mode="json")
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
