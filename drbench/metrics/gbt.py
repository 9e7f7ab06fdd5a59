"""GBT explicitness: how well gradient boosted trees read each factor from the whole code."""

from drbench.metrics.metric import metric
from drbench.metrics.predict.fits import prediction_result
from drbench.metrics.predict.predictors import fit_full_code
from drbench.metrics.predict.trees import Engine, Rounds, Trees
from drbench.metrics.result import MetricResult
from drbench.representation.representation import Representation


@metric(
    title="GBT (factor classification)",
    measures="explicitness",
    range=(0.0, 1.0),
    source="Dapueto, Noceti, Odone, NeurIPS 2024, arXiv 2409.18017",
    cost="seconds",
    tolerance=0.02,  # .0073 were seen without vector units: a last bit becomes another split
    invariances={
        "permute_latents": 0.02,
        "flip_signs": 0.02,
        "scale": 0.01,
        "rename_classes": 0.02,
        "reorder_rows": 0.06,
        "append_constant": 0.02,
        "label_type": 0.0,
        "jobs": 0.0,
    },
    faults=(
        "Accuracy has no common floor: read each factor beside its number of classes, and the "
        "mean beside `chance`.",
    ),
)
def gbt(
    representation: Representation, *, seed: int, rounds: Rounds = 100, engine: Engine = "compiled"
) -> MetricResult:
    """Accuracy of gradient boosted trees on held-out rows, mean over the factors.

    Two thirds of the rows train, one third tests: stratified at random, or by the representation's
    split groups (module `splits`). Continuous factors count with their R^2. The value is in
    [0, 1], higher is better. A class that the training rows lack is a reason to have no value.

    Parameters
    ----------
    representation : Representation
        What is scored.
    seed : int
        Seed of the split and of the trees.
    rounds : int
        Boosting rounds.
    engine : {"compiled", "sklearn"}
        The same trees compiled, or scikit-learn's own: far slower, for reference.

    Returns
    -------
    MetricResult
        `per_factor`: accuracy or R^2. `parts`: balanced_accuracy (mean recall over classes, then
        over the factors that have classes). `chance`: always naming the most frequent class.
    """
    found = fit_full_code(representation, Trees(rounds, engine), seed=seed)
    parameters = {"seed": seed, "rounds": rounds, "engine": engine}
    return prediction_result(representation, found, parameters=parameters, reference=1.0)
