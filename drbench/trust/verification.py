"""What others have checked of a record: verifications/KEY.json, and the state that it gives."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any, Literal, get_args

from pydantic import Field, model_validator

from drbench.files import sha256_text
from drbench.frozen import Frozen
from drbench.runs.record import Record, Sha256

Level = Literal["rescored", "re-encoded", "retrained"]
State = Literal["refuted", "self-reported", "rescored", "re-encoded", "retrained"]
STATES: tuple[State, ...] = get_args(State)
"""What a record can be, the weakest first."""


class Verification(Frozen):
    """One check of one record, by someone, on some day."""

    record_hash: Sha256
    """SHA-256 of the record's text: of any other record this says nothing."""
    state: Literal["refuted", "rescored", "re-encoded", "retrained"]
    """rescored: the metrics were computed again from the latents; re-encoded: the latents were
    computed again from the weights on hash-checked images, and scored; retrained: the run was
    repeated from its spec; refuted: the record does not hold."""
    by: str = Field(min_length=1, max_length=100)
    """Who checked."""
    date: date
    """When, the day in UTC."""
    versions: dict[str, str]
    """Versions of drbench, Python and the libraries that checked."""
    checks: dict[str, float]
    """Largest difference that each check found. `scores`: of any number of any metric, from the
    latents that were submitted; absolute, or relative above 1. `latents`: in units of the root mean
    square of the strongest latent. `scores of the recomputed latents`: absolute; 0 where they are
    equal to the last bit. `retrained scores`: absolute."""
    notes: tuple[str, ...] = ()
    """The reason of a refutation, and what could not be compared."""


class Verifications(Frozen):
    """All checks of one record."""

    schema_version: Literal["1.0"] = "1.0"
    """Version of this format."""
    key: Sha256
    """Key of the record, and the name of this file."""
    verifications: tuple[Verification, ...]
    """Every check, in the order in which they were made."""

    @model_validator(mode="after")
    def _reasons_are_given(self) -> "Verifications":
        if any(each.state == "refuted" and not each.notes for each in self.verifications):
            raise ValueError("a refutation needs its reason among the notes")
        return self

    def carried(self, hashes: Mapping[str, str], keys: Mapping[str, str]) -> "Verifications":
        """The same checks of a record whose hash, or key, became another with its format."""
        now = tuple(
            each.model_copy(update={"record_hash": hashes.get(each.record_hash, each.record_hash)})
            for each in self.verifications
        )
        return self.model_copy(update={"key": keys.get(self.key, self.key), "verifications": now})

    def to_json(self) -> str:
        """The file's text: sorted, indented, the same for the same checks."""
        document: Any = self.model_dump(mode="json")
        return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def record_hash(record: Record) -> str:
    """SHA-256 of a record's text, as `to_json` writes it."""
    return sha256_text(record.to_json())


def checks_of(record: Record, known: Verifications | None) -> tuple[Verification, ...]:
    """The checks of a record; those of what it was before it was changed count for nothing."""
    if known is None:
        return ()
    own = record_hash(record)
    return tuple(each for each in known.verifications if each.record_hash == own)


def state_of(record: Record, known: Verifications | None) -> State:
    """The strongest state that a record's checks give it; refuted as soon as one of them says so.

    Checks of a record that was changed since count for nothing.
    """
    states = [each.state for each in checks_of(record, known)]
    if "refuted" in states:
        return "refuted"
    return max(states, key=STATES.index, default="self-reported")
