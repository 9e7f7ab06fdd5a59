"""Entropies from counts against rows counted pair by pair."""

from collections import Counter
from math import log

import numpy as np
import pytest

from drbench.metrics.estimate.entropy import entropies, joint_entropies


def counted(*columns):
    """Entropy of rows as symbols, from Python's own counter."""
    counts = Counter(zip(*(column.tolist() for column in columns), strict=True)).values()
    n = sum(counts)
    return -sum(c / n * log(c / n) for c in counts)


@pytest.mark.parametrize(
    ("bins", "sizes"),
    [
        (4, (3, 5, 2, 7)),  # factors that are counted together
        (20, (300, 2, 90, 2)),  # and those that have too many classes for it
        (900, (300, 2)),  # latents in several blocks
    ],
)
def test_joint_entropies_are_those_counted_pair_by_pair(bins, sizes):
    rng = np.random.default_rng(bins)
    classes = rng.integers(0, sizes, size=(400, len(sizes)))
    binned = (rng.integers(bins, size=(400, 7)) + classes[:, :1]) % bins
    expected = [[counted(z, v) for v in classes.T] for z in binned.T]
    found = joint_entropies(binned, classes, bins)
    np.testing.assert_allclose(found.joint, expected, atol=1e-12)
    np.testing.assert_allclose(found.latent, [counted(z) for z in binned.T], atol=1e-12)
    np.testing.assert_allclose(found.factor, [counted(v) for v in classes.T], atol=1e-12)


def test_entropies_are_those_counted_one_by_one():
    columns = np.random.default_rng(0).integers(0, [2, 9, 50], size=(300, 3))
    np.testing.assert_allclose(entropies(columns), [counted(v) for v in columns.T], atol=1e-12)
