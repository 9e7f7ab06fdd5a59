"""Contact sheets: which images they hold, and where."""

import numpy as np
import pytest

from drbench import DatasetSpec, Factor, GroundTruth, grid_codes
from drbench.report import preview
from drbench.report.preview import MOST, contact_sheet

SHADE, TINT = (Factor(name=name, kind="ordinal", size=4) for name in ("shade", "tint"))


def truth(codes, factors=(SHADE, TINT), values=None, side=8):
    """Each image has one colour, red by the first factor, green by the second."""
    spec = DatasetSpec(
        name="toy",
        summary="Toy",
        factors=factors,
        image_shape=(side, side, 3),
        licence="x",
        citation="y",
    )

    def images(rows):
        drawn = np.zeros((len(rows), side, side, 3), dtype=np.uint8)
        drawn[..., 2] = 200
        source = codes if values is None else values
        for channel in range(min(2, codes.shape[1])):
            drawn[..., channel] = 10 + 20 * source[rows, channel][:, None, None]
        return drawn

    return GroundTruth(spec, "rendered", codes, images, values=values)


def strips(sheet, count):
    """Colours in the middles of the tiles, strip by strip."""
    step = preview._SIDE + preview._GAP
    found = []
    for strip in range(count):
        top = preview._MARGIN + 2 * preview._LINE + strip * (step + preview._LINE) + preview._LINE
        line = sheet[top + preview._SIDE // 2, preview._MARGIN + preview._SIDE // 2 :: step]
        found.append([tuple(map(int, pixel)) for pixel in line if pixel[2] == 200])
    return found


@pytest.mark.parametrize("seed", [0, 1])
def test_each_strip_varies_its_factor_alone(seed):
    first, second = strips(contact_sheet(truth(grid_codes([4, 4])), seed), 2)
    assert [red for red, *_ in first] == [10, 30, 50, 70]
    assert len({green for _, green, _ in first}) == 1
    assert [green for _, green, _ in second] == [10, 30, 50, 70]
    assert len({red for red, *_ in second}) == 1


def test_many_classes_are_thinned_and_keep_both_ends():
    factor = Factor(name="shade", kind="ordinal", size=12 * MOST)
    codes = grid_codes([12 * MOST])
    (strip,) = strips(contact_sheet(truth(codes // 12, (factor,)), 0), 1)
    assert len(strip) <= MOST
    (strip,) = strips(contact_sheet(truth(codes, (factor,))), 1)
    assert len(strip) == MOST
    assert strip[0][0] == 10


def test_sets_without_partners_show_each_class_all_the_same():
    codes = np.array([[0, 3], [1, 2], [2, 1], [3, 0]], dtype=np.int16)
    first, second = strips(contact_sheet(truth(codes)), 2)
    assert [red for red, *_ in first] == [10, 30, 50, 70]
    assert [green for _, green, _ in second] == [10, 30, 50, 70]


def test_the_strips_start_where_most_factors_can_be_varied():
    lonely = [[0, 0]] * 3
    codes = np.array([*lonely, [3, 1], [3, 2], [3, 3], [2, 3]], dtype=np.int16)
    first, _ = strips(contact_sheet(truth(codes)), 2)
    assert [red for red, *_ in first] == [50, 70]


def test_a_continuous_factor_runs_from_its_lowest_to_its_highest_value():
    values = np.array([[2.0], [0.0], [1.0]])
    codes = np.full((3, 1), -1)
    factor = Factor(name="angle", kind="continuous")
    (strip,) = strips(contact_sheet(truth(codes, (factor,), values)), 1)
    assert [red for red, *_ in strip] == [10, 30, 50]


def test_images_without_factors_are_shown_in_one_strip():
    (strip,) = strips(contact_sheet(truth(np.empty((5, 0), dtype=np.int16), ())), 1)
    assert len(strip) == 5


def test_large_images_shrink_and_small_ones_keep_their_pixels():
    for side in (300, 48):
        sheet = contact_sheet(truth(grid_codes([4, 4]), side=side))
        assert strips(sheet, 1)[0][0][0] == 10
        drawn = (sheet[..., 2] == 200) & (sheet[..., 0] < 100)
        shown = 128 if side == 300 else 96  # 48 pixels twice
        assert drawn.sum() == 2 * 4 * shown**2
