"""OMES under the conventions of the seed paper's code."""

from dataclasses import dataclass, replace
from typing import Literal, final

import numpy as np
from jaxtyping import Bool, Float, Int

from drbench.conventions.convention import Choices, Convention, NoValueError, Parts
from drbench.conventions.factors import factors_of
from drbench.metrics.estimate.overlap import Pooling, associations, pooled
from drbench.metrics.estimate.pairs import Lines, level_keys, lines_of
from drbench.metrics.estimate.scaling import Scaling
from drbench.representation.representation import Representation

Pairs = Literal["interventions, else expected", "drawn from the sample"]
Inactive = Literal["below 0.001 of the largest", "below 0.05"]
RELATIVE, ABSOLUTE = 1e-3, 0.05
_MOST_PAIRS = 100_000
_EVALUATED = 10_000


@final
@dataclass(frozen=True)
class Omes(Choices):
    """What the definition of OMES leaves open.

    `pairs` that differ in one factor only: interventions or, of a sample, the expectation over all
    ways to draw them; or one such drawing. `inactive`: standard deviation of latents that are
    removed. `decimals` that S is rounded to. `factor without latent`: one that no latent is
    associated with scores 0, or averages over weights that are all 0.
    """

    pairs: Pairs = "interventions, else expected"
    inactive: Inactive = "below 0.001 of the largest"
    decimals: Literal["all", "4"] = "all"
    pooling: Pooling = "avg"
    alpha: float = 0.5
    factor_without_latent: Literal["scores 0", "refused"] = "scores 0"

    def score(self, representation: Representation, seed: int) -> Parts:
        matrix, _ = association(representation, self.pairs, self.inactive, seed)
        if self.decimals == "4":
            matrix = matrix.round(4)
        alone = ~matrix.any(axis=0)
        if alone.any() and self.pooling == "avg" and self.factor_without_latent == "refused":
            name = representation.factor_names[
                factors_of(representation, "left out")[int(alone.argmax())]
            ]
            raise NoValueError(f"numpy refuses an average by weights that are all 0: factor {name}")
        modular, compact = pooled(matrix, self.pooling)
        return {
            "omes": float(np.mean(self.alpha * modular + (1 - self.alpha) * compact)),
            "os": float(modular.mean()),
            "mes": float(compact.mean()),
        }


def association(
    representation: Representation, pairs: Pairs, inactive: Inactive, seed: int
) -> tuple[Float[np.ndarray, "kept factor"], Int[np.ndarray, "kept"]]:
    """S of the active latents and the factors that vary, and which latents those are."""
    active = _active(representation, inactive, seed)
    drawn = pairs == "drawn from the sample"
    if not active.any() and (drawn or inactive == "below 0.05"):
        raise NoValueError("every latent counts as inactive, and numpy refuses to score none")
    if drawn:
        return _drawn_association(representation, active, seed), np.flatnonzero(active)
    found = associations(representation, seed=seed, inactive=0.0)
    return found.matrix(len(representation.factors))[active][
        :, factors_of(representation, "left out")
    ], np.flatnonzero(active)


def _active(
    representation: Representation, inactive: Inactive, seed: int
) -> Bool[np.ndarray, "latent"]:
    latents = representation.latents
    if inactive == "below 0.001 of the largest":
        return Scaling.of(latents).active(RELATIVE)
    chosen = np.random.default_rng(seed).integers(len(latents), size=_EVALUATED)
    return latents[chosen].std(axis=0, ddof=1) >= ABSOLUTE


def _drawn_association(
    representation: Representation, active: Bool[np.ndarray, "latent"], seed: int
) -> Float[np.ndarray, "kept factor"]:
    """S from drawn pairs: the first row of each combination, paired within lines of one factor."""
    rng, keys = np.random.default_rng(seed), level_keys(representation, seed)
    repeats = lines_of(keys.sum(axis=0))
    rows = np.minimum.reduceat(repeats.order, repeats.starts)
    latents, keys = representation.latents[rows][:, active], keys[:, rows]
    columns = []
    for j, name in enumerate(representation.factor_names):
        first, second = _pairs(lines_of(keys.sum(axis=0) - keys[j]), rng)
        if len(first) > _MOST_PAIRS:
            chosen = rng.permutation(len(first))[:_MOST_PAIRS]
            first, second = first[chosen], second[chosen]
        x, y = latents[first], latents[second]
        if len(x) < 2 or not (np.ptp(x, axis=0).all() and np.ptp(y, axis=0).all()):
            raise NoValueError(
                f"the correlation over {len(x)} pairs that differ in {name} only is NaN"
            )
        x, y = (each - each.mean(axis=0) for each in (x, y))
        correlation = (x * y).mean(axis=0) / (x.std(axis=0) * y.std(axis=0))
        columns.append(1 - np.minimum(np.abs(correlation), 1.0))
    return np.stack(columns, axis=1)


def _pairs(
    lines: Lines, rng: np.random.Generator
) -> tuple[Int[np.ndarray, "pair"], Int[np.ndarray, "pair"]]:
    """Disjoint pairs within each line, drawn anew for each of its members."""
    first, second = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for size in np.unique(lines.size[lines.size > 1]):
        starts = lines.starts[lines.size == size]
        members = lines.order[starts[:, None] + np.arange(size)]
        shuffled = rng.permuted(np.repeat(members, size, axis=0), axis=1)[:, : size // 2 * 2]
        first.append(shuffled[:, 0::2].ravel())
        second.append(shuffled[:, 1::2].ravel())
    return np.concatenate(first), np.concatenate(second)


_CODE = Omes(
    pairs="drawn from the sample",
    inactive="below 0.05",
    decimals="4",
    factor_without_latent="refused",
)
_PATH = "JacopoDapueto/transfer_disentanglement, src/evaluation/metrics/omes.py: get_score"
FAULTS = (
    "Pairs are drawn without a seed, and from the sample, however few it holds: a random one of a "
    "large grid has hardly any.",
    "Drawn pairs are kept in a file whose name lacks the kind: scored after the means, sampled "
    "latents get the pairs of the means.",
)
CONVENTIONS = (
    Convention(
        "seed paper's code (avg)",
        _PATH,
        _CODE,
        faults=(
            *FAULTS,
            "It stops at a factor that no latent holds, and at one of two levels whose latent has "
            "no noise.",
        ),
    ),
    Convention("seed paper's code (max)", _PATH, replace(_CODE, pooling="max"), faults=FAULTS),
    Convention(
        "seed paper's table",
        "JacopoDapueto/transfer_disentanglement, dlib_compare_transfer.py: main",
        replace(_CODE, alpha=0.0),
        faults=(
            *FAULTS,
            "alpha = 0 is compactness (MES); a comment beside it calls it modularity.",
        ),
    ),
)
