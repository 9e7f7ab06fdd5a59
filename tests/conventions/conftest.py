"""The analytic bench of the metrics, as representations."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from drbench.representation.representation import Representation

_BENCH = runpy.run_path(str(Path(__file__).parents[1] / "metrics" / "conftest.py"))


@pytest.fixture(scope="session")
def bench():
    """Representations by the name of their case: 720 rows, 5 factors."""
    codes = _BENCH["grid"](_BENCH["SIZES"])
    cases = _BENCH["cases"](codes)
    return {name: Representation.from_arrays(z, codes) for name, z in cases.items()}


@pytest.fixture(scope="session")
def mixed():
    """Noise and overlap: no score is 0 or 1. 360 rows, 4 latents, factors of 6, 6, 10 levels."""
    codes = _BENCH["grid"]((6, 6, 10))
    z = _BENCH["perfect"](codes)
    rng = np.random.default_rng(3)
    three = np.stack([z[:, 0], z[:, 1] + 0.5 * z[:, 2], z[:, 2] - 0.3 * z[:, 0]], axis=1)
    noise = 0.3 * rng.normal(size=three.shape)
    latents = np.hstack([three + noise, rng.normal(size=(360, 1))])
    return Representation.from_arrays(latents, codes)


@pytest.fixture(scope="session")
def shuffled(mixed):
    """The same in random order, as the seed paper's code expects."""
    order = np.random.RandomState(0).permutation(360)
    return Representation.from_arrays(mixed.mean[order], mixed.codes[order])
