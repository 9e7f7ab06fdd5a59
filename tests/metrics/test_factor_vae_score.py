"""The FactorVAE score against one drawn vote by vote."""

from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pytest

from drbench.data.spec import Factor
from drbench.metrics.estimate import draws as drawing
from drbench.metrics.estimate.draws import Classmates
from drbench.metrics.factor_vae_score import factor_vae_score
from drbench.representation.representation import Representation


def voted_one_by_one(latents, codes, batch, draws, rng):
    """Majority vote over draws of the same kind, with dictionaries."""
    scale = latents.var(axis=0)
    votes = []
    for _ in range(draws):
        factor = rng.integers(codes.shape[1])
        value = codes[rng.integers(len(codes)), factor]
        rows = rng.choice(np.flatnonzero(codes[:, factor] == value), size=batch)
        votes.append((int(np.argmin(latents[rows].var(axis=0) / scale)), int(factor)))
    table = defaultdict(Counter)
    for latent, factor in votes[: draws // 2]:
        table[latent][factor] += 1
    named = {latent: counts.most_common(1)[0][0] for latent, counts in table.items()}
    return np.mean([named.get(latent) == factor for latent, factor in votes[draws // 2 :]])


def test_the_score_is_that_of_votes_drawn_one_by_one(bench):
    rng = np.random.default_rng(0)
    latents = bench.latents["perfect"] * [1, 5, 1, 9, 1] + 1.5 * rng.normal(size=(720, 5))
    expected = voted_one_by_one(latents, bench.codes, 8, 4000, rng)
    assert 0.3 < expected < 0.9
    result = factor_vae_score(latents, bench.codes, batch=8, draws=9000)
    assert result.value == pytest.approx(expected, abs=0.05)
    assert result.value == pytest.approx(np.mean(list(result.per_factor.values())))


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("perfect", 1),
        ("permuted", 1),
        ("cubed", 1),
        ("small", 1),
        ("constants", 1),
        ("noisy", 1),
        ("duplicated", 1),
        ("missing", 0.8),  # no latent stands for the factor that is not encoded
        ("rotated", 0.8),  # two latents vary as much for either of two factors
    ],
)
def test_the_bench_scores_its_closed_forms(bench, case, expected):
    result = factor_vae_score(bench.latents[case], bench.codes, draws=6000)
    assert result.value == pytest.approx(expected, abs=0.03)
    assert result.reference == 1
    assert result.chance == 0.2


def test_noise_scores_chance(bench):
    latents = np.random.default_rng(0).normal(size=(7200, 5))
    result = factor_vae_score(latents, np.tile(bench.codes, (10, 1)), draws=6000)
    assert result.value == pytest.approx(0.2, abs=0.04)


def test_votes_name_the_latent_of_each_factor(bench):
    latents = bench.latents["constants"][:, [5, 3, 1, 6, 4, 0, 2]]
    matrix = np.array(factor_vae_score(latents, bench.codes, draws=600).matrix)
    assert matrix.shape == (7, 5)
    assert matrix.argmax(axis=0).tolist() == [5, 2, 6, 1, 4]
    assert matrix.sum(axis=0) == pytest.approx(1)


def test_inactive_latents_have_no_vote(bench):
    rng = np.random.default_rng(0)
    z = bench.latents["perfect"]
    latents = np.hstack([1e-4 * z[:, :1], z[:, 1:], rng.normal(size=(720, 1))])
    without = factor_vae_score(latents, bench.codes, draws=3000)
    assert set(without.matrix[0]) == {0}
    assert without.per_factor["factor_0"] < 0.9
    heard = factor_vae_score(latents, bench.codes, draws=3000, inactive=1e-5)
    assert heard.matrix[0] == (1, 0, 0, 0, 0)
    assert heard.value == 1


def test_a_collapsed_code_scores_zero(small):
    result = factor_vae_score(np.ones((360, 3)), small[1], draws=300)
    assert result.value == 0
    assert result.warnings == ("no latent varies: the representation has collapsed",)


def test_groups_are_rows_of_one_class_and_classes_as_frequent_as_in_the_sample():
    rng = np.random.default_rng(0)
    rows, classes = np.arange(100, 120), np.repeat([0, 1, 2], [12, 6, 2])
    groups = Classmates.of(rows, classes).groups((3000, 7), rng)
    drawn = classes[groups - 100]
    assert np.all(drawn == drawn[:, :1])
    shares = np.bincount(drawn[:, 0]) / 3000
    assert shares == pytest.approx([0.6, 0.3, 0.1], abs=0.03)
    assert np.bincount(groups.ravel() - 100).min() > 0


def test_many_latents_are_gathered_in_blocks(small, monkeypatch):
    whole = factor_vae_score(*small, draws=300)
    monkeypatch.setattr(drawing, "_BLOCK", 3000)
    parts = factor_vae_score(*small, draws=300)
    assert parts.value == pytest.approx(whole.value, abs=0.1)


def test_what_cannot_be_shared_is_declined_and_the_rest_scored(small):
    latents, codes = small
    few = codes.copy()
    few[:3, 1] = 6
    result = factor_vae_score(latents, few, draws=600)
    assert result.value is None
    assert "factor_1: a class has too few rows to share" in result.reason
    assert result.per_factor["factor_1"] is None
    assert result.per_factor["factor_0"] > 0.5
    known = Representation.from_arrays(latents, codes)
    vectors = factor_vae_score(replace(known, latent_groups=np.array([0, 0, 1, 2])))
    assert "a vote is for a scalar latent" in vectors.reason
    factors = [Factor(name=f"f{j}", kind="continuous") for j in range(3)]
    real = factor_vae_score(Representation.from_arrays(latents, codes, factors=factors))
    assert "f0 is continuous; no two images" in real.reason
    assert "one alone varies" in factor_vae_score(latents, codes[:, :1]).reason
