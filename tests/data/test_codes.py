import itertools

import numpy as np
import pytest

from drbench.data.codes import CodeIndex, absent, code_dtype, grid_codes, strides
from drbench.data.spec import Factor

SIZES = (3, 1, 4, 2)


def factors(*sizes):
    return tuple(Factor(name=f"f{i}", kind="ordinal", size=size) for i, size in enumerate(sizes))


def test_grid_is_the_product_of_the_classes_with_the_last_factor_fastest():
    expected = list(itertools.product(*map(range, SIZES)))
    assert grid_codes(SIZES).tolist() == [list(code) for code in expected]


def test_rows_of_a_grid_are_numpys_raveled_indices():
    codes = grid_codes(SIZES)
    assert np.array_equal(np.ravel_multi_index(tuple(codes.T), SIZES), np.arange(len(codes)))
    assert np.array_equal(CodeIndex(codes, SIZES).keys(codes), np.arange(len(codes)))
    assert strides(SIZES).tolist() == [8, 8, 2, 1]


def test_codes_take_two_bytes_unless_a_factor_is_huge():
    assert code_dtype([40, 2**15]) == np.int16
    assert code_dtype([2**15 + 1]) == np.int32
    assert code_dtype([]) == np.int16


def test_a_grid_is_recognised_whatever_its_length():
    sizes = (5, 40, 500)  # longer than a block of the comparison
    codes = grid_codes(sizes)
    assert CodeIndex(codes, sizes).is_grid
    assert not CodeIndex(codes[:-1], sizes).is_grid
    codes[[70_000, 70_001]] = codes[[70_001, 70_000]]
    assert not CodeIndex(codes, sizes).is_grid


def test_rows_are_found_in_an_incomplete_shuffled_set():
    rng = np.random.default_rng(0)
    grid = grid_codes(SIZES)
    codes = grid[rng.permutation(len(grid))[:15]]
    index = CodeIndex(codes, SIZES)
    where = {tuple(code): row for row, code in enumerate(codes.tolist())}
    expected = [where.get(tuple(code), -1) for code in grid.tolist()]
    assert index.rows(index.keys(grid)).tolist() == expected


def test_of_equal_rows_the_first_is_found():
    index = CodeIndex(np.array([[1], [0], [1], [0]]), [2])
    assert index.rows(np.array([0, 1])).tolist() == [1, 0]


@pytest.mark.parametrize("complete", [True, False])
def test_neighbours_differ_in_one_factor_only(complete):
    codes = grid_codes(SIZES)
    if not complete:
        codes = codes[np.random.default_rng(1).permutation(len(codes))[:14]]
    index = CodeIndex(codes, SIZES)
    rows = np.arange(len(codes))
    for factor, size in enumerate(SIZES):
        found, exists = index.neighbours(rows, factor)
        for row, level in itertools.product(range(len(codes)), range(size)):
            target = codes[row].copy()
            target[factor] = level
            match = np.flatnonzero((codes == target).all(axis=1))
            assert found[row, level] == (match[0] if len(match) else -1)
            assert exists[row, level] == (len(match) > 0 and level != codes[row, factor])


def test_continuous_factors_take_no_part():
    codes = np.array([[0, -1], [1, -1]])
    index = CodeIndex(codes, [2, 0])
    assert index.is_grid
    assert index.rows(index.keys(codes)).tolist() == [0, 1]


def test_nothing_is_absent_from_a_grid_in_any_order():
    codes = grid_codes(SIZES)
    assert absent(codes, factors(*SIZES)) == ""
    assert absent(codes[::-1], factors(*SIZES)) == ""


def test_absent_classes_are_named_in_spans():
    codes = np.array([[0, 0], [3, 1], [7, 0], [7, 0]])
    assert absent(codes, factors(8, 2)) == (
        "3 of 16 combinations of classes are there; none has f0 1-2, 4-6"
    )


def test_absent_combinations_of_present_classes_are_counted():
    assert absent(np.array([[0, 0], [1, 1]]), factors(2, 2)) == (
        "2 of 4 combinations of classes are there"
    )
