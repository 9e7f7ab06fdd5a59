"""Draws of rows that share one factor's class, for scores that guess which factor it is."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, NamedTuple, final

import numpy as np
from jaxtyping import Float, Int
from pydantic import Field

from drbench.metrics.estimate.factors import Selection
from drbench.metrics.estimate.results import mean_of, result_of
from drbench.metrics.estimate.splits import split_fault, split_name, split_rows
from drbench.metrics.result import MetricResult
from drbench.representation.representation import Representation

Batch = Annotated[int, Field(ge=2)]
Draws = Annotated[int, Field(ge=30)]
_BLOCK = 2_000_000
"""Latent entries that are gathered at once."""


@final
@dataclass(frozen=True)
class Classmates:
    """Rows by class of one factor; every class has two rows or more."""

    order: Int[np.ndarray, "k"]
    """Rows, those of one class side by side."""
    start: Int[np.ndarray, "k"]
    """Where the class of each begins in `order`."""
    size: Int[np.ndarray, "k"]
    """How many rows its class has."""

    @classmethod
    def of(cls, rows: Int[np.ndarray, "k"], classes: Int[np.ndarray, "k"]) -> "Classmates":
        """Sort rows by class."""
        order = np.argsort(classes, kind="stable")
        ordered = classes[order]
        start = np.searchsorted(ordered, ordered, side="left")
        return cls(rows[order], start, np.searchsorted(ordered, ordered, side="right") - start)

    def pairs(
        self, shape: tuple[int, int], rng: np.random.Generator
    ) -> tuple[Int[np.ndarray, "draw batch"], Int[np.ndarray, "draw batch"]]:
        """Any row, and another one of its class."""
        first = rng.integers(len(self.order), size=shape)
        start, size = self.start[first], self.size[first]
        second = start + (first - start + 1 + rng.integers(size - 1)) % size
        return self.order[first], self.order[second]

    def groups(
        self, shape: tuple[int, int], rng: np.random.Generator
    ) -> Int[np.ndarray, "draw batch"]:
        """Rows of the class of any row, with replacement."""
        first = rng.integers(len(self.order), size=(shape[0], 1))
        members = rng.integers(np.broadcast_to(self.size[first], shape))
        return self.order[self.start[first] + members]


@final
class Drawn(NamedTuple):
    """What was drawn from rows to train on, or from those held out."""

    statistics: Float[np.ndarray, "draw latent"]
    """One vector a draw."""
    factor: Int[np.ndarray, "draw"]
    """Column of the factor that the rows of a draw share; each has as many draws."""


Statistic = Callable[
    [Float[np.ndarray, "n latent"], Classmates, tuple[int, int], np.random.Generator],
    Float[np.ndarray, "draw latent"],
]


@final
@dataclass(frozen=True)
class Sharing:
    """The rows of each factor that share its classes, to train on and held out."""

    selection: Selection
    train: dict[int, Classmates]
    test: dict[int, Classmates]

    @classmethod
    def of(cls, representation: Representation, selection: Selection, seed: int) -> "Sharing":
        """Split the rows, and decline factors with too few of them to a class.

        The split is that of the factor with most classes, for all factors: with one of its own, a
        factor whose rows to train on vary more by chance has rows that vary less held out, and
        noise would score below chance.
        """
        declined = dict(selection.declined)
        train, test = {}, {}
        finest = max(selection.used, key=lambda j: representation.factors[j].size or 0, default=0)
        split = split_rows(representation, finest, seed)
        for j in selection.used:
            column = representation.codes[:, j]
            fault = split_fault(representation, j, split)
            parts = [Classmates.of(rows, column[rows]) for rows in split]
            if not fault and min(part.size.min() for part in parts) < 2:
                fault = (
                    f"factor {representation.factors[j].name}: a class has too few rows to share "
                    "it, two to train on and two held out: score more rows"
                )
            if fault:
                declined[j] = fault
            else:
                train[j], test[j] = parts
        return cls(Selection(tuple(train), declined, selection.warnings), train, test)

    def draw(
        self,
        latents: Float[np.ndarray, "n latent"],
        statistic: Statistic,
        *,
        draws: int,
        batch: int,
        seed: int,
    ) -> tuple[Drawn, Drawn]:
        """Draw from the rows to train on, two thirds of the draws, and from those held out."""
        rng = np.random.default_rng(seed)
        each = -(-draws // (3 * len(self.train)))  # a third of a factor's draws, rounded up
        block = max(_BLOCK // (batch * latents.shape[1]), 1)
        both = []
        for part, count in ((self.train, 2 * each), (self.test, each)):
            found = [
                statistic(latents, mates, (size, batch), rng)
                for mates in part.values()
                for size in _blocks(count, block)
            ]
            both.append(Drawn(np.concatenate(found), np.repeat(list(part), count)))
        return both[0], both[1]


def _blocks(total: int, size: int) -> Iterator[int]:
    for done in range(0, total, size):
        yield min(size, total - done)


def recalls(guessed: Int[np.ndarray, "draw"], truth: Int[np.ndarray, "draw"]) -> dict[int, float]:
    """Share of each factor's draws that are guessed right, by column.

    Examples
    --------
    >>> recalls(np.array([0, 3, 3, 3]), np.array([0, 0, 3, 3]))
    {0: 0.5, 3: 1.0}
    """
    return {int(j): float(np.mean(guessed[truth == j] == j)) for j in np.unique(truth)}


def guess_result(
    representation: Representation,
    sharing: Sharing,
    scores: Mapping[int, float],
    *,
    parameters: Mapping[str, str | int | float | bool | None],
    warnings: tuple[str, ...] = (),
    matrix: Float[np.ndarray, "latent factor"] | None = None,
) -> MetricResult:
    """Share of right guesses, mean over the factors, as a result."""
    used = sharing.selection.used
    alone = "the score is of telling factors apart, and one alone varies here"
    return result_of(
        representation,
        sharing.selection,
        value=mean_of(scores.values()),
        scores=scores,
        parameters={**parameters, "split": split_name(representation)},
        reference=1.0,
        chance=1 / max(len(used), 1),
        matrix=matrix,
        warnings=warnings,
        reason=alone if len(used) < 2 else None,
    )
