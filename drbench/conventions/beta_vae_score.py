"""BetaVAE score under the conventions of other libraries."""

import warnings
from dataclasses import dataclass
from typing import Literal, final

import numpy as np

from drbench.conventions.convention import Choices, Convention, Parts
from drbench.conventions.draws import (
    Factors,
    Rows,
    Scale,
    differences_by_class,
    differences_of_any_pair,
    draw,
    scaled,
)
from drbench.conventions.factors import SingleValued, factors_of
from drbench.conventions.rows import IN_ORDER, SAME_ROWS
from drbench.metrics.beta_vae_score import differences
from drbench.metrics.estimate.scaling import Scaling
from drbench.representation.representation import Representation

_STATISTICS = {
    "another row": differences,
    "any row": differences_of_any_pair,
    "another row, by class": differences_by_class,
}


@final
@dataclass(frozen=True)
class BetaVae(Choices):
    """What the definition of the BetaVAE score leaves open.

    `input` of the classifier: latents and their differences, standardised or as they are.
    `partner` of a row: of its class, itself or not, classes as frequent as in the sample or equally
    so. `iterations` after which the classifier is cut off.
    """

    rows: Rows = "a third held out"
    input: Literal["standardised", "as it is"] = "standardised"
    iterations: int = 2_000
    batch: int = 64
    partner: Literal["another row", "any row", "another row, by class"] = "another row"
    factors: Factors = "as they are"
    single_valued_factors: SingleValued = "left out"
    scale: Scale = "accuracy"

    def score(self, representation: Representation, seed: int) -> Parts:
        latents = representation.latents
        if self.input == "standardised":
            latents = Scaling.of(latents).apply(latents)
        train, test = draw(
            representation,
            latents,
            _STATISTICS[self.partner],
            rows=self.rows,
            factors=self.factors,
            single_valued=self.single_valued_factors,
            batch=self.batch,
            count="10,000 and 5,000",
            seed=seed,
        )
        seen, unseen = train.statistics, test.statistics
        if self.input == "standardised":
            scaling = Scaling.of(seen)
            seen, unseen = scaling.apply(seen), scaling.apply(unseen)
        guessed = self._guessed(seen, train.factor, unseen)
        factors = len(factors_of(representation, self.single_valued_factors))
        accuracy = float(np.mean(guessed == test.factor))
        return {"accuracy": scaled(accuracy, factors, self.scale)}

    def _guessed(self, seen: np.ndarray, factor: np.ndarray, unseen: np.ndarray) -> np.ndarray:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the cut is part of the convention
            model = LogisticRegression(max_iter=self.iterations).fit(seen, factor)
        return np.asarray(model.predict(unseen))


_INPUT = "The input is not standardised: the scale of the latents moves the score."
CONVENTIONS = (
    Convention(
        "disentanglement_lib",
        "google-research/disentanglement_lib, evaluation/metrics/beta_vae.py: "
        "compute_beta_vae_sklearn; config/unsupervised_study_v1/metric_configs/"
        "beta_vae_sklearn.gin",
        BetaVae(
            rows="fresh",
            input="as it is",
            iterations=100,
            partner="any row",
            single_valued_factors="counted",
        ),
        faults=(_INPUT,),
    ),
    Convention(
        "Ubisoft review",
        "ubisoft/ubisoft-laforge-disentanglement-metrics, src/metrics/z_diff.py: z_diff; "
        "src/experiments/config.py",
        BetaVae(
            rows="all rows, tested on themselves",
            input="as it is",
            iterations=10_000,
            batch=200,
            partner="another row, by class",
            factors="10 bins",
            single_valued_factors="counted",
            scale="0 at chance",
        ),
        faults=(_INPUT, SAME_ROWS),
    ),
    Convention(
        "seed paper's code",
        "JacopoDapueto/transfer_disentanglement, src/evaluation/metrics/beta_vae_score.py: "
        "compute_beta_vae_sklearn",
        BetaVae(
            rows="first two thirds, last third",
            input="as it is",
            iterations=100,
            partner="any row",
            single_valued_factors="counted",
        ),
        faults=(_INPUT, IN_ORDER),
    ),
)
