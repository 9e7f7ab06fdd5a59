"""Linear probe: how well a linear predictor reads each factor from the whole code."""

from drbench.metrics.metric import metric
from drbench.metrics.predict.estimators import Linear, Penalty
from drbench.metrics.predict.fits import mean_test, prediction_result
from drbench.metrics.predict.predictors import fit_full_code, fit_perfect_code
from drbench.metrics.result import MetricResult
from drbench.representation.representation import Representation


@metric(
    title="Linear probe",
    measures="linear explicitness",
    range=(0.0, 1.0),
    source="Alain, Bengio, 2016, arXiv 1610.01644",
    cost="seconds",
    tolerance=2e-3,  # the fit stops near its end, and a held-out row changes sides; not measured
    invariances={
        "permute_latents": 0.01,
        "flip_signs": 0.01,
        "scale": 0.01,
        "rename_classes": 0.06,
        "reorder_rows": 0.06,
        "append_constant": 0.01,
        "label_type": 0.0,
        "jobs": 0.0,
    },
    faults=(
        "Accuracy has no common floor: read each factor beside its number of classes, and the "
        "mean beside `chance`.",
        "The penalty counts: with few rows to a class even a perfect code is not read in full. "
        "Compare with `reference`.",
    ),
)
def probe(representation: Representation, *, seed: int, penalty: Penalty = 1.0) -> MetricResult:
    """Accuracy of multinomial logistic regression on held-out rows, mean over the factors.

    Latents are standardised; the fit is by L-BFGS with an L2 penalty. Two thirds of the rows
    train, one third tests (module `splits`). Continuous factors count with the R^2 of ridge
    regression. The value is in [0, 1], higher is better. A class that the training rows lack is a
    reason to have no value; single-valued factors are left out.

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
        `per_factor`: accuracy or R^2. `parts`: balanced_accuracy (mean recall over classes, then
        over the factors that have classes). `reference`: the factors themselves as latents, fitted
        alike. `chance`: always naming the most frequent class.
    """
    predictor = Linear(penalty)
    found = fit_full_code(representation, predictor, seed=seed)
    perfect = fit_perfect_code(representation, found, predictor, seed=seed)
    return prediction_result(
        representation,
        found,
        parameters={"seed": seed, "penalty": penalty},
        reference=mean_test(perfect) if perfect else None,
    )
