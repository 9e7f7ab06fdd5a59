import numpy as np
import pytest

from drbench import DataError, DatasetSpec, Factor, GroundTruth, RequestError, grid_codes
from drbench.data.imaging import resize_area

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
