"""MIG under the conventions of other libraries."""

from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from jaxtyping import Float, Int

from drbench.conventions.convention import Choices, Convention, NoValueError, Parts
from drbench.conventions.rows import drawn
from drbench.metrics.estimate.entropy import discretise, entropy_of_counts, mutual_information
from drbench.metrics.estimate.information import gaps
from drbench.representation.representation import Representation

Edges = Literal["rounding forgiven", "numpy's histogram", "of the unit interval"]


@final
@dataclass(frozen=True)
class Mig(Choices):
    """What the definition of MIG leaves open.

    `edges`: where a latent on the edge of two bins goes, which rounding decides unless it is
    forgiven; that matters to noiseless codes only. `normaliser`: what the information of a latent
    and a factor is divided by. `single valued factors`, which have no entropy.
    """

    rows: Literal["all", "10,000 drawn"] = "all"
    bins: int = 20
    edges: Edges = "rounding forgiven"
    factors: Literal["as they are", "binned as latents"] = "as they are"
    normaliser: Literal["entropy of the factor", "entropy of the latent"] = "entropy of the factor"
    single_valued_factors: Literal["left out", "count as 0", "divide 0 by 0"] = "left out"

    def score(self, representation: Representation, seed: int) -> Parts:
        latents, codes = representation.latents, representation.codes.astype(np.int64)
        if self.rows == "10,000 drawn":
            chosen = drawn(representation, seed)
            latents, codes = latents[chosen], codes[chosen]
        binned = binned_by(self.edges, latents, self.bins)
        single = codes.min(axis=0) == codes.max(axis=0)
        if self.single_valued_factors == "divide 0 by 0" and single.any():
            names = [
                name
                for name, alone in zip(representation.factor_names, single, strict=True)
                if alone
            ]
            raise NoValueError(f"0 / 0 for {names[0]}, which has a single value: NaN")
        kept = codes[:, ~single]
        if self.factors == "binned as latents":
            kept = binned_by(self.edges, kept.astype(np.float64), self.bins)
        shares = self._shares(binned, kept)
        total = len(single) if self.single_valued_factors == "count as 0" else kept.shape[1]
        return {"mig": float(gaps(shares.T).sum() / total)}

    def _shares(
        self, binned: Int[np.ndarray, "n latent"], classes: Int[np.ndarray, "n factor"]
    ) -> Float[np.ndarray, "latent factor"]:
        columns = [mutual_information(binned, column, self.bins) for column in classes.T]
        information = np.stack(columns, axis=1)
        if self.normaliser == "entropy of the factor":
            return information / entropies(classes)
        entropy = entropies(binned)
        if (entropy == 0).any():
            dead = int((entropy == 0).argmax())
            raise NoValueError(f"0 / 0 for latent {dead}, all of which is in one bin: NaN")
        return information / entropy[:, None]


def binned_by(
    edges: Edges, columns: Float[np.ndarray, "n column"], bins: int
) -> Int[np.ndarray, "n column"]:
    """Equal-width bins of each column, 0 to bins - 1, closed below, the last one above too."""
    if edges == "rounding forgiven":
        return discretise(columns, bins)
    if edges == "numpy's histogram":
        pairs = [(z, np.histogram_bin_edges(z, bins)) for z in columns.T]
    else:
        from sklearn.preprocessing import minmax_scale

        pairs = [(z, np.linspace(0, 1, bins + 1)) for z in minmax_scale(columns).T]
    return np.stack([np.digitize(z, cuts[:-1]) - 1 for z, cuts in pairs], axis=1)


def entropies(classes: Int[np.ndarray, "n column"]) -> Float[np.ndarray, "column"]:
    """Entropy of each column, in nats."""
    return np.array([entropy_of_counts(np.bincount(column)) for column in classes.T])


CONVENTIONS = (
    Convention(
        "disentanglement_lib",
        "google-research/disentanglement_lib, evaluation/metrics/mig.py: _compute_mig; "
        "config/unsupervised_study_v1/metric_configs/mig.gin",
        Mig(
            rows="10,000 drawn",
            edges="numpy's histogram",
            single_valued_factors="divide 0 by 0",
        ),
    ),
    Convention(
        "disent",
        "nmichlo/disent 0.8, disent/metrics/_mig.py: metric_mig",
        Mig(
            rows="10,000 drawn",
            edges="numpy's histogram",
            single_valued_factors="divide 0 by 0",
        ),
    ),
    Convention(
        "Ubisoft review",
        "ubisoft/ubisoft-laforge-disentanglement-metrics, src/metrics/mig.py: mig; "
        "src/experiments/config.py",
        Mig(
            bins=10,
            edges="of the unit interval",
            factors="binned as latents",
            normaliser="entropy of the latent",
            single_valued_factors="count as 0",
        ),
        faults=(
            "The definition divides by the entropy of the factor. Divided by the latent's, a "
            "latent that holds half of a factor and nothing else counts in full.",
            "Factors of more than 10 levels lose the difference between those that share a bin.",
        ),
    ),
    Convention(
        "seed paper's code",
        "JacopoDapueto/transfer_disentanglement, src/evaluation/metrics/mig.py: discrete_mig",
        Mig(edges="numpy's histogram", single_valued_factors="count as 0"),
    ),
)
