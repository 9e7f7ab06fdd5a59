"""MLP explicitness: how well a small neural network reads each factor from the whole code."""

from drbench.metrics.metric import metric
from drbench.metrics.predict.estimators import Epochs, Mlp
from drbench.metrics.predict.fits import prediction_result
from drbench.metrics.predict.predictors import fit_full_code
from drbench.metrics.result import MetricResult
from drbench.representation.representation import Representation


@metric(
    title="MLP (factor classification)",
    measures="explicitness",
    range=(0.0, 1.0),
    source="Dapueto, Noceti, Odone, NeurIPS 2024, arXiv 2409.18017",
    cost="seconds",
    tolerance=0.02,  # hundreds of epochs carry a last bit on; not measured
    invariances={
        # Weights start at random, and another order or sign is another start.
        "permute_latents": 0.08,
        "flip_signs": 0.08,
        "scale": 0.02,
        "rename_classes": 0.08,
        "reorder_rows": 0.1,
        "append_constant": 0.08,
        "label_type": 0.0,
        "jobs": 0.0,
    },
    faults=(
        "Accuracy has no common floor: read each factor beside its number of classes, and the "
        "mean beside `chance`.",
        "Another start of the weights moves the score by a few hundredths where rows are few.",
    ),
)
def mlp(representation: Representation, *, seed: int, epochs: Epochs = 500) -> MetricResult:
    """Accuracy of a network with one hidden layer on held-out rows, mean over the factors.

    Latents are standardised; for the network see `estimators.Mlp`. Two thirds of the rows train,
    one third tests (module `splits`). Continuous factors count with their R^2. The value is in
    [0, 1], higher is better. A class that the training rows lack is a reason to have no value;
    single-valued factors are left out.

    Parameters
    ----------
    representation : Representation
        What is scored.
    seed : int
        Seed of the split and of the network.
    epochs : int
        Passes over the training rows, at most; a warning names the factors that used them all.

    Returns
    -------
    MetricResult
        `per_factor`: accuracy or R^2. `parts`: balanced_accuracy (mean recall over classes, then
        over the factors that have classes). `chance`: always naming the most frequent class.
    """
    found = fit_full_code(representation, Mlp(epochs), seed=seed)
    parameters = {"seed": seed, "epochs": epochs}
    return prediction_result(representation, found, parameters=parameters, reference=1.0)
