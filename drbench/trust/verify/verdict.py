"""What checking a record comes to."""

from dataclasses import dataclass, field
from typing import Literal, final

Outcome = Literal["rescored", "re-encoded", "retrained", "refuted", "not verified"]


@final
@dataclass(frozen=True)
class Verdict:
    """What checking one record came to."""

    key: str
    outcome: Outcome
    reason: str = ""
    """Why it is refuted, or could not be verified; empty otherwise."""
    checks: dict[str, float] = field(default_factory=dict)
    """Largest difference that each check found."""
    notes: tuple[str, ...] = ()
    """What could not be compared."""

    @property
    def holds(self) -> bool:
        """Whether the record was found to be right, at some level."""
        return self.outcome not in ("refuted", "not verified")
