"""A named convention: the choices a library makes where the definition of a score leaves them open.

Choices are the fields of one frozen class a metric. Their defaults are drbench's, and their order
is the order in which a walk changes them.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, TypeAlias, final

from drbench.representation.representation import Representation

Parts: TypeAlias = dict[str, float]
"""What a score consists of; the headline comes first."""


class NoValueError(Exception):
    """A convention has no value here: what the library's code does instead."""


class Choices(ABC):
    """What the definition of one metric leaves open; a frozen dataclass whose defaults are ours."""

    @abstractmethod
    def score(self, representation: Representation, seed: int) -> Parts:
        """Score a representation under these choices.

        Raises
        ------
        NoValueError
            If the library's code gives no number here.
        """

    def takes_minutes(self, representation: Representation) -> bool:
        """Whether a score takes so long that it is left out unless it is asked for."""
        return False

    def told(self) -> dict[str, Any]:
        """The choices by name, for people."""
        return {
            field.name.replace("_", " "): getattr(self, field.name)
            for field in fields(self)  # type: ignore[arg-type]  # subclasses are dataclasses
        }


@final
@dataclass(frozen=True)
class Convention:
    """What one library does under the name of one metric."""

    library: str
    """Its name, with the variant where it has several."""
    source: str
    """Repository, path and function that define it."""
    choices: Choices
    """What it chooses."""
    faults: tuple[str, ...] = ()
    """Where its code departs from what it says, or fails."""

    def differences(self) -> dict[str, Any]:
        """The choices that are not drbench's."""
        ours = type(self.choices)().told()
        return {name: value for name, value in self.choices.told().items() if value != ours[name]}
