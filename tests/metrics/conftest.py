"""The analytic bench: codes of a full grid, and latents whose scores are known."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

SIZES = (4, 3, 5, 2, 6)


def grid(sizes):
    """All combinations, from Python's own product."""
    return np.array(list(itertools.product(*[range(size) for size in sizes])))


def perfect(codes):
    """One standardised latent a factor."""
    codes = codes.astype(float)
    return (codes - codes.mean(axis=0)) / codes.std(axis=0)


def cases(codes):
    z = perfect(codes)
    rng = np.random.default_rng(0)
    n = len(z)
    rotated = z.copy()
    rotated[:, 0] = (z[:, 0] - z[:, 2]) / np.sqrt(2)
    rotated[:, 2] = (z[:, 0] + z[:, 2]) / np.sqrt(2)
    return {
        "perfect": z,
        "permuted": z[:, [3, 1, 4, 0, 2]] * [1, -1, 1, -1, -1],
        "cubed": z**3,
        "small": z * 0.01,
        "constants": np.hstack([z, np.full((n, 5), 0.3)]),
        "noisy": np.hstack([z, rng.normal(size=(n, 5))]),
        "duplicated": np.hstack([z, z]),
        "rotated": rotated,
        "noise": rng.normal(size=(n, 5)),
        "missing": z[:, :4],
    }


@pytest.fixture(scope="session")
def bench():
    codes = grid(SIZES)
    return SimpleNamespace(sizes=SIZES, codes=codes, latents=cases(codes), grid=grid)


@pytest.fixture(scope="session")
def small():
    """A code with noise and overlap on a full grid: no score of it is 0 or 1.

    360 rows; 4 latents, the last of noise; 3 factors of 6, 6 and 10 classes.
    """
    rng = np.random.default_rng(3)
    codes = grid((6, 6, 10))
    z = perfect(codes)
    mixed = np.stack([z[:, 0], z[:, 1] + 0.5 * z[:, 2], z[:, 2] - 0.3 * z[:, 0]], axis=1)
    latents = np.hstack([mixed + 0.3 * rng.normal(size=mixed.shape), rng.normal(size=(360, 1))])
    return latents, codes
