import numpy as np
import pytest

from drbench import DataError, load_dataset, registry
from drbench.checks import check_dataset
from drbench.data.files.checking import check_files
from drbench.errors import MissingFilesError

pytestmark = pytest.mark.slow


def car(seed):
    return np.random.default_rng(seed).integers(0, 256, (128, 128, 3, 24, 4), dtype=np.uint8)


@pytest.fixture(scope="module")
def garage(tmp_path_factory, layouts):
    """Three cars whose numbers have gaps, written out of order, and the files beside them."""
    root = tmp_path_factory.mktemp("garage")
    folder = root / "data" / "cars"
    for number in (10, 2, 199):
        layouts.write_cars3d(folder, number, car(number))
    (folder / "list.txt").write_text("car_002_mesh\ncar_010_mesh\ncar_199_mesh\n")
    return root


def test_rows_are_the_views_of_one_car_after_the_other(garage):
    data = load_dataset("cars3d", root=garage)
    assert data.spec.factor_names == ("elevation", "azimuth", "object")
    assert len(data) == 3 * 96
    for row in (0, 23, 24, 96 + 5, 287):
        elevation, azimuth, place = data.codes[row]
        assert row == place * 96 + elevation * 24 + azimuth
        expected = car((2, 10, 199)[place])[:, :, :, azimuth, elevation]
        assert np.array_equal(data.images(np.array([row]))[0], expected)


def test_an_incomplete_garage_conforms_and_says_what_lacks(garage):
    data = load_dataset("cars3d", root=garage)
    assert data.notes == ("288 of 17,568 combinations of classes are there; none has object 3-182",)
    assert check_dataset(registry.load("dataset", "cars3d"), data) == []


def test_views_are_found_by_their_classes(garage):
    data = load_dataset("cars3d", root=garage)
    rows, exists = data.index.neighbours(np.array([96 + 5]), 1)
    assert rows[0].tolist() == list(range(96, 120))
    assert exists[0].tolist() == [azimuth != 5 for azimuth in range(24)]


def test_resized_images_are_means_of_areas(garage):
    data = load_dataset("cars3d", root=garage, size=(64, 64))
    means = car(2)[..., 7, 1].reshape(64, 2, 64, 2, 3).astype(float).mean(axis=(1, 3))
    assert np.abs(data.images(np.array([24 + 7]))[0] - means).max() <= 0.5


def test_subgrid_of_azimuths_is_a_ring(garage):
    ring = load_dataset("cars3d", root=garage).subgrid({"azimuth": 4})
    rows = np.flatnonzero((ring.codes[:, 0] == 3) & (ring.codes[:, 2] == 1))
    for image, azimuth in zip(ring.images(rows), (0, 6, 12, 18), strict=True):
        assert np.array_equal(image, car(10)[..., azimuth, 3])


def test_numbers_are_sorted_as_numbers_where_they_are_not_padded(tmp_path, layouts):
    for number in (10, 9):
        path = layouts.write_cars3d(tmp_path, number, car(number), compressed=False)
        path.rename(tmp_path / f"car_{number}_mesh.mat")
    data = load_dataset("cars3d", root=tmp_path)
    assert np.array_equal(data.images(np.array([0]))[0], car(9)[..., 0, 0])


def test_missing_files_name_the_pattern_and_the_command(tmp_path):
    with pytest.raises(MissingFilesError, match=r"no car_\*_mesh\.mat in .*fetch cars3d"):
        load_dataset("cars3d", root=tmp_path)


@pytest.mark.parametrize(
    ("im", "says"),
    [
        (car(0).astype(np.uint16), "im is uint16"),
        (car(0).astype(float)[..., :1], r"im is float64 of shape \(128, 128, 3, 24, 1\)"),
        (
            car(0)[:64],
            r"im is uint8 of shape \(64, 128, 3, 24, 4\), expected uint8 .*\(128, 128, 3, 24",
        ),
    ],
)
def test_other_arrays_are_refused_by_the_name_of_their_file(tmp_path, layouts, kept, im, says):
    layouts.write_cars3d(tmp_path, 1, car(1), compressed=False)
    layouts.write_cars3d(tmp_path, 2, im, compressed=False)
    with pytest.raises(DataError, match=rf"car_002_mesh\.mat: {says}"):
        load_dataset("cars3d", root=tmp_path)
    assert kept() == []


@pytest.mark.parametrize("compressed", [False, True])
def test_truncated_and_other_files_are_refused(tmp_path, layouts, kept, compressed):
    path = layouts.write_cars3d(tmp_path, 1, car(1), compressed=compressed)
    whole = path.read_bytes()
    page = b"<!DOCTYPE html><html>" + b" " * 200
    for data in (whole[: len(whole) // 2], whole[:60], b"", page):
        path.write_bytes(data)
        with pytest.raises(DataError, match=r"car_001_mesh\.mat"):
            load_dataset("cars3d", root=tmp_path)
    assert kept() == []


def test_more_files_than_cars_are_refused(tmp_path):
    for number in range(184):
        (tmp_path / f"car_{number:03d}_mesh.mat").touch()
    with pytest.raises(DataError, match=r"holds 184 files .*expected 183 or fewer"):
        load_dataset("cars3d", root=tmp_path)


def test_checking_names_every_damaged_file(tmp_path, layouts):
    for number in (1, 2, 3):
        layouts.write_cars3d(tmp_path, number, car(number), compressed=False)
    for number in (1, 3):
        (tmp_path / f"car_{number:03d}_mesh.mat").write_bytes(b"none")
    findings = check_files(registry.load("dataset", "cars3d")(), tmp_path)
    problems = [finding.text for finding in findings if finding.verdict == "problem"]
    assert len(problems) == 2
    assert "car_001_mesh.mat" in problems[0]
    assert "car_003_mesh.mat" in problems[1]
