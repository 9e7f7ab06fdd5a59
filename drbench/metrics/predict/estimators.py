"""Linear and neural estimators that predict one factor from standardised latents."""

import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, Any, final

import numpy as np
from jaxtyping import Float, Shaped
from pydantic import Field

Penalty = Annotated[float, Field(gt=0)]
Epochs = Annotated[int, Field(ge=1)]
_ITERATIONS = 2000
_EARLY_FROM = 2000
"""Training rows from which a tenth of them can say when a network should stop."""


class Predictor(ABC):
    """What is fitted to predict one factor from standardised latents."""

    @abstractmethod
    def model(self, labels: Shaped[np.ndarray, "k"], *, is_class: bool, seed: int) -> Any:
        """Scikit-learn estimator for these training labels, not yet fitted."""

    @abstractmethod
    def importances(self, model: Any) -> Float[np.ndarray, "latent"]:
        """How much each column matters to a fitted estimator, 0 or more."""

    @abstractmethod
    def converged(self, model: Any) -> bool:
        """Whether a fitted estimator stopped by itself."""

    @abstractmethod
    def seconds(self, rows: int, columns: int, classes: int) -> float:
        """Rough time of a fit."""


@final
@dataclass(frozen=True)
class Linear(Predictor):
    """Multinomial logistic regression by L-BFGS; ridge regression of a continuous factor.

    Importance is the absolute coefficient, the mean over the classes.
    """

    penalty: float
    """Weight of half the squared coefficients against the summed loss of the training rows."""

    def model(self, labels: Shaped[np.ndarray, "k"], *, is_class: bool, seed: int) -> Any:
        from sklearn.linear_model import LogisticRegression, Ridge

        if not is_class:
            return Ridge(self.penalty)
        return LogisticRegression(C=1 / self.penalty, max_iter=_ITERATIONS)

    def importances(self, model: Any) -> Float[np.ndarray, "latent"]:
        return np.abs(np.atleast_2d(model.coef_)).mean(axis=0)

    def converged(self, model: Any) -> bool:
        return model.n_iter_ is None or bool(np.max(model.n_iter_) < _ITERATIONS)

    def seconds(self, rows: int, columns: int, classes: int) -> float:
        return 1.5e-7 * rows * columns * classes


@final
@dataclass(frozen=True)
class Mlp(Predictor):
    """One hidden layer of 100 rectified units, by Adam with rate 0.01 and batches of 200.

    From 2,000 training rows on, a tenth of them is held out to stop early; with fewer, or classes
    of fewer than ten rows, training stops once the loss does not fall any more.
    """

    epochs: int
    """Passes over the training rows, at most."""

    def model(self, labels: Shaped[np.ndarray, "k"], *, is_class: bool, seed: int) -> Any:
        from sklearn.neural_network import MLPClassifier, MLPRegressor

        rarest = np.unique(labels, return_counts=True)[1].min() if is_class else len(labels)
        return (MLPClassifier if is_class else MLPRegressor)(
            learning_rate_init=0.01,
            batch_size=min(200, len(labels)),
            early_stopping=bool(len(labels) >= _EARLY_FROM and rarest >= 10),
            max_iter=self.epochs,
            random_state=seed,
        )

    def importances(self, model: Any) -> Float[np.ndarray, "latent"]:
        return np.abs(model.coefs_[0]).mean(axis=1)

    def converged(self, model: Any) -> bool:
        return bool(model.n_iter_ < self.epochs)

    def seconds(self, rows: int, columns: int, classes: int) -> float:
        return rows * (6e-5 + 3e-7 * (columns + classes))


def fitted(
    predictor: Predictor,
    latents: Float[np.ndarray, "k latent"],
    labels: Shaped[np.ndarray, "k"],
    *,
    is_class: bool,
    seed: int,
) -> Any:
    """Estimator fitted to standardised latents."""
    from sklearn.exceptions import ConvergenceWarning

    model = predictor.model(labels, is_class=is_class, seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # `converged` tells
        return model.fit(latents, labels)
