"""OMES against brute force, closed forms and published tables."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drbench.data.spec import Factor
from drbench.metrics.estimate.pairs import line_totals, lines_of
from drbench.metrics.omes import omes
from drbench.representation.representation import Interventions, Representation

pytestmark = pytest.mark.slow

# Published values, from random pairs; "noise" and "noisy" hold other random numbers than ours.
PUBLISHED_MAX = {
    "perfect": 0.504,
    "permuted": 0.504,
    "cubed": 0.514,
    "noisy": 0.555,
    "duplicated": 0.482,
    "rotated": 0.449,
    "noise": 0.227,
    "missing": 0.345,
}


def drawn_pairs(codes, factor, rng):
    """All pairs of one random draw: per line m rounds of disjoint pairs, row by row."""
    seen, lines = set(), {}
    for row, combination in enumerate(codes.tolist()):
        if tuple(combination) not in seen:
            seen.add(tuple(combination))
            key = tuple(c for j, c in enumerate(combination) if j != factor)
            lines.setdefault(key, []).append(row)
    pairs = []
    for rows in lines.values():
        for _ in rows:
            order = rng.permutation(rows)
            pairs += [(order[i], order[i + 1]) for i in range(0, len(rows) - 1, 2)]
    return np.array(pairs).reshape(-1, 2)


def brute_association(latents, codes, draws):
    """S from the moments of many random draws, and the number of pairs of one draw."""
    rng = np.random.default_rng(0)
    columns, counts = [], []
    for j in range(codes.shape[1]):
        pairs = np.vstack([drawn_pairs(codes, j, rng) for _ in range(draws)])
        counts.append(len(pairs) // draws)
        columns.append([
            1 - abs(np.corrcoef(latents[pairs[:, 0], d], latents[pairs[:, 1], d])[0, 1])
            for d in range(latents.shape[1])
        ])  # fmt: skip
    return np.array(columns).T, counts


def formula(S, pooling, alpha):
    """The definition, loop by loop."""
    D, F = S.shape
    per_factor = []
    for j in range(F):
        modular, compact = [], []
        for d in range(D):
            e_factor, e_latent = np.eye(F)[j], np.eye(D)[d]
            modular.append(S[d, j] * (1 - np.mean([abs(e_factor[k] - S[d, k]) for k in range(F)])))
            compact.append(S[d, j] * (1 - np.mean([abs(e_latent[i] - S[i, j]) for i in range(D)])))
        if pooling == "max":
            pair = max(modular), max(compact)
        else:
            pair = [
                sum(S[d, j] * x[d] for d in range(D)) / S[:, j].sum() for x in (modular, compact)
            ]
        per_factor.append(alpha * pair[0] + (1 - alpha) * pair[1])
    return per_factor


@pytest.mark.parametrize("share", [1.0, 0.6])
def test_the_closed_form_is_the_mean_of_random_pairs(share):
    rng = np.random.default_rng(1)
    codes = np.array(list(itertools.product(range(4), range(3), range(5), range(3))))
    codes = codes[rng.random(len(codes)) < share]
    codes = np.vstack([codes, codes[:20]])  # repeated combinations: only the first row counts
    latents = codes @ rng.normal(size=(4, 3)) + rng.normal(size=(len(codes), 3))
    result = omes(latents, codes)
    S, pairs = brute_association(latents, codes, draws=150)
    np.testing.assert_allclose(np.array(result.matrix), S, atol=0.012)
    assert list(result.n_pairs.values()) == pairs


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    pooling=st.sampled_from(["avg", "max"]),
    alpha=st.sampled_from([0.0, 0.3, 1.0]),
)
def test_scores_follow_from_the_matrix_by_the_definition(seed, pooling, alpha):
    rng = np.random.default_rng(seed)
    codes = np.array(list(itertools.product(range(4), range(3), range(5))))
    latents = codes @ rng.normal(size=(3, 4)) + rng.normal(size=(60, 4))
    result = omes(latents, codes, pooling=pooling, alpha=alpha)
    expected = formula(np.array(result.matrix), pooling, alpha)
    np.testing.assert_allclose(list(result.per_factor.values()), expected, atol=1e-12)
    assert result.value == pytest.approx(np.mean(expected))
    assert result.curve.y[int(alpha * 10)] == pytest.approx(result.value)
    assert result.parts["os"] == pytest.approx(result.curve.y[10])
    assert result.parts["mes"] == pytest.approx(result.curve.y[0])


@pytest.mark.parametrize("case", PUBLISHED_MAX)
def test_the_bench_scores_what_is_published(bench, case):
    result = omes(bench.latents[case], bench.codes, pooling="max")
    assert result.value == pytest.approx(PUBLISHED_MAX[case], abs=0.02)


@pytest.mark.parametrize("pooling", ["avg", "max"])
@pytest.mark.parametrize("case", ["permuted", "small", "constants"])
def test_what_changes_nothing_scores_as_the_perfect_code(bench, case, pooling):
    scores = [omes(bench.latents[c], bench.codes, pooling=pooling).value for c in ("perfect", case)]
    assert scores[0] == pytest.approx(scores[1], abs=1e-12)


def test_closed_values_of_the_bench(bench):
    assert omes(bench.latents["perfect"], bench.codes, pooling="max").value == pytest.approx(
        0.5105, abs=5e-5
    )
    assert omes(bench.latents["duplicated"], bench.codes, pooling="max").value == pytest.approx(
        0.500, abs=5e-4
    )


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ((3, 6, 40, 32, 32), 0.822),  # dSprites
        ((10, 10, 10, 8, 4, 15), 0.834),  # Shapes3D
        ((7, 3, 6, 40, 32, 32), 0.823),  # Color-dSprites
        ((3, 8, 5, 4, 4, 4, 6, 4, 4), 0.671),  # Isaac3D
        ((100, 72, 18, 9), 0.936),  # Coil100-Augmented
    ],
)
def test_the_perfect_code_reference_is_the_published_one(sizes, expected):
    factors = tuple(Factor(name=f"f{j}", kind="ordinal", size=n) for j, n in enumerate(sizes))
    rng = np.random.default_rng(0)
    codes = np.stack([rng.integers(n, size=900) for n in sizes], axis=1)
    changed = np.repeat(np.arange(len(sizes)), 50)
    pairs = Interventions(changed, rng.normal(size=(len(changed), 2, 2)))
    known = Representation(rng.normal(size=(900, 2)), codes, factors, interventions=pairs)
    assert omes(known, pooling="max").reference == pytest.approx(expected, abs=6e-4)


def test_a_perfect_code_scores_its_reference(bench):
    for pooling in ("avg", "max"):
        result = omes(bench.latents["perfect"], bench.codes, pooling=pooling)
        assert result.value == pytest.approx(result.reference)
        assert max(result.standard_error.values()) < 1e-9


def test_latents_of_noise_score_about_chance():
    rng = np.random.default_rng(0)
    codes = np.array(list(itertools.product(range(12), range(12), range(12))))
    result = omes(rng.normal(size=(1728, 4)), codes)
    assert result.chance == pytest.approx(0.5 / 3 + 0.5 / 4)
    assert result.value == pytest.approx(result.chance, abs=0.03)


def intervened(latents, codes, pairs, seed, encode=None):
    """A representation with random interventions, encoded by a linear map with noise."""
    rng = np.random.default_rng(seed)
    F = codes.shape[1]
    changed = np.repeat(np.arange(F), pairs)
    first = codes[rng.integers(len(codes), size=len(changed))]
    second = first.copy()
    for row, j in enumerate(changed):
        levels = np.unique(codes[:, j])
        second[row, j] = rng.choice(levels[levels != first[row, j]])
    mean = np.stack([encode(first, rng), encode(second, rng)], axis=1)
    known = Representation.from_arrays(latents, codes)
    return replace(known, interventions=Interventions(changed, mean))


def noisy_code(codes, rng):
    mixing = np.array([[1.0, 0, 0, 1.0], [0, 1.0, 0, 0], [0, 0, 1.0, 0.5]])
    return codes @ mixing + 0.5 * rng.normal(size=(len(codes), 4))


def test_interventions_are_preferred_and_agree_with_the_sample():
    codes = np.array(list(itertools.product(range(8), range(6), range(10))))
    latents = noisy_code(codes, np.random.default_rng(0))
    sample = omes(latents, codes)
    known = intervened(latents, codes, 1000, 1, noisy_code)
    result = omes(known)
    assert (sample.parameters["pairs"], result.parameters["pairs"]) == ("sample", "interventions")
    assert set(result.n_pairs.values()) == {1000}
    np.testing.assert_allclose(result.matrix, sample.matrix, atol=0.08)
    x, y = known.pairs(1)
    assert result.matrix[3][1] == pytest.approx(1 - abs(np.corrcoef(x[:, 3], y[:, 3])[0, 1]))


def test_too_few_interventions_leave_the_factor_to_the_sample():
    codes = np.array(list(itertools.product(range(8), range(6), range(10))))
    latents = noisy_code(codes, np.random.default_rng(0))
    known = intervened(latents, codes, 200, 1, noisy_code)
    pairs = known.interventions
    kept = (pairs.factor != 1) | (np.cumsum(pairs.factor == 1) <= 29)
    fewer = Interventions(pairs.factor[kept], pairs.mean[kept])
    result = omes(replace(known, interventions=fewer))
    assert result.parameters["pairs"] == "mixed"
    assert result.n_pairs["factor_1"] == omes(latents, codes).n_pairs["factor_1"]
    assert any("200 pairs only" in warning for warning in result.warnings)


def test_the_standard_error_is_the_spread_of_repeated_draws():
    codes = np.array(list(itertools.product(range(8), range(6), range(10))))
    latents = noisy_code(codes, np.random.default_rng(0))
    results = [omes(intervened(latents, codes, 300, s, noisy_code)) for s in range(40)]
    for name in ("factor_0", "factor_1", "factor_2"):
        spread = np.std([r.per_factor[name] for r in results])
        claimed = np.mean([r.standard_error[name] for r in results])
        assert 0.7 < claimed / spread < 1.4


def test_a_two_level_factor_scores_nothing_by_the_published_formula(bench):
    result = omes(bench.latents["perfect"], bench.codes)
    assert result.per_factor["factor_3"] == pytest.approx(0, abs=1e-12)


def test_a_factor_that_no_latent_holds_scores_zero():
    codes = np.array(list(itertools.product(range(5), range(5), range(4))))
    result = omes(codes[:, :2].astype(float), codes)
    assert result.per_factor["factor_2"] == 0


def test_inactive_latents_are_removed_relative_to_the_largest(bench):
    z = bench.latents["perfect"]
    tiny = np.hstack([z, 1e-4 * np.random.default_rng(0).normal(size=(len(z), 2))])
    result = omes(tiny, bench.codes)
    assert result.value == pytest.approx(omes(z, bench.codes).value)
    assert result.matrix[5] == (0.0,) * 5
    assert omes(tiny, bench.codes, inactive=1e-5).value != pytest.approx(result.value)
    assert omes(tiny * 1e-6, bench.codes).value == pytest.approx(result.value)


def test_a_collapsed_representation_scores_zero_and_it_is_said(bench):
    result = omes(np.ones((720, 3)), bench.codes)
    assert result.value == 0
    assert any("collapsed" in warning for warning in result.warnings)


def test_too_few_pairs_are_refused_and_the_other_factors_stand():
    # 20 lines of 2 along the first factor, long lines along the second.
    codes = np.array(list(itertools.product(range(2), range(14))))
    result = omes(np.random.default_rng(0).normal(size=(28, 3)), codes)
    assert result.n_pairs == {"factor_0": 28, "factor_1": 2 * 14 * 7}
    assert result.value is None
    assert "factor_0 has 28 pairs" in result.reason
    assert "factor_1" not in result.reason
    assert result.per_factor["factor_0"] is None
    assert result.per_factor["factor_1"] is not None
    assert any("factor_1 has 196 pairs only" in warning for warning in result.warnings)


def test_lines_agree_on_continuous_factors_too():
    grid = np.array(list(itertools.product(range(5), range(6), range(4))), dtype=float)
    factors = [
        Factor(name="a", kind="ordinal", size=5),
        Factor(name="b", kind="ordinal", size=6),
        Factor(name="angle", kind="continuous"),
    ]
    known = Representation.from_arrays(grid, grid * [1, 1, 0.1], factors=factors)
    result = omes(known)
    assert result.value is None
    assert "angle is continuous" in result.reason
    assert result.n_pairs == {"a": 24 * 10, "b": 20 * 18}
    assert result.per_factor["angle"] is None
    assert result.per_factor["b"] > 0.5
    assert [row[2] for row in result.matrix] == [None] * 3


def test_a_continuous_factor_that_repeats_no_value_is_blamed_alone():
    grid = np.array(list(itertools.product(range(5), range(6))))
    angle = np.random.default_rng(0).random((30, 1))
    factors = [
        Factor(name="a", kind="ordinal", size=5),
        Factor(name="b", kind="ordinal", size=6),
        Factor(name="angle", kind="continuous"),
    ]
    labels = np.hstack([grid, angle])
    result = omes(Representation.from_arrays(labels, labels, factors=factors))
    assert result.reason.startswith("factor angle is continuous")
    assert "factor a" not in result.reason.replace("factor angle", "")
    assert "leave it out, or bin it" in result.reason


def test_vector_units_are_declined(bench):
    known = Representation.from_arrays(
        bench.latents["perfect"], bench.codes, latent_groups=[0, 0, 1, 2, 3]
    )
    result = omes(known)
    assert result.value is None
    assert "several columns" in result.reason


@pytest.mark.parametrize("longest", [1, 4, 50, 51, 300])
def test_rows_of_a_line_are_added_up_whatever_its_length(longest):
    rng = np.random.default_rng(longest)
    keys = np.repeat(np.arange(40), rng.integers(1, longest + 1, size=40)).astype(np.uint64)
    keys = rng.permutation(np.append(keys, np.repeat(np.uint64(99), longest)))
    table = rng.normal(size=(len(keys), 3))
    expected = [table[keys == key].sum(axis=0) for key in np.unique(keys)]
    np.testing.assert_allclose(line_totals(table, lines_of(keys)), expected, atol=1e-12)
