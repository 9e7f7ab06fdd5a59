"""Representations to time metrics on: every latent a noisy mixture of all factors."""

from collections.abc import Sequence

import numpy as np

from drbench import grid_codes

SHAPES3D = (10, 10, 10, 8, 4, 15)
"""Classes of its factors: 57."""
COIL100_AUGMENTED = (100, 72, 18, 9)
"""Classes of its factors: 199."""


def sample(sizes: Sequence[int], n: int, latents: int) -> tuple[np.ndarray, np.ndarray]:
    """Latents (n, latents) and codes (n, factor): rows of a grid in random order.

    No row comes twice before all others came once.
    """
    rng = np.random.default_rng(0)
    grid = grid_codes(sizes)
    codes = grid[np.resize(rng.permutation(len(grid)), n)]
    z = (codes - codes.mean(axis=0)) / codes.std(axis=0)
    return z @ rng.normal(size=(len(sizes), latents)) + 0.3 * rng.normal(size=(n, latents)), codes
