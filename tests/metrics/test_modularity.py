"""Modularity against scikit-learn's mutual information and published tables."""

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from drbench.data.spec import Factor
from drbench.metrics.modularity import modularity, modularity_of
from drbench.representation.representation import Representation

PUBLISHED = {
    "perfect": 1,
    "permuted": 1,
    "cubed": 1,
    "small": 1,
    "constants": 1,
    "noisy": 0.877,
    "duplicated": 1,
    "rotated": 0.931,
    "noise": 0.71,
    "missing": 1,
}
RANDOM = {"noisy": 0.06, "noise": 0.12}


def reference(latents, codes, bins):
    """Written from the templates of the paper: the best factor's information, and 0 elsewhere."""
    scores = []
    for z in latents.T:
        edges = np.linspace(z.min(), z.max(), bins + 1)[1:-1]
        told = np.array([mutual_info_score(np.digitize(z, edges), v) for v in codes.T])
        template = np.zeros(len(told))
        template[told.argmax()] = told.max()
        deviation = np.sum((told - template) ** 2) / (told.max() ** 2 * (len(told) - 1))
        scores.append(1 - deviation)
    return np.mean(scores)


@pytest.mark.parametrize("case", PUBLISHED)
def test_the_bench_scores_what_is_published(bench, case):
    value = modularity(bench.latents[case], bench.codes).value
    assert value == pytest.approx(PUBLISHED[case], abs=RANDOM.get(case, 5e-4))


def test_it_agrees_with_an_independent_estimate(small):
    latents, codes = small
    result = modularity(latents, codes, bins=13)
    assert result.value == pytest.approx(reference(latents, codes, 13), abs=1e-9)


def test_closed_forms_of_given_information():
    told = np.array([[1, 0, 0, 0], [1, 1, 1, 1], [4, 2, 0, 0], [0.1, 0.1, 0, 0]])
    expected = [1, 0, 1 - 1 / 12, 1 - 1 / 3]
    np.testing.assert_allclose(modularity_of(told), expected, atol=1e-12)


def test_chance_is_what_noise_scores_about_seven_tenths(bench):
    rng = np.random.default_rng(1)
    many = [modularity(rng.normal(size=(720, 5)), bench.codes) for _ in range(12)]
    value, chance = np.mean([(r.value, r.chance) for r in many], axis=0)
    assert value == pytest.approx(0.71, abs=0.03)
    assert chance == pytest.approx(value, abs=0.04)
    assert modularity(bench.latents["perfect"], bench.codes).chance < 0.9


def test_latents_that_tell_of_no_scored_factor_are_left_out(bench):
    # The last two latents hold factors that are not scored: exactly independent on a full grid.
    result = modularity(bench.latents["perfect"], bench.codes[:, :3])
    assert result.value == pytest.approx(1)


def test_per_factor_is_the_mean_over_the_latents_of_a_factor(bench):
    z = bench.latents["perfect"]
    mixed = np.stack([z[:, 0], z[:, 1], 3 * z[:, 1] + z[:, 3]], axis=1)
    result = modularity(mixed, bench.codes)
    told = np.array(result.matrix)
    each = modularity_of(told)
    assert result.per_factor["factor_1"] == pytest.approx(each[1:].mean())
    assert result.per_factor["factor_0"] == pytest.approx(1)
    assert result.per_factor["factor_4"] is None
    assert told[0] == pytest.approx([np.log(4), 0, 0, 0, 0])


def test_what_cannot_be_compared_has_a_reason(bench):
    z, codes = bench.latents["perfect"], bench.codes
    assert "one alone varies" in modularity(z, codes[:, :1]).reason
    assert "no latent tells anything" in modularity(np.ones_like(z), codes).reason
    factors = [Factor(name=f"f{j}", kind="ordinal", size=n) for j, n in enumerate(bench.sizes)]
    factors[2] = Factor(name="angle", kind="continuous")
    assert (
        "angle is continuous"
        in modularity(Representation.from_arrays(z, codes, factors=factors)).reason
    )
