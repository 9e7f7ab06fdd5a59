"""Association of latents with factors by total-order Sobol indices."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, final

import numpy as np
from jaxtyping import Bool, Float

from drbench.metrics.estimate.factors import Selection, select, spread_out
from drbench.metrics.estimate.pairs import REFUSED_BELOW, WARNED_BELOW
from drbench.metrics.estimate.scaling import Scaling
from drbench.metrics.estimate.sobol_estimators import (
    Cells,
    Estimator,
    SobolSums,
    from_grid,
    from_interventions,
    from_regression,
)
from drbench.representation.representation import Representation

Choice = Literal["auto"] | Estimator
_UNEVEN = 1.1
"""Times that two equally likely classes differ more often than two of the sample: from there on
uneven classes are warned of."""
_MOSTLY = 0.5
"""Share of noise below which a latent is certain to hold something."""
_REGRESSION = f"fewer than {REFUSED_BELOW} rows, or a single split group"
_PAIRS = f"fewer than {REFUSED_BELOW} pairs of images that differ in it only"
_LACKS: dict[Choice, str] = {
    "auto": f"{_PAIRS}, and {_REGRESSION}",
    "interventions": f"{_PAIRS}: encode interventions, or choose another estimator",
    "grid": f"{_PAIRS} in the sample: choose another estimator",
    "regression": _REGRESSION,
}


@final
@dataclass(frozen=True)
class SobolIndices:
    """Total-order indices of the latents that vary and of the factors that can be scored."""

    selection: Selection
    """Factors that are scored, declined, left out."""
    varies: Bool[np.ndarray, "latent"]
    """Latents that are not constant."""
    sums: tuple[SobolSums, ...]
    """What the indices of each scored factor follow from."""

    @cached_property
    def raw(self) -> Float[np.ndarray, "varying factor"]:
        """The indices, not clipped."""
        return self._columns([sums.index() for sums in self.sums])

    @cached_property
    def standard_errors(self) -> Float[np.ndarray, "varying factor"]:
        """Their standard errors; NaN where there is a single block."""
        return self._columns([sums.index_error() for sums in self.sums])

    @cached_property
    def noise(self) -> Float[np.ndarray, "varying"]:
        """Share of each latent's variance that no factor explains; 0 where it cannot be told."""
        return self._columns([sums.noise() for sums in self.sums]).max(axis=1, initial=0.0)

    @cached_property
    def active(self) -> Bool[np.ndarray, "varying"]:
        """Latents that hold something: what is no noise, and some index, exceed two errors.

        Few combinations make indices uncertain, not the latent: where most of it is known to be no
        noise, it holds something whatever the errors of its indices.
        """
        errors = np.nan_to_num(self.standard_errors)
        seen = (self.raw > np.maximum(2 * errors, 1e-9)).any(axis=1)
        doubt = self._columns([sums.noise_error() for sums in self.sums])
        twice = 2 * np.nan_to_num(doubt).max(axis=1, initial=0.0)
        known = self.tells_noise & (self.noise + twice < _MOSTLY)
        return (seen | known) & (1 - self.noise > twice)

    @property
    def tells_noise(self) -> bool:
        """Whether noise is told from signal, by one factor's estimate or more."""
        return any(sums.tells_noise for sums in self.sums)

    @property
    def used(self) -> str:
        """Estimator of every factor, or which has which."""
        names = {sums.estimator for sums in self.sums}
        return "mixed" if len(names) > 1 else "".join(names) or "none"

    def matrix(self, factors: int) -> Float[np.ndarray, "latent factor"]:
        """Raw indices for all latents and factors: 0 for constant latents, NaN for unscored."""
        scored = np.zeros((len(self.varies), len(self.sums)))
        scored[self.varies] = self.raw
        return spread_out(scored, self.selection.used, factors)

    def _columns(
        self, columns: list[Float[np.ndarray, "varying"]]
    ) -> Float[np.ndarray, "varying factor"]:
        return np.stack(columns, axis=1) if columns else np.empty((int(self.varies.sum()), 0))


