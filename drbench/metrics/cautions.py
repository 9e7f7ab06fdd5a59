"""What makes any metric's score of a sample doubtful: too few rows, absent classes, coarse bins."""

from collections.abc import Iterator

import numpy as np

from drbench.metrics.result import MetricResult
from drbench.representation.representation import Representation

FEW_ROWS = 100
"""With fewer rows than this hardly any score is more than chance."""
FEW_OF_A_CLASS = 10
"""With fewer rows of a class than this nothing is known of it."""


def cautions(representation: Representation, result: MetricResult) -> Iterator[str]:
    """Sentences about the sample that concern a result.

    A score with standard errors says itself how sure it is; rows are counted for the others. A
    factor concerns those that have a score for it, bins those that have bins.
    """
    unsure, n = result.standard_error is None, len(representation.codes)
    if unsure and n < FEW_ROWS:
        yield f"{n} row{'s' if n > 1 else ''} only: below {FEW_ROWS} most of a score is chance"
    bins = result.parameters.get("bins")
    for factor, column in zip(representation.factors, representation.codes.T, strict=True):
        if factor.size is None or result.per_factor.get(factor.name) is None:
            continue
        counts = np.bincount(column, minlength=factor.size)
        present = int(np.count_nonzero(counts))
        rare = int(np.count_nonzero(counts < FEW_OF_A_CLASS)) - (factor.size - present)
        where = f"factor {factor.name}"
        if 1 < present < factor.size:
            yield f"{where}: {factor.size - present} of its {factor.size} classes do not occur here"
        if rare and unsure and n >= FEW_ROWS:
            yield (
                f"{where}: {rare} of {present} classes have fewer than {FEW_OF_A_CLASS} rows: "
                "score more rows"
            )
        if bins is not None and present > int(bins):
            yield (
                f"{where} has {present} levels, more than the {bins} bins of a latent: "
                "compare with the reference"
            )
