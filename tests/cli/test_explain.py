import json

import numpy as np
import pytest

from drbench.cli import run
from drbench.representation.representation import Representation


@pytest.fixture
def folder(tmp_path):
    codes = np.stack(np.meshgrid(range(4), range(5), range(6), indexing="ij"), -1).reshape(-1, 3)
    latents = codes @ np.array([[1.0, 0.5, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    noisy = latents + np.random.default_rng(0).normal(size=latents.shape)
    np.savez(tmp_path / "representations.npz", mean=latents, sampled=noisy)
    header = "shape,size,hue"
    np.savetxt(tmp_path / "classes.csv", codes, "%d", delimiter=",", header=header, comments="")
    return tmp_path


def explained(folder, capsys, *arguments):
    assert run(["explain", str(folder), *arguments, "--json", "-"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_document_has_every_convention_and_the_way_to_it(folder, capsys):
    document = explained(folder, capsys, "--metric", "mig")
    mig = document["metrics"]["mig"]
    assert mig["choices"]["bins"] == 20
    assert [each["library"] for each in mig["conventions"]] == [
        "disentanglement_lib",
        "disent",
        "Ubisoft review",
        "seed paper's code",
    ]
    review = mig["conventions"][2]
    moved = sum(step["delta"]["mig"] for step in review["steps"])
    assert mig["drbench"]["mig"] + moved == pytest.approx(review["parts"]["mig"])
    assert review["choices"]["bins"] == 10
    assert document["provenance"]["kind"] == "mean"


def test_the_text_is_for_pasting_and_agrees_with_the_numbers(folder, capsys):
    document = explained(folder, capsys, "--metric", "mig", "--metric", "omes", "--seed", "3")
    text = document["text"]
    assert "mean latents, 120 rows, 3 latents, 3 factors, seed 3" in text
    for each in document["metrics"]["mig"]["conventions"]:
        assert f"{each['parts']['mig']:.4f} ({each['difference']['mig']:+.4f}" in text or (
            abs(each["difference"]["mig"]) < 5e-5
        )
    assert "\n" not in text


def test_people_see_scores_steps_sources_faults_and_the_text(folder, capsys):
    assert run(["explain", str(folder), "--metric", "mig"]) == 0
    out = capsys.readouterr().out
    for line in (
        "convention           mig     difference",
        "from drbench to Ubisoft review",
        "bins: 20 -> 10",
        "src/metrics/mig.py: mig",
        "Divided by the latent's",
        "We recomputed the scores",
    ):
        assert line in out


def test_sampled_latents_are_another_representation(folder, capsys):
    mean = explained(folder, capsys, "--metric", "mig")
    sampled = explained(folder, capsys, "--metric", "mig", "--kind", "sampled")
    assert "sampled latents" in sampled["text"]
    assert sampled["metrics"]["mig"]["drbench"] != mean["metrics"]["mig"]["drbench"]


def test_the_seed_decides(folder, capsys):
    first, again, other = (
        explained(folder, capsys, "--metric", "mig", "--seed", seed)["metrics"]
        for seed in ("1", "1", "2")
    )
    assert first == again != other


def test_a_folder_of_encode_is_read_and_what_has_no_score_is_said(tmp_path, capsys):
    codes = np.repeat(np.arange(4), 10)[:, None]
    Representation.from_arrays(np.hstack([codes, codes]), codes).save(tmp_path)
    assert run(["explain", str(tmp_path), "--metric", "mig"]) == 0
    assert "mig: fewer than two factors vary." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--metric", "mgi"], "did you mean 'mig'"),
        (["--metric", "irs"], "No metric with conventions to compare named 'irs'"),
        (["--kind", "mode"], "--kind mode: expected mean or sampled."),
    ],
)
def test_wrong_requests(folder, capsys, arguments, sentence):
    assert run(["explain", str(folder), *arguments]) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert captured.out == ""


def test_a_folder_without_a_representation_is_named(tmp_path, capsys):
    assert run(["explain", str(tmp_path / "none")]) == 2
    assert f"{tmp_path / 'none'} does not exist" in capsys.readouterr().err


def test_the_file_is_written_whole(folder, tmp_path, capsys):
    target = tmp_path / "explained.json"
    assert run(["explain", str(folder), "--metric", "mig", "--json", str(target)]) == 0
    assert "convention" in capsys.readouterr().out
    assert json.loads(target.read_text())["metrics"].keys() == {"mig"}
