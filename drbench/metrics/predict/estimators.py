"""What predicts one factor from standardised latents: linear models and networks."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, final

import numpy as np
from jaxtyping import Float, Shaped
from pydantic import Field

from drbench.metrics.estimate.parallel import in_parallel
from drbench.metrics.estimate.splits import Split

Penalty = Annotated[float, Field(gt=0)]
Epochs = Annotated[int, Field(ge=1)]
_ITERATIONS = 2000
_EARLY_FROM = 2000
"""Training rows from which a tenth of them can say when a network should stop."""


@final
class Problem(NamedTuple):
    """A factor to predict."""

    latents: Float[np.ndarray, "n latent"]
    """Standardised."""
    labels: Shaped[np.ndarray, "n"]
    """Its classes, or its values, standardised."""
    split: Split
    is_class: bool
    seed: int
    """Of whatever is random in a predictor."""


@final
class Prediction(NamedTuple):
    """What a predictor makes of a factor."""

    importances: Float[np.ndarray, "latent"]
    """How much each latent matters; they sum to 1, or are all 0."""
    recalled: Shaped[np.ndarray, "k"]
    """Classes or values of the training rows."""
    predicted: Shaped[np.ndarray, "m"]
    """Classes or values of the held-out rows."""
    converged: bool = True
    """Whether the fit stopped by itself."""


class Predictor(ABC):
    """What learns to predict a factor. Its fields are all that a prediction depends on."""

    @abstractmethod
    def predict(self, problems: Mapping[int, Problem]) -> Iterable[tuple[int, Prediction]]:
        """Learn each factor from its training rows, and predict these and the held-out ones."""


class Estimator(Predictor):
    """A predictor that fits an estimator of scikit-learn."""

    @abstractmethod
    def model(self, labels: Shaped[np.ndarray, "k"], *, is_class: bool, seed: int) -> Any:
        """Scikit-learn estimator for these training labels, not yet fitted."""

    @abstractmethod
    def importances(self, model: Any) -> Float[np.ndarray, "latent"]:
        """How much each column matters to a fitted estimator, 0 or more."""

    @abstractmethod
    def converged(self, model: Any) -> bool:
        """Whether a fitted estimator stopped by itself."""

    def predict(self, problems: Mapping[int, Problem]) -> Iterable[tuple[int, Prediction]]:
        calls = {j: (self, problem) for j, problem in problems.items()}
        return in_parallel(_predict, calls, "predictors, factors").items()


@final
@dataclass(frozen=True)
class Linear(Estimator):
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


@final
@dataclass(frozen=True)
class Mlp(Estimator):
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


def _predict(estimator: Estimator, problem: Problem) -> Prediction:
    seen, unseen = (problem.latents[rows] for rows in problem.split)
    labels = problem.labels[problem.split.train]
    model = fitted(estimator, seen, labels, is_class=problem.is_class, seed=problem.seed)
    importances = estimator.importances(model)
    return Prediction(
        importances / max(importances.sum(), np.finfo(float).tiny),
        model.predict(seen),
        model.predict(unseen),
        estimator.converged(model),
    )


def fitted(
    estimator: Estimator,
    latents: Float[np.ndarray, "k latent"],
    labels: Shaped[np.ndarray, "k"],
    *,
    is_class: bool,
    seed: int,
) -> Any:
    """Scikit-learn estimator fitted to standardised latents."""
    from sklearn.exceptions import ConvergenceWarning

    model = estimator.model(labels, is_class=is_class, seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # `converged` tells
        return model.fit(latents, labels)
