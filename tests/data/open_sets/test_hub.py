"""Sets of the datasets library, saved by it in each of its forms."""

import gc

import numpy as np
import pytest
from PIL import Image

from drbench import DataError, RequestError, load_dataset
from drbench.data.opening import identify

datasets = pytest.importorskip("datasets", reason="the extra `hub` is not installed")

# The library leaves the tables of image folders open until they are collected.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

PIXELS = np.random.default_rng(0).integers(0, 256, (8, 6, 6, 3), dtype=np.uint8)
NAMES = ["cat", "dog", "emu"]


@pytest.fixture(autouse=True)
def _folders(tmp_path, monkeypatch):
    monkeypatch.setenv("DRBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    yield
    gc.collect()  # so that what the library left open is found here, not in another file's tests


def saved(**changed):
    columns = {
        "picture": [Image.fromarray(pixels) for pixels in PIXELS],
        "animal": [0, 1, 2, 0, 1, 2, 0, 1],
        "count": [5, 5, 7, 7, 5, 5, 7, 7],
        "angle": [0.5 + i / 7 for i in range(8)],
        "colour": ["red", "blue"] * 4,
        "caption": [f"picture number {i}" for i in range(8)],
        "boxes": [[1, 2]] * 8,
    } | changed
    features = datasets.Features(
        {
            "picture": datasets.Image(),
            "animal": datasets.ClassLabel(names=NAMES),
            "count": datasets.Value("int32"),
            "angle": datasets.Value("float32"),
            "colour": datasets.Value("string"),
            "caption": datasets.Value("string"),
            "boxes": datasets.List(datasets.Value("int64")),
        }
    )
    return datasets.Dataset.from_dict(columns, features=features)


def parquet(folder):
    folder.mkdir()
    saved().to_parquet(folder / "train.parquet")


def arrow(folder):
    saved().save_to_disk(folder)


def arrow_of_splits(folder):
    datasets.DatasetDict({"train": saved(), "test": saved().select([7])}).save_to_disk(folder)


def image_folder(folder):
    (folder / "train").mkdir(parents=True)
    lines = ["file_name,animal,count,angle,colour,caption"]
    for i, row in enumerate(saved()):
        row["picture"].save(folder / "train" / f"{i}.png")
        lines.append(
            f"{i}.png,{NAMES[row['animal']]},{row['count']},{row['angle']},{row['colour']},"
            f"{row['caption']}"
        )
    (folder / "train" / "metadata.csv").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("save", [parquet, arrow, arrow_of_splits, image_folder])
def test_every_form_opens_with_the_same_factors_and_pixels(tmp_path, save):
    save(tmp_path / "set")
    for _ in range(2):
        data = load_dataset(f"hf:{tmp_path}/set")
        assert [(f.name, f.kind, f.size) for f in data.spec.factors] == [
            ("animal", "categorical", 3),
            ("count", "ordinal", 2),
            ("angle", "continuous", None),
            ("colour", "categorical", 2),
        ]
        assert data.spec.factors[0].values == tuple(NAMES)
        assert data.codes[:3].tolist() == [[0, 0, -1, 1], [1, 0, -1, 0], [2, 1, -1, 1]]
        assert np.allclose(data.values[:, 2], [0.5 + i / 7 for i in range(8)], atol=1e-6)
        assert np.array_equal(data.images(np.arange(8)), PIXELS)


def test_splits_are_chosen_by_name(tmp_path):
    arrow_of_splits(tmp_path / "set")
    assert np.array_equal(load_dataset(f"hf:{tmp_path}/set:test").images(np.array([0])), PIXELS[7:])
    with pytest.raises(RequestError, match=r"choose a split, hf:.*set:SPLIT, one of train, test"):
        load_dataset(f"hf:{tmp_path}/set:valid")


def test_a_set_on_this_disk_has_a_name_and_is_found_by_its_content(tmp_path, monkeypatch):
    arrow_of_splits(tmp_path / "set")
    monkeypatch.chdir(tmp_path)
    name, content = identify("hf:./set")
    assert name == "hf:set"
    assert identify(f"hf:{tmp_path}/set:train") == (name, content)
    test, other = identify("hf:set:test", called="mine")
    assert test == "hf:mine:test"
    assert other != content
    monkeypatch.chdir("/")
    for found, digest, pixels in ((name, content, PIXELS), (test, other, PIXELS[7:])):
        data = load_dataset(found, content=digest)
        assert (data.spec.name, data.origin) == (found, "own")
        assert np.array_equal(data.images(np.arange(len(data))), pixels)
        assert str(tmp_path) not in repr((data.spec, data.notes))


def test_the_only_split_needs_no_name(tmp_path):
    datasets.DatasetDict({"test": saved()}).save_to_disk(tmp_path / "set")
    assert len(load_dataset(f"hf:{tmp_path}/set")) == 8


def test_factors_are_picked(tmp_path):
    arrow(tmp_path / "set")
    name = f"hf:{tmp_path}/set"
    assert load_dataset(name, factors=["colour", "count"]).spec.factor_names == ("colour", "count")
    assert load_dataset(name, factors=["none"]).codes.shape == (8, 0)
    with pytest.raises(RequestError, match="no column 'boxes'"):
        load_dataset(name, factors=["boxes"])


def test_absent_classes_keep_their_declared_numbers(tmp_path):
    saved(animal=[0, 2] * 4).save_to_disk(tmp_path / "set")
    data = load_dataset(f"hf:{tmp_path}/set")
    assert data.spec.factors[0].size == 3
    assert data.codes[:2, 0].tolist() == [0, 2]


def test_pictures_are_resized_by_area(tmp_path):
    arrow(tmp_path / "set")
    data = load_dataset(f"hf:{tmp_path}/set", size=(3, 3))
    halved = PIXELS.reshape(8, 3, 2, 3, 2, 3).mean((2, 4))
    assert np.abs(data.images(np.arange(8)) - halved).max() <= 0.5


def test_a_column_with_gaps_is_no_factor_unless_picked(tmp_path):
    saved(count=[5, None] * 4).save_to_disk(tmp_path / "set")
    name = f"hf:{tmp_path}/set"
    assert "count" not in load_dataset(name).spec.factor_names
    with pytest.raises(DataError, match=r"count lacks a label in 4 rows.*pick other columns"):
        load_dataset(name, factors=["count"])


def test_class_labels_of_minus_one_are_gaps(tmp_path):
    saved(animal=[0, 1, 2, 0, -1, 2, 0, 1]).save_to_disk(tmp_path / "set")
    assert "animal" not in load_dataset(f"hf:{tmp_path}/set").spec.factor_names
    with pytest.raises(DataError, match=r"animal lacks a label in 1 rows"):
        load_dataset(f"hf:{tmp_path}/set", factors=["animal"])


def test_a_set_without_rows_is_one_sentence(tmp_path):
    nothing = saved().select([])
    nothing.save_to_disk(tmp_path / "set" / "arrow")
    (tmp_path / "set" / "parquet").mkdir()
    nothing.to_parquet(tmp_path / "set" / "parquet" / "train.parquet")
    for form in ("arrow", "parquet"):
        with pytest.raises(DataError, match=rf"set/{form} (cannot be loaded|has no rows)"):
            load_dataset(f"hf:{tmp_path}/set/{form}")


def test_a_picture_of_an_image_folder_that_was_edited_in_place_is_read_anew(tmp_path):
    image_folder(tmp_path / "set")
    load_dataset(f"hf:{tmp_path}/set")
    Image.fromarray(PIXELS[1]).save(tmp_path / "set" / "train" / "0.png")
    shown = load_dataset(f"hf:{tmp_path}/set").images(np.arange(2))
    assert np.array_equal(shown, PIXELS[[1, 1]])


def test_a_row_without_a_picture_is_named(tmp_path):
    saved(picture=[Image.fromarray(PIXELS[0])] * 7 + [None]).save_to_disk(tmp_path / "set")
    with pytest.raises(DataError, match="row 7 has no image"):
        load_dataset(f"hf:{tmp_path}/set")


def test_a_set_without_pictures_is_a_wrong_request(tmp_path):
    datasets.Dataset.from_dict({"text": ["a"]}).save_to_disk(tmp_path / "set")
    with pytest.raises(RequestError, match="no column of images; it has text"):
        load_dataset(f"hf:{tmp_path}/set")


def test_a_name_that_is_nowhere_is_a_wrong_request(tmp_path):
    with pytest.raises((RequestError, DataError), match="hf:nobody/nothing"):
        load_dataset("hf:nobody/nothing")


def test_damaged_files_are_one_sentence(tmp_path):
    parquet(tmp_path / "set")
    file = tmp_path / "set" / "train.parquet"
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"hf:.*set cannot be loaded"):
        load_dataset(f"hf:{tmp_path}/set")
