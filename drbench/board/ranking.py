"""Ranks of rows by one metric, and how sure they are."""

from collections.abc import Collection, Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float

from drbench.board.board import FEW_SEEDS, Rank, Ranking
from drbench.board.bootstrap import LEVEL, RESAMPLES, interval
from drbench.trust.verification import State

Direction = Literal["higher", "lower"]
LOWER_IS_BETTER = frozenset({"gaussian_tc", "latent_mi"})
"""drbench's own metrics of which less is better."""
HIGHER_IS_BETTER = frozenset(
    {
        "omes", "omes_sobol", "dci", "dci_linear", "mig", "gbt", "gbt_pruned", "mlp", "mlp_pruned",
        "probe", "sap", "beta_vae_score", "factor_vae_score", "modularity", "explicitness", "irs",
        "mig_sup", "dcimig", "jemmig", "infomec",
    }
)  # fmt: skip
"""Its other metrics."""
VERIFIED: frozenset[State] = frozenset({"re-encoded", "retrained"})
"""States that the official track ranks."""
RULE = (
    "Rows are ranked by a metric's mean over the runs after training, among rows of the same "
    "track, kind, target, image size, factors, sample, pairs and parameters. A row in which any "
    "run lacks the score is not ranked. Refuted runs do not count, nor do unverified ones as soon "
    "as one run of the row is re-encoded or retrained; the official track ranks no others. Of "
    "drbench's own metrics gaussian_tc and latent_mi are better when lower, the others when "
    "higher; of another's, what a perfect code scores is better than what chance scores, and "
    "without both, or where rows disagree, it ranks nothing."
)
TIES = (
    "Equal means share a place. The seeds of each row are resampled 2,000 times, and all rows of a "
    "group ranked each time, equal means counting for and against; best and worst are the places "
    "without 2.5 % at either end. Rows whose places overlap are tied. Of a row with one seed "
    "nothing is known but its mean: it may have any place, and takes part in the others' worst "
    "place, not in their best."
)
_DIGITS = 12  # decimals within which means are equal: what is beyond is rounding


def ranking(directions: dict[str, Direction]) -> Ranking:
    """The rule, as the file states it."""
    return Ranking(
        rule=RULE,
        ties=TIES,
        directions=dict(sorted(directions.items())),
        resamples=RESAMPLES,
        level=LEVEL,
        few_seeds=FEW_SEEDS,
    )


def direction(
    metric: str, makers: Collection[str], *, reference: float | None, chance: float | None
) -> Direction | None:
    """Which scores of a metric are better; None if nothing says.

    What is drbench's own does not depend on what a record says. `makers` are the distributions that
    it came from: another's metric of the same name is another metric.

    Examples
    --------
    >>> direction("gaussian_tc", {"drbench"}, reference=1.0, chance=0.0)
    'lower'
    >>> direction("gaussian_tc", {"theirs"}, reference=1.0, chance=0.0) is None
    True
    >>> direction("mine", {"theirs"}, reference=0.0, chance=1.0)
    'lower'
    """
    if metric in LOWER_IS_BETTER | HIGHER_IS_BETTER:
        if set(makers) != {"drbench"}:
            return None
        return "lower" if metric in LOWER_IS_BETTER else "higher"
    if reference is None or chance is None or reference == chance:
        return None
    return "lower" if reference < chance else "higher"


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
    known = {
        row: np.round(sign * each, _DIGITS)
        for row, each in enumerate(resampled)
        if each is not None
    }
    plausible = dict(zip(known, _places(list(known.values())), strict=True))
    found = []
    for row, mean in enumerate(signed):
        place = 1 + int((signed > mean).sum())
        best, worst = 1, len(means)
        if row in plausible:
            best, worst = plausible[row]
            worst += len(means) - len(known)
        # The ends of resampled places can miss the place itself, with few seeds.
        found.append(
            Rank(place=place, best=min(place, best), worst=max(place, worst), of=len(means))
        )
    return found


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
