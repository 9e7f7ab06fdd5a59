"""One representation under the conventions of other libraries."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, final

from drbench.conventions import (
    beta_vae_score,
    dci,
    explicitness,
    factor_vae_score,
    mig,
    modularity,
    omes,
    sap,
)
from drbench.conventions.convention import Convention, Parts
from drbench.conventions.factors import why_not
from drbench.conventions.walk import Known, Walk, walk
from drbench.errors import UnknownNameError
from drbench.metrics.metric import load_metric
from drbench.representation.representation import Representation

CONVENTIONS: dict[str, tuple[Convention, ...]] = {
    "mig": mig.CONVENTIONS,
    "dci": dci.CONVENTIONS,
    "omes": omes.CONVENTIONS,
    "gbt": explicitness.GBT,
    "gbt_pruned": explicitness.GBT_PRUNED,
    "sap": sap.CONVENTIONS,
    "modularity": modularity.CONVENTIONS,
    "factor_vae_score": factor_vae_score.CONVENTIONS,
    "beta_vae_score": beta_vae_score.CONVENTIONS,
}
"""Conventions of each metric that several libraries have."""
DEFAULT = ("mig", "dci", "omes", "gbt_pruned")
"""What is explained where no metric is named."""


@final
@dataclass(frozen=True)
class Explanation:
    """What the conventions make of one metric."""

    metric: str
    choices: dict[str, Any]
    """What drbench chooses."""
    start: Parts | None
    """Score under drbench's convention."""
    reason: str | None
    """Why there is none."""
    walks: tuple[Walk, ...]
    """One for each convention that was followed."""
    left_out: tuple[str, ...]
    """Libraries whose convention would take minutes."""


def explain(
    representation: Representation,
    metrics: Iterable[str] = DEFAULT,
    *,
    seed: int = 0,
    slow: bool = False,
    on_result: Callable[[Explanation], None] | None = None,
) -> dict[str, Explanation]:
    """Score a representation under every convention of some metrics.

    Parameters
    ----------
    representation : Representation
        What is scored.
    metrics : iterable of str
        Names among `CONVENTIONS`.
    seed : int
        Seed of whatever is random, which the libraries mostly leave without one.
    slow : bool
        Follow the conventions that take minutes too.
    on_result : callable, optional
        Called with each explanation as soon as it is there.

    Raises
    ------
    UnknownNameError
        For a metric that has no conventions to compare.
    """
    names = list(dict.fromkeys(metrics))
    for name in names:
        if name not in CONVENTIONS:
            raise UnknownNameError("metric with conventions to compare", name, CONVENTIONS)
    explained = {}
    for name in names:
        explained[name] = _explain(name, representation, seed, slow)
        if on_result:
            on_result(explained[name])
    return explained


def _explain(name: str, representation: Representation, seed: int, slow: bool) -> Explanation:
    conventions = CONVENTIONS[name]
    ours = type(conventions[0].choices)()
    if reason := why_not(representation):
        return Explanation(name, ours.told(), None, reason, (), ())
    reason = load_metric(name)(representation, seed=seed).reason
    start = None if reason else ours.score(representation, seed)
    known: Known = {} if start is None else {ours: start}
    left_out = tuple(
        each.library
        for each in conventions
        if not slow and each.choices.takes_minutes(representation)
    )
    walks = [
        walk(convention, representation, start, seed=seed, known=known)
        for convention in conventions
        if convention.library not in left_out
    ]
    return Explanation(name, ours.told(), start, reason, tuple(walks), left_out)
