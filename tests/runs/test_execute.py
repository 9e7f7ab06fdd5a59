"""A run from its spec to its record."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from drbench import Record, Representation, Runtime, execute, load_dataset
from drbench.data.sampling import split_rows
from drbench.errors import DrbenchError, RequestError, RunError
from drbench.models.training import loop
from drbench.runs import execute as execute_module
from drbench.runs.data import open_data
from drbench.runs.folder import RunFolder, run_folders
from drbench.runs.request import transfer_spec

pytestmark = pytest.mark.slow


def record_of(folder: Path) -> Record:
    return Record.model_validate_json((folder / "record.json").read_bytes())


def test_transfer_scores_before_and_after_with_the_metrics_asked_for(runs):
    record = record_of(runs / "target")
    assert set(record.scores) == {"before", "after"}
    assert all(set(results) == {"omes", "mig"} for results in record.scores.values())
    assert record.scores["after"]["mig"].parameters["bins"] == 5


def test_source_run_has_no_before(runs):
    assert set(record_of(runs / "source").scores) == {"after"}


def test_scored_rows_and_both_rows_of_each_pair_are_held_out(runs, small):
    truth = open_data(small.TARGET)
    held_out = split_rows(truth, seed=0)
    representation = Representation.load(runs / "target" / "representation" / "after")
    assert held_out[representation.rows].all()
    assert held_out[representation.interventions.rows].all()


def test_pairs_of_a_representation_differ_in_their_factor_only(runs, small):
    truth = open_data(small.TARGET)
    pairs = Representation.load(runs / "target" / "representation" / "after").interventions
    differs = truth.codes[pairs.rows[:, 0]] != truth.codes[pairs.rows[:, 1]]
    assert (differs.sum(axis=1) == 1).all()
    assert (differs.argmax(axis=1) == pairs.factor).all()


def test_share_redrawn_is_reported_for_every_factor(runs, small):
    redrawn = record_of(runs / "target").redrawn
    assert list(redrawn) == sorted(["shape", *small.LEVELS])
    # Two classes: the only partner is held out one time in five, so most bases are drawn again.
    assert redrawn["scale"] > 0.5


def test_fine_tuning_never_sees_held_out_rows(runs, small, tmp_path, monkeypatch):
    seen = []
    fit = loop.fit

    def spy(model, network, truth, allowed, *args, **kwargs):
        def images(rows):
            seen.append(np.array(rows))
            return truth.images(rows)

        return fit(model, network, replace(truth, images=images), allowed, *args, **kwargs)

    monkeypatch.setattr(execute_module, "fit", spy)
    execute(small.target_spec(steps=30), out=tmp_path / "run", source=runs / "source")
    held_out = split_rows(open_data(small.TARGET), seed=0)
    assert sum(map(len, seen)) == 30 * small.SETTINGS["batch"]
    assert not held_out[np.concatenate(seen)].any()


def test_weights_are_kept_and_differ_from_the_source_at_any_number_of_steps(runs, small, tmp_path):
    execute(small.target_spec(steps=1), out=tmp_path / "one", source=runs / "source")
    before = safetensors.numpy.load_file(runs / "source" / "weights.safetensors")
    after = safetensors.numpy.load_file(tmp_path / "one" / "weights.safetensors")
    assert any(not np.array_equal(before[name], after[name]) for name in before)


def test_zero_steps_leave_scores_as_they_were(runs, small, tmp_path):
    record = execute(small.target_spec(steps=0), out=tmp_path / "none", source=runs / "source")
    assert record.scores["before"] == record.scores["after"]
    assert record.objective["before"] == record.objective["after"]


def test_equal_specs_give_equal_scores_and_weights(runs, small, tmp_path):
    again = execute(small.source_spec(), out=tmp_path / "again")
    first = record_of(runs / "source")
    assert again.key == first.key
    assert again.scores == first.scores
    assert again.provenance.weights_hash == first.provenance.weights_hash


def test_conversion_of_target_images_is_said(runs):
    notes = " ".join(record_of(runs / "target").notes)
    assert "64x64x1 to 16x16x1" in notes
    assert "16x16x1 to 16x16x3" in notes


def test_fine_tuning_uses_its_own_learning_rate(small):
    moved = small.target_spec(settings={"lr": 5e-4})
    assert moved.training.lr == 5e-4
    assert moved.training.batch == small.SETTINGS["batch"]  # inherited
    assert moved.init.training.lr == small.SETTINGS["lr"]


def test_provenance_names_data_weights_versions_and_plugins(runs):
    record = record_of(runs / "target")
    weights = (runs / "target" / "weights.safetensors").read_bytes()
    assert record.provenance.weights_hash == hashlib.sha256(weights).hexdigest()
    assert set(record.provenance.plugins) == {
        "dataset:dsprites", "dataset:color_dsprites", "model:ada_gvae", "metric:omes", "metric:mig",
    }  # fmt: skip
    assert record.provenance.versions["torch"].startswith("2.")


def test_encoders_are_the_files_that_the_record_names(runs):
    origin = record_of(runs / "target").provenance
    for stage in ("before", "after"):
        encoder = RunFolder(runs / "target").encoder_file(stage).read_bytes()
        assert hashlib.sha256(encoder).hexdigest() == origin.encoder_hash[stage]


def test_a_transfer_begins_with_the_encoder_that_its_source_ended_with(runs):
    before = record_of(runs / "target").provenance.encoder_hash["before"]
    assert before == record_of(runs / "source").provenance.encoder_hash["after"]


def test_an_encoder_is_the_part_of_the_weights_that_encodes(runs):
    whole = safetensors.numpy.load_file(runs / "target" / "weights.safetensors")
    encoder = safetensors.numpy.load_file(runs / "target" / "encoder" / "after.safetensors")
    assert set(encoder) == {name for name in whole if not name.startswith("decoder.")}
    assert all(np.array_equal(encoder[name], whole[name]) for name in encoder)


def test_data_hash_is_of_codes_and_pixels_of_the_scored_rows(runs, small):
    truth = open_data(small.TARGET, like=(16, 16, 3))
    rows = Representation.load(runs / "target" / "representation" / "after").rows
    digest = hashlib.sha256(truth.codes[rows].astype("<i4").tobytes())
    digest.update(truth.images(rows).tobytes())
    assert record_of(runs / "target").provenance.data_hash == digest.hexdigest()


def test_source_is_run_first_where_it_is_not_there(small, tmp_path, monkeypatch):
    monkeypatch.setenv("DRBENCH_CACHE", str(tmp_path))
    record = execute(small.target_spec(steps=1))
    assert len(list((tmp_path / "runs").iterdir())) == 2
    assert execute(small.target_spec(steps=1)) == record


def test_score_every_puts_omes_and_mig_into_the_log(small, tmp_path):
    execute(small.source_spec(steps=4), out=tmp_path / "run", runtime=Runtime(score_every=2))
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    scored = {line["step"]: line["scores"] for line in lines if "scores" in line}
    assert set(scored) == {2, 4}
    assert "mig" in scored[4]


def test_an_interrupted_run_goes_on_and_ends_the_same(runs, small, tmp_path, monkeypatch):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(execute_module, "remembered_scores", stop)
    with pytest.raises(KeyboardInterrupt):
        execute(small.source_spec(), out=tmp_path / "run")
    monkeypatch.undo()
    resumed = execute(small.source_spec(), out=tmp_path / "run", resume=True)
    assert resumed.scores == record_of(runs / "source").scores


def test_an_output_folder_that_holds_a_run_is_refused(runs, small):
    with pytest.raises(RequestError, match="holds a run already: add --resume"):
        execute(small.source_spec(), out=runs / "source")


def test_resuming_another_run_is_refused_and_names_the_difference(runs, small):
    with pytest.raises(RequestError, match=r"its training.steps is 6, not 7"):
        execute(small.source_spec(steps=7), out=runs / "source", resume=True)


def test_a_folder_of_something_else_is_refused(small, tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(RequestError, match="is no run"):
        execute(small.source_spec(), out=tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "precious"


def test_a_source_that_is_another_run_is_refused(runs, small, tmp_path):
    other = small.target_spec(small.source_spec(seed=3))
    with pytest.raises(RunError, match="another run"):
        execute(other, out=tmp_path / "run", source=runs / "source")


def test_a_size_the_weights_do_not_fit_is_refused(runs, small, tmp_path):
    spec = small.target_spec()
    spec = spec.model_copy(update={"data": spec.data.model_copy(update={"resize": 32})})
    with pytest.raises(RequestError, match="trained on 16x16"):
        execute(spec, out=tmp_path / "run", source=runs / "source")
    assert not (tmp_path / "run").exists()


def test_damaged_weights_are_named(runs, small, tmp_path):
    broken = tmp_path / "source"
    broken.mkdir()
    for name in ("spec.json", "weights.safetensors"):
        content = (runs / "source" / name).read_bytes()
        (broken / name).write_bytes(content[:100] if name.startswith("weights") else content)
    with pytest.raises(DrbenchError, match="damaged"):
        execute(small.target_spec(), out=tmp_path / "run", source=broken)


def test_a_folder_of_seeds_is_taken_in_the_order_of_its_numbers(tmp_path):
    for name in ("10", "9", "0"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "spec.json").write_text("{}")
    assert [folder.name for folder in run_folders(tmp_path)] == ["0", "9", "10"]


def test_a_half_written_spec_is_named(tmp_path):
    (tmp_path / "spec.json").write_text('{"model": "ada')
    with pytest.raises(RunError, match=r"spec\.json"):
        _ = RunFolder.open(tmp_path).spec


def test_k_larger_than_the_number_of_factors_is_refused_before_training(small, tmp_path):
    spec = small.source_spec(settings=small.SETTINGS | {"k": 9})
    with pytest.raises(RequestError, match=r"k.*9|9.*k"):
        execute(spec, out=tmp_path / "run")


def test_labelled_training_takes_the_same_road(small, tmp_path):
    from drbench.runs.request import train_spec

    spec = train_spec(
        small.SOURCE, "gvae", settings=small.SETTINGS, steps=3, seed=0, scoring=small.SCORING
    )
    assert execute(spec, out=tmp_path / "run").scores["after"]["mig"].value is not None


def test_split_of_a_data_set_with_groups_tears_none_apart():
    whole = load_dataset("dsprites", origin="rendered")
    grouped = replace(whole, groups=np.arange(len(whole)) // 5000)
    truth = grouped.subgrid({"pos_x": 2, "pos_y": 2})
    held_out = split_rows(truth, seed=0)
    for group in np.unique(truth.groups):
        assert len(set(held_out[truth.groups == group])) == 1


def test_a_folder_without_a_checkpoint_may_be_claimed_again(small, tmp_path):
    with pytest.raises(RequestError):
        execute(small.source_spec(settings=small.SETTINGS | {"k": 9}), out=tmp_path / "run")
    execute(small.source_spec(steps=1), out=tmp_path / "run")
    assert record_of(tmp_path / "run").spec.training.steps == 1


def test_a_transfer_back_to_the_first_set_scores_nothing_it_was_trained_on(runs, small, tmp_path):
    back = transfer_spec(
        small.target_spec(), small.SOURCE, settings={}, steps=1, seed=7, scoring=small.SCORING
    )
    execute(back, out=tmp_path / "back", source=runs / "target")
    trained = ~split_rows(open_data(small.SOURCE), seed=0)
    rows = Representation.load(tmp_path / "back" / "representation" / "after").rows
    assert not trained[rows].any()


def test_the_same_weights_are_scored_in_another_way_without_training(runs, small, tmp_path):
    shutil.copytree(runs / "source", tmp_path / "run")
    other = small.SCORING.model_copy(update={"metrics": {"mig": {"bins": 3}}})
    record = execute(small.source_spec(scoring=other), out=tmp_path / "run", resume=True)
    before = record_of(runs / "source")
    assert record.provenance.weights_hash == before.provenance.weights_hash
    assert (record.network, record.key != before.key) == (before.network, True)
    assert record.scores["after"].keys() == {"mig"}


def test_two_processes_do_a_run_once(small, tmp_path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import small\n"
        "from drbench import execute\n"
        "print(execute(small.target_spec()).provenance.created.isoformat(), end='')"
    )
    command = [sys.executable, "-c", code, str(Path(__file__).parent)]
    environment = os.environ | {"DRBENCH_CACHE": str(tmp_path), "OMP_NUM_THREADS": "1"}
    workers = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    created = {worker.communicate()[0] for worker in workers}
    assert [worker.returncode for worker in workers] == [0, 0]
    assert len(created) == 1
    (source,) = {
        p for p in (tmp_path / "runs").iterdir() if not (p / "encoder/before.safetensors").exists()
    }
    assert (source / "log.jsonl").read_text().count("\n") == 1


def test_every_plugin_of_a_chain_is_recorded(runs, small, tmp_path):
    onward = transfer_spec(
        small.target_spec(), small.TARGET.model_copy(update={"name": "noisy_dsprites"}),
        settings={}, steps=1, seed=None, scoring=small.SCORING,
    )  # fmt: skip
    record = execute(onward, out=tmp_path / "third", source=runs / "target")
    assert {"dataset:color_dsprites", "dataset:dsprites", "dataset:noisy_dsprites"} <= set(
        record.provenance.plugins
    )


def test_a_record_of_another_run_is_refused(runs, small, tmp_path):
    execute(small.source_spec(seed=5, steps=1), out=tmp_path / "run")
    (tmp_path / "run" / "record.json").write_bytes((runs / "source" / "record.json").read_bytes())
    with pytest.raises(RunError, match="another run"):
        execute(small.source_spec(seed=5, steps=1), out=tmp_path / "run", resume=True)
