"""Ranks of rows by one metric, and how sure they are."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from drbench.board.board import Rank, Ranking
from drbench.board.bootstrap import LEVEL, RESAMPLES, interval
from drbench.board.entry import Direction

PRESCRIBED = 5
"""Seeds from 0 on that a board ranks."""
RULE = (
    "Ranked is what the machine of who keeps the board trained anew, from seeds that are "
    "prescribed, one throughout a run; a row shows how many of them it has. Rows are ranked by a "
    "metric's mean over these runs after training, in the metric's own direction, among rows of "
    "the same track, target, image size, factors, sample, pairs, parameters and definitions. A "
    "row in which any run lacks the score is not ranked. What was only encoded again, with "
    "weights from its author, is listed apart."
)
TIES = (
    "Equal means share a place. The seeds of each row are resampled 2,000 times, and all rows of a "
    "group ranked each time, equal means counting for and against; best and worst are the places "
    "without 2.5 % at either end. Rows whose places overlap are tied. Of a row with one seed "
    "nothing is known but its mean: it may have any place, and takes part in the others' worst "
    "place, not in their best."
)
_DIGITS = 12  # decimals within which means are equal: what is beyond is rounding


def ranking(directions: dict[str, Direction], n_prescribed: int) -> Ranking:
    """The rule, as the file states it."""
    return Ranking(
        rule=RULE,
        ties=TIES,
        directions=directions,
        n_prescribed=n_prescribed,
        resamples=RESAMPLES,
        level=LEVEL,
    )


def ranks(
    means: Sequence[float], resampled: Sequence[Float[np.ndarray, "b"] | None], better: Direction
) -> list[Rank]:
    """Place of each row, and the places that resampling its seeds makes plausible.

    Parameters
    ----------
    means : sequence of float
        Mean of each row.
    resampled : sequence of arrays (b,)
        Its means in resamples of its seeds; None for a row with one seed.
    better : str
        Which means are better.

    Examples
    --------
    >>> ranks([0.1, 0.9], [None, None], "higher")[1]
    Rank(place=1, best=1, worst=2, of=2)
    """
    sign = 1.0 if better == "higher" else -1.0
    signed = np.round(sign * np.array(means), _DIGITS)
    several = {
        row: np.round(sign * each, _DIGITS)
        for row, each in enumerate(resampled)
        if each is not None
    }
    plausible = dict(zip(several, _places(list(several.values())), strict=True))
    placed = []
    for row, mean in enumerate(signed):
        place = 1 + int((signed > mean).sum())
        best, worst = 1, len(means)
        if row in plausible:
            best, worst = plausible[row]
            worst += len(means) - len(several)
        # The ends of resampled places can miss the place itself, with few seeds.
        placed.append(
            Rank(place=place, best=min(place, best), worst=max(place, worst), of=len(means))
        )
    return placed


def _places(rows: list[Float[np.ndarray, "b"]]) -> list[tuple[int, int]]:
    """Best and worst plausible place of each row among these, by their resampled means."""
    if not rows:
        return []
    means = np.stack(rows)  # (row, b)
    above = np.empty(means.shape, np.int32)
    level = np.empty(means.shape, np.int32)
    for number, column in enumerate(means.T):
        ordered = np.sort(column)
        above[:, number] = len(column) - np.searchsorted(ordered, column, side="right")
        level[:, number] = len(column) - np.searchsorted(ordered, column, side="left")
    return [
        (1 + int(interval(over)[0]), int(interval(under)[1]))
        for over, under in zip(above, level, strict=True)
    ]
