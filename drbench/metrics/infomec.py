"""InfoMEC: modularity, explicitness and compactness from shares of information."""

import warnings
from collections.abc import Mapping
from typing import Annotated

import numpy as np
from jaxtyping import Bool, Float, Int
from pydantic import Field

from drbench.metrics.estimate.entropy import entropy_of_counts, mutual_information
from drbench.metrics.estimate.factors import select, spread_out
from drbench.metrics.estimate.information import NOTHING
from drbench.metrics.estimate.neighbours import neighbour_information
from drbench.metrics.estimate.parallel import in_parallel
from drbench.metrics.estimate.results import result_of
from drbench.metrics.estimate.scaling import Scaling
from drbench.metrics.metric import metric
from drbench.metrics.result import MetricResult
from drbench.representation.representation import Representation

_REPEATS = 20
"""Rows per value, on average, from which a latent is taken as quantised."""
_LEVELS = 100
"""Most values of a quantised latent."""
_ITERATIONS = 100


@metric(
    title="InfoMEC (InfoM, InfoE, InfoC)",
    measures="modularity (InfoM), explicitness (InfoE), compactness (InfoC)",
    range=(0.0, 1.0),
    source="Hsu, Dorrell, Whittington, Wu, Finn, NeurIPS 2023, arXiv 2305.18378",
    cost="seconds",
    tolerance=2e-3,  # the regression stops after its last iteration; not measured
    per_factor="InfoE",
    invariances={
        "permute_latents": 1e-3,  # the regression stops after its last iteration, not at the end
        "flip_signs": 1e-3,
        "scale": 1e-3,
        "rename_classes": 1e-3,
        "reorder_rows": 1e-3,
        "append_constant": 1e-3,
        "label_type": 0.0,
        "jobs": 0.0,
    },
    faults=(
        "The value is the least of the three published numbers, which are in `parts`, and that "
        "choice is ours: no number of the three should be read alone. InfoM of pure noise is 0.5 "
        "to 0.8, because few neighbours tell of one factor more than of others by chance.",
        "InfoE is fitted and measured on the same rows: it is optimistic where rows are few. The "
        "regression stops after 100 iterations, as published: a few thousandths below its end.",
        "Published code drops latents whose range is below a share of the largest, a twentieth in "
        "one version: inactive=0.05. It also weighs classes alike in InfoE.",
    ),
)
def infomec(
    representation: Representation,
    *,
    seed: int,
    neighbours: Annotated[int, Field(ge=1)] = 3,
    inactive: Annotated[float, Field(ge=0, lt=1)] = 1e-3,
) -> MetricResult:
    """The least of InfoM, InfoE and InfoC, each in [0, 1], higher is better.

    N[d, j] is the information of latent d about factor j over the factor's entropy. InfoM: the
    largest share of a row of N in its sum, mean over the latents, scaled so that an even row of F
    entries gives 0: (mean - 1/F) / (1 - 1/F). InfoC: the same of the columns, over the active
    latents. InfoE: the information that linear prediction gets out of all latents, one minus the
    cross-entropy of logistic regression over the factor's entropy, mean over the factors.

    Information is that of counts for a quantised latent, one of at most 100 values that occur 20
    times or more on average, which enters the regression one-hot; and by nearest neighbours (module
    `neighbours`) for any other, which is never binned. Latents that tell nothing or hardly move are
    inactive and not in InfoM and InfoC. Continuous factors, which have no entropy, and units of
    several columns are declined; single-valued factors are left out. With one factor InfoM is
    undefined, with one active latent InfoC: there is no value then, and the parts that are defined
    stand.

    Parameters
    ----------
    representation : Representation
        What is scored; at least two factors and two latents.
    seed : int
        Shuffles the rows for `chance`; the score does not depend on it.
    neighbours : int
        Nearest neighbours behind the information of a continuous latent.
    inactive : float
        Latents whose range is below this share of the largest are inactive.

    Returns
    -------
    MetricResult
        `parts`: infom, infoe, infoc. `per_factor`: InfoE of each. `matrix`: N (latent, factor).
        `reference`: the classes themselves as latents. `chance`: the same latents with their rows
        shuffled.
    """
    selection = select(
        representation,
        continuous="InfoMEC divides by its entropy, which only classes have",
        vectors="InfoMEC needs scalar latents",
    )
    used = selection.used
    latents = Scaling.of(representation.latents).apply(representation.latents)
    codes = representation.codes[:, list(used)].astype(np.int64)
    moving = _moving(representation.latents, inactive)
    shares = information_shares(latents, codes, neighbours)
    explicit = explicitness(latents, codes)
    parts = _parts(shares, moving, explicit)
    reason = None
    if parts["infom"] is None and len(used) > 1:
        reason = "no latent tells anything of any factor"
    elif parts["infom"] is None:
        reason = "InfoM compares factors, and one alone varies here"
    elif parts["infoc"] is None:
        reason = "InfoC compares active latents, and there are fewer than two"
    complete = selection.reason is None and reason is None
    shuffled = np.random.default_rng(seed).permutation(latents) if complete else latents[:0]
    return result_of(
        representation,
        selection,
        value=_least(parts) if complete else None,
        scores=dict(zip(used, explicit, strict=True)),
        parts=parts,
        parameters={"seed": seed, "neighbours": neighbours, "inactive": inactive},
        reference=_perfect(codes) if complete else None,
        chance=_chance(shuffled, codes, moving, neighbours) if complete else None,
        matrix=spread_out(shares, used, len(representation.factors)),
        warnings=_which(parts) if complete else (),
        reason=reason,
    )


