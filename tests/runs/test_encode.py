"""Any encoder, ours or a stranger's."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import drbench
from drbench import DataRef, Representation, score
from drbench.errors import DrbenchError, RequestError
from drbench.runs import sample as sample_module
from drbench.runs.data import open_data
from drbench.runs.encode import encode_sample, imported_encoder
from drbench.runs.run import Run

pytestmark = pytest.mark.slow

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
    representation = encode_sample(f"{encoders}:centroid", DATA, sample=2000, seed=0).representation
    assert len(representation.codes) == 1024
    omes = score(representation, metrics=["omes"], parameters={"omes": {"pooling": "max"}})["omes"]
    assert omes.per_factor["pos_x"] == pytest.approx(omes.reference, abs=0.05)


def test_a_function_is_given_all_rows_and_pairs(encoders):
    representation = encode_sample(f"{encoders}:centroid", DATA, sample=2000, seed=0).representation
    assert sorted(representation.rows) == list(range(1024))
    assert set(representation.interventions.factor) == {3, 4}


def test_a_pair_of_arrays_is_mean_and_sampled(encoders, tmp_path):
    representation = encode_sample(
        f"{encoders}:with_samples", DATA, sample=10, seed=0
    ).representation
    representation.save(tmp_path / "z")
    mean = Representation.load(tmp_path / "z").latents
    sampled = Representation.load(tmp_path / "z", kind="sampled").latents
    np.testing.assert_allclose(sampled, mean + 1)


def test_a_run_is_given_its_held_out_rows(runs, small):
    representation = encode_sample(
        str(runs / "target"), small.TARGET, sample=50, seed=0
    ).representation
    scored = Representation.load(runs / "target" / "representation" / "after")
    assert set(representation.rows) <= set(scored.rows)


def test_encoding_a_run_again_gives_its_latents(runs, small):
    again = encode_sample(str(runs / "target"), small.TARGET, sample=120, seed=0).representation
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
        encode_sample(f"{encoders}:{name}", DATA, sample=100, seed=0)


@pytest.mark.parametrize("reference", ["nowhere", "nowhere.py:f", "no_such_module_here:f"])
def test_a_reference_to_nothing_is_refused(reference):
    with pytest.raises(RequestError):
        encode_sample(reference, DATA, sample=10, seed=0)


def test_an_installed_module_is_found():
    with imported_encoder("numpy:asarray") as encoder:
        assert encoder is np.asarray


@pytest.mark.parametrize("line", ["raise SystemExit(0)", "1 / 0", "def"])
def test_a_file_that_cannot_be_imported_is_explained(tmp_path, line):
    (tmp_path / "bad.py").write_text(line)
    with pytest.raises(RequestError, match="cannot be imported"):
        encode_sample(f"{tmp_path / 'bad.py'}:f", DATA, sample=10, seed=0)


def test_a_file_finds_its_neighbours_while_it_encodes_and_leaves_the_path_as_it_was(tmp_path):
    before = list(sys.path)
    (tmp_path / "neighbour_of_mine.py").write_text("def f(images): return images")
    (tmp_path / "late_neighbour.py").write_text("def g(images): return images")
    (tmp_path / "main_of_mine.py").write_text(
        "from neighbour_of_mine import f\n"
        "def g(x):\n"
        "    from late_neighbour import g\n"
        "    return g(x)\n"
    )
    for name in "fg":
        with imported_encoder(f"{tmp_path / 'main_of_mine.py'}:{name}") as encoder:
            assert encoder(3) == 3
        assert sys.path == before


class Seen:
    """An encoder that counts the images it is given: mean grey, and where it is darker."""

    def __init__(self, *, sampled: bool = False) -> None:
        self.images, self.sampled = 0, sampled

    def __call__(self, images):
        first = self.images
        self.images += len(images)
        mean = images.reshape(len(images), -1)[:, ::97].astype(float)
        drawn = mean + np.arange(first, self.images)[:, None]
        return (mean, drawn) if self.sampled else mean


@pytest.fixture
def truth():
    """Images that are counted as they are read."""
    opened = open_data(DATA)
    reads: list[int] = []

    def images(rows):
        reads.extend(rows.tolist())
        return opened.images(rows)

    return replace(opened, images=images), reads


def test_a_deterministic_encoder_is_given_each_image_once(truth):
    data, reads = truth
    encoder = Seen()
    encoded = encode_sample(encoder, data, sample=300, seed=0)
    pairs = encoded.representation.interventions
    assert len(pairs.rows) > 1000
    distinct = len({*encoded.representation.rows, *pairs.rows.ravel()})
    assert encoder.images == distinct == len(reads)
    every = np.concatenate([encoded.representation.rows, pairs.rows.ravel()])
    expected = Seen()(open_data(DATA).images(every))
    np.testing.assert_array_equal(encoded.representation.mean, expected[:300])
    np.testing.assert_array_equal(pairs.mean.reshape(len(expected[300:]), -1), expected[300:])


def test_each_image_of_a_stochastic_encoder_has_a_draw_of_its_own(truth):
    data, reads = truth
    encoder = Seen(sampled=True)
    encoded = encode_sample(encoder, data, sample=300, seed=0).representation
    assert encoder.images == 300 + encoded.interventions.rows.size
    assert len(reads) == len(set(reads))
    pairs = encoded.interventions
    noise = [encoded.sampled - encoded.mean, *(pairs.sampled - pairs.mean)]
    noise = np.concatenate(noise)
    np.testing.assert_array_equal(noise[:, 0], np.arange(len(noise)))


def test_no_samples_may_be_none(truth):
    whole = drbench.encode(Seen(), truth[0], sample=9)
    alone = drbench.encode(lambda images: (Seen()(images), None), truth[0], sample=9)
    assert alone.fingerprint == whole.fingerprint


def test_images_that_do_not_fit_in_memory_are_read_again(truth, monkeypatch):
    data, reads = truth
    kept = encode_sample(Seen(), data, sample=300, seed=0)
    monkeypatch.setattr(sample_module, "KEPT", 10 * 64 * 64)
    once = len(reads)
    assert encode_sample(Seen(), data, sample=300, seed=0)[1:] == kept[1:]
    assert len(reads) > 2 * once


def test_a_module_is_given_floats_in_evaluation_without_gradients(truth):
    torch = pytest.importorskip("torch")
    seen = []

    class Probe(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(64 * 64, 2)
            self.dropout = torch.nn.Dropout(0.5)

        def forward(self, images):
            seen.append((images.shape[1:], images.dtype, float(images.max()), self.training))
            return self.linear(self.dropout(images.view(len(images), -1)))

    for kind in (torch.float32, torch.bfloat16):
        module = Probe().to(kind)
        module.dropout.eval()
        encoded = drbench.encode(module, truth[0], sample=50)
        images = torch.from_numpy(truth[0].images(encoded.rows)).to(kind).reshape(50, -1) / 255
        expected = module.linear(images).detach().float().numpy()
        np.testing.assert_allclose(
            encoded.mean, expected, atol=1e-5 if kind is torch.float32 else 0.02
        )
        assert (module.training, module.dropout.training) == (True, False)
        assert set(seen) == {(torch.Size([1, 64, 64]), kind, 1.0, False)}
        seen.clear()


def test_outputs_may_be_tensors_with_gradients_or_of_low_precision(truth):
    torch = pytest.importorskip("torch")
    weights = torch.ones(64 * 64, 2, dtype=torch.bfloat16, requires_grad=True)

    def encoder(images):
        return torch.from_numpy(images).reshape(len(images), -1).bfloat16() @ weights

    assert drbench.encode(encoder, truth[0], sample=20).mean.shape == (20, 2)


def test_a_name_and_what_it_opens_are_encoded_alike():
    data = drbench.load_dataset("dsprites", origin="rendered")
    by_name = drbench.encode(Seen(), "dsprites", origin="rendered", sample=20, seed=3)
    assert by_name.fingerprint == drbench.encode(Seen(), data, sample=20, seed=3).fingerprint


def test_a_run_is_named_by_its_folder_or_itself(runs, small):
    data = open_data(small.TARGET)
    named = drbench.encode(runs / "target", data, sample=30)
    assert (
        drbench.encode(Run.load(runs / "target"), data, sample=30).fingerprint == named.fingerprint
    )
    by_ref = encode_sample(str(runs / "target"), small.TARGET, sample=30, seed=0)
    np.testing.assert_array_equal(by_ref.representation.mean, named.mean)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"encoder": 3}, "A int does not encode"),
        ({"dataset": "dsprite"}, "did you mean 'dsprites'"),
        ({"sample": 0}, "expected 1 or more"),
        ({"seed": -1}, "The seed is -1"),
        ({"encoder": lambda images: (images, images, images)}, "returned 3 arrays"),
        ({"encoder": lambda images: None}, "returned 0 arrays"),
    ],
)
def test_a_wrong_request_is_one_sentence(request_, words):
    request = {"encoder": Seen(), "dataset": "dsprites", "origin": "rendered", "sample": 9}
    with pytest.raises(RequestError, match=words):
        drbench.encode(**request | request_)
