"""Networks on the full and the pruned code against plain scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import r2_score
from sklearn.neural_network import MLPClassifier, MLPRegressor

from drbench.data.spec import Factor
from drbench.metrics.estimate.splits import split_rows
from drbench.metrics.mlp import mlp
from drbench.metrics.mlp_pruned import mlp_pruned
from drbench.metrics.omes import omes
from drbench.metrics.predict.estimators import Mlp
from drbench.representation.representation import Representation

pytestmark = pytest.mark.slow

CUT_OFF = "factor factor_0: the predictor was cut off before it converged"


def held_out(latents, labels, split, kind=MLPClassifier, epochs=30):
    """Truth and prediction of scikit-learn's network on standardised latents."""
    z = (latents - latents.mean(axis=0)) / latents.std(axis=0)
    model = kind(
        hidden_layer_sizes=(100,), learning_rate_init=0.01, max_iter=epochs, random_state=0
    )
    with pytest.warns(UserWarning, match="hasn't converged"):
        model.fit(z[split.train], labels[split.train])
    return labels[split.test], model.predict(z[split.test])


def test_accuracies_are_those_of_plain_scikit_learn(small):
    latents, codes = small
    result = mlp(latents, codes, epochs=30)
    known = Representation.from_arrays(latents, codes)
    for j, name in enumerate(known.factor_names):
        truth, predicted = held_out(latents, codes[:, j], split_rows(known, j, 0))
        assert result.per_factor[name] == pytest.approx(np.mean(truth == predicted), abs=0.01)
    assert result.value == pytest.approx(np.mean(list(result.per_factor.values())))
    assert result.chance == pytest.approx(np.mean([1 / 6, 1 / 6, 1 / 10]), abs=0.01)
    assert CUT_OFF in result.warnings


@pytest.mark.parametrize("case", ["cubed", "rotated"])
def test_a_network_reads_the_bench_in_full(bench, case):
    result = mlp(bench.latents[case], bench.codes)
    assert result.value > 0.97
    assert result.reference == 1
    assert result.warnings == ()


def test_noise_scores_chance_and_a_missing_factor_costs_its_share(bench):
    noise = mlp(bench.latents["noise"], bench.codes, epochs=50)
    assert noise.value == pytest.approx(noise.chance, abs=0.05)
    # A network remembers which class of the fifth factor it saw, and the held-out one is another.
    missing = mlp(bench.latents["missing"], bench.codes, epochs=100)
    assert missing.value == pytest.approx(0.8, abs=0.03)


def test_what_is_not_linear_is_read():
    rng = np.random.default_rng(0)
    latents = rng.normal(size=(600, 2))
    codes = np.stack([latents[:, 0] * latents[:, 1] > 0, latents[:, 1] > 0], axis=1)
    assert mlp(latents, codes.astype(int)).value > 0.95


def test_scale_is_no_matter(small):
    latents, codes = small
    before = mlp(latents, codes, epochs=20)
    after = mlp(latents * [1e-6, 1e6, 3, 1], codes, epochs=20)
    assert after.value == pytest.approx(before.value, abs=0.01)


def test_a_continuous_factor_counts_with_r2(small):
    latents, codes = small
    known = Representation.from_arrays(
        latents, codes[:, 0] * 2e4, factors=[Factor(name="a", kind="continuous")]
    )
    split = split_rows(known, 0, 0)
    labels = (codes[:, 0] - codes[:, 0].mean()) / codes[:, 0].std()
    expected = r2_score(*held_out(latents, labels, split, MLPRegressor))
    assert mlp(known, epochs=30).value == pytest.approx(expected, abs=1e-3)


def test_a_tenth_of_many_rows_says_when_to_stop():
    def stops_early(labels, is_class=True):
        return Mlp(5).model(labels, is_class=is_class, seed=0).early_stopping

    assert stops_early(np.arange(2000) % 200)
    assert not stops_early(np.arange(1999) % 199)
    rare = np.arange(2000) % 200
    rare[0] = 1  # the first class has nine rows
    assert not stops_early(rare)
    assert stops_early(np.linspace(0, 1, 2000), is_class=False)


def test_early_stopping_reads_a_perfect_code(bench):
    latents, codes = (np.tile(part, (5, 1)) for part in (bench.latents["perfect"], bench.codes))
    assert len(codes) * 2 / 3 > 2000
    result = mlp(latents, codes)
    assert result.value > 0.99
    assert result.warnings == ()


def test_the_pruned_code_is_the_latent_of_highest_overlap(small):
    latents, codes = small[0][:, [3, 0, 1, 2]], small[1]  # the noise comes first
    S = np.array(omes(latents, codes).matrix)
    D, F = S.shape
    overlap = [
        [S[d, j] * (1 - sum(abs((j == k) - S[d, k]) for k in range(F)) / F) for j in range(F)]
        for d in range(D)
    ]
    best = np.argmax(overlap, axis=0)
    result = mlp_pruned(latents, codes, epochs=30)
    np.testing.assert_array_equal(np.argmax(result.matrix, axis=0), best)
    assert np.sum(result.matrix) == F
    known = Representation.from_arrays(latents, codes)
    union = sorted(set(best.tolist()))
    for j, name in enumerate(known.factor_names):
        split = split_rows(known, j, 0)
        for columns, found in (
            ([best[j]], result.per_factor[name]),
            (union, result.parts[f"union.{name}"]),
        ):
            truth, predicted = held_out(latents[:, columns], codes[:, j], split)
            assert found == pytest.approx(np.mean(truth == predicted), abs=0.01)
    assert result.value == result.parts["one"] < result.parts["union"]
    assert CUT_OFF in result.warnings


def test_a_factor_that_no_latent_holds_is_declined(bench):
    result = mlp_pruned(bench.latents["perfect"], bench.codes, epochs=20)
    assert result.value is None
    assert "factor_3: no latent has a positive overlap score" in result.reason
    assert result.per_factor["factor_0"] > 0.9


def test_the_pruned_code_declines_continuous_factors(small):
    latents, codes = small
    factors = [Factor(name="a", kind="continuous"), Factor(name="b", kind="ordinal", size=6)]
    known = Representation.from_arrays(latents, codes[:, :2], factors=factors)
    result = mlp_pruned(known, epochs=5)
    assert result.value is None
    assert "a is continuous" in result.reason
