"""Which factors a metric can score, and what it says of the others."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from jaxtyping import Float, Shaped

from drbench.representation.representation import Representation


@final
@dataclass(frozen=True)
class Selection:
    """Factors of a representation, sorted by what a metric can do with them."""

    used: tuple[int, ...]
    """Columns of the factors that are scored."""
    declined: dict[int, str]
    """Why a factor cannot be scored, by column; the metric then has no value."""
    warnings: tuple[str, ...]
    """Factors with a single value: they are left out, the metric keeps its value."""

    @property
    def reason(self) -> str | None:
        """Why the metric has no value; None if all factors that vary are scored."""
        return reason_for(self.used, self.declined)

    def without(self, faults: Mapping[int, str | None]) -> "Selection":
        """The same less the factors that have a fault."""
        declined = self.declined | {j: fault for j, fault in faults.items() if fault}
        used = tuple(j for j in self.used if j not in declined)
        return replace(self, used=used, declined=declined)

    def comparing_latents(self, name: str, representation: Representation) -> "Selection":
        """The same for a metric that compares two latents."""
        if representation.latents.shape[1] > 1:
            return self
        return self.without(dict.fromkeys(self.used, f"{name} compares two latents, there is one"))

    def comparing_factors(self, name: str) -> "Selection":
        """The same for a metric that compares two factors."""
        if len(self.used) > 1:
            return self
        alone = f"{name} compares factors, and one alone varies here"
        rest = replace(self, used=())
        return rest if self.declined else self.without(dict.fromkeys(self.used, alone))


def select(
    representation: Representation, *, continuous: str | None = None, vectors: str | None = None
) -> Selection:
    """Sort the factors.

    Parameters
    ----------
    representation : Representation
        What is scored.
    continuous : str, optional
        Why the metric declines continuous factors; None if it takes them.
    vectors : str, optional
        Why the metric declines units of several columns; None if it takes them.
    """
    used: list[int] = []
    declined: dict[int, str] = {}
    warnings: list[str] = []
    declines_vectors = vectors is not None and representation.has_vector_units
    for j, factor in enumerate(representation.factors):
        column = target(representation, j)
        if column.min() == column.max():
            warnings.append(f"factor {factor.name} has a single value here and is left out")
        elif declines_vectors:
            declined[j] = f"factor {factor.name}: some units have several columns; {vectors}"
        elif continuous and factor.size is None:
            declined[j] = (
                f"factor {factor.name} is continuous; {continuous}: leave it out, or bin it into "
                "classes"
            )
        else:
            used.append(j)
    return Selection(tuple(used), declined, tuple(warnings))


def target(representation: Representation, factor: int) -> Shaped[np.ndarray, "n"]:
    """What is predicted of a factor: its classes or, of a continuous one, its values."""
    if representation.factors[factor].size is None:
        assert representation.values is not None  # checked on creation
        return representation.values[:, factor]
    return representation.codes[:, factor]


def perfect_code(representation: Representation) -> Float[np.ndarray, "n factor"]:
    """Latents that are the factors themselves: what a perfect code would be."""
    columns = [target(representation, j) for j in range(len(representation.factors))]
    return np.column_stack([np.empty((len(representation.latents), 0)), *columns])


def by_factor(
    representation: Representation, scores: Mapping[int, float]
) -> dict[str, float | None]:
    """Scores by name, in the order of the factors; None where there is none."""
    return {
        name: float(scores[j]) if j in scores else None
        for j, name in enumerate(representation.factor_names)
    }


def reason_for(
    used: Mapping[int, float] | tuple[int, ...], declined: Mapping[int, str]
) -> str | None:
    """Why a metric has no value: the first declined factors, or that no factor varies."""
    if declined:
        reasons = list(dict.fromkeys(declined[j] for j in sorted(declined)))
        more = f" (and {len(reasons) - 3} more factors)" if len(reasons) > 3 else ""
        return "; ".join(reasons[:3]) + more
    return None if used else "no factor has two different values"


def spread_out(
    table: Float[np.ndarray, "latent factor"], used: tuple[int, ...], factors: int
) -> Float[np.ndarray, "latent column"]:
    """A table of the scored factors among all factors; NaN in the columns of the others."""
    matrix = np.full((len(table), factors), np.nan)
    matrix[:, list(used)] = table
    return matrix


def rows_of(matrix: Float[np.ndarray, "latent factor"]) -> tuple[tuple[float | None, ...], ...]:
    """A matrix for a result; NaN marks the columns of factors that are not scored."""
    return tuple(tuple(None if np.isnan(x) else float(x) for x in row) for row in matrix)
