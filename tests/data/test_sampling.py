"""Splits, samples, weak pairs and interventions, held to brute force on small sets."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest

from drbench import DatasetSpec, Factor, GroundTruth, RequestError, grid_codes
from drbench.data import sampling
from drbench.data.sampling import (
    image_rows,
    intervention_rows,
    partnerless_share,
    scored_rows,
    split_rows,
    weak_pairs,
)


def truth_of(
    codes: np.ndarray,
    sizes: Sequence[int | None],
    *,
    values: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> GroundTruth:
    factors = tuple(
        Factor(name=f"f{j}", kind="ordinal" if size else "continuous", size=size)
        for j, size in enumerate(sizes)
    )
    spec = DatasetSpec(
        name="toy",
        summary="Codes without images.",
        factors=factors,
        image_shape=(8, 8, 1),
        split_group="object",
        licence="none",
        citation="none",
    )

    def no_image(rows: np.ndarray) -> np.ndarray:
        raise AssertionError("sampling must not look at images")

    return GroundTruth(spec, "rendered", codes, no_image, values=values, groups=groups)


def grid(*sizes: int) -> GroundTruth:
    return truth_of(grid_codes(sizes), sizes)


def everything(truth: GroundTruth) -> np.ndarray:
    return np.ones(len(truth), dtype=bool)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def pairs_of(
    truth: GroundTruth,
    count: int,
    allowed: np.ndarray | None = None,
    *,
    k: int = 1,
    distinct: bool = True,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    allowed = everything(truth) if allowed is None else allowed
    return weak_pairs(truth, allowed, count=count, k=k, distinct=distinct, rng=generator(seed))


def scattered() -> GroundTruth:
    """A third of a grid, in random order: no stride arithmetic finds a partner here."""
    codes = generator(5).permutation(grid_codes([4, 3, 5, 2]))[:40]
    return truth_of(codes, [4, 3, 5, 2])


def all_pairs(truth: GroundTruth, allowed: np.ndarray, k: int) -> set[tuple[int, int]]:
    rows = np.flatnonzero(allowed).tolist()
    return {
        pair
        for a, b in combinations(rows, 2)
        for pair in ((a, b), (b, a))
        if (truth.codes[a] != truth.codes[b]).sum() == k
    }


@pytest.mark.parametrize("share", [0.2, 0.5, 0.01, 0.99])
def test_the_held_out_share_is_exact_to_the_row(share: float) -> None:
    truth = grid(10, 10, 7)
    assert split_rows(truth, 0, share).sum() == round(share * 700)


def test_a_split_depends_on_its_seed_alone() -> None:
    truth = grid(10, 10)
    np.testing.assert_array_equal(split_rows(truth, 3), split_rows(truth, 3))
    assert (split_rows(truth, 3) != split_rows(truth, 4)).any()


@pytest.mark.parametrize("share", [0.2, 0.001, 0.999])
def test_groups_are_held_out_whole_and_some_are_left(share: float) -> None:
    groups = np.repeat([7, 3, 9, 40, 2], [10, 30, 20, 25, 15])
    truth = truth_of(np.arange(100)[:, None], [100], groups=groups)
    held_out = split_rows(truth, 1, share)
    shares = {group: held_out[groups == group].mean() for group in set(groups.tolist())}
    assert set(shares.values()) == {0.0, 1.0}


def test_groups_come_as_near_to_the_share_as_their_order_lets_them() -> None:
    groups = np.repeat(np.arange(50), generator().integers(1, 40, 50))
    truth = truth_of(np.arange(len(groups))[:, None], [len(groups)], groups=groups)
    for seed in range(5):
        assert abs(split_rows(truth, seed).mean() - 0.2) <= 20 / len(groups)


CUTS = [{"f0": 2}, {"f1": 1, "f3": 3}, {"f0": 2, "f2": 3}]


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("seed", [0, 7])
def test_a_row_is_held_out_whatever_the_set_is_cut_down_to(grouped: bool, seed: int) -> None:
    rng = generator(2)
    codes = rng.permutation(grid_codes([5, 3, 6, 4]))[:200]
    values = np.column_stack([np.arange(200.0), *3 * [np.zeros(200)]])  # tells each row
    groups = rng.integers(40, size=200) if grouped else None
    whole = truth_of(codes, [5, 3, 6, 4], values=values, groups=groups)
    held_out = dict(zip(values[:, 0], split_rows(whole, seed), strict=True))
    assert sum(held_out.values()) == 40 or grouped
    cuts = [whole.subgrid(levels) for levels in CUTS]
    cuts += [cuts[0].subgrid({"f2": 2}), whole.select(np.array([9, 3, 150, *range(20, 60)]))]
    for cut in cuts:
        assert cut.values is not None
        expected = [held_out[row] for row in cut.values[:, 0]]
        np.testing.assert_array_equal(split_rows(cut, seed), expected)


def test_a_cut_without_rows_of_both_parts_is_refused() -> None:
    truth = grid(10, 10)
    held_out = split_rows(truth, 0)
    for part, lacking in ((held_out, "for training"), (~held_out, "held out")):
        with pytest.raises(RequestError, match=f"seed 0 leaves none {lacking}: keep more levels"):
            split_rows(truth.select(np.flatnonzero(part)), 0)


def test_what_cannot_be_parted_is_refused() -> None:
    one_group = truth_of(np.arange(4)[:, None], [4], groups=np.zeros(4, dtype=int))
    with pytest.raises(RequestError, match="one group"):
        split_rows(one_group, 0)
    with pytest.raises(RequestError, match="one image"):
        split_rows(grid(1), 0)
    with pytest.raises(RequestError, match="between 0 and 1"):
        split_rows(grid(9), 0, share=1.0)


def test_scored_rows_are_held_out_sorted_and_never_repeated() -> None:
    held_out = split_rows(grid(20, 20), 0)
    rows = scored_rows(held_out, 50, 0)
    assert len(rows) == 50
    assert (np.diff(rows) > 0).all()
    assert held_out[rows].all()
    np.testing.assert_array_equal(rows, scored_rows(held_out, 50, 0))
    assert (rows != scored_rows(held_out, 50, 1)).any()


def test_a_sample_larger_than_what_is_held_out_takes_all_of_it() -> None:
    held_out = split_rows(grid(20, 20), 0)
    np.testing.assert_array_equal(scored_rows(held_out, 10_000, 0), np.flatnonzero(held_out))


def test_image_rows_are_uniform_over_the_allowed_ones() -> None:
    allowed = np.arange(10) % 3 == 0
    counts = np.bincount(image_rows(allowed, 40_000, generator()), minlength=10)
    assert (counts[~allowed] == 0).all()
    np.testing.assert_allclose(counts[allowed], 10_000, rtol=0.05)


def test_one_allowed_row_among_many_is_found() -> None:
    allowed = np.zeros(50_000_000, dtype=bool)
    allowed[77] = True
    assert image_rows(allowed, 3, generator()).tolist() == [77, 77, 77]


def test_without_allowed_rows_nothing_can_be_drawn() -> None:
    with pytest.raises(RequestError, match="No row is left"):
        image_rows(np.zeros(5, dtype=bool), 3, generator())


@pytest.mark.parametrize("truth", [grid(4, 3, 5, 2), scattered()], ids=["grid", "scattered"])
@pytest.mark.parametrize("k", [1, 2, 4])
def test_exactly_k_factors_differ_and_they_are_the_named_ones(truth: GroundTruth, k: int) -> None:
    first, second, changed = pairs_of(truth, 300, k=k)
    assert changed.shape == (300, k)
    differs = truth.codes[first] != truth.codes[second]
    named = np.zeros_like(differs)
    np.put_along_axis(named, changed, True, axis=1)
    np.testing.assert_array_equal(differs, named)


@pytest.mark.parametrize("truth", [grid(3, 2, 3), scattered()], ids=["grid", "scattered"])
@pytest.mark.parametrize("k", [1, 2])
def test_every_allowed_pair_comes_up_and_no_other(truth: GroundTruth, k: int) -> None:
    allowed = ~split_rows(truth, 0)
    first, second, _ = pairs_of(truth, 60_000, allowed, k=k)
    seen = set(zip(first.tolist(), second.tolist(), strict=True))
    assert seen == all_pairs(truth, allowed, k)


def test_the_partner_is_uniform_over_the_other_classes() -> None:
    truth = grid(5, 1, 4)
    first, second, changed = pairs_of(truth, 60_000)
    moved = changed[:, 0] == 0
    steps = (truth.codes[second, 0] - truth.codes[first, 0])[moved] % 5
    counts = np.bincount(steps, minlength=5)
    assert counts[0] == 0
    np.testing.assert_allclose(counts[1:], moved.sum() / 4, rtol=0.06)
    np.testing.assert_allclose(moved.mean(), 0.5, atol=0.02)


def test_without_distinct_a_factor_keeps_its_class_as_often_as_chance_says() -> None:
    truth = grid(4, 4)
    first, second, _ = pairs_of(truth, 40_000, distinct=False)
    assert abs((first == second).mean() - 1 / 4) < 0.01


def test_pairs_depend_on_the_generator_alone() -> None:
    truth = grid(4, 3, 5)
    once, again, other = (np.hstack(pairs_of(truth, 64, seed=s)[:2]) for s in (1, 1, 2))
    np.testing.assert_array_equal(once, again)
    assert (once != other).any()


def test_single_valued_factors_never_change() -> None:
    sizes = [1, 3, 4, 2]  # the last has two classes, of which one is present
    codes = grid_codes([1, 3, 4, 1])
    truth = truth_of(codes, sizes)
    _, _, changed = pairs_of(truth, 500)
    assert set(changed.ravel().tolist()) == {1, 2}
    with pytest.raises(RequestError, match="2 factors that vary, so choose k from 1 to 2"):
        pairs_of(truth, 4, k=3)


def test_continuous_factors_never_change() -> None:
    codes = np.column_stack([np.full(24, -1), np.repeat(grid_codes([3, 4]), 2, axis=0)])
    values = np.column_stack([np.tile([0.5, 1.5], 12), codes[:, 1:]]).astype(float)
    truth = truth_of(codes, [None, 3, 4], values=values)
    first, second, changed = pairs_of(truth, 200)
    assert 0 not in changed
    np.testing.assert_array_equal(values[first, 0], values[second, 0])
    rows = intervention_rows(truth, everything(truth), 10, generator())
    np.testing.assert_array_equal(values[rows.rows[:, 0], 0], values[rows.rows[:, 1], 0])
    assert np.isnan(rows.redrawn[0])


@pytest.mark.parametrize("k", [0, 3])
def test_k_outside_the_varying_factors_is_refused(k: int) -> None:
    with pytest.raises(RequestError, match=f"k={k} factors: toy has 2 factors"):
        pairs_of(grid(3, 3), 4, k=k)


def test_a_set_without_such_pairs_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "_MOST_DRAWS", 2**14)
    diagonal = truth_of(np.repeat(np.arange(5)[:, None], 3, axis=1), [5, 5, 5])
    with pytest.raises(RequestError, match="0 of 4 pairs that differ in k=1 factors among 5 rows"):
        pairs_of(diagonal, 4)
    first, second, _ = pairs_of(diagonal, 50, k=3)
    assert (first != second).all()


def test_rare_pairs_are_found() -> None:
    truth = grid(40, 40, 40)
    allowed = np.zeros(len(truth), dtype=bool)
    allowed[[0, 1]] = True  # two of 64,000 rows, which differ in the last factor
    first, second, changed = pairs_of(truth, 1, allowed)
    assert {int(first[0]), int(second[0])} == {0, 1}
    assert changed.tolist() == [[2]]


@pytest.mark.parametrize("truth", [grid(4, 3, 5, 2), scattered()], ids=["grid", "scattered"])
def test_interventions_change_one_factor_inside_the_allowed_rows(truth: GroundTruth) -> None:
    allowed = split_rows(truth, 0, 0.5)
    found = intervention_rows(truth, allowed, 15, generator())
    assert allowed[found.rows].all()
    differs = truth.codes[found.rows[:, 0]] != truth.codes[found.rows[:, 1]]
    expected = np.zeros_like(differs)
    expected[np.arange(len(expected)), found.factor] = True
    np.testing.assert_array_equal(differs, expected)


@pytest.mark.parametrize("truth", [grid(4, 3, 5, 2), scattered()], ids=["grid", "scattered"])
def test_all_base_rows_that_have_a_partner_are_used_once(truth: GroundTruth) -> None:
    allowed = split_rows(truth, 0, 0.5)
    found = intervention_rows(truth, allowed, 10_000, generator())
    for factor in range(4):
        able = {
            a
            for a, b in all_pairs(truth, allowed, 1)
            if truth.codes[a, factor] != truth.codes[b, factor]
        }
        assert sorted(found.rows[found.factor == factor, 0].tolist()) == sorted(able)
        unable = 1 - len(able) / allowed.sum()
        if able:
            last_useful = (1 - found.redrawn[factor]) * allowed.sum()
            assert found.redrawn[factor] == pytest.approx(unable)
            assert last_useful == pytest.approx(len(able))


def test_the_share_redrawn_is_that_of_rows_without_a_partner() -> None:
    truth = grid(2, 3, 50, 100)
    allowed = split_rows(truth, 0, 0.2)
    found = intervention_rows(truth, allowed, 1000, generator())
    # Chance that none of the other levels is among the held-out fifth.
    np.testing.assert_allclose(found.redrawn, [0.8, 0.64, 0.8**49, 0], atol=0.03)
    assert Counter(found.factor.tolist()) == {0: 1000, 1: 1000, 2: 1000, 3: 1000}


def test_a_full_grid_redraws_nothing_and_draws_partners_uniformly() -> None:
    truth = grid(5, 40, 40)
    found = intervention_rows(truth, everything(truth), 8000, generator())
    np.testing.assert_array_equal(found.redrawn, 0)
    of_first = found.rows[found.factor == 0]
    steps = (truth.codes[of_first[:, 1], 0] - truth.codes[of_first[:, 0], 0]) % 5
    np.testing.assert_allclose(np.bincount(steps, minlength=5), [0, *4 * [2000]], rtol=0.1)


def test_a_factor_without_pairs_has_none_and_a_share_of_nan() -> None:
    truth = truth_of(np.array([[0, 0, 0], [0, 0, 1], [1, 1, 0], [2, 2, 1]]), [3, 3, 2])
    found = intervention_rows(truth, everything(truth), 10, generator())
    assert set(found.factor.tolist()) == {2}
    assert np.isnan(found.redrawn[:2]).all()
    assert found.redrawn[2] == 0.5


def test_pairs_of_five_million_images_touch_few_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = grid(7, 3, 6, 40, 32, 32)
    allowed = everything(truth)
    allowed[::5] = False
    looked_up = []
    index, rows = truth.index, truth.index.rows
    monkeypatch.setattr(index, "rows", lambda keys, rng: looked_up.append(keys) or rows(keys, rng))
    pairs_of(truth, 64, allowed)
    assert sum(map(len, looked_up)) < 1000


# Rows without a partner


@pytest.mark.parametrize("block", [3, 1000])
def test_share_of_rows_without_a_partner_equals_brute_force(block):
    rng = np.random.default_rng(0)
    codes = np.unique(rng.integers(0, [4, 3, 5], (25, 3)), axis=0)
    allowed = rng.random(len(codes)) < 0.8
    share = partnerless_share(truth_of(codes, [4, 3, 5]), allowed, block)
    kept = codes[allowed]
    for factor in range(3):
        alone = [
            not any((row != other).sum() == 1 and row[factor] != other[factor] for other in kept)
            for row in kept
        ]
        assert share[factor] == np.mean(alone)
    assert share.max() > 0


def test_on_a_grid_every_row_has_a_partner_and_continuous_factors_have_none():
    assert partnerless_share(grid(3, 2)).tolist() == [0, 0]
    values = np.array([[0, 0.5], [1, 0.5], [2, 0.7]])
    codes = np.array([[0, -1], [1, -1], [2, -1]])
    share = partnerless_share(truth_of(codes, [3, None], values=values))
    assert share[0] == pytest.approx(1 / 3)
    assert np.isnan(share[1])


# Rows that share their classes, as photographs in folders do


def doubled(*, continuous: bool = False) -> tuple[GroundTruth, np.ndarray]:
    """Some combinations of 4 x 3 classes, each in several rows, and rows that may appear.

    With `continuous`, a third factor has one of two values.
    """
    rng = generator(3)
    codes = rng.integers(0, [4, 3], (30, 2))
    allowed = rng.random(30) < 0.5
    # Of every combination the first row is not allowed, so that another one must be found.
    allowed[np.unique(codes, axis=0, return_index=True)[1]] = False
    if not continuous:
        return truth_of(codes, [4, 3]), allowed
    values = np.column_stack([codes, rng.choice([0.25, 0.75], 30)])
    codes = np.column_stack([codes, np.full(30, -1)])
    return truth_of(codes, [4, 3, None], values=values), allowed


def partners_by_brute_force(truth: GroundTruth, allowed: np.ndarray, factor: int) -> dict:
    """Each allowed row's partners in one factor: all else is equal, continuous values too."""
    labels = truth.codes.astype(float)
    if truth.values is not None:
        labels[:, 2] = truth.values[:, 2]
    rows = np.flatnonzero(allowed).tolist()
    return {
        a: {b for b in rows if np.flatnonzero(labels[a] != labels[b]).tolist() == [factor]}
        for a in rows
    }


