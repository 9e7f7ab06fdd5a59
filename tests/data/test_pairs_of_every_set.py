"""Weak pairs and interventions on what every registered set declares, complete or not."""

import numpy as np
import pytest

from drbench import DatasetSpec, GroundTruth, registry
from drbench.data.opening import find_dataset
from drbench.data.sampling import intervention_rows, partnerless_share, weak_pairs

MOST = 4
"""Classes kept of a factor, so that grids stay small."""


def codes_of(spec: DatasetSpec, share: float) -> np.ndarray:
    """A random share of the grid, in no order."""
    rng = np.random.default_rng(0)
    rows = np.flatnonzero(rng.random(spec.grid_size) < share) if share < 1 else None
    rows = np.arange(spec.grid_size) if rows is None else rng.permutation(rows)
    return np.stack(np.unravel_index(rows, spec.sizes), axis=1).astype(np.int16)


@pytest.mark.parametrize("share", [1, 0.6])
@pytest.mark.parametrize("name", registry.names("dataset"))
def test_pairs_differ_in_what_was_asked_for(name, share):
    whole = find_dataset(name).spec
    spec = whole.subgrid({f.name: min(f.size, MOST) for f in whole.factors if f.size})
    codes = codes_of(spec, share)
    truth = GroundTruth(spec, whole.origins[0], codes, lambda rows: rows)
    allowed = np.ones(len(codes), dtype=bool)
    rng = np.random.default_rng(0)
    for k in range(1, min(3, len(spec.factors)) + 1):
        first, second, changed = weak_pairs(truth, allowed, count=50, k=k, distinct=True, rng=rng)
        differ = codes[first] != codes[second]
        assert (differ.sum(axis=1) == k).all()
        assert (np.take_along_axis(differ, changed, axis=1)).all()
    found = intervention_rows(truth, allowed, 20, rng)
    differ = codes[found.rows[:, 0]] != codes[found.rows[:, 1]]
    assert (differ.sum(axis=1) == 1).all()
    assert differ[np.arange(len(differ)), found.factor].all()
    assert set(found.factor) == set(range(len(spec.factors)))
    alone = partnerless_share(truth)
    assert (alone == 0).all() if share == 1 else ((alone >= 0) & (alone < 1)).all()
