"""The BetaVAE score against one drawn pair by pair."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from drbench.data.spec import Factor
from drbench.metrics.beta_vae_score import beta_vae_score
from drbench.metrics.estimate.draws import Classmates
from drbench.representation.representation import Representation


def drawn_one_by_one(latents, codes, batch, draws, rng):
    """Accuracy of another linear classifier on other draws of the same kind."""
    z = (latents - latents.mean(axis=0)) / latents.std(axis=0)
    features, labels = [], []
    for _ in range(draws):
        factor = rng.integers(codes.shape[1])
        differences = []
        for _ in range(batch):
            first = rng.integers(len(codes))
            mates = np.flatnonzero(codes[:, factor] == codes[first, factor])
            second = rng.choice(mates[mates != first])
            differences.append(np.abs(z[first] - z[second]))
        features.append(np.mean(differences, axis=0))
        labels.append(factor)
    model = LinearDiscriminantAnalysis().fit(features[: draws // 2], labels[: draws // 2])
    return model.score(features[draws // 2 :], labels[draws // 2 :])


def test_the_score_is_that_of_pairs_drawn_one_by_one(bench):
    rng = np.random.default_rng(0)
    noise = rng.normal(size=bench.codes.shape)
    latents = bench.latents["perfect"] + 1.5 * noise
    expected = drawn_one_by_one(latents, bench.codes, 8, 1600, rng)
    assert 0.3 < expected < 0.9
    result = beta_vae_score(latents, bench.codes, batch=8, draws=6000)
    assert result.value == pytest.approx(expected, abs=0.06)
    assert result.value == pytest.approx(np.mean(list(result.per_factor.values())))


@pytest.mark.parametrize(
    "case", ["perfect", "permuted", "cubed", "small", "constants", "noisy", "duplicated", "missing"]
)
def test_codes_that_hold_all_factors_but_one_score_one(bench, case):
    result = beta_vae_score(bench.latents[case], bench.codes, draws=3000)
    assert result.value > 0.99
    assert result.reference == 1
    assert result.chance == 0.2
    assert result.warnings == ()


def test_noise_scores_chance(bench):
    latents = np.random.default_rng(0).normal(size=(7200, 5))
    result = beta_vae_score(latents, np.tile(bench.codes, (10, 1)), draws=6000)
    assert result.value == pytest.approx(0.2, abs=0.04)


@pytest.mark.parametrize("seed", range(3))
def test_pairs_are_two_rows_of_one_class(seed):
    rng = np.random.default_rng(seed)
    rows = rng.permutation(50)[:30]
    classes = np.arange(30) % 4
    of = dict(zip(rows.tolist(), classes.tolist(), strict=True))
    first, second = Classmates.of(rows, classes).pairs((200, 10), rng)
    assert np.all(first != second)
    assert all(of[a] == of[b] for a, b in zip(first.ravel(), second.ravel(), strict=True))
    seen = set(zip(first.ravel().tolist(), second.ravel().tolist(), strict=True))
    assert len(seen) == sum(1 for a in of for b in of if a != b and of[a] == of[b])


def test_units_of_several_columns_count_by_their_columns(small):
    known = Representation.from_arrays(*small)
    joined = beta_vae_score(replace(known, latent_groups=np.array([0, 0, 1, 2])), draws=600)
    assert joined.value == beta_vae_score(known, draws=600).value


def test_what_cannot_be_shared_is_declined_and_the_rest_scored(small):
    latents, codes = small
    few = codes.copy()
    few[:3, 1] = 6
    result = beta_vae_score(latents, few, draws=600)
    assert result.value is None
    assert "factor_1: a class has too few rows to share" in result.reason
    assert result.per_factor["factor_1"] is None
    assert result.per_factor["factor_0"] > 0.5
    factors = [Factor(name=f"f{j}", kind="continuous") for j in range(3)]
    real = beta_vae_score(Representation.from_arrays(latents, codes, factors=factors))
    assert "f0 is continuous; no two images" in real.reason
    assert "one alone varies" in beta_vae_score(latents, codes[:, :1]).reason
