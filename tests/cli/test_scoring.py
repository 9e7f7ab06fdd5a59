"""`drbench score` of arrays in a folder."""

import json

import numpy as np
import pytest

from drbench.cli import run


@pytest.fixture
def latents_alone(tmp_path):
    latents = np.random.default_rng(0).normal(size=(300, 3))
    np.savez(tmp_path / "representations.npz", mean=latents)
    return tmp_path


@pytest.mark.parametrize("asked", [[], ["--metric", "gaussian_tc"]])
def test_latents_alone_are_scored_by_metrics_that_need_no_classes(latents_alone, asked, capsys):
    assert run(["score", str(latents_alone), *asked, "--json", "-"]) == 0
    said = capsys.readouterr()
    metrics = json.loads(said.out)["metrics"]
    assert list(metrics) == ([asked[1]] if asked else ["gaussian_tc", "latent_mi"])
    assert all(each["value"] is not None for each in metrics.values())
    assert "note: no codes" in said.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--metric", "mig"], "has no factors, which mig needs"),
        (["--metric", "gaussian_tc", "--seed", "99999999999999999999999"], "The seed is 9999"),
        (["--metric", "gaussian_tc", "--seed", "-1"], "--seed"),
        (["--kind", "sampled"], "no sampled latents"),
        (["--kind", "drawn"], "--kind drawn"),
    ],
)
def test_a_wrong_request_is_one_sentence_and_exit_2(latents_alone, arguments, words, capsys):
    assert run(["score", str(latents_alone), *arguments]) == 2
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    assert len(error) == 1
    assert words in error[0]


def test_an_explanation_needs_factors(latents_alone, capsys):
    assert run(["explain", str(latents_alone)]) == 2
    assert "has no factors, which an explanation needs" in capsys.readouterr().err
