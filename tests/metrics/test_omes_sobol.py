"""OMES on Sobol indices against the ANOVA decomposition, SALib, and codes whose truth is known."""

import itertools
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drbench.bench.sobol import agreements
from drbench.data.spec import Factor
from drbench.metrics.estimate.sobol import sobol_indices
from drbench.metrics.omes_sobol import omes_sobol
from drbench.representation.representation import Interventions, Representation

pytestmark = pytest.mark.slow

# S is the identity but for: two halves in two latents, a row twice, a row missing.
CLOSED = {
    "perfect": 1.0,
    "permuted": 1.0,
    "cubed": 1.0,
    "small": 1.0,
    "constants": 1.0,
    "rotated": (3 * 1.0 + 2 * 0.5 * (1 - 1 / 5)) / 5,
    "duplicated": (1.0 + (1 - 1 / 10)) / 2,
    "missing": 4 / 5,
}


def levels_of(sizes):
    return np.array(list(itertools.product(*map(range, sizes))))


def anova_totals(latents, sizes):
    """Total-order indices by the decomposition into effects, subset by subset of the factors."""
    F, D = len(sizes), latents.shape[1]
    cube = latents.reshape(*sizes, D)
    effects, totals = {}, np.zeros((D, F))
    for order in range(F + 1):
        for subset in itertools.combinations(range(F), order):
            others = tuple(k for k in range(F) if k not in subset)
            effect = cube.mean(axis=others, keepdims=True)
            for part in itertools.chain.from_iterable(
                itertools.combinations(subset, size) for size in range(order)
            ):
                effect = effect - effects[part]
            effects[subset] = effect
            for j in subset:
                totals[:, j] += (effect**2).mean(axis=tuple(range(F)))
    return totals / latents.var(axis=0)[:, None]


def tangled(codes, rng):
    """Latents with interactions of factors."""
    c = codes - codes.mean(axis=0)
    return np.stack([c[:, 0] + 0.5 * c[:, 1] * c[:, 2], c[:, 1], c[:, 2] ** 2 - c[:, 0]], axis=1)


def intervened(codes, encode, pairs, seed):
    """Interventions with distinct values, as data sets supply them."""
    rng = np.random.default_rng(seed)
    changed = np.repeat(np.arange(codes.shape[1]), pairs)
    first = codes[rng.integers(len(codes), size=len(changed))]
    second = first.copy()
    for row, j in enumerate(changed):
        levels = np.unique(codes[:, j])
        second[row, j] = rng.choice(levels[levels != first[row, j]])
    both = encode(np.vstack([first, second]), rng).reshape(2, len(first), -1).swapaxes(0, 1)
    known = Representation.from_arrays(encode(codes, rng), codes)
    return replace(known, interventions=Interventions(changed, both))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    sizes=st.lists(st.integers(2, 5), min_size=2, max_size=4).filter(lambda s: np.prod(s) >= 60),
)
def test_a_full_grid_gives_the_sums_of_the_anova_decomposition(seed, sizes):
    codes = levels_of(sizes)
    latents = np.random.default_rng(seed).normal(size=(len(codes), 3))
    found = sobol_indices(Representation.from_arrays(latents, codes), estimator="grid")
    expected = anova_totals(latents, sizes)
    np.testing.assert_allclose(found.raw, expected[:, list(found.selection.used)], atol=1e-10)


def test_a_full_grid_agrees_with_salib():
    from SALib.analyze import sobol as analyze
    from SALib.sample import sobol as sample

    sizes = (4, 3, 5)
    problem = {"num_vars": 3, "names": ["a", "b", "c"], "bounds": [[0, 1]] * 3}
    drawn = sample.sample(problem, 4096, calc_second_order=False, seed=0)
    codes = levels_of(sizes)
    table = tangled(codes, None)
    rows = np.ravel_multi_index((drawn * sizes).astype(int).T, sizes)
    found = sobol_indices(Representation.from_arrays(table, codes))
    for d in range(3):
        theirs = analyze.analyze(problem, table[rows, d], calc_second_order=False, seed=0)["ST"]
        np.testing.assert_allclose(found.raw[d], theirs, atol=0.02)


@pytest.mark.parametrize("pooling", ["avg", "max"])
@pytest.mark.parametrize("case", CLOSED)
def test_closed_values_of_the_bench(bench, case, pooling):
    result = omes_sobol(bench.latents[case], bench.codes, pooling=pooling)
    assert result.value == pytest.approx(CLOSED[case], abs=1e-12)
    assert result.reference == 1


