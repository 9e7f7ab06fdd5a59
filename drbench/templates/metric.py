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
    z = representation.latents - representation.latents.mean(axis=0)  # (n, latent)
    v = representation.codes - representation.codes.mean(axis=0)  # (n, factor)
    norm = np.outer(np.linalg.norm(z, axis=0), np.linalg.norm(v, axis=0))  # (latent, factor)
    # What does not vary tells nothing.
    correlation = np.divide(np.abs(z.T @ v), norm, out=np.zeros_like(norm), where=norm > 1e-12)
    best = correlation.max(axis=0).clip(0, 1)  # (factor,)
    return MetricResult(
        value=float(best.mean()),
        per_factor=dict(zip(representation.factor_names, best.tolist(), strict=True)),
        n_samples=len(z),
    )


PLUGINS = {"metrics": {"template": template}}
