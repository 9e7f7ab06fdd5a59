"""The compiled trees are scikit-learn's: to the last bit where values are distinct."""

import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

from drbench.metrics.dci import dci
from drbench.metrics.gbt import gbt
from drbench.metrics.gbt_pruned import gbt_pruned
from drbench.metrics.predict import kernels
from drbench.metrics.predict.boosting import boost, workers

pytestmark = pytest.mark.slow

PROGRAM = """
import numpy as np
from drbench.metrics.dci import dci
print("imported", "numba" in __import__("sys").modules)
codes = np.random.default_rng(0).integers(3, size=(90, 2))
print(dci(codes + 0.1 * np.random.default_rng(1).normal(size=codes.shape), codes, rounds=3).value)
"""


@pytest.fixture(scope="module")
def crew():
    with workers(2) as crew:
        yield crew


def reference(latents, labels, rounds, seed=0):
    kind = GradientBoostingRegressor if labels.dtype.kind == "f" else GradientBoostingClassifier
    return kind(n_estimators=rounds, random_state=seed).fit(latents, labels)


def raw_of(model, rows):
    if isinstance(model, GradientBoostingRegressor):
        return model.predict(rows)[None]
    return np.atleast_2d(model.decision_function(rows).T)


def ours(latents, labels, unseen, crew, rounds, seed=0):
    is_class = labels.dtype.kind != "f"
    return boost(latents, labels, unseen, is_class=is_class, rounds=rounds, seed=seed, crew=crew)


def draw(n, width, classes, seed=1):
    """A target of two latents and noise, in classes of equal size; real numbers for 0 classes."""
    rng = np.random.default_rng(seed)
    latents = rng.normal(size=(n + 200, width)).astype(np.float32)
    target = latents[:n, 0] + 0.5 * latents[:n, -1] + 0.5 * rng.normal(size=n)
    labels = target if classes == 0 else np.argsort(np.argsort(target)) * classes // n
    return latents[:n], labels, latents[n:]


def with_copies(latents):
    """Latents that split every node as well as others: copied, mirrored, scaled, and a constant."""
    first = latents[:, :1]
    return np.hstack([latents, first, -first, 3 * latents[:, 1:2], np.ones_like(first)])


DISTINCT = {
    "continuous": lambda latents: latents,
    "one latent": lambda latents: latents[:, :1],
    "copies": with_copies,
}
TIED = {
    "whole numbers": lambda latents: with_copies(np.round(2 * latents)),
    "two values": lambda latents: with_copies(np.sign(latents)),
    "some repeat": lambda latents: np.hstack([latents[:, :2], np.round(latents[:, 2:])]),
    "half precision": lambda latents: latents.astype(np.float16).astype(np.float32),
    "runs of close values": lambda latents: np.round(2 * latents) + np.float32(4e-8) * latents,
}


def assert_same(latents, labels, unseen, crew, rounds, seed):
    found = ours(latents, labels, unseen, crew, rounds, seed)
    model = reference(latents, labels, rounds, seed)
    np.testing.assert_array_equal(found.raw, raw_of(model, latents))
    np.testing.assert_array_equal(found.raw_unseen, raw_of(model, unseen))
    np.testing.assert_array_equal(found.importances, model.feature_importances_)
    np.testing.assert_array_equal(found.predicted_unseen, model.predict(unseen))


@pytest.mark.parametrize("classes", [0, 2, 3, 8])
@pytest.mark.parametrize("code", DISTINCT)
def test_one_seed_grows_one_set_of_trees_to_the_last_bit(code, classes, crew):
    latents, labels, unseen = draw(600, 4, classes)
    latents, unseen = DISTINCT[code](latents), DISTINCT[code](unseen)
    for seed in range(3):
        assert_same(latents, labels, unseen, crew, 12, seed)


@pytest.mark.parametrize("classes", [0, 2, 4])
@pytest.mark.parametrize("code", TIED)
def test_the_order_of_equal_values_changes_no_tree_where_sums_are_exact(code, classes, crew):
    latents, labels, unseen = draw(512, 4, classes or 4)
    # Powers of two in all sums: in the first round no order of adding rounds anything.
    labels = labels if classes else labels - 1.5
    latents, unseen = TIED[code](latents), TIED[code](unseen)
    for seed in range(5):
        assert_same(latents, labels, unseen, crew, 1, seed)


