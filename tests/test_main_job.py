"""The main job, small: a synthetic source, real photographs as the target, a valid board."""

import json
from pathlib import Path

import pytest

from drbench.cli import run

pytestmark = pytest.mark.slow


@pytest.fixture
def photographs(samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not (samples / "coil-100").is_dir():
        pytest.skip(f"no COIL-100 images in {samples}")
    monkeypatch.setenv("DRBENCH_DATA", str(samples))


@pytest.mark.usefixtures("photographs")
def test_a_model_moves_from_drawings_to_photographs(tmp_path, capsys):
    source, target = tmp_path / "src", tmp_path / "coil"
    board = ["--board", str(tmp_path / "board")]
    assert run([
        "train", "--dataset", "color_dsprites", "--origin", "rendered", "--model", "ada_gvae",
        "--resize", "32", "--steps", "60", "--set", "lr=1e-3", "--set", "width=16",
        "--sample", "200", "--metric", "omes", "--out", str(source),
    ]) == 0  # fmt: skip
    assert run([
        "transfer", str(source), "--target", "coil100_augmented", "--steps", "60",
        "--sample", "300", "--metric", "omes", "--metric", "mig", "--out", str(target),
    ]) == 0  # fmt: skip
    for command in (["add", str(target)], ["build"], ["validate"]):
        assert run(["leaderboard", *command, *board]) == 0, capsys.readouterr()

    record = json.loads((target / "record.json").read_text())
    assert record["objective"]["after"]["elbo"] > record["objective"]["before"]["elbo"] + 100
    assert record["scored_rows"] == 300
    assert [f["name"] for f in record["factors"]] == ["object", "pose", "rotation", "scale"]
    assert any("converted from 128x128x3 to 32x32x3" in note for note in record["notes"])
    # Synthetic images were rendered, photographs are the maker's: not an official row.
    (row,) = json.loads((tmp_path / "board" / "leaderboard.json").read_text())["rendered"]
    assert (row["source"]["origin"], row["target"]["origin"]) == ("rendered", "official")