@pytest.mark.parametrize("sizes", [(2, 2, 40), (4, 3, 5, 2, 6), (30, 30), (2,) * 7])
def test_a_perfect_code_gives_the_identity_whatever_the_sizes(bench, sizes):
    codes = levels_of(sizes)
    result = omes_sobol(codes.astype(float), codes)
    np.testing.assert_allclose(result.matrix, np.eye(len(sizes)), atol=1e-12)
    assert result.value == pytest.approx(1, abs=1e-12)
    assert result.parameters["used"] == "grid"


def test_a_perfect_code_scores_one_on_random_subsets_within_its_error():
    codes = levels_of((6, 2, 5, 4, 8))
    misses = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        rows = rng.choice(len(codes), 700, replace=False)
        found = sobol_indices(Representation.from_arrays(codes[rows].astype(float), codes[rows]))
        misses.append((np.diag(found.raw) - 1) / np.diag(found.standard_errors))
        np.testing.assert_allclose(found.raw - np.diag(np.diag(found.raw)), 0, atol=1e-12)
    assert 0.7 < np.std(misses) < 1.3
    assert abs(np.mean(misses)) < 0.3
    value = omes_sobol(codes[rows].astype(float), codes[rows]).value
    assert value == pytest.approx(1, abs=0.03)


def test_interventions_with_distinct_values_give_the_index_of_independent_ones():
    sizes = (3, 2, 4)
    codes = levels_of(sizes)
    known = intervened(codes, tangled, 4000, 0)
    found = sobol_indices(known)
    assert found.used == "interventions"
    expected = anova_totals(tangled(codes, None), sizes)
    assert (np.abs(found.raw - expected) <= 4 * found.standard_errors + 1e-9).all()
    assert np.abs(found.raw - expected).max() < 0.05
    x, y = known.pairs(1)
    assert np.mean((x - y)[:, 1] ** 2) / 2 / known.mean[:, 1].var() == pytest.approx(2, abs=0.01)


@pytest.mark.slow
def test_the_three_estimators_agree_within_their_errors():
    codes = np.tile(levels_of((6, 5, 7)), (3, 1))

    def encode(codes, rng):
        return tangled(codes, rng) + 0.5 * rng.normal(size=(len(codes), 3))

    known = intervened(codes, encode, 3000, 0)
    found = list(agreements(known, seed=0))
    assert [(one.first, one.second) for one in found] == [
        ("interventions", "grid"),
        ("interventions", "regression"),
        ("grid", "regression"),
    ]
    for one in found:
        assert one.within_two_errors >= 8 / 9
        assert one.noise < 0.04
        assert one.two_errors < 0.1
        assert one.first_score == pytest.approx(one.second_score, abs=0.03)
    assert found[0].noise == pytest.approx(0, abs=1e-12)


def test_indices_above_one_are_kept_and_clipped_for_the_score():
    codes = levels_of((6, 2, 5, 4, 8))
    rows = np.random.default_rng(1).choice(len(codes), 500, replace=False)
    result = omes_sobol(codes[rows].astype(float), codes[rows])
    diagonal = np.diag(result.matrix)
    assert diagonal.max() > 1 > diagonal.min()
    clipped = np.minimum(diagonal, 1)
    expected = clipped * (1 - (1 - clipped) / 5)
    np.testing.assert_allclose(list(result.per_factor.values()), expected, atol=1e-12)


def test_repeated_combinations_tell_noise_from_signal():
    rng = np.random.default_rng(0)
    codes = np.repeat(levels_of((4, 5, 6)), rng.integers(1, 6, size=120), axis=0)  # unequally often
    clean = (codes - levels_of((4, 5, 6)).mean(axis=0)) / levels_of((4, 5, 6)).std(axis=0)
    result = omes_sobol(clean + 0.5 * rng.normal(size=clean.shape), codes)
    assert result.parts["noise"] == pytest.approx(0.2, abs=0.04)
    np.testing.assert_allclose(result.matrix, 0.8 * np.eye(3), atol=0.1)
    np.testing.assert_allclose(np.array(result.matrix)[~np.eye(3, dtype=bool)], 0, atol=0.03)
    assert result.chance == 0


@pytest.mark.parametrize("pooling", ["avg", "max"])
@pytest.mark.parametrize("case", ["perfect", "rotated", "duplicated", "missing"])
def test_noise_latents_do_not_raise_the_score(bench, case, pooling):
    codes = np.tile(bench.codes, (2, 1))
    latents = np.tile(bench.latents[case], (2, 1))
    before = omes_sobol(latents, codes, pooling=pooling)
    for seed in range(5):
        noise = np.random.default_rng(seed).normal(size=(len(codes), 5))
        after = omes_sobol(np.hstack([latents, noise]), codes, pooling=pooling)
        assert after.value == pytest.approx(before.value, abs=1e-12)
        assert any("5 of" in warning and "noise" in warning for warning in after.warnings)