def sobol_indices(
    representation: Representation,
    *,
    estimator: Choice = "auto",
    seed: int = 0,
    inactive: float = 1e-3,
    rounds: int = 40,
) -> SobolIndices:
    """Estimate the total-order Sobol index of each latent with respect to each factor.

    Parameters
    ----------
    representation : Representation
        What is scored. Units of several columns are declined.
    estimator : {"auto", "interventions", "grid", "regression"}
        "auto" takes, factor by factor, interventions or the grid if they have 30 pairs or more,
        else regression.
    seed : int
        Shares rows out between the jackknife's blocks and the folds of the regression.
    inactive : float
        Latents whose standard deviation is below this share of the largest count as constant.
    rounds : int
        Most rounds of boosting in the regression.
    """
    selection = select(representation, vectors="a Sobol index is of scalar latents")
    scaling = Scaling.of(representation.latents)
    varies = scaling.active(inactive)
    found = _sums(representation, selection.used, scaling, varies, estimator, seed, rounds)
    declined, warnings = dict(selection.declined), list(selection.warnings)
    for j in selection.used:
        name = representation.factors[j].name
        if j not in found:
            declined[j] = f"factor {name} has {_LACKS[estimator]}"
        elif (pairs := found[j].pairs) is not None and pairs < WARNED_BELOW:
            warnings.append(
                f"factor {name} has {pairs} pairs only: below {WARNED_BELOW} the score is "
                "unreliable, see its standard error"
            )
    used = tuple(found)
    warnings += _uneven(representation, found)
    warnings += _cautions({representation.factors[j].name: found[j] for j in used}, varies)
    return SobolIndices(
        Selection(used, declined, tuple(warnings)),
        varies,
        tuple(found[j] for j in used),
    )


def _sums(
    representation: Representation,
    factors: tuple[int, ...],
    scaling: Scaling,
    varies: Bool[np.ndarray, "latent"],
    estimator: Choice,
    seed: int,
    rounds: int,
) -> dict[int, SobolSums]:
    """Sums of the factors that the estimator has enough for, in the order of the factors."""
    latents = scaling.apply(representation.latents).compress(varies, axis=1)
    cells = Cells.of(representation, latents, seed)
    found: dict[int, SobolSums] = {}
    for j in factors:
        shrink = _shrink(representation, j)
        x, y = (scaling.apply(z).compress(varies, axis=1) for z in representation.pairs(j))
        if estimator in ("auto", "interventions") and len(x) >= REFUSED_BELOW:
            rng = np.random.default_rng([seed, j])
            found[j] = from_interventions(cells, x, y, shrink, rng)
        elif estimator in ("auto", "grid"):
            found[j] = from_grid(cells, j, shrink)
            if (found[j].pairs or 0) < REFUSED_BELOW:
                del found[j]
    if estimator in ("auto", "regression") and len(latents) >= REFUSED_BELOW:
        rest = tuple(j for j in factors if j not in found)
        found |= from_regression(representation, latents, rest, seed, rounds)
    return {j: found[j] for j in factors if j in found}


def _shrink(representation: Representation, factor: int) -> float:
    """Probability that two independent values of a factor differ."""
    if representation.factors[factor].size is None:
        return 1.0
    return 1 - 1 / np.count_nonzero(np.bincount(representation.codes[:, factor]))


def _uneven(representation: Representation, found: dict[int, SobolSums]) -> list[str]:
    """Warnings of factors whose classes are far from equally frequent."""
    warnings = []
    for j, sums in found.items():
        if sums.pairs is None or representation.factors[j].size is None:
            continue  # regression takes the sample's own frequencies, and so does a real value
        share = np.unique(representation.codes[:, j], return_counts=True)[1]
        share = share / share.sum()
        excess = sums.shrink / (1 - np.sum(share**2))
        if excess > _UNEVEN:
            warnings.append(
                f"factor {representation.factors[j].name}: its classes are not equally frequent, "
                "which pairs take them for: indices of latents that mix it with other factors are "
                f"up to {excess:.1f} times too large (estimator=regression minds the frequencies)"
            )
    return warnings


def _cautions(found: dict[str, SobolSums], varies: Bool[np.ndarray, "latent"]) -> list[str]:
    warnings = []
    blind = [name for name, sums in found.items() if not sums.tells_noise]
    if blind:
        part = "" if len(blind) == len(found) else f" of {', '.join(blind)}"
        warnings.append(
            "combinations of classes do not repeat, so that noise cannot be told from what factors "
            f"do: it counts as signal{part} (estimator=regression tells them apart, if factors act "
            "smoothly enough for trees)"
        )
    if len({sums.estimator for sums in found.values()}) > 1:
        each = ", ".join(f"{name} by {sums.estimator}" for name, sums in found.items())
        warnings.append(f"estimators differ between factors: {each}")
    if not varies.any():
        warnings.append("no latent varies: the representation has collapsed")
    return warnings