def information_shares(
    latents: Float[np.ndarray, "n latent"], codes: Int[np.ndarray, "n factor"], neighbours: int
) -> Float[np.ndarray, "latent factor"]:
    """Information of each latent about each factor, over the factor's entropy, at most 1."""
    shares = np.empty((latents.shape[1], codes.shape[1]))
    entropy = [float(entropy_of_counts(np.bincount(column))) for column in codes.T]
    for d, z in enumerate(latents.T):
        levels, order = _levels(z), np.argsort(z)
        ascending, ordered = z[order], codes[order]  # once, not for each factor
        for j, column in enumerate(codes.T):
            if levels is None:
                told = neighbour_information(ascending, ordered[:, j], neighbours)
            else:
                told = float(mutual_information(levels[:, None], column, int(levels.max()) + 1)[0])
            shares[d, j] = min(told / entropy[j], 1.0) if told > NOTHING else 0.0
    return shares


def explicitness(
    latents: Float[np.ndarray, "n latent"], codes: Int[np.ndarray, "n factor"]
) -> Float[np.ndarray, "factor"]:
    """InfoE of each factor: 1 - cross-entropy of logistic regression / entropy of the factor."""
    features = _features(latents)
    found = in_parallel(
        _explained_linearly,
        {j: (features, column) for j, column in enumerate(codes.T)},
        "logistic regressions, factors",
    )
    return np.array(list(found.values()), dtype=np.float64)


def _explained_linearly(
    features: Float[np.ndarray, "n feature"], classes: Int[np.ndarray, "n"]
) -> float:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss

    model = LogisticRegression(C=np.inf, max_iter=_ITERATIONS)
    with warnings.catch_warnings():
        # Classes that can be told apart without error have no best fit to converge to.
        warnings.simplefilter("ignore", ConvergenceWarning)
        # Classes of a row or two are classes all the same; `cautions` says that they are few.
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        predicted = model.fit(features, classes).predict_proba(features)
    entropy = entropy_of_counts(np.bincount(classes))
    share = 1 - log_loss(classes, predicted, labels=model.classes_) / entropy
    return float(np.clip(share, 0.0, 1.0))


def dominance(shares: Float[np.ndarray, "k m"]) -> float:
    """Largest share of each row in its sum, mean over rows; 0 if rows are even, 1 if each has one.

    A row of zeros counts as even.

    Examples
    --------
    >>> dominance(np.array([[0.5, 0.0], [0.2, 0.2]]))
    0.5
    """
    total = shares.sum(axis=1)
    width = shares.shape[1]
    largest = np.where(total > 0, shares.max(axis=1) / np.where(total > 0, total, 1.0), 1 / width)
    return float(np.clip((largest.mean() - 1 / width) / (1 - 1 / width), 0.0, 1.0))


def _parts(
    shares: Float[np.ndarray, "latent factor"],
    moving: Bool[np.ndarray, "latent"],
    explicit: Float[np.ndarray, "factor"],
) -> dict[str, float | None]:
    active = shares[moving & shares.any(axis=1)]
    latents, factors = active.shape
    return {
        "infom": dominance(active) if latents and factors > 1 else None,
        "infoe": float(explicit.mean()) if len(explicit) else None,
        "infoc": dominance(active.T) if latents > 1 and factors else None,
    }


def _least(parts: Mapping[str, float | None]) -> float:
    return min(part for part in parts.values() if part is not None)


def _which(parts: Mapping[str, float | None]) -> tuple[str, ...]:
    """What to know of the value where it is not InfoE, of which alone each factor has a score."""
    least = min(parts, key=lambda name: parts[name] or 0.0)
    name = {"infom": "InfoM", "infoc": "InfoC"}.get(least)
    each = "each factor's score is its InfoE"
    return (f"the value is {name}, the least of InfoM, InfoE and InfoC; {each}",) if name else ()


def _chance(
    shuffled: Float[np.ndarray, "n latent"],
    codes: Int[np.ndarray, "n factor"],
    moving: Bool[np.ndarray, "latent"],
    neighbours: int,
) -> float | None:
    """None where no shuffled latent seems to tell anything, so that a part is undefined."""
    shares = information_shares(shuffled, codes, neighbours)
    parts = _parts(shares, moving, explicitness(shuffled, codes))
    return None if None in parts.values() else _least(parts)


def _perfect(codes: Int[np.ndarray, "n factor"]) -> float:
    """Score of the classes as quantised latents; linear prediction from them is perfect."""
    sizes = codes.max(axis=0) + 1
    information = np.stack(
        [mutual_information(codes, column, int(sizes.max())) for column in codes.T], axis=1
    )
    shares = information / np.diag(information)
    shares[shares < NOTHING] = 0.0
    return _least(_parts(shares, np.ones(len(shares), dtype=bool), np.ones(len(shares))))


def _levels(z: Float[np.ndarray, "n"]) -> Int[np.ndarray, "n"] | None:
    """Level of each row of a quantised latent; None for a continuous one."""
    levels, level = np.unique(z, return_inverse=True)
    few = len(levels) <= min(max(len(z) / _REPEATS, 1), _LEVELS)  # a constant one always is
    return level.ravel() if few else None


def _features(latents: Float[np.ndarray, "n latent"]) -> Float[np.ndarray, "n feature"]:
    """Quantised latents one-hot, the others as they are."""
    columns = []
    for z in latents.T:
        level = _levels(z)
        columns.append(z[:, None] if level is None else np.eye(level.max() + 1)[level])
    return np.concatenate(columns, axis=1)


def _moving(latents: Float[np.ndarray, "n latent"], inactive: float) -> Bool[np.ndarray, "latent"]:
    span = latents.max(axis=0) / 2 - latents.min(axis=0) / 2  # the span itself may overflow
    return (span > 0) & (span >= inactive * span.max())