def test_noise_alone_scores_nothing(bench):
    codes = np.tile(bench.codes, (2, 1))
    result = omes_sobol(np.random.default_rng(5).normal(size=(len(codes), 6)), codes)
    assert result.value == pytest.approx(result.chance, abs=0.02) == 0


def test_noise_that_cannot_be_told_is_warned_of_and_never_claimed(bench):
    result = omes_sobol(bench.latents["noise"], bench.codes)
    assert result.parts["noise"] is None
    assert any("noise cannot be told" in warning for warning in result.warnings)
    assert result.value == pytest.approx(result.chance, abs=0.02)


def test_the_standard_error_is_the_spread_of_repeated_draws():
    grid = levels_of((4, 6, 5))

    def encode(codes, rng):
        return (codes - [1.5, 2.5, 2]) @ mixing + rng.normal(size=(len(codes), 3))

    def draw(seed):
        rows = np.random.default_rng(1000 + seed).integers(len(grid), size=400)
        return omes_sobol(intervened(grid[rows], encode, 300, seed))

    mixing = np.array([[1, 0, 0.5], [0.5, 1, 0], [0, 0, 1]])
    results = [draw(seed) for seed in range(25)]
    for name in ("factor_0", "factor_1", "factor_2"):
        spread = np.std([r.per_factor[name] for r in results])
        claimed = np.mean([r.standard_error[name] for r in results])
        assert 0.6 < claimed / spread < 1.6


def continuous(n, latents, seed=0):
    rng = np.random.default_rng(seed)
    values = rng.random((n, 3))
    factors = [Factor(name=name, kind="continuous") for name in "abc"]
    return Representation.from_arrays(latents(values, rng), values, factors=factors)


def test_continuous_factors_are_scored_by_regression():
    known = continuous(400, lambda v, rng: np.hstack([v**2, rng.normal(size=(len(v), 2))]))
    result = omes_sobol(known, rounds=10)
    assert result.parameters["used"] == "regression"
    assert result.n_pairs is None
    assert result.value == pytest.approx(1, abs=0.03)
    assert any("2 of 5 latents" in warning for warning in result.warnings)


def test_regression_finds_the_closed_form_of_a_product():
    # Ishigami's kind: z = a + b * c with a, b, c uniform on (-1, 1), variances 1/3 and 1/9.
    known = continuous(2000, lambda v, _: ((2 * v[:, 0] - 1) + (2 * v - 1)[:, 1:].prod(1))[:, None])
    found = sobol_indices(known)
    np.testing.assert_allclose(found.raw, [[3 / 4, 1 / 4, 1 / 4]], atol=0.03)


def test_a_continuous_factor_beside_a_grid_has_lines_too():
    grid = levels_of((5, 4, 6)).astype(float)
    factors = [
        Factor(name="a", kind="ordinal", size=5),
        Factor(name="b", kind="ordinal", size=4),
        Factor(name="angle", kind="continuous"),
    ]
    result = omes_sobol(Representation.from_arrays(grid, grid, factors=factors), estimator="grid")
    matrix = np.array(result.matrix)
    np.testing.assert_allclose(matrix, np.diag([1, 1, 6 / 5]), atol=1e-12)


def test_estimators_without_data_say_so(bench):
    result = omes_sobol(bench.latents["perfect"], bench.codes, estimator="interventions")
    assert result.value is None
    assert "encode interventions" in result.reason
    result = omes_sobol(continuous(100, lambda v, _: v), estimator="grid")
    assert "choose another estimator" in result.reason
    result = omes_sobol(np.eye(20), np.arange(40).reshape(20, 2) % 5, estimator="regression")
    assert "fewer than 30 rows" in result.reason


def test_factors_may_need_different_estimators_and_it_is_said():
    codes = levels_of((6, 2, 10))
    known = intervened(codes, lambda c, _: c.astype(float), 100, 0)
    pairs = known.interventions
    kept = pairs.factor != 1
    fewer = replace(known, interventions=Interventions(pairs.factor[kept], pairs.mean[kept]))
    result = omes_sobol(fewer)
    assert result.parameters["used"] == "mixed"
    assert any("factor_1 by grid" in warning for warning in result.warnings)
    assert any("factor_0 has 100 pairs only" in warning for warning in result.warnings)
    assert result.value == pytest.approx(1, abs=0.1)


def test_split_groups_stay_together_in_the_regression():
    known = continuous(300, lambda v, _: v)
    grouped = replace(known, split_groups=np.repeat(np.arange(30), 10))
    assert omes_sobol(grouped, rounds=10).value == pytest.approx(1, abs=0.06)
    assert omes_sobol(replace(known, split_groups=np.zeros(300, dtype=int))).value is None


