"""The result of a metric: what stands, and what does not where there is a reason for no value."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from drbench.metrics.estimate.factors import Selection, by_factor, rows_of
from drbench.metrics.result import MetricResult
from drbench.representation.representation import Representation


def result_of(
    representation: Representation,
    selection: Selection | None,
    *,
    value: float | None,
    scores: Mapping[int, float],
    parameters: Mapping[str, str | int | float | bool | None],
    parts: Mapping[str, float | None] | None = None,
    reference: float | None = None,
    chance: float | None = None,
    matrix: Float[np.ndarray, "unit factor"] | None = None,
    warnings: tuple[str, ...] = (),
    reason: str | None = None,
    **others: Any,
) -> MetricResult:
    """A result, without what is undefined.

    Parameters
    ----------
    representation : Representation
        What was scored.
    selection : Selection or None
        Its factors, sorted; None for a metric of the latents alone. Where one of them is declined,
        or none varies, there is no value, part, reference or chance; other factors' scores stand.
    value : float or None
        The score, ignored where there is a reason for no value.
    scores : mapping of int to float
        Score of each factor that has one, by column.
    parameters : mapping of str to value
        Every parameter that the score depends on.
    parts : mapping of str to float or None
        Named components; they stand beside a `reason`.
    reference, chance : float or None
        What the value is compared with.
    matrix : (unit, factor), optional
        Association; NaN in the columns of factors that are not scored.
    warnings : tuple of str
        What readers should know, beside what the selection says.
    reason : str, optional
        Why there is no value although the factors are scored.
    **others
        Further fields of the result.
    """
    unusable = selection.reason if selection else None
    parts = parts or {}
    reason = unusable or reason
    return MetricResult(
        value=None if reason else value,
        per_factor=by_factor(representation, scores),
        parts=dict.fromkeys(parts) if unusable else dict(parts),
        parameters=dict(parameters),
        n_samples=len(representation.latents),
        reference=None if reason else reference,
        chance=None if reason else chance,
        matrix=None if matrix is None else rows_of(matrix),
        warnings=(selection.warnings if selection else ()) + warnings,
        reason=reason,
        **others,
    )


def mean_of(scores: Iterable[float]) -> float | None:
    """Mean of some scores; None of none.

    Examples
    --------
    >>> mean_of([0.0, 1.0]), mean_of([])
    (0.5, None)
    """
    listed = list(scores)
    return float(np.mean(listed)) if listed else None
