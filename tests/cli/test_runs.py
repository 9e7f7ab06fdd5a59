"""`drbench train`, `transfer`, `encode`, `score`."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from drbench.cli import run
from drbench.cli.runs import parse_seeds
from drbench.errors import RequestError
from drbench.representation.representation import Representation

pytestmark = pytest.mark.slow

LEVELS = [f"--levels={name}=3" for name in ("color", "scale", "orientation", "pos_x", "pos_y")]
TRAIN = [
    "train", "--dataset", "color_dsprites", "--origin", "rendered", "--model", "beta_vae",
    "--steps", "2", "--resize", "16", *LEVELS, "--set", "width=4", "--set", "batch=8",
    "--sample", "60", "--pairs", "7", "--metric", "mig", "--metric", "omes", "--set", "mig.bins=5",
]  # fmt: skip
TRANSFER = [
    "--target", "noisy_color_dsprites", "--origin", "rendered", "--steps", "2", *LEVELS,
    "--sample", "60", "--metric", "mig",
]  # fmt: skip


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    assert run([*TRAIN, "--seeds", "0-1", "--out", str(folder / "src")]) == 0
    assert run(["transfer", str(folder / "src"), *TRANSFER, "--out", str(folder / "tgt")]) == 0
    return folder


@pytest.fixture
def arrays(tmp_path: Path) -> Path:
    """What an outsider has: latents and classes of a small grid."""
    codes = np.array(list(itertools.product(range(4), range(3), range(5))))
    folder = tmp_path / "mine"
    folder.mkdir()
    np.savez(folder / "representations.npz", mean=codes.astype(float))
    np.savetxt(folder / "classes.csv", codes, delimiter=",", fmt="%d", header="a,b,c", comments="")
    return folder


def test_seeds_make_a_folder_each(seeds):
    assert sorted(path.name for path in (seeds / "src").iterdir()) == ["0", "1"]
    assert sorted(path.name for path in (seeds / "tgt").iterdir()) == ["0", "1"]


def test_a_transfer_of_seeds_keeps_each_seed(seeds):
    records = [json.loads((seeds / "tgt" / s / "record.json").read_text()) for s in "01"]
    assert [record["spec"]["init"]["seed"] for record in records] == [0, 1]
    assert [record["spec"]["seed"] for record in records] == [0, 1]


def test_pairs_of_a_factor_are_at_most_as_many_as_asked_for(seeds):
    folder = seeds / "src" / "0" / "representation" / "after"
    changed = Representation.load(folder).interventions.factor
    assert np.bincount(changed).max() == 7


def test_settings_with_a_dot_reach_the_metric(seeds):
    record = json.loads((seeds / "src" / "0" / "record.json").read_text())
    assert record["scores"]["after"]["mig"]["parameters"]["bins"] == 5


def test_a_run_that_is_there_is_a_wrong_request(seeds, capsys):
    assert run([*TRAIN, "--out", str(seeds / "src" / "0")]) == 2
    assert "add --resume" in capsys.readouterr().err


def test_seeds_go_to_the_leaderboard_as_one_row(seeds, tmp_path, capsys):
    board = ["--board", str(tmp_path)]
    assert run(["leaderboard", "add", str(seeds / "tgt"), *board]) == 0
    assert run(["leaderboard", "build", *board]) == 0
    assert run(["leaderboard", "validate", *board]) == 0
    (row,) = json.loads((tmp_path / "leaderboard.json").read_text())["rendered"]
    assert row["n_seeds"] == 2


def test_score_takes_a_run_and_gives_the_scores_of_its_record(seeds, tmp_path):
    out = tmp_path / "scores.json"
    arguments = ["--metric", "mig", "--set", "mig.bins=5", "--json", str(out)]
    assert run(["score", str(seeds / "src" / "0"), *arguments]) == 0
    record = json.loads((seeds / "src" / "0" / "record.json").read_text())
    assert json.loads(out.read_text())["metrics"]["mig"] == record["scores"]["after"]["mig"]


def test_encode_then_score(seeds, tmp_path, capsys):
    out = tmp_path / "z"
    arguments = ["--dataset", "dsprites", "--origin", "rendered", "--sample", "50"]
    assert run(["encode", str(seeds / "src" / "0"), *arguments, "--out", str(out)]) == 0
    assert run(["score", str(out), "--metric", "mig"]) == 0
    assert "mig" in capsys.readouterr().out
    assert run(["encode", str(seeds / "src" / "0"), *arguments, "--out", str(out)]) == 2


def test_score_of_two_arrays_in_a_folder(arrays, capsys):
    assert run(["score", str(arrays), "--metric", "mig", "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["metrics"]["mig"]["value"] == 1
    assert set(document["metrics"]["mig"]) >= {
        "value", "per_factor", "parts", "parameters", "n_samples", "n_pairs", "reference",
        "chance", "standard_error", "curve", "matrix", "warnings", "reason",
    }  # fmt: skip
    assert document["provenance"]["versions"]["drbench"]


def test_score_writes_each_result_as_it_is_done(arrays, tmp_path, monkeypatch):
    from drbench.metrics import scoring

    load, out = scoring.load_metric, tmp_path / "scores.json"

    def broken(name):
        if name == "omes":
            raise KeyboardInterrupt
        return load(name)

    arguments = ["score", str(arrays), "--metric", "mig", "--metric", "omes", "--json", str(out)]
    assert run(arguments[:4] + arguments[6:]) == 0
    assert list(json.loads(out.read_text())["metrics"]) == ["mig"]
    out.unlink()
    monkeypatch.setattr(scoring, "load_metric", broken)
    assert run(arguments) == 130
    assert list(json.loads(out.read_text())["metrics"]) == ["mig"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--dataset", "dsprites", "--origin", "drawn"], 2, "origin='drawn'"),
        (["--dataset", "dsprites", "--resize", "0"], 2, "resize=0"),
        (["--dataset", "dsprite"], 2, "did you mean 'dsprites'"),
        (["--dataset", "dsprites"], 1, "drbench datasets fetch dsprites"),
        (["--dataset", "coil100", "--origin", "rendered"], 2, "no rendered origin"),
        (["--dataset", "dsprites", "--origin", "rendered", "--levels", "hue=2"], 2, "no factor"),
        (["--dataset", "dsprites", "--origin", "rendered", "--levels", "scale=9"], 2, "scale"),
        (["--dataset", "dsprites", "--origin", "rendered", "--levels", "hue"], 2, "--levels hue"),
        (["--dataset", "dsprites", "--origin", "rendered", "--seed", "9" * 20], 2, "seed=9"),
        (["--dataset", "dsprites", "--origin", "rendered", "--set", "lr=fast"], 2, "lr"),
        (["--dataset", "dsprites", "--origin", "rendered", "--seeds", "9-0"], 2, "--seeds 9-0"),
        (["--dataset", "dsprites", "--origin", "rendered", "--metric", "omse"], 2, "'omes'"),
        (["--dataset", "dsprites", "--origin", "rendered", "--resize", "30"], 2, "multiples of 8"),
    ],
)
def test_a_wrong_request_is_one_sentence(arguments, code, said, tmp_path, capsys):
    out = tmp_path / "run"
    request = ["train", "--model", "beta_vae", "--steps", "1", *arguments, "--out", str(out)]
    assert run(request) == code
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    assert len(error) == 1
    assert said in error[0]
    assert not out.exists()


def test_seeds_are_ranges_and_lists():
    assert parse_seeds("0-2,7") == [0, 1, 2, 7]
    with pytest.raises(RequestError, match="0-9"):
        parse_seeds("a")


def test_score_needs_no_torch(arrays):
    """A real interpreter in which torch cannot be imported."""
    blocked = "import sys; sys.modules['torch'] = None; from drbench.cli import run; "
    command = f"{blocked}sys.exit(run(['score', {str(arrays)!r}, '--metric', 'mig']))"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "mig" in done.stdout


def test_training_without_torch_says_what_to_install(tmp_path):
    blocked = "import sys; sys.modules['torch'] = None; from drbench.cli import run; "
    command = f"{blocked}sys.exit(run({[*TRAIN, '--out', str(tmp_path / 'run')]!r}))"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True)
    assert done.returncode == 1
    assert "pip install 'drbench[train]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_failing_metric_is_named_and_what_is_done_is_shown(arrays, tmp_path, capsys):
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "import drbench\n"
        "@drbench.metric(title='T', measures='m', range=(0, 1), source='s', cost='c')\n"
        "def divides(representation, *, seed):\n"
        "    '''Fail.'''\n"
        "    return 1 / 0\n"
        "PLUGINS = {'metrics': {'divides': divides}}\n"
    )
    request = ["score", str(arrays), "--metric", "mig", "--metric", "divides"]
    assert run([*request, "--plugins", str(plugin)]) == 1
    said = capsys.readouterr()
    assert "mig" in said.out
    assert "The metric divides failed: ZeroDivisionError" in said.err


def test_seed_and_seeds_together_are_refused(tmp_path):
    both = ["--seed", "1", "--seeds", "0-1", "--out", str(tmp_path / "run")]
    assert run([*TRAIN, *both]) == 2


def test_a_run_whose_plugin_file_is_not_named_says_which(tmp_path, capsys, monkeypatch):
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "from drbench_plugins.models.beta_vae import BetaVAE\n"
        "from typing import final\n"
        "class Mine(BetaVAE):\n    '''Mine.'''\n    name = 'mine'\n"
        "PLUGINS = {'models': {'mine': Mine}}\n"
    )
    monkeypatch.delenv("DRBENCH_PLUGINS", raising=False)
    request = [*TRAIN, "--out", str(tmp_path / "run"), "--plugins", str(plugin)]
    request[request.index("beta_vae")] = "mine"
    assert run(request) == 0
    monkeypatch.delenv("DRBENCH_PLUGINS")
    capsys.readouterr()
    assert run(["transfer", str(tmp_path / "run"), *TRANSFER, "--out", str(tmp_path / "t")]) == 2
    assert f"--plugins {plugin}" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["transfer", "score"])
def test_a_run_that_is_not_there_is_a_wrong_request(command, tmp_path):
    options = ["--target", "dsprites", "--out", str(tmp_path / "t")] if command != "score" else []
    assert run([command, str(tmp_path / "nope"), *options]) == 2


def test_how_a_run_is_carried_out_is_in_its_record_and_in_no_key(seeds, tmp_path):
    options = ["--threads", "1", "--device", "cpu", "--score-every", "1"]
    assert run([*TRAIN, *options, "--out", str(tmp_path / "run")]) == 0
    records = [
        json.loads((folder / "record.json").read_text())
        for folder in (tmp_path / "run", seeds / "src" / "0")
    ]
    assert records[0]["provenance"]["runtime"]["threads"] == 1
    assert records[0]["key"] == records[1]["key"]
    lines = (tmp_path / "run" / "log.jsonl").read_text().splitlines()
    assert all(json.loads(line)["scores"].keys() == {"omes", "mig"} for line in lines)


def test_a_device_that_is_not_there_is_one_sentence(tmp_path, capsys):
    assert run([*TRAIN, "--device", "cuda:7", "--out", str(tmp_path / "run")]) == 2
    assert "'cuda:7' cannot be used here" in capsys.readouterr().err
