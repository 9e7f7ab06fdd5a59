"""SAP: the gap between the two latents that alone predict a factor best."""

import numpy as np
from jaxtyping import Float, Shaped

from drbench.metrics.estimate.factors import select, target
from drbench.metrics.estimate.parallel import in_parallel
from drbench.metrics.estimate.results import mean_of, result_of
from drbench.metrics.estimate.scaling import Scaling
from drbench.metrics.estimate.splits import Split, split_fault, split_name, split_rows
from drbench.metrics.metric import metric
from drbench.metrics.predict.predictors import perfect_code
from drbench.metrics.result import MetricResult
from drbench.representation.representation import Representation

PUBLISHED_PENALTY = 0.01
"""C of the published code."""
_PUBLISHED_ROWS = 10_000
"""Rows that it trains on."""


@metric(
    title="SAP (separated attribute predictability)",
    measures="compactness",
    range=(0.0, 1.0),
    source="Kumar, Sattigeri, Balakrishnan, ICLR 2018, arXiv 1711.00848; support vector machine "
    "as in Locatello et al., ICML 2019",
    cost="seconds",
    tolerance=2e-3,  # the fit stops near its end, and a held-out row changes sides; not measured
    invariances={
        "permute_latents": 1e-9,
        "flip_signs": 0.01,
        "scale": 0.01,
        "rename_classes": 0.05,
        "reorder_rows": 0.06,
        "append_constant": 1e-9,
        "label_type": 0.0,
        "jobs": 0.0,
    },
    faults=(
        "One linear machine per class does not find the middle classes of a factor along one "
        "latent: a perfect code scores far below 1. Compare with `reference`.",
        "The published penalty (C = 0.01 times the loss summed over 10,000 rows) makes values "
        "depend on the scale of the latents and on the number of rows: with 480 rows a perfect "
        "code loses whole factors. Here latents are standardised, and C is 100 over the training "
        "rows: the same where there are 10,000.",
        "The definition reads classes off one latent by thresholds, which find the middle ones "
        "too: the perfect code of a grid then scores 1 less the mean share of the most frequent "
        "class.",
        "Duplicated latents give 0 by design.",
    ),
)
def sap(representation: Representation, *, seed: int) -> MetricResult:
    """Score of the latent that alone predicts a factor best, less that of the second best.

    The score of a factor with classes is the held-out accuracy (module `splits`) of one-vs-rest
    linear support vector machines on one standardised latent: squared hinge loss, C = 100 over the
    training rows (0.01 at the published 10,000), classes weighted inversely to their frequency.
    That of a continuous factor is the squared correlation. A constant latent scores 0. The value is
    the mean over the factors, in [0, 1], higher is better. Units of several columns and a single
    latent are declined; single-valued factors are left out.

    Parameters
    ----------
    representation : Representation
        What is scored; at least two latents.
    seed : int
        Seed of the split, and of the rows' order for `chance`.

    Returns
    -------
    MetricResult
        `matrix`: score of each latent (latent, factor). `reference`: the factors themselves as
        latents, fitted alike. `chance`: the same latents with their rows shuffled.
    """
    selection = select(representation, vectors="SAP predicts from one latent at a time")
    selection = selection.comparing_latents("SAP", representation)
    splits = {j: split_rows(representation, j, seed) for j in selection.used}
    selection = selection.without(
        {j: split_fault(representation, j, split) for j, split in splits.items()}
    )
    used = selection.used
    latents = Scaling.of(representation.latents).apply(representation.latents)
    codes = [latents, np.random.default_rng(seed).permutation(latents)]
    if used:
        perfect = perfect_code(representation, used).mean
        codes.append(Scaling.of(perfect).apply(perfect))
    calls = {}
    for j in used:
        is_class = representation.factors[j].size is not None
        calls[j] = (codes, target(representation, j), splits[j], is_class)
    found = in_parallel(_predictability, calls, "support vector machines, factors")
    scores = {j: gap(own) for j, (own, _, _) in found.items()}
    matrix = np.full((latents.shape[1], len(representation.factors)), np.nan)
    for j, (own, _, _) in found.items():
        matrix[:, j] = own
    return result_of(
        representation,
        selection,
        value=mean_of(scores.values()),
        scores=scores,
        parameters={"seed": seed, "split": split_name(representation)},
        reference=mean_of(gap(best) for _, _, best in found.values()),
        chance=mean_of(gap(none) for _, none, _ in found.values()),
        matrix=matrix,
    )


def gap(scores: Float[np.ndarray, "latent"]) -> float:
    """Best less second best; a single latent is compared with 0.

    Examples
    --------
    >>> gap(np.array([0.25, 1.0, 0.5]))
    0.5
    """
    second, best = np.sort(np.append(scores, 0.0))[-2:]
    return float(best - second)


def penalty(rows: int) -> float:
    """C of a support vector machine: as much weight on the mean loss as the published code has.

    Examples
    --------
    >>> penalty(10_000), penalty(500)
    (0.01, 0.2)
    """
    return PUBLISHED_PENALTY * _PUBLISHED_ROWS / rows


def _predictability(
    codes: list[Float[np.ndarray, "n _"]],
    labels: Shaped[np.ndarray, "n"],
    split: Split,
    is_class: bool,
) -> list[Float[np.ndarray, "_"]]:
    """Score of every standardised latent of some codes."""
    alone = _accuracy if is_class else _squared_correlation
    return [
        np.array([alone(z, labels, split) if z.any() else 0.0 for z in code.T]) for code in codes
    ]


def _accuracy(
    latent: Float[np.ndarray, "n"], labels: Shaped[np.ndarray, "n"], split: Split
) -> float:
    from sklearn.svm import LinearSVC

    # The primal problem is the faster one in one dimension. Its solution does not depend on the
    # random state, without which the estimator would draw from numpy's global generator.
    c = penalty(len(split.train))
    model = LinearSVC(C=c, class_weight="balanced", dual=False, random_state=0)
    model.fit(latent[split.train, None], labels[split.train])
    return float(np.mean(model.predict(latent[split.test, None]) == labels[split.test]))


def _squared_correlation(
    latent: Float[np.ndarray, "n"], labels: Shaped[np.ndarray, "n"], split: Split
) -> float:
    values = Scaling.of(labels[:, None]).apply(labels[:, None])[:, 0]
    # Both are standardised, or constant and 0; rounding alone takes a perfect fit beyond 1.
    return min(1.0, float(np.mean(latent * values) ** 2))
