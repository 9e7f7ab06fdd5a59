"""FactorVAE score under the conventions of other libraries."""

from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from jaxtyping import Bool, Float

from drbench.conventions.convention import Choices, Convention, Parts
from drbench.conventions.draws import Count, Factors, Rows, Scale, draw, scaled, variances_by_class
from drbench.conventions.factors import SingleValued, factors_of
from drbench.conventions.rows import IN_ORDER, SAME_ROWS
from drbench.metrics.estimate.scaling import Scaling
from drbench.metrics.factor_vae_score import count_votes, least, variances
from drbench.representation.representation import Representation

_LEAST = {"below 0.05": 0.05, "below 0.02": 0.02, "none": 0.0}


@final
@dataclass(frozen=True)
class FactorVae(Choices):
    """What the definition of the FactorVAE score leaves open.

    `inactive`: standard deviation of latents without a vote. A constant latent that is not removed
    has variance 0 / 0, and numpy takes NaN for the smallest. `batches` hold rows with replacement
    and classes as frequent as in the sample, or no row twice and every class equally often.
    """

    rows: Rows = "a third held out"
    inactive: Literal["below 0.001 of the largest", "below 0.05", "below 0.02", "none"] = (
        "below 0.001 of the largest"
    )
    batch: int = 64
    draws: Count = "10,000 and 5,000"
    batches: Literal["with replacement", "without, by class"] = "with replacement"
    factors: Factors = "as they are"
    single_valued_factors: SingleValued = "left out"
    scale: Scale = "accuracy"

    def score(self, representation: Representation, seed: int) -> Parts:
        scaling = Scaling.of(representation.latents)
        active = self._active(representation.latents, scaling)
        if not active.any():
            return {"accuracy": 0.0}
        train, test = draw(
            representation,
            scaling.apply(representation.latents)[:, active],
            variances if self.batches == "with replacement" else variances_by_class,
            rows=self.rows,
            factors=self.factors,
            single_valued=self.single_valued_factors,
            batch=self.batch,
            count=self.draws,
            seed=seed,
        )
        for drawn in (train, test):
            drawn.statistics[:, scaling.spread[active] == 0] = np.nan
        width, height = int(active.sum()), len(representation.factors)
        votes = count_votes(least(train.statistics), train.factor, width, height)
        guessed = votes.argmax(axis=1)[least(test.statistics)]
        factors = len(factors_of(representation, self.single_valued_factors))
        accuracy = float(np.mean(guessed == test.factor))
        return {"accuracy": scaled(accuracy, factors, self.scale)}

    def _active(
        self, latents: Float[np.ndarray, "n latent"], scaling: Scaling
    ) -> Bool[np.ndarray, "latent"]:
        if self.inactive == "below 0.001 of the largest":
            return scaling.active(1e-3)
        return latents.std(axis=0, ddof=1) >= _LEAST[self.inactive]


_LIBRARY = FactorVae(rows="fresh", inactive="below 0.05", single_valued_factors="counted")
CONVENTIONS = (
    Convention(
        "disentanglement_lib",
        "google-research/disentanglement_lib, evaluation/metrics/factor_vae.py: "
        "compute_factor_vae; config/unsupervised_study_v1/metric_configs/factor_vae_metric.gin",
        _LIBRARY,
    ),
    Convention(
        "disent",
        "nmichlo/disent 0.8, disent/metrics/_factor_vae.py: metric_factor_vae",
        FactorVae(rows="fresh", inactive="none", single_valued_factors="counted"),
        faults=(
            "No latent is removed: a constant one has variance 0 / 0, gets every vote, and the "
            "score falls to chance.",
        ),
    ),
    Convention(
        "Ubisoft review",
        "ubisoft/ubisoft-laforge-disentanglement-metrics, src/metrics/z_min_var.py: z_min_var; "
        "src/experiments/config.py",
        FactorVae(
            rows="all rows, tested on themselves",
            inactive="below 0.02",
            batch=200,
            draws="800 and 800",
            batches="without, by class",
            factors="10 bins",
            single_valued_factors="counted",
            scale="0 at chance",
        ),
        faults=(SAME_ROWS,),
    ),
    Convention(
        "seed paper's code",
        "JacopoDapueto/transfer_disentanglement, src/evaluation/metrics/factor_vae_score.py: "
        "compute_factor_vae_sklearn",
        FactorVae(
            rows="first two thirds, last third",
            inactive="below 0.05",
            single_valued_factors="counted",
        ),
        faults=(IN_ORDER,),
    ),
)
