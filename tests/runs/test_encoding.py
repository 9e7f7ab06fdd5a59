"""Any encoder, ours or a stranger's."""

import sys
from pathlib import Path

import numpy as np
import pytest

from drbench import DataRef, Representation, score
from drbench.data.sampling import split_rows
from drbench.errors import DrbenchError, RequestError
from drbench.runs.data import open_data
from drbench.runs.encode import encode_dataset
from drbench.runs.encoding import find_encoder

DATA = DataRef(
    name="dsprites",
    origin="rendered",
    levels={"shape": 1, "scale": 1, "orientation": 1},
)
CENTROID = """
import numpy as np

def centroid(images):
    mass = images[..., 0].astype(float)
    total = mass.sum(axis=(1, 2))
    grid = np.arange(images.shape[1])
    return np.stack([
        (mass.sum(axis=1) * grid).sum(axis=1) / total,
        (mass.sum(axis=2) * grid).sum(axis=1) / total,
    ], axis=1)

def with_samples(images):
    return centroid(images), centroid(images) + 1

def one_short(images):
    return centroid(images)[1:]

def broken(images):
    raise ValueError("no such layer")

constant = 3
"""


@pytest.fixture
def encoders(tmp_path: Path) -> str:
    file = tmp_path / "mine.py"
    file.write_text(CENTROID)
    return str(file)


def test_the_centre_of_mass_encodes_position_perfectly(encoders):
    representation, _ = encode_dataset(f"{encoders}:centroid", DATA, sample=2000, seed=0)
    assert len(representation.codes) == 1024
    omes = score(representation, metrics=["omes"], parameters={"omes": {"pooling": "max"}})["omes"]
    assert omes.per_factor["pos_x"] == pytest.approx(omes.reference, abs=0.05)


def test_a_function_is_given_all_rows_and_pairs(encoders):
    representation, _ = encode_dataset(f"{encoders}:centroid", DATA, sample=2000, seed=0)
    assert sorted(representation.rows) == list(range(1024))
    assert set(representation.interventions.factor) == {3, 4}


def test_a_pair_of_arrays_is_mean_and_sampled(encoders, tmp_path):
    representation, _ = encode_dataset(f"{encoders}:with_samples", DATA, sample=10, seed=0)
    representation.save(tmp_path / "z")
    mean = Representation.load(tmp_path / "z").latents
    sampled = Representation.load(tmp_path / "z", kind="sampled").latents
    np.testing.assert_allclose(sampled, mean + 1)


def test_a_run_is_given_its_held_out_rows(runs, small):
    representation, _ = encode_dataset(str(runs / "target"), small.TARGET, sample=50, seed=0)
    scored = Representation.load(runs / "target" / "representation" / "after")
    assert set(representation.rows) <= set(scored.rows)


def test_encoding_a_run_again_gives_its_latents(runs, small):
    again, _ = encode_dataset(str(runs / "target"), small.TARGET, sample=120, seed=0)
    scored = Representation.load(runs / "target" / "representation" / "after")
    np.testing.assert_array_equal(again.rows, scored.rows)
    np.testing.assert_allclose(again.mean, scored.mean, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("one_short", RequestError, r"shape \(255, 2\) for 256 images"),
        ("broken", DrbenchError, "ValueError: no such layer"),
        ("constant", RequestError, "no function 'constant'"),
        ("absent", RequestError, "no function 'absent'"),
    ],
)
def test_an_encoder_that_is_none_is_explained(encoders, name, error, said):
    with pytest.raises(error, match=said):
        encode_dataset(f"{encoders}:{name}", DATA, sample=100, seed=0)


@pytest.mark.parametrize("reference", ["nowhere", "nowhere.py:f", "no_such_module_here:f"])
def test_a_reference_to_nothing_is_refused(reference):
    with pytest.raises(RequestError):
        find_encoder(reference)


def test_an_installed_module_is_found():
    assert find_encoder("numpy:asarray") is np.asarray


@pytest.mark.parametrize("line", ["raise SystemExit(0)", "1 / 0", "def"])
def test_a_file_that_cannot_be_imported_is_explained(tmp_path, line):
    (tmp_path / "bad.py").write_text(line)
    with pytest.raises(RequestError, match="cannot be imported"):
        find_encoder(f"{tmp_path / 'bad.py'}:f")


def test_a_file_finds_its_neighbours(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.path", list(sys.path))
    (tmp_path / "neighbour_of_mine.py").write_text("def f(images): return images")
    (tmp_path / "main_of_mine.py").write_text("from neighbour_of_mine import f")
    assert find_encoder(f"{tmp_path / 'main_of_mine.py'}:f")(3) == 3


def test_a_run_is_scored_on_rows_it_never_saw_whatever_levels_are_kept(runs, small):
    trained = open_data(small.SOURCE)
    seen = trained.cut.rows[~split_rows(trained, seed=0)]
    for kept in (1, 2):
        other = small.SOURCE.model_copy(update={"levels": {**small.SOURCE.levels, "color": kept}})
        representation, _ = encode_dataset(str(runs / "source"), other, sample=10_000, seed=0)
        assert not np.isin(open_data(other).cut.rows[representation.rows], seen).any()
