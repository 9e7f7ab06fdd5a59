"""The door for notebooks: train, transfer, and a run as an object."""

import numpy as np
import pytest

import drbench
from drbench.errors import RequestError, RunError
from drbench.runs.identity import key
from drbench.runs.request import train_spec
from drbench.runs.spec import DataRef, Scoring

pytestmark = pytest.mark.slow

LEVELS = {"orientation": 2, "pos_x": 4, "pos_y": 4}
ASKED = {"levels": LEVELS, "sample": 60, "pairs": 10, "metrics": ["mig"]}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("door") / "run"
    return drbench.train(
        "beta_vae", "dsprites", origin="rendered", resize=16, steps=3, seed=1, width=4, batch=8,
        lr=1e-3, out=out, **ASKED,
    )  # fmt: skip


@pytest.fixture(scope="module")
def images(run):
    truth = drbench.load_dataset("dsprites", origin="rendered", size=16)
    return truth.images([0, 1, 2])


def test_it_is_the_run_of_the_command_line(run):
    data = DataRef(name="dsprites", origin="rendered", resize=16, levels=LEVELS)
    settings = {"lr": 1e-3, "width": 4, "batch": 8}
    scoring = Scoring(sample=60, pairs=10, metrics={"mig": {}})
    asked = train_spec(data, "beta_vae", settings=settings, steps=3, seed=1, scoring=scoring)
    assert run.record.key == key(asked)


def test_scores_and_curve(run):
    assert run.scores["after"]["mig"].value is not None
    curve = run.curve()
    assert curve["step"] == [3]
    assert {"loss", "kl", "reconstruction"} <= curve.keys()


def test_encode_and_decode_go_there_and_back(run, images):
    latents = run.encode(images)
    assert latents.shape == (3, 10)
    assert np.array_equal(run.encode(images.tolist()), latents)
    decoded = run.decode(latents.tolist())
    assert (decoded.shape, decoded.dtype) == (images.shape, np.uint8)


def test_loading_finds_the_same_run(run, images):
    again = drbench.Run.load(run.path)
    assert again.record == run.record
    assert np.array_equal(again.encode(images), run.encode(images))
    assert again.representation().fingerprint == run.representation("after").fingerprint


def test_images_of_another_size_are_refused(run):
    with pytest.raises(RequestError, match=r"expected \(k, 16, 16, 1\) uint8"):
        run.encode(np.zeros((2, 32, 32, 1), dtype=np.uint8))


def test_transfer_inherits_and_scores_twice(run, tmp_path):
    moved = drbench.transfer(
        run, "noisy_dsprites", origin="rendered", steps=2, out=tmp_path / "moved", **ASKED
    )
    assert moved.record.spec.init == run.spec
    assert moved.record.hyperparameters == run.record.hyperparameters
    assert moved.scores.keys() == {"before", "after"}


def test_wrong_names_are_one_sentence(run, tmp_path):
    with pytest.raises(RequestError, match="did you mean 'beta_vae'"):
        drbench.train("betavae", "dsprites", origin="rendered")
    with pytest.raises(RequestError, match="betta"):
        drbench.train("beta_vae", "dsprites", origin="rendered", betta=2)
    with pytest.raises(RequestError, match="to itself is none"):
        drbench.transfer(run, "dsprites", origin="rendered")
    with pytest.raises(RequestError, match="holds no run"):
        drbench.Run.load(tmp_path / "nothing")


def test_a_run_that_is_not_done_has_no_record(run, tmp_path):
    (tmp_path / "spec.json").write_text(run.spec.model_dump_json())
    with pytest.raises(RunError, match="--resume"):
        _ = drbench.Run.load(tmp_path).record
