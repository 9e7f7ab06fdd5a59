"""A metric of drbench: try it with `--plugins` and this file's path."""

import numpy as np

from drbench import MetricResult, Representation, metric


@metric(
    title="Largest correlation",
    measures="linear explicitness of the best single latent",
    range=(0, 1),
    source="none",
    cost="quick",
    invariances={"permute_latents": 1e-9, "flip_signs": 1e-9, "scale": 1e-9, "reorder_rows": 1e-9},
)
def template(representation: Representation, *, seed: int) -> MetricResult:
    """Mean over the factors of the largest absolute correlation with a latent; 1 is best."""
    if any(factor.size is None for factor in representation.factors):
        return MetricResult(value=None, reason="it needs classes; a factor is continuous")
    z, v = representation.latents, representation.codes
    best = largest_correlations(z, v)
    shuffled = np.random.default_rng(seed).permutation(z)  # knows nothing of the factors
    return MetricResult(
        value=float(best.mean()),
        per_factor=dict(zip(representation.factor_names, best.tolist(), strict=True)),
        n_samples=len(z),
        reference=float(largest_correlations(v, v).mean()),
        chance=float(largest_correlations(shuffled, v).mean()),
    )


def largest_correlations(latents: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Largest absolute correlation of each factor with a latent; 0 where nothing varies."""
    z = latents - latents.mean(axis=0)  # (n, latent)
    v = codes - codes.mean(axis=0)  # (n, factor)
    norm = np.outer(np.linalg.norm(z, axis=0), np.linalg.norm(v, axis=0))  # (latent, factor)
    correlation = np.divide(np.abs(z.T @ v), norm, out=np.zeros_like(norm), where=norm > 1e-12)
    return correlation.max(axis=0).clip(0, 1)  # (factor,)


PLUGINS = {"metrics": {"template": template}}