@pytest.mark.parametrize("rare", [0.5, 0.1])
def test_classes_that_are_not_equally_frequent_are_warned_of(rare):
    rng = np.random.default_rng(0)
    codes = np.stack([rng.integers(0, 6, 4000), rng.random(4000) < rare], axis=1).astype(int)
    mixed = np.stack([codes[:, 0] / 1.7 + codes[:, 1], codes[:, 0]], axis=1)
    others = rng.integers(0, 20, (4000, 1))  # so that there are pairs enough
    result = omes_sobol(mixed, np.hstack([codes, others]))
    truth = np.var(codes[:, 1]) / np.var(mixed[:, 0])
    expected = 0.5 / (2 * rare * (1 - rare))
    assert result.matrix[0][1] == pytest.approx(expected * truth, rel=0.1)
    said = [line for line in result.warnings if "not equally frequent" in line]
    assert [line.startswith("factor factor_1") for line in said] == [True] * (rare < 0.5)
    if said:
        told = re.search(r"up to ([0-9.]+) times too large", said[0])
        assert float(told[1]) == pytest.approx(expected, abs=0.2)
    other = omes_sobol(mixed, codes, estimator="regression", rounds=20)
    assert other.matrix[0][1] == pytest.approx(truth, rel=0.05)
    assert not any("not equally frequent" in line for line in other.warnings)


@pytest.mark.parametrize("rows", [40, 100])
def test_few_rows_are_enough_for_the_regression_to_find_a_perfect_code(rows):
    rng = np.random.default_rng(0)
    codes = np.stack([rng.integers(0, 5, rows), rng.integers(0, 3, rows)], axis=1)
    latents = np.hstack([codes, rng.normal(size=(rows, 1))])
    assert omes_sobol(latents, codes, estimator="regression", rounds=15).value > 0.95


@pytest.mark.parametrize(("rows", "classes"), [(600, 20), (1000, 100)])
def test_rare_classes_without_an_order_are_known_to_the_regression(rows, classes):
    rng = np.random.default_rng(0)
    codes = np.stack([rng.integers(0, classes, rows), rng.integers(0, 6, rows)], axis=1)
    factors = [
        Factor(name="object", kind="categorical", size=classes),
        Factor(name="light", kind="ordinal", size=6),
    ]
    known = Representation.from_arrays(codes.astype(float), codes, factors=factors)
    found = sobol_indices(known, estimator="regression", rounds=15)
    np.testing.assert_allclose(found.raw, np.eye(2), atol=0.05)


def test_few_combinations_make_an_index_uncertain_but_no_latent_inactive():
    codes = np.tile(levels_of((5, 5)), (60, 1))
    single = (codes == 2).all(axis=1).astype(float)  # one combination of 25 decides it
    latents = np.column_stack([single, codes])
    found = sobol_indices(Representation.from_arrays(latents, codes))
    assert (found.raw[0] < 2 * found.standard_errors[0]).all()
    result = omes_sobol(latents, codes)
    assert not any("not scored" in line for line in result.warnings)
    assert result.standard_error["factor_0"] > 0.1


def test_two_split_groups_are_enough_to_tell_what_trees_miss():
    known = continuous(300, lambda v, _: np.sin(12 * v[:, :1]))
    known = replace(known, split_groups=np.arange(300) % 2)
    found = sobol_indices(known)
    assert abs(found.raw[0, 0] - 1) < 3 * found.standard_errors[0, 0]
    assert found.sums[0].misfit[0] > 0.005


def test_noise_that_one_estimator_tells_is_no_chance_to_score():
    rng = np.random.default_rng(0)
    labels = np.column_stack([rng.integers(0, [50, 6], (900, 2)), rng.random(900)])
    factors = [Factor(name=name, kind="ordinal", size=size) for name, size in (("a", 50), ("b", 6))]
    factors.append(Factor(name="pose", kind="continuous"))
    noise = rng.normal(size=(900, 3))
    result = omes_sobol(Representation.from_arrays(noise, labels, factors=factors), rounds=5)
    assert result.parameters["used"] == "mixed"
    assert any("it counts as signal of pose" in line for line in result.warnings)
    assert result.value == pytest.approx(result.chance, abs=0.02)


def test_where_no_factor_is_scored_nothing_is_said_of_latents():
    codes = levels_of((3, 4))
    result = omes_sobol(codes.astype(float), codes, estimator="grid")
    assert result.value is None
    assert not any("not scored" in line for line in result.warnings)
