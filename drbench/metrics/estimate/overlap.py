"""Overlap (modularity) and multiple-encoding (compactness) scores of an association matrix."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from jaxtyping import Bool, Float

from drbench.metrics.estimate.factors import Selection, select, spread_out
from drbench.metrics.estimate.pairs import REFUSED_BELOW, WARNED_BELOW, PairMoments, pair_moments
from drbench.metrics.estimate.scaling import Scaling
from drbench.metrics.result import Curve
from drbench.representation.representation import Representation

Pooling = Literal["avg", "max"]
ALPHAS = tuple(step / 10 for step in range(11))


def overlap(
    association: Float[np.ndarray, "*b latent factor"],
) -> Float[np.ndarray, "*b latent factor"]:
    """How much each latent holds of each factor and of no other, in [0, 1].

    S[d, j] * (1 - mean over factors k of |e_j[k] - S[d, k]|), entries of S in [0, 1].

    Examples
    --------
    >>> overlap(np.array([[1.0, 0.0], [0.5, 0.5]])).tolist()
    [[1.0, 0.0], [0.25, 0.25]]
    """
    row = association.sum(axis=-1, keepdims=True)
    return association * (1 - (row + 1 - 2 * association) / association.shape[-1])


def multiple_encoding(
    association: Float[np.ndarray, "*b latent factor"],
) -> Float[np.ndarray, "*b latent factor"]:
    """How much each factor sits in each latent and in no other, in [0, 1].

    S[d, j] * (1 - mean over latents i of |e_d[i] - S[i, j]|), entries of S in [0, 1].
    """
    return overlap(association.swapaxes(-1, -2)).swapaxes(-1, -2)


def pool(
    scores: Float[np.ndarray, "*b latent factor"],
    association: Float[np.ndarray, "*b latent factor"],
    pooling: Pooling,
) -> Float[np.ndarray, "*b factor"]:
    """One score a factor: the best latent's, or the average weighted by association.

    A factor that no latent is associated with scores 0.
    """
    if not scores.shape[-2]:
        return np.zeros((*scores.shape[:-2], scores.shape[-1]))
    if pooling == "max":
        return scores.max(axis=-2)
    weight = association.sum(axis=-2)
    return (association * scores).sum(axis=-2) / np.where(weight > 0, weight, 1.0)


def pooled(
    association: Float[np.ndarray, "*b latent factor"], pooling: Pooling
) -> tuple[Float[np.ndarray, "*b factor"], Float[np.ndarray, "*b factor"]]:
    """Overlap and multiple-encoding score of each factor; 0 if there are no latents."""
    if not association.shape[-2] or not association.shape[-1]:
        nothing = np.zeros((*association.shape[:-2], association.shape[-1]))
        return nothing, nothing
    modular = pool(overlap(association), association, pooling)
    return modular, pool(multiple_encoding(association), association, pooling)


def curve_over_alpha(
    modular: Float[np.ndarray, "factor"], compact: Float[np.ndarray, "factor"]
) -> Curve:
    """Mean over factors for weights of modularity from 0 to 1."""
    y = tuple(float(np.mean(a * modular + (1 - a) * compact)) for a in ALPHAS)
    return Curve(parameter="alpha", x=ALPHAS, y=y)


def jackknife_errors(
    association: Float[np.ndarray, "latent factor"],
    replicas: Sequence[Mapping[int, Float[np.ndarray, "_ latent"]]],
    pooling: Pooling,
    alpha: float,
) -> Float[np.ndarray, "scored"]:
    """Standard error of each factor's score, which depends on all columns of S; or of none.

    Parameters
    ----------
    association : (latent, factor)
        S.
    replicas : sequence of mappings of column to (block, latent)
        Columns of S with each block of their data left out, by number. Columns of one mapping
        share data; mappings do not, so that their contributions to the variance add up. There are
        no errors if some column has a single block, or if there are no latents.
    pooling, alpha
        How factors are scored.
    """
    blocks = [min(len(column) for column in columns.values()) for columns in replicas]
    if not len(association) or any(count < 2 for count in blocks):
        return np.empty(0)
    variance = np.zeros(association.shape[1])
    for count, columns in zip(blocks, replicas, strict=True):
        changed = np.repeat(association[None], count, axis=0)
        for k, column in columns.items():
            changed[:, :, k] = column
        modular, compact = pooled(changed, pooling)
        scores = alpha * modular + (1 - alpha) * compact  # (block, factor)
        variance += (count - 1) * scores.var(axis=0)
    return np.sqrt(variance)


@final
@dataclass(frozen=True)
class Associations:
    """Association of the active latents with the factors that have pairs enough."""

    selection: Selection
    """Factors that are scored, declined, left out."""
    active: Bool[np.ndarray, "latent"]
    """Latents that vary."""
    moments: tuple[PairMoments, ...]
    """Sums over the pairs of each scored factor."""
    pairs: dict[int, int]
    """Pairs of each factor that was looked at."""

    @property
    def active_matrix(self) -> Float[np.ndarray, "latent factor"]:
        """S, active latents and scored factors only."""
        if not self.moments:
            return np.empty((int(self.active.sum()), 0))
        return np.stack([moments.association() for moments in self.moments], axis=1)

    def matrix(self, factors: int) -> Float[np.ndarray, "latent factor"]:
        """S for every latent and factor: 0 for inactive latents, NaN for factors not scored."""
        scored = np.zeros((len(self.active), len(self.selection.used)))
        scored[self.active] = self.active_matrix
        return spread_out(scored, self.selection.used, factors)

    @property
    def origin(self) -> str:
        """Where pairs come from: interventions, the sample, or both (mixed)."""
        origins = {moments.origin for moments in self.moments}
        return "mixed" if len(origins) > 1 else "".join(origins) or "none"


def associations(representation: Representation, *, seed: int, inactive: float) -> Associations:
    """Measure the association matrix S of a representation.

    Parameters
    ----------
    representation : Representation
        What is scored. Continuous factors and units of several columns are declined.
    seed : int
        Shares pairs out between the blocks of the jackknife; S does not depend on it.
    inactive : float
        Latents whose standard deviation is below this share of the largest are inactive.
    """
    selection = select(
        representation,
        continuous="no two images can be said to differ in one factor only",
        vectors="a correlation of pairs needs scalar latents",
    )
    scaling = Scaling.of(representation.latents)
    active = scaling.active(inactive)
    found = pair_moments(representation, selection.used, active, scaling, seed)
    declined, warnings = dict(selection.declined), list(selection.warnings)
    # Beside a continuous factor hardly two rows differ in another one only: its fault, not theirs.
    continuous = [j for j in declined if representation.factors[j].size is None]
    for j, moments in found.items():
        name = representation.factors[j].name
        if moments.pairs < REFUSED_BELOW and continuous and moments.origin == "sample":
            declined[j] = declined[continuous[0]]
        elif moments.pairs < REFUSED_BELOW:
            declined[j] = (
                f"factor {name} has {moments.pairs} pairs of images that differ in it only, "
                f"{REFUSED_BELOW} are needed: encode interventions, or score a sub-grid"
            )
        elif moments.pairs < WARNED_BELOW:
            warnings.append(
                f"factor {name} has {moments.pairs} pairs only: below {WARNED_BELOW} the score "
                "is unreliable, see its standard error"
            )
    if not active.any():
        warnings.append("no latent varies: the representation has collapsed")
    used = tuple(j for j in selection.used if j not in declined)
    return Associations(
        Selection(used, declined, tuple(warnings)),
        active,
        tuple(found[j] for j in used),
        {j: moments.pairs for j, moments in found.items()},
    )
