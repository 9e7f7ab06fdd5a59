import numpy as np
import pytest

from drbench import (
    DataError,
    DatasetSpec,
    Factor,
    GroundTruth,
    RequestError,
    grid_codes,
    load_dataset,
)
from drbench.data.imaging import image_sides, resize_area

FACTORS = (
    Factor(name="shape", kind="categorical", values=("a", "b", "c")),
    Factor(name="turn", kind="cyclic", values=(0.0, 45.0, 90.0, 135.0, 180.0, 225.0, 270.0, 315.0)),
    Factor(name="size", kind="ordinal", values=(0.0, 1.0, 2.0, 3.0, 4.0)),
)


def spec(factors=FACTORS, shape=(4, 4, 3)):
    return DatasetSpec(
        name="toy", summary="Toy", factors=factors, image_shape=shape, licence="x", citation="y"
    )


def row_numbers(rows):
    """Images whose pixels tell their row."""
    return np.broadcast_to(np.asarray(rows)[:, None, None, None], (len(rows), 4, 4, 3)).astype(
        np.uint8
    )


@pytest.fixture
def data():
    return GroundTruth(spec(), "official", grid_codes([3, 8, 5]), row_numbers)


def test_length_is_the_number_of_rows(data):
    assert len(data) == 120


def test_selected_rows_keep_their_codes_images_values_and_groups():
    codes = grid_codes([3, 8, 5])
    data = GroundTruth(
        spec(), "official", codes, row_numbers, values=codes * 0.5, groups=np.arange(120) // 10
    )
    chosen = data.select(np.array([7, 99, 50]), note="three rows")
    assert np.array_equal(chosen.codes, codes[[7, 99, 50]])
    assert np.array_equal(chosen.values, codes[[7, 99, 50]] * 0.5)
    assert chosen.groups.tolist() == [0, 9, 5]
    assert chosen.images(np.array([2, 0]))[:, 0, 0, 0].tolist() == [50, 7]
    assert chosen.notes == ("three rows",)


def test_subgrid_keeps_evenly_spaced_classes_and_renumbers_them(data):
    small = data.subgrid({"turn": 4, "size": 3})
    assert small.spec.sizes == (3, 4, 3)
    assert small.spec.factors[1].values == (0.0, 90.0, 180.0, 270.0)  # equal gaps on the ring
    assert small.spec.factors[2].values == (0.0, 2.0, 4.0)  # both ends of the line
    assert np.array_equal(small.codes, grid_codes([3, 4, 3]))
    assert small.index.is_grid
    row = small.images(np.array([5]))[0, 0, 0, 0]
    assert data.codes[row].tolist() == [0, 2, 4]


def test_subgrid_of_nothing_is_the_same(data):
    assert data.subgrid({}) is data


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ({"shpae": 2}, "no factor 'shpae'"),
        ({"turn": 9}, "9 classes of the factor turn, but it has 8"),
        ({"turn": 0}, "0 classes of the factor turn, but it has 8"),
    ],
)
def test_impossible_subgrids_are_refused(data, levels, message):
    with pytest.raises(RequestError, match=message):
        data.subgrid(levels)


def test_resizing_converts_images_and_says_so(data):
    small = data.resized(2)
    rows = np.array([3, 77])
    assert small.spec.image_shape == (2, 2, 3)
    assert np.array_equal(small.images(rows), resize_area(data.images(rows), 2))
    assert small.notes == ("images converted from 4x4x3 to 2x2x3",)
    assert data.resized(4) is data


def test_channels_are_converted_and_said(data):
    grey = data.with_channels(1)
    assert grey.images(np.array([9])).shape == (1, 4, 4, 1)
    assert grey.notes == ("images converted from 4x4x3 to 4x4x1",)
    assert data.with_channels(3) is data


def test_conversions_follow_one_another(data):
    both = data.resized(2).with_channels(1)
    assert both.images(np.array([9])).shape == (1, *both.spec.image_shape)


