"""Gradient boosted trees as a predictor, compiled or scikit-learn's own."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, final

import numpy as np
from pydantic import Field

from drbench.metrics.estimate.parallel import in_parallel
from drbench.metrics.predict.estimators import Prediction, Predictor, Problem
from drbench.progress import track

if TYPE_CHECKING:
    from drbench.metrics.predict.boosting import Workers

Engine = Literal["compiled", "sklearn"]
Rounds = Annotated[int, Field(ge=1)]
_LABEL = "gradient boosted trees, factors"


@final
@dataclass(frozen=True)
class Trees(Predictor):
    """Gradient boosted trees: scikit-learn's with its defaults, or the same compiled.

    They are those of its GradientBoostingClassifier, for a continuous factor of its
    GradientBoostingRegressor. Where the values of a latent are distinct, both engines grow the same
    trees from one seed, to the last bit. Trees do not notice that latents are standardised, which
    keeps them within the range of float32.
    """

    rounds: int = 100
    """Boosting rounds."""
    engine: Engine = "compiled"
    """Who fits."""

    def predict(self, problems: Mapping[int, Problem]) -> Iterable[tuple[int, Prediction]]:
        if self.engine == "compiled":
            return _on_threads(problems, self.rounds)
        calls = {j: (problem, self.rounds) for j, problem in problems.items()}
        return in_parallel(predict_by_sklearn, calls, _LABEL).items()


def _on_threads(problems: Mapping[int, Problem], rounds: int) -> Iterator[tuple[int, Prediction]]:
    """The factors with most classes first: they grow most trees.

    One fit more than there are processors keeps the threads busy while a fit waits for its round.
    """
    import joblib

    from drbench.metrics.predict.boosting import workers

    if not problems:
        return
    processors = joblib.cpu_count()
    factors = sorted(problems, key=lambda j: -_trees(problems[j]))
    with workers(processors) as crew:
        predictions = joblib.Parallel(
            min(len(factors), processors + 1), prefer="threads", return_as="generator"
        )(joblib.delayed(predict_compiled)(problems[j], rounds, crew) for j in factors)
        yield from zip(factors, track(predictions, _LABEL, len(factors)), strict=True)


def _trees(problem: Problem) -> int:
    """Trees of a round."""
    return len(np.unique(problem.labels)) if problem.is_class else 1


def predict_compiled(problem: Problem, rounds: int, crew: "Workers") -> Prediction:
    """Grow the compiled trees of one factor."""
    from drbench.metrics.predict.boosting import boost

    seen, unseen = (problem.latents[rows].astype(np.float32) for rows in problem.split)
    boosted = boost(
        seen,
        problem.labels[problem.split.train],
        unseen,
        is_class=problem.is_class,
        rounds=rounds,
        seed=problem.seed,
        crew=crew,
    )
    return Prediction(boosted.importances, boosted.predicted, boosted.predicted_unseen)


def predict_by_sklearn(problem: Problem, rounds: int) -> Prediction:
    """Let scikit-learn grow the trees of one factor."""
    from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

    kind = GradientBoostingClassifier if problem.is_class else GradientBoostingRegressor
    seen, unseen = (problem.latents[rows].astype(np.float32) for rows in problem.split)
    model = kind(n_estimators=rounds, random_state=problem.seed)
    model.fit(seen, problem.labels[problem.split.train])
    importances = np.asarray(model.feature_importances_, dtype=np.float64)
    return Prediction(importances, model.predict(seen), model.predict(unseen))
