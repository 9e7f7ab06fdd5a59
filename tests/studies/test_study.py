"""Studies: sets of specs, done on this machine, and how far they are."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from drbench.board.official import PAIRS
from drbench.errors import DrbenchError, RequestError, UnknownNameError
from drbench.models.budget import Training
from drbench.runs.folder import RunFolder
from drbench.runs.identity import canonical
from drbench.runs.request import train_spec
from drbench.runs.spec import DataRef, Scoring
from drbench.studies.run import run_study
from drbench.studies.shipped import board, find_study, official
from drbench.studies.status import counts, study_status
from drbench.studies.study import Study, cross, unique

pytestmark = pytest.mark.slow

LEVELS = {"orientation": 2, "pos_x": 4, "pos_y": 4}
SOURCE = DataRef(name="dsprites", origin="rendered", resize=16, levels=LEVELS)
TARGETS = [
    DataRef(name=name, origin="rendered", levels=LEVELS)
    for name in ("noisy_dsprites", "color_dsprites")
]
SETTINGS = {"width": 4, "batch": 8}
SCORING = Scoring(sample=50, pairs=20, metrics={"mig": {}})


def small(**changes: object) -> Study:
    asked: dict = {
        "sources": [SOURCE],
        "models": {"beta_vae": [SETTINGS]},
        "seeds": range(2),
        "steps": 3,
        "targets": {"dsprites": TARGETS},
        "target_steps": 2,
        "scoring": SCORING,
    }
    return Study("small", unique(cross(**(asked | changes))))


def test_a_study_is_sources_by_models_by_settings_by_seeds_by_targets():
    study = small(models={"beta_vae": [SETTINGS, SETTINGS | {"beta": 2}], "gvae": [SETTINGS]})
    assert len(study.specs) == 3 * 2 * 2
    with_sources = small(source_scoring=SCORING)
    assert [len(wave) for wave in with_sources.waves] == [2, 4]


def test_the_same_run_is_in_a_study_once():
    assert len(small(models={"beta_vae": [SETTINGS, SETTINGS | {"beta": 1.0}]}).specs) == 4


def test_a_run_of_a_study_is_the_run_that_anyone_asks_for():
    asked = train_spec(SOURCE, "beta_vae", settings=SETTINGS, steps=3, seed=1, scoring=SCORING)
    assert asked in [spec.init for spec in small().specs]


def test_the_official_study_is_the_published_table():
    specs = official().specs
    assert len(specs) == len(PAIRS) * 2 * 2 * 5
    assert {(s.chain[0].data.name, s.data.name) for s in specs} == set(PAIRS)
    assert {(s.init.training, s.training) for s in specs} == {
        (Training(steps=400_000), Training(steps=50_000))
    }
    # A size that a source has anyway is not written down.
    assert {s.chain[0].data.resize for s in specs} == {None, 64}


def test_shipped_studies_are_canonical():
    assert all(canonical(spec) == spec for spec in board().specs)


def test_an_unknown_study_suggests_the_nearest():
    with pytest.raises(UnknownNameError, match="'official'"):
        find_study("oficial")


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A study that two workers did: a source and two transfers of it, one of which failed."""
    out = tmp_path_factory.mktemp("study") / "small"
    broken = DataRef(name="cars3d")  # its files are nowhere
    study = small(seeds=[0], targets={"dsprites": [TARGETS[0], broken]}, source_scoring=SCORING)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRBENCH_DATA", str(out / "nowhere"))
        patch.setenv("DRBENCH_CACHE", str(out.parent / "cache"))
        yield out, study, run_study(study, out, jobs=2)


def test_every_run_is_done_once_and_a_failure_stops_no_other(done):
    _, _, outcomes = done
    failed = [outcome for outcome in outcomes if outcome.failure]
    assert {outcome.spec.data.name for outcome in failed} == {"cars3d"}
    assert "cars3d" in failed[0].failure
    finished = [o.folder for o in outcomes if not o.failure]
    assert all(folder.read_record() is not None for folder in finished)
    assert len(finished) == 2


def test_transfers_start_from_the_sources_of_the_study(done):
    out, study, _ = done
    for spec in study.specs:
        if spec.init and spec.data.name != "cars3d":
            source = RunFolder.at_home(spec.init, out).read_record().provenance.encoder_hash
            moved = RunFolder.at_home(spec, out).read_record().provenance.encoder_hash
            assert moved["before"] == source["after"]


def test_status_is_read_from_the_files(done):
    out, _, _ = done
    runs = study_status(out)
    assert counts(runs) == {"failed": 1, "done": 2}
    assert all("cars3d" in run.failure for run in runs if run.state == "failed")
    assert {(run.step, run.steps) for run in runs if run.state == "done"} == {(3, 3), (2, 2)}


def test_a_run_that_a_process_works_on_is_running(done):
    out, study, _ = done
    folder = RunFolder.at_home(study.specs[-1], out)
    code = (
        "import sys; from pathlib import Path; from drbench.runs.folder import RunFolder\n"
        "with RunFolder(Path(sys.argv[1])).locked():\n    print('in', flush=True); input()"
    )
    command = [sys.executable, "-c", code, str(folder.path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as worker:
        assert worker.stdout.readline() == "in\n"
        busy = {run.name: run.state for run in study_status(out)}[folder.path.name]
        worker.communicate("\n")
    assert busy == ("done" if folder.record_file.is_file() else "running")


def test_what_is_done_is_not_done_again(done):
    out, study, _ = done
    before = {p: p.stat().st_mtime_ns for p in out.rglob("record.json")}
    run_study(study, out, jobs=1)
    assert {p: p.stat().st_mtime_ns for p in out.rglob("record.json")} == before


def test_another_study_in_the_folder_is_refused(done, tmp_path):
    out, _, _ = done
    with pytest.raises(RequestError, match="holds another study"):
        run_study(small(steps=4), out)
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(RequestError, match="is no study"):
        run_study(small(), tmp_path)
    with pytest.raises(DrbenchError, match="holds no study"):
        study_status(tmp_path)


def test_ctrl_c_ends_the_runs_with_a_checkpoint_and_starts_no_other(tmp_path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path\n"
        "from test_study import small\nfrom drbench.studies.run import run_study\n"
        "run_study(small(steps=10**6), Path(sys.argv[2]))"
    )
    out = tmp_path / "study"
    command = [sys.executable, "-c", code, str(Path(__file__).parent), str(out)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as study:
        deadline = time.monotonic() + 120
        while not list(out.rglob("checkpoint*")) and time.monotonic() < deadline:
            time.sleep(0.2)
        study.send_signal(signal.SIGINT)
        _, printed = study.communicate(timeout=120)
    assert "KeyboardInterrupt" in printed
    states = sorted(run.state for run in study_status(out))
    assert states == ["planned"] * 4
    # The source, which is no run of the study itself, was going on.
    (source,) = {path.parent for path in out.rglob("checkpoint*")}
    assert not RunFolder(source).is_busy
    assert not RunFolder(source).weights_file.exists()
