"""Regressors of the classes' numbers, as the review of metrics fits them for DCI."""

from typing import Literal, NamedTuple, final

import numpy as np
from jaxtyping import Float

from drbench.conventions.convention import NoValueError
from drbench.metrics.estimate.splits import Split

Regressor = Literal["Lasso", "random forest"]
_GRIDS: dict[Regressor, dict[str, list[float]]] = {
    "Lasso": {"alpha": [0.0001, 0.001, 0.01, 0.1, 0.2, 0.4, 0.8, 1.0]},
    "random forest": {
        "max_depth": [8, 16, 32, 64, 128],
        "max_features": [0.2, 0.4, 0.8, 1.0],
    },
}
_FOLDS = 10


@final
class Regression(NamedTuple):
    """What a regressor of one factor found."""

    importances: Float[np.ndarray, "latent"]
    """Absolute coefficients, or the forest's importances."""
    truth: Float[np.ndarray, "k"]
    """The factor in the test rows, in [0, 1]."""
    predicted: Float[np.ndarray, "k"]
    """What was predicted of it."""


def regress(
    regressor: Regressor,
    latents: Float[np.ndarray, "n latent"],
    values: Float[np.ndarray, "n"],
    split: Split,
    seed: int,
) -> Regression:
    """Predict a factor's number from all latents, both scaled to [0, 1].

    The penalty of the Lasso, or depth and features of a forest of 10 trees, are those with the
    smallest mean squared error in 10 folds, which are consecutive rows.

    Raises
    ------
    NoValueError
        For fewer rows than folds, which scikit-learn refuses.
    """
    if len(split.train) < _FOLDS:
        raise NoValueError(f"scikit-learn refuses {_FOLDS} folds of {len(split.train)} rows")
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.linear_model import Lasso
    from sklearn.model_selection import GridSearchCV
    from sklearn.preprocessing import minmax_scale

    is_linear = regressor == "Lasso"
    forest = RandomForestRegressor(n_estimators=10, random_state=seed)
    kind = Lasso(max_iter=5000) if is_linear else forest
    search = GridSearchCV(kind, _GRIDS[regressor], cv=_FOLDS, scoring="neg_mean_squared_error")
    inputs, outputs = minmax_scale(latents), minmax_scale(values)
    model = search.fit(inputs[split.train], outputs[split.train]).best_estimator_
    importances = np.abs(model.coef_) if is_linear else model.feature_importances_
    return Regression(importances, outputs[split.test], model.predict(inputs[split.test]))