@pytest.mark.parametrize("continuous", [False, True])
def test_every_row_that_shares_its_classes_comes_up_in_pairs(continuous: bool) -> None:
    truth, allowed = doubled(continuous=continuous)
    first, second, _ = pairs_of(truth, 20_000, allowed)
    seen = set(zip(first.tolist(), second.tolist(), strict=True))
    expected = {
        (a, b)
        for factor in (0, 1)
        for a, partners in partners_by_brute_force(truth, allowed, factor).items()
        for b in partners
    }
    assert seen == expected


@pytest.mark.parametrize("continuous", [False, True])
def test_interventions_reach_every_row_that_shares_its_classes(continuous: bool) -> None:
    truth, allowed = doubled(continuous=continuous)
    seen: dict[int, dict[int, set[int]]] = {0: {}, 1: {}}
    for seed in range(200):
        found = intervention_rows(truth, allowed, 100, generator(seed))
        for factor, (a, b) in zip(found.factor.tolist(), found.rows.tolist(), strict=True):
            seen[factor].setdefault(a, set()).add(b)
    for factor in (0, 1):
        expected = partners_by_brute_force(truth, allowed, factor)
        assert seen[factor] == {a: partners for a, partners in expected.items() if partners}


@pytest.mark.parametrize("continuous", [False, True])
def test_a_partner_among_rows_that_share_their_classes_counts(continuous: bool) -> None:
    truth, allowed = doubled(continuous=continuous)
    share = partnerless_share(truth, allowed)
    for factor in (0, 1):
        partners = partners_by_brute_force(truth, allowed, factor)
        assert share[factor] == np.mean([not found for found in partners.values()])


def test_rows_that_share_their_classes_are_drawn_equally_often() -> None:
    truth = truth_of(np.array([[0], [1], [1], [1]]), [2])
    first, second, _ = pairs_of(truth, 30_000)
    counts = np.bincount(second[first == 0], minlength=4)
    np.testing.assert_allclose(counts[1:], counts.sum() / 3, rtol=0.05)


def test_without_allowed_rows_there_are_no_interventions() -> None:
    truth = scattered()
    nothing = np.zeros(len(truth), dtype=bool)
    assert len(intervention_rows(truth, nothing, 5, generator()).rows) == 0
    assert np.isnan(partnerless_share(truth, nothing)).all()