def test_a_coincidence_of_two_values_moves_but_the_last_bits(crew):
    latents, labels, unseen = draw(600, 4, 3)
    latents[[5, 7], 0] = latents[[300, 301], 0]
    found, model = ours(latents, labels, unseen, crew, 30), reference(latents, labels, 30)
    np.testing.assert_allclose(found.raw_unseen, raw_of(model, unseen), rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.importances, model.feature_importances_, atol=1e-12)


@pytest.mark.parametrize("n", [0, 1, 7, 8, 9, 127, 128, 129, 1000, 10_007])
def test_numbers_are_added_in_numpys_order(n):
    numbers = np.random.default_rng(n).normal(size=n)
    assert kernels.pairwise_sum(numbers) == numbers.sum()


@pytest.mark.parametrize("labels", [[3, 3, 7, 7, 7, 3], [1, 0, 5, 5, 1, 0], [0.5, 0.5, 1, 2, 2, 0]])
def test_repeated_values_are_never_separated(labels, crew):
    labels = np.array(labels)
    latents = np.array([[0, 0, 1, 1, 1 + 1e-9, 2]], dtype=np.float32).T
    found, model = ours(latents, labels, latents, crew, 30), reference(latents, labels, 30)
    np.testing.assert_allclose(found.raw, raw_of(model, latents), rtol=1e-12)
    np.testing.assert_array_equal(found.raw, found.raw_unseen)
    np.testing.assert_array_equal(found.predicted, model.predict(latents))


def test_values_closer_than_scikit_learn_tells_apart_are_one(crew):
    latents = np.float32([[0.1], [np.nextafter(np.float32(0.1), np.float32(1))], [0.1 + 3e-7]])
    labels = np.array([0, 1, 1])
    model = reference(latents, labels, 10)
    assert model.predict_proba(latents)[0, 1] == model.predict_proba(latents)[1, 1]
    found = ours(latents, labels, latents, crew, 10)
    np.testing.assert_array_equal(found.raw, raw_of(model, latents))


def test_latents_without_a_value_to_split_leave_the_prior(crew):
    labels = np.array([0, 0, 0, 1])
    found = ours(np.ones((4, 3), dtype=np.float32), labels, np.ones((1, 3), np.float32), crew, 9)
    np.testing.assert_allclose(found.raw, np.log(1 / 3))
    assert found.importances.tolist() == [0, 0, 0]
    assert found.predicted.tolist() == [0] * 4


def test_equal_latents_are_drawn_by_lot(crew):
    latents, labels, unseen = draw(300, 2, 2)
    twice, unseen = (np.hstack([z[:, :1], z[:, :1]]) for z in (latents, unseen))
    shares = [ours(twice, labels, unseen, crew, 30, seed).importances for seed in range(8)]
    assert 0.25 < np.mean(shares, axis=0)[0] < 0.75
    assert len(np.unique(shares)) > 8
    np.testing.assert_array_equal(shares[3], ours(twice, labels, unseen, crew, 30, 3).importances)


def test_the_number_of_threads_changes_nothing():
    latents, labels, unseen = draw(300, 3, 7)
    found = []
    for threads in (1, 2, 5):
        with workers(threads) as crew:
            found.append(ours(latents, labels, unseen, crew, 10))
    for other in found[1:]:
        np.testing.assert_array_equal(found[0].raw, other.raw)
        np.testing.assert_array_equal(found[0].raw_unseen, other.raw_unseen)
        np.testing.assert_array_equal(found[0].importances, other.importances)


def test_engines_give_one_score_and_are_named(small):
    for metric in (dci, gbt, gbt_pruned):
        compiled, plain = (metric(*small, rounds=10, engine=e) for e in ("compiled", "sklearn"))
        assert compiled.parameters["engine"] == "compiled"
        assert plain.parameters["engine"] == "sklearn"
        assert compiled.value == plain.value
        assert compiled.parts == plain.parts
        assert compiled != plain


def run(cache, **more):
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**environment, "DRBENCH_CACHE": str(cache), **more},
        capture_output=True,
        text=True,
        check=True,
    )


def test_compiling_is_said_once_and_kept_where_drbench_keeps_files(tmp_path):
    first, second = run(tmp_path), run(tmp_path)
    assert "compiling the boosted trees, once on this machine" in first.stderr
    assert "compiling" not in second.stderr
    assert first.stdout == second.stdout
    assert first.stdout.startswith("imported False\n")
    assert list(tmp_path.glob("numba/**/*.nbi"))