@pytest.mark.parametrize("wrong", [-1, 8])
def test_class_outside_its_factor_is_refused(wrong):
    codes = grid_codes([3, 8, 5])
    codes[5, 1] = wrong
    with pytest.raises(DataError, match=f"factor turn has a class {wrong}, outside 0 to 7"):
        GroundTruth(spec(), "official", codes, row_numbers)


def test_codes_of_another_width_are_refused():
    with pytest.raises(DataError, match=r"expected \(n, 3\)"):
        GroundTruth(spec(), "official", grid_codes([3, 8]), row_numbers)


def test_lists_are_taken_wherever_arrays_are():
    codes = [[0, -1], [1, -1], [0, -1]]
    factors = (FACTORS[0], Factor(name="angle", kind="continuous"))
    values = [[0, 0.5], [1, 0.7], [0, 0.9]]
    data = GroundTruth(
        spec(factors), "official", codes, row_numbers, values=values, groups=[4, 4, 9]
    )
    assert data.images([2, 0])[:, 0, 0, 0].tolist() == [2, 0]
    assert data.images(range(2)).shape == (2, 4, 4, 3)
    assert data.images([]).shape == (0, 4, 4, 3)
    part = data.select([2, 1])
    assert part.codes.tolist() == [[0, -1], [1, -1]]
    assert part.values[:, 1].tolist() == [0.9, 0.7]
    assert part.groups.tolist() == [9, 4]
    assert grid_codes(np.array([2, 1])).tolist() == [[0, 0], [1, 0]]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([0, 120], "There is no row 120: the rows are 0 to 119"),
        ([-1], "There is no row -1"),
        (3, "a list of their numbers, such as .0, 1., not by 3"),
        ([0.0, 1.0], "not by float64 of shape"),
        (np.ones(120, dtype=bool), "not by bool of shape"),
        ([[0], [1]], r"not by int64 of shape \(2, 1\)"),
        ([[0], [1, 2]], "such as .0, 1., not by"),
        ("ab", "not by 'ab'"),
    ],
)
def test_what_is_no_list_of_row_numbers_is_refused(data, rows, message):
    with pytest.raises(RequestError, match=message):
        data.images(rows)
    with pytest.raises(RequestError, match=message):
        data.select(rows)


@pytest.mark.parametrize("sizes", [[2.0], [0], [-1, 2], ["a"]])
def test_what_is_no_number_of_classes_makes_no_grid(sizes):
    with pytest.raises(RequestError, match="whole number of classes, 1 or more"):
        grid_codes(sizes)


@pytest.mark.parametrize("size", [0, -3, 2.5, (3,), (0, 3), (2, 3, 4), "32", 5000, None, True])
def test_what_is_no_size_is_refused(size):
    with pytest.raises(RequestError, match="whole numbers from 1 to 4,096 pixels"):
        image_sides(size)


def test_one_number_is_a_square(data):
    assert image_sides(3) == image_sides((3, 3)) == image_sides(np.array([3, 3])) == (3, 3)
    assert load_dataset("dsprites", origin="rendered", size=16).spec.image_shape == (16, 16, 1)
    with pytest.raises(RequestError, match="cannot be resized to"):
        data.resized(0)


@pytest.mark.parametrize(
    "codes", [[[0, 0, 0], [1, 1]], [[0.0, 0.0, 0.0]], np.zeros((1, 3), np.uint8)]
)
def test_codes_that_are_no_table_of_whole_numbers_are_refused(codes):
    with pytest.raises(DataError, match=r"toy: codes are"):
        GroundTruth(spec(), "official", codes, row_numbers)


def test_no_image_at_all_is_refused():
    with pytest.raises(DataError, match="not a single image"):
        GroundTruth(spec(), "official", np.empty((0, 3), int), row_numbers)


def test_continuous_factor_needs_values():
    factors = (Factor(name="angle", kind="continuous"),)
    codes = np.full((4, 1), -1)
    with pytest.raises(DataError, match="angle has no values"):
        GroundTruth(spec(factors), "official", codes, row_numbers)
    values = np.linspace(0, 1, 4)[:, None]
    assert len(GroundTruth(spec(factors), "official", codes, row_numbers, values=values)) == 4
