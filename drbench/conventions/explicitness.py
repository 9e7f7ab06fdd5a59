"""GBT explicitness, of the full and of the pruned code, under other conventions."""

from dataclasses import dataclass, replace
from typing import Literal, final

import numpy as np

from drbench.conventions.convention import Choices, Convention, Parts
from drbench.conventions.factors import SingleValued, factors_of
from drbench.conventions.omes import FAULTS, Inactive, Pairs, association
from drbench.conventions.rows import DRAWN, IN_ORDER, Protocol
from drbench.conventions.trees import fit_trees
from drbench.representation.representation import Representation


@final
@dataclass(frozen=True)
class Gbt(Choices):
    """What is left open where trees predict the factors from all latents."""

    rows: Protocol = "a third held out"
    single_valued_factors: SingleValued = "left out"

    def score(self, representation: Representation, seed: int) -> Parts:
        everything = tuple(range(representation.latents.shape[1]))
        factors = factors_of(representation, self.single_valued_factors)
        columns = dict.fromkeys(factors, everything)
        fits = fit_trees(representation, columns, self.rows, seed)
        return {"accuracy": float(np.mean([fit.test for fit in fits.values()]))}


@final
@dataclass(frozen=True)
class GbtPruned(Choices):
    """What is left open where trees see the associated latents only.

    `pairs`, `inactive`, `decimals`: see `Omes`. `association`: of a factor with the latent of the
    highest overlap score, which S weights or does not. `latents` that the trees see.
    """

    pairs: Pairs = "interventions, else expected"
    inactive: Inactive = "below 0.001 of the largest"
    decimals: Literal["all", "4"] = "all"
    association: Literal["overlap weighted by S", "overlap alone"] = "overlap weighted by S"
    latents: Literal["the factor's own", "those of all factors"] = "the factor's own"
    rows: Protocol = "a third held out"

    def score(self, representation: Representation, seed: int) -> Parts:
        matrix, kept = association(representation, self.pairs, self.inactive, seed)
        if self.decimals == "4":
            matrix = matrix.round(4)
        alone = matrix.sum(axis=1, keepdims=True) + 1 - 2 * matrix
        overlap = 1 - alone / matrix.shape[1]
        if self.association == "overlap weighted by S":
            overlap = matrix * overlap
        best = kept[overlap.argmax(axis=0)].tolist()
        shared = tuple(sorted(set(best)))
        columns = {
            j: (own,) if self.latents == "the factor's own" else shared
            for j, own in zip(factors_of(representation, "left out"), best, strict=True)
        }
        fits = fit_trees(representation, columns, self.rows, seed)
        return {"accuracy": float(np.mean([fit.test for fit in fits.values()]))}


_DOWNSTREAM = "JacopoDapueto/transfer_disentanglement, src/evaluation/metrics/downstream_task.py"
GBT = (
    Convention(
        "disentanglement_lib",
        "google-research/disentanglement_lib, evaluation/metrics/downstream_task.py: "
        "compute_downstream_task; config/unsupervised_study_v1/metric_configs/"
        "downstream_task_boosted_trees.gin, 10,000 rows",
        Gbt(rows="10,000 and 5,000 drawn", single_valued_factors="counted"),
        faults=("The trees are not seeded.", DRAWN),
    ),
    Convention(
        "seed paper's code",
        f"{_DOWNSTREAM}: GBT_regressor",
        Gbt(rows="first two thirds, last third", single_valued_factors="counted"),
        faults=("The trees are not seeded.", IN_ORDER),
    ),
)
_CODE = GbtPruned(
    pairs="drawn from the sample",
    inactive="below 0.05",
    decimals="4",
    association="overlap alone",
    latents="those of all factors",
    rows="first two thirds, last third",
)
GBT_PRUNED = (
    Convention(
        "seed paper's code",
        f"{_DOWNSTREAM}: GBT_regressor_pruned",
        _CODE,
        faults=(
            *FAULTS,
            IN_ORDER,
            "The paper says one latent a factor; the code keeps those of all factors for each.",
            "The overlap that associates is not weighted by S, unlike the one that is scored.",
        ),
    ),
    Convention(
        "seed paper's text",
        "arXiv 2409.18017: one latent a factor; the rest as in its code",
        replace(_CODE, latents="the factor's own"),
        faults=(*FAULTS, IN_ORDER),
    ),
)
