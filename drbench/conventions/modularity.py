"""Modularity (Ridgeway and Mozer) under the conventions of other libraries."""

from dataclasses import dataclass
from typing import Literal, final

import numpy as np

from drbench.conventions.convention import Choices, Convention, NoValueError, Parts
from drbench.conventions.factors import SingleValued, factors_of
from drbench.conventions.mig import Edges, binned_by
from drbench.conventions.rows import drawn
from drbench.metrics.estimate.information import Binned
from drbench.metrics.modularity import modularity_of
from drbench.representation.representation import Representation


@final
@dataclass(frozen=True)
class Modularity(Choices):
    """What the definition of modularity leaves open.

    `edges`: see `Mig`. `silent latents` tell nothing of any factor. `single valued factors`, if
    counted, are among the factors that a latent might tell of.
    """

    rows: Literal["all", "10,000 drawn"] = "all"
    bins: int = 20
    edges: Edges = "rounding forgiven"
    factors: Literal["as they are", "binned as latents"] = "as they are"
    single_valued_factors: SingleValued = "left out"
    silent_latents: Literal["left out", "count as 0", "divide 0 by 0"] = "left out"

    def score(self, representation: Representation, seed: int) -> Parts:
        factors = factors_of(representation, self.single_valued_factors)
        latents, classes = representation.latents, representation.codes[:, list(factors)]
        if self.rows == "10,000 drawn":
            chosen = drawn(representation, seed)
            latents, classes = latents[chosen], classes[chosen]
        if self.factors == "binned as latents":
            classes = binned_by(self.edges, classes.astype(np.float64), self.bins)
        binned = binned_by(self.edges, latents, self.bins)
        table = Binned.of(binned, classes.astype(np.int64), self.bins).information
        telling = table.any(axis=1)
        if self.silent_latents == "divide 0 by 0" and not telling.all():
            raise NoValueError(f"0 / 0 for latent {telling.argmin()}, which tells nothing: NaN")
        counted = len(table) if self.silent_latents == "count as 0" else telling.sum()
        return {"modularity": float(modularity_of(table[telling]).sum() / counted)}


CONVENTIONS = (
    Convention(
        "disentanglement_lib",
        "google-research/disentanglement_lib, evaluation/metrics/modularity_explicitness.py: "
        "modularity; config/unsupervised_study_v1/metric_configs/modularity_explicitness.gin",
        Modularity(
            rows="10,000 drawn",
            edges="numpy's histogram",
            single_valued_factors="counted",
            silent_latents="count as 0",
        ),
        faults=("A constant latent counts as 0: five of them beside five perfect ones halve it.",),
    ),
    Convention(
        "Ubisoft review",
        "ubisoft/ubisoft-laforge-disentanglement-metrics, src/metrics/modularity.py: modularity; "
        "src/experiments/config.py",
        Modularity(
            bins=10,
            edges="of the unit interval",
            factors="binned as latents",
            single_valued_factors="counted",
            silent_latents="divide 0 by 0",
        ),
        faults=("A constant latent makes it NaN.",),
    ),
)
