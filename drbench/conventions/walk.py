"""From drbench's convention to a library's, one choice at a time."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any, TypeAlias, final

from drbench.conventions.convention import Choices, Convention, NoValueError, Parts
from drbench.representation.representation import Representation

Known: TypeAlias = dict[Choices, Parts | str]
"""Scores by the choices they were made under, or why there is none."""


@final
@dataclass(frozen=True)
class Step:
    """One choice that was changed, the others as they were before it."""

    choice: str
    """Its name."""
    ours: Any
    """What drbench chooses."""
    theirs: Any
    """What the library chooses."""
    parts: Parts | None
    """The score after the change; None if there is none."""
    delta: Parts | None
    """What moved since the last score on the way."""
    reason: str | None = None
    """Why there is no score."""


@final
@dataclass(frozen=True)
class Walk:
    """The score of a representation under a library's convention, and the way there."""

    convention: Convention
    start: Parts | None
    """Score under drbench's convention; None if drbench gives none."""
    steps: tuple[Step, ...]
    """In the order of the choices; empty if there is no start."""
    parts: Parts | None
    """Score under the library's convention; None if its code gives none."""
    reason: str | None = None
    """Why its code gives none."""

    @property
    def difference(self) -> Parts | None:
        """The library's score less drbench's: the sum of the steps."""
        if self.start is None or self.parts is None:
            return None
        return _less(self.parts, self.start)

    def moving(self) -> list[Step]:
        """The steps that move the headline visibly, the largest first."""
        found = [step for step in self.steps if step.delta and visible([headline(step.delta)])]
        return sorted(found, key=lambda step: -abs(headline(step.delta or {})))


def visible(differences: Iterable[float]) -> bool:
    """Whether some of these differences show in four digits."""
    return any(abs(difference) >= 5e-5 for difference in differences)


def headline(parts: Parts) -> float:
    """The first part, which is the score itself."""
    return next(iter(parts.values()))


def walk(
    convention: Convention,
    representation: Representation,
    start: Parts | None,
    *,
    seed: int,
    known: Known,
) -> Walk:
    """Score a representation under a convention, by way of drbench's if that gives a score.

    Parameters
    ----------
    convention : Convention
        The library's.
    representation : Representation
        What is scored.
    start : dict of str to float, optional
        Score under drbench's convention.
    seed : int
        Seed of whatever is random.
    known : dict
        Scores of other walks, which may pass the same way; what this one finds is added.
    """
    steps: list[Step] = []
    current, last = type(convention.choices)(), start
    for field in fields(current) if start is not None else ():  # type: ignore[arg-type]
        ours, theirs = getattr(current, field.name), getattr(convention.choices, field.name)
        if ours == theirs:
            continue
        current = replace(current, **{field.name: theirs})  # type: ignore[type-var]
        found = _score(current, representation, seed, known)
        name = field.name.replace("_", " ")
        if isinstance(found, str) or last is None:
            steps.append(Step(name, ours, theirs, None, None, str(found)))
        else:
            steps.append(Step(name, ours, theirs, found, _less(found, last)))
            last = found
    final = _score(convention.choices, representation, seed, known)
    if isinstance(final, str):
        return Walk(convention, start, tuple(steps), None, final)
    return Walk(convention, start, tuple(steps), final)


def _score(
    choices: Choices, representation: Representation, seed: int, known: Known
) -> Parts | str:
    if choices not in known:
        try:
            known[choices] = choices.score(representation, seed)
        except NoValueError as error:
            known[choices] = str(error)
    return known[choices]


def _less(parts: Parts, others: Parts) -> Parts:
    return {name: value - others[name] for name, value in parts.items()}
