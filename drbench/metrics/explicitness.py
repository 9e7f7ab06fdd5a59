"""Explicitness: how well a linear score ranks each class of a factor above the others."""

import numpy as np
from jaxtyping import Bool, Float, Int

from drbench.metrics.estimate.factors import select
from drbench.metrics.estimate.parallel import in_parallel
from drbench.metrics.estimate.results import mean_of, result_of
from drbench.metrics.estimate.scaling import Scaling
from drbench.metrics.estimate.splits import Split, split_fault, split_name, split_rows
from drbench.metrics.metric import metric
from drbench.metrics.predict.estimators import Linear, Penalty, fitted
from drbench.metrics.result import MetricResult
from drbench.representation.representation import Representation


@metric(
    title="Explicitness (one-vs-rest AUC)",
    measures="linear explicitness",
    range=(-1.0, 1.0),
    source="Ridgeway, Mozer, NeurIPS 2018, arXiv 1802.05312",
    cost="seconds",
    tolerance=2e-3,  # the fit stops near its end, and a held-out row changes sides; not measured
    invariances={
        "permute_latents": 0.01,
        "flip_signs": 0.01,
        "scale": 0.01,
        "rename_classes": 0.06,
        "reorder_rows": 0.08,
        "append_constant": 0.01,
        "label_type": 0.0,
        "jobs": 0.0,
    },
    faults=(
        "No linear score ranks the middle class of an ordinal factor first that sits on one "
        "latent: a perfect code scores below 1. Compare with `reference`.",
        "Other libraries rank by multinomial probabilities, on the training rows, or report the "
        "AUC itself (chance 0.5): those are other numbers.",
    ),
)
def explicitness(
    representation: Representation, *, seed: int, penalty: Penalty = 1.0
) -> MetricResult:
    """Area under the ROC curve of one-vs-rest logistic regression, 0 at chance.

    One binary regression on standardised latents per class; 2 * AUC - 1 of its score on held-out
    rows (module `splits`), mean over the classes found there, then over the factors. The value is
    in [-1, 1], higher is better, 0 is chance. Continuous factors have no classes and are declined;
    single-valued factors are left out.

    Parameters
    ----------
    representation : Representation
        What is scored.
    seed : int
        Seed of the split.
    penalty : float
        Weight of half the squared coefficients against the loss summed over the training rows
        (one over scikit-learn's C).

    Returns
    -------
    MetricResult
        `per_factor`: mean over the factor's classes. `reference`: each factor alone on one latent,
        in the order of its classes.
    """
    selection = select(representation, continuous="AUC ranks one class above the others")
    splits = {j: split_rows(representation, j, seed) for j in selection.used}
    selection = selection.without(
        {j: _fault(representation, j, split) for j, split in splits.items()}
    )
    used = selection.used
    latents = Scaling.of(representation.latents).apply(representation.latents)
    found = in_parallel(
        _one_vs_rest,
        {j: (latents, representation.codes[:, j], splits[j], penalty, seed) for j in used},
        "explicitness, factors",
    )
    scores = {j: score for j, (score, _) in found.items()}
    references = [perfect_explicitness(np.bincount(representation.codes[:, j])) for j in used]
    cut = tuple(
        f"factor {representation.factors[j].name}: the predictor was cut off before it converged"
        for j, (_, converged) in found.items()
        if not converged
    )
    return result_of(
        representation,
        selection,
        value=mean_of(scores.values()),
        scores=scores,
        parameters={"seed": seed, "penalty": penalty, "split": split_name(representation)},
        reference=mean_of(references),
        chance=0.0,
        warnings=cut,
    )


def _fault(representation: Representation, factor: int, split: Split) -> str | None:
    """Why a factor cannot be scored with a split; else None."""
    fault = split_fault(representation, factor, split)
    if fault or len(np.unique(representation.codes[split.test, factor])) > 1:
        return fault
    name = representation.factors[factor].name
    return f"factor {name} has a single value in the held-out rows, which cannot be ranked"


def _one_vs_rest(
    latents: Float[np.ndarray, "n latent"],
    labels: Int[np.ndarray, "n"],
    split: Split,
    penalty: float,
    seed: int,
) -> tuple[float, bool]:
    """Mean over the held-out classes; the second answer is whether every fit converged."""
    predictor = Linear(penalty)
    ranks, converged = [], True
    for label in np.unique(labels[split.test]):
        is_label = labels == label
        seen = latents[split.train]
        model = fitted(predictor, seen, is_label[split.train], is_class=True, seed=seed)
        converged &= predictor.converged(model)
        ranks.append(rank_gap(model.decision_function(latents[split.test]), is_label[split.test]))
    return float(np.mean(ranks)), converged


def rank_gap(score: Float[np.ndarray, "k"], positive: Bool[np.ndarray, "k"]) -> float:
    """2 * AUC - 1: how often a positive scores above a negative, less how often below.

    Examples
    --------
    >>> rank_gap(np.array([3.0, 2.0, 1.0]), np.array([True, False, False]))
    1.0
    >>> rank_gap(np.array([3.0, 2.0, 1.0]), np.array([False, True, False]))
    0.0
    """
    negatives = np.sort(score[~positive])
    below = np.searchsorted(negatives, score[positive], side="left").mean()
    not_above = np.searchsorted(negatives, score[positive], side="right").mean()
    return float((below + not_above) / len(negatives) - 1)


def perfect_explicitness(counts: Int[np.ndarray, "k"]) -> float:
    """Explicitness of a factor on a latent of its own, from the number of rows of each class.

    The score of a class rises along the latent if the class lies above the mean, else it falls.

    Examples
    --------
    >>> perfect_explicitness(np.array([5, 5]))
    1.0
    >>> round(perfect_explicitness(np.array([5, 5, 5])), 4)
    0.6667
    """
    place = np.arange(len(counts))
    present = counts > 0
    mean = (place * counts).sum() / counts.sum()
    below = np.cumsum(counts) - counts
    above = counts.sum() - counts - below
    gaps = np.sign(place - mean) * (below - above) / (below + above)
    return float(gaps[present].mean())
