"""Which factors a convention scores."""

from typing import Literal

from drbench.metrics.estimate.factors import select
from drbench.representation.representation import Representation

SingleValued = Literal["left out", "counted"]


def factors_of(representation: Representation, single_valued: SingleValued) -> tuple[int, ...]:
    """Columns of the factors that vary, or of all."""
    if single_valued == "counted":
        return tuple(range(len(representation.factors)))
    return select(representation).used


def why_not(representation: Representation) -> str | None:
    """Why the conventions cannot be compared: what some of them cannot even be given."""
    for factor in representation.factors:
        if factor.size is None:
            return f"factor {factor.name} is continuous; the conventions differ in what to do then"
    if representation.has_vector_units:
        return "some units have several columns; the libraries know scalar latents only"
    if representation.latents.shape[1] < 2:
        return "there is one latent, and the scores compare two"
    return None if len(select(representation).used) > 1 else "fewer than two factors vary"
