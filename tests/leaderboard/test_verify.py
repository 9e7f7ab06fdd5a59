"""Verifying: what is chosen, what is written, and what cannot be checked here."""

import json
import os
import runpy
import shutil
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from drbench import DataRef
from drbench.cli import run
from drbench.errors import BoardError, RequestError
from drbench.runs.provenance import library_versions
from drbench.trust.reading import read_model
from drbench.trust.store import add, built_board, load_board, write_board
from drbench.trust.validate import validate
from drbench.trust.verification import Verifications
from drbench.trust.verify import reencode
from drbench.trust.verify.findings import DiffersError
from drbench.trust.verify.retrain import retrain
from drbench.trust.verify.verify import verify

Forger = runpy.run_path(str(Path(__file__).with_name("forging.py")))["Forger"]


def check(forger, level=None):
    (verdict,) = verify(forger.board, [forger.key], level=level)
    return verdict


def snapshot(folder):
    return {p: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def verifications(board, key):
    return read_model(board / "verifications" / f"{key}.json", Verifications).verifications


# What is chosen and written ----------------------------------------------------------------------


def test_a_verification_says_who_when_with_which_versions_and_how_far_apart(target):
    verify(target.board, [target.key], by="A. Checker", write=True)
    (found,) = verifications(target.board, target.key)
    assert (found.state, found.by) == ("re-encoded", "A. Checker")
    assert found.date == datetime.now(UTC).date()
    assert found.versions == library_versions()
    assert set(found.checks) == {"scores", "latents", "scores of the recomputed latents"}
    assert validate(target.board) == []


def test_what_is_written_shows_on_the_board(target):
    verify(target.board, every=True, by="A. Checker", write=True)
    assert {row.state for row in built_board(target.board).rows} == {"re-encoded"}
    before = (target.board / "leaderboard.json").read_text()
    write_board(target.board)
    assert (target.board / "leaderboard.json").read_text() == before


def test_without_write_nothing_changes(target):
    before = snapshot(target.board)
    verify(target.board, every=True)
    assert snapshot(target.board) == before


def test_only_what_is_not_verified_as_far_is_checked(target):
    verify(target.board, [target.key], level="rescored", by="A", write=True)
    assert len(verify(target.board, level="rescored")) == 5
    assert len(verify(target.board)) == 6
    assert len(verify(target.board, every=True, level="rescored")) == 6


def test_checks_of_one_record_add_up(target):
    for level in ("rescored", "re-encoded"):
        verify(target.board, [target.key], level=level, by="A", write=True)
    states = [each.state for each in verifications(target.board, target.key)]
    assert states == ["rescored", "re-encoded"]


def test_verifying_all_anew_removes_what_the_board_said(target):
    verify(target.board, every=True, level="rescored", by="Submitter", write=True)
    target.path("latents", "after").unlink()
    verify(target.board, every=True, level="rescored", by="Maintainer", write=True)
    assert not (target.board / "verifications" / f"{target.key}.json").exists()
    checks = [
        [check.by for check in run.checks]
        for row in built_board(target.board).rows
        for run in row.all_runs
    ]
    assert sorted(checks) == [[], *[["Maintainer"]] * 5]
    assert "Submitter" not in (target.board / "leaderboard.json").read_text()


def test_what_is_removed_is_removed_even_if_nothing_can_be_verified(target):
    verify(target.board, every=True, level="rescored", by="Submitter", write=True)
    shutil.rmtree(target.board / "evidence")
    verify(target.board, every=True, by="Maintainer", write=True)
    assert list((target.board / "verifications").iterdir()) == []
    assert "Submitter" not in (target.board / "leaderboard.json").read_text()


def test_verifications_are_not_removed_through_a_link(target, tmp_path):
    verify(target.board, [target.key], level="rescored", by="A", write=True)
    folder = target.board / "verifications"
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    before = snapshot(tmp_path / "elsewhere")
    with pytest.raises(BoardError, match="is a link"):
        verify(target.board, every=True, level="rescored", by="B", write=True)
    assert snapshot(tmp_path / "elsewhere") == before != {}


def test_verifying_a_changed_record_again_drops_what_was_said_of_the_old_one(target):
    verify(target.board, [target.key], by="A", write=True)
    target.document["notes"] = []
    for stage in target.document["scores"]:
        arrays, metadata = target.read("latents", stage)
        about = json.loads(metadata["drbench"]) | {"notes": []}
        target.write("latents", stage, arrays, {"drbench": json.dumps(about)})
    target.submit()
    assert validate(target.board) != []
    verify(target.board, [target.key], level="rescored", by="B", write=True)
    assert [each.by for each in verifications(target.board, target.key)] == ["B"]
    assert validate(target.board) == []


def test_first_digits_of_a_key_are_enough(target):
    assert [v.key for v in verify(target.board, [target.key[:8]], level="rescored")] == [target.key]


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        (["zz"], "No record of .* begins with 'zz'"),
        (["../x"], "begins with"),
        ([""], "begins with '': give the first digits of a file's name in .*records, or no key"),
    ],
)
def test_an_unknown_key_is_named(target, keys, sentence):
    with pytest.raises(RequestError, match=sentence):
        verify(target.board, keys)


def test_an_ambiguous_key_is_refused(make_record, tmp_path):
    records = [make_record(seed=seed) for seed in range(20)]  # two of them share a first digit
    for record in records:
        (tmp_path / f"{record.key}.json").write_text(record.to_json())
        add(tmp_path / "board", tmp_path / f"{record.key}.json")
    firsts = [record.key[0] for record in records]
    shared = next(first for first in firsts if firsts.count(first) > 1)
    with pytest.raises(RequestError, match=f"keys that begin with '{shared}': give more digits"):
        verify(tmp_path / "board", [shared])


@pytest.mark.parametrize("options", [{"write": True}, {"by": "A"}])
def test_a_name_and_write_belong_together(target, options):
    with pytest.raises(RequestError, match="--by"):
        verify(target.board, [target.key], **options)


def test_no_board_is_named(tmp_path):
    with pytest.raises(BoardError, match="is no leaderboard"):
        verify(tmp_path / "nothing", every=True)


def test_a_board_that_cannot_be_written_is_refused_before_the_work(target, monkeypatch):
    monkeypatch.setattr(
        "drbench.trust.verify.verify._Check.verdict", lambda *_: pytest.fail("work")
    )
    lock = target.board / ".lock"
    lock.unlink(missing_ok=True)
    lock.mkdir()  # root may write anywhere, but not open a folder as a file
    with pytest.raises(BoardError, match="Cannot write to the board"):
        verify(target.board, [target.key], by="A", write=True)


def test_a_record_that_changes_meanwhile_is_not_said_to_be_verified(target, monkeypatch):
    def checked(board, record):
        target.document["provenance"]["threads"] += 1
        target.file.write_text(target.record.to_json())
        return {}, 0.0

    monkeypatch.setattr("drbench.trust.verify.verify.rescore", checked)
    with pytest.raises(BoardError, match="changed while it was verified"):
        verify(target.board, [target.key], level="rescored", by="A", write=True)
    assert not (target.board / "verifications").exists()


def test_several_verifiers_at_once_lose_nothing(target):
    def one(name):
        command = [sys.executable, "-m", "drbench", "leaderboard", "verify", target.key[:12]]
        options = ["--level", "rescored", "--by", name, "--write", "--board", str(target.board)]
        return subprocess.run([*command, *options], capture_output=True, text=True, check=False)

    names = [f"Checker {number}" for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(one, names))
    assert [each.returncode for each in done] == [0] * 4, done[0].stderr
    assert sorted(each.by for each in verifications(target.board, target.key)) == names
    assert validate(target.board) == []


# What cannot be checked here says nothing of the record ------------------------------------------


def assert_unverifiable(forger, level, sentence):
    before = snapshot(forger.board)
    (verdict,) = verify(forger.board, [forger.key], level=level, by="A", write=True)
    assert (verdict.outcome, sentence in verdict.reason) == ("not verified", True), verdict
    assert snapshot(forger.board) == before


def test_a_record_without_evidence_is_not_verified(target):
    shutil.rmtree(target.board / "evidence")
    assert_unverifiable(target, None, "it has no evidence on the board")


def test_a_record_without_evidence_can_be_trained_again(target):
    shutil.rmtree(target.board / "evidence")
    verdict = check(target, "retrained")
    assert verdict.outcome == "retrained"
    assert "trained again only" in verdict.notes[0]


@pytest.mark.parametrize(("kind", "stage"), [("weights", "after"), ("latents", "before")])
def test_half_the_evidence_is_not_enough(target, kind, stage):
    target.path(kind, stage).unlink()
    assert_unverifiable(target, "rescored", "is missing")


def test_a_truncated_file_is_not_verified(target):
    path = target.path("latents", "after")
    path.write_bytes(path.read_bytes()[:-10])
    assert_unverifiable(target, "rescored", "is not what its name says")


def test_a_link_is_not_followed(target, tmp_path):
    path = target.path("latents", "after")
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert_unverifiable(target, "rescored", "is no regular file")


def test_a_huge_file_is_refused_unread(target):
    path = target.path("weights", "after")
    with path.open("wb") as file:
        file.truncate(2**26 + 1)
    assert_unverifiable(target, "rescored", "at most 67,108,864")


def with_spec(forger, **changes):
    """The same evidence under a spec that asks for something else, alone on its board."""
    spec = forger.record.spec
    for path in (forger.board / "records").iterdir():
        path.unlink()
    forger.claim(type(spec).model_validate(spec.model_dump() | changes))
    forger.submit()
    return forger


def test_open_sets_of_a_submission_are_never_opened(target, monkeypatch):
    monkeypatch.setattr(
        "drbench.data.open_sets.folder.folder_set", lambda *_: pytest.fail("opened")
    )
    with_spec(target, data=DataRef(name="folder:/etc").model_dump())
    assert_unverifiable(target, "re-encoded", "open sets of a submission are never opened")


def test_a_model_that_is_not_registered_is_said(target):
    spec = target.record.spec
    init = spec.init.model_dump() | {"model": "mine"}
    with_spec(target, model="mine", init=init)
    assert_unverifiable(target, "re-encoded", "No model named 'mine'")
    assert check(target).outcome == "rescored"
    assert "No model named 'mine'" in check(target).notes[0]


@pytest.mark.parametrize(
    ("hyperparameters", "sentence"),
    [
        ({"width": 4 * 10**6}, "more than 268,435,456 weights"),
        ({"width": 4 * 10**17}, "cannot be built here"),
        ({"latents": 10**9}, "more than 268,435,456 weights"),
        ({"layers": 3}, "layers"),
    ],
)
def test_a_network_that_would_take_all_memory_is_not_built(target, hyperparameters, sentence):
    spec = target.record.spec
    with_spec(target, hyperparameters=spec.hyperparameters | hyperparameters)
    assert_unverifiable(target, "re-encoded", sentence)
    assert_unverifiable(target, "retrained", sentence)


def test_images_that_would_take_all_memory_are_not_drawn(target):
    init = target.record.spec.init.model_dump()
    init["data"]["resize"] = 10**6
    target.document["image_shape"] = [10**6, 10**6, 3]
    with_spec(target, init=init)
    assert_unverifiable(target, "re-encoded", "larger than are taken")


def test_official_files_that_are_not_here_are_said(target):
    spec = target.record.spec
    with_spec(target, data=spec.data.model_dump() | {"origin": "official"})
    assert_unverifiable(target, "re-encoded", "images cannot be drawn here")


def test_another_version_that_computes_otherwise_refutes_nothing(target):
    target.document["provenance"]["versions"]["torch"] = "1.0"
    target.document["scores"]["after"]["mig"]["value"] += 0.1
    target.submit()
    assert_unverifiable(
        target, "rescored", "The record was made otherwise, though: torch 1.0, here"
    )


def test_another_version_of_a_plugin_refutes_nothing(target):
    target.provenance["plugins"]["model:ada_gvae"]["version"] = "0.0.1"
    target.document["scores"]["after"]["mig"]["value"] += 0.1
    target.submit()
    assert_unverifiable(target, "rescored", "model:ada_gvae of drbench 0.0.1")


def test_another_version_that_computes_the_same_is_verified(target):
    target.provenance["versions"]["torch"] = "1.0"
    target.submit()
    assert check(target).outcome == "re-encoded"


def test_noise_of_another_device_is_not_compared_and_that_is_said(target):
    target.provenance["device"] = "cuda (some card)"
    for stage in target.document["scores"]:
        target.change("latents", stage, lambda a: a | {"sampled": 0 * a["sampled"]})
    target.submit()
    verdict = check(target, "re-encoded")
    assert verdict.outcome == "re-encoded"
    assert "Sampled latents after training were not compared" in " ".join(verdict.notes)


def test_a_check_that_breaks_does_not_stop_the_others(target, monkeypatch):
    def broken(board, record, latents):
        if record.key == target.key:
            raise ZeroDivisionError("by zero")
        return reencode.Reencoded({}, ())

    monkeypatch.setattr(reencode, "reencode", broken)
    verdicts = {v.key: v for v in verify(target.board, every=True)}
    assert verdicts.pop(target.key).reason == "the check failed: ZeroDivisionError: by zero"
    assert {v.outcome for v in verdicts.values()} == {"re-encoded"}


def other_source(target, torch=None):
    """The source's record on the board has other weights than the transfer began with."""
    source = Forger(target.board, target.record.spec.init)
    source.change("weights", "after", lambda a: a | {"mean.bias": a["mean.bias"] + 1})
    if torch:
        source.provenance["versions"]["torch"] = torch
    source.submit()


def test_other_weights_than_its_sources_are_not_verified(target):
    other_source(target)
    assert check(target).outcome == "not verified"
    assert "It began with other weights than its source" in check(target).reason
    assert check(target, "retrained").outcome == "retrained"  # bit for bit: they are its own


def test_other_weights_than_its_sources_of_another_version_are_said(target):
    other_source(target, torch="1.0")
    verdict = check(target)
    assert (verdict.outcome, len(verdict.notes)) == ("re-encoded", 1)
    assert "It began with other weights than its source" in verdict.notes[0]
    assert "but that was made otherwise: torch 1.0, here" in verdict.notes[0]


def test_a_source_that_is_not_on_the_board_is_said(target):
    (target.board / "records" / f"{target.record.spec.init.key}.json").unlink()
    verdict = check(target)
    assert verdict.outcome == "re-encoded"
    assert "is not on this board: whether it began with" in verdict.notes[0]


# The command -------------------------------------------------------------------------------------


def drbench(*words):
    return run(["leaderboard", "verify", *map(str, words)])


def test_the_command_reports_and_ends_with_0_where_all_hold(target, capsys):
    assert drbench(target.key[:12], "--board", target.board, "--level", "rescored") == 0
    captured = capsys.readouterr()
    assert captured.err.splitlines()[0] == "verifying 1 run: scoring the latents."
    assert captured.out.splitlines()[-1] == "1 of 1 runs hold."


def test_the_command_ends_with_1_and_a_sentence_where_one_does_not_hold(target, capsys):
    target.document["scores"]["after"]["mig"]["value"] = 0.9
    target.submit()
    assert drbench("--board", target.board, "--level", "rescored") == 1
    captured = capsys.readouterr()
    assert "5 of 6 runs hold." in captured.out
    assert f"{target.key[:12]}: mig after training: value is 0.9 in the record" in captured.out
    assert "error: 1 of 6 runs do not hold, or cannot be verified." in captured.err


@pytest.mark.parametrize(
    "words", [["zz"], ["--all", "--write"], ["--all", "--by", "A"], ["--level", "trusted"]]
)
def test_a_wrong_request_ends_with_2(target, words):
    assert drbench(*words, "--board", target.board) == 2


def test_json_holds_every_verdict(target, capsys):
    drbench_json = [
        "leaderboard",
        "verify",
        target.key,
        "--board",
        str(target.board),
        "--json",
        "-",
    ]
    assert run(drbench_json) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["verdicts"][0]["outcome"] == "re-encoded"
    assert document["verdicts"][0]["checks"]["latents"] == 0.0


def test_nothing_to_do_is_said(target, capsys):
    verify(target.board, every=True, by="A", write=True)
    assert drbench("--board", target.board) == 0
    assert "nothing to verify" in capsys.readouterr().out


# Training again ----------------------------------------------------------------------------------


def trained_again(monkeypatch, change, **provenance):
    """Let every run that is repeated come back with another MIG, and encoder, after training."""

    def execute(spec):
        again = Forger(BOARD[0], spec)
        again.document["scores"]["after"]["mig"]["value"] += change
        again.provenance["encoder_hash"]["after"] = "0" * 64
        again.provenance.update(provenance)
        return again.record

    monkeypatch.setattr("drbench.trust.verify.retrain.execute", execute)


BOARD: list[Path] = []


@pytest.fixture
def spread(target):
    """Unbiased standard deviation of the MIG of the other seeds, after training."""
    BOARD[:] = [target.board]
    (row,) = [row for row in built_board(target.board).rows if row.kind == "transfer"]
    own = [run.key for run in row.runs].index(target.key)
    values = list(row.metrics["mig"].score.after.values)
    del values[own]
    verify(target.board, [run.key for run in row.runs if run.key != target.key], by="A", write=True)
    return statistics.stdev(values)


@pytest.mark.parametrize(
    ("spreads", "outcome"), [(0.0, "retrained"), (2.9, "retrained"), (3.1, "refuted")]
)
def test_a_repeated_score_may_be_three_spreads_of_the_other_seeds_away(
    target, spread, monkeypatch, spreads, outcome
):
    trained_again(monkeypatch, spreads * spread)
    verdict = check(target, "retrained")
    assert verdict.outcome == outcome
    if outcome == "refuted":
        assert "mig after training is" in verdict.reason
        assert "when trained again" in verdict.reason


def assert_only_equal_passes(target, monkeypatch):
    """Of an encoder that came out otherwise, nothing is said but where all scores came back."""
    with monkeypatch.context() as patch:
        trained_again(patch, 1e-4)
        verdict = check(target, "retrained")
        assert verdict.outcome == "not verified"
        assert "0.0001 apart, 1e-05 allowed" in verdict.reason
        assert "encode them again first" in verdict.reason
    with monkeypatch.context() as patch:
        trained_again(patch, 1e-6)
        assert check(target, "retrained").outcome == "retrained"


def test_with_too_few_seeds_a_repeated_score_must_be_equal(target, real_runs, monkeypatch):
    BOARD[:] = [target.board]
    for seed in (1, 2):
        Forger(target.board, real_runs.specs[seed]).file.unlink()
    target.submit()
    assert_only_equal_passes(target, monkeypatch)


def test_seeds_that_nobody_verified_allow_no_spread(target, monkeypatch):
    BOARD[:] = [target.board]
    assert_only_equal_passes(target, monkeypatch)


def test_seeds_that_were_only_rescored_allow_no_spread(target, monkeypatch):
    BOARD[:] = [target.board]
    verify(target.board, level="rescored", by="A", write=True)
    assert_only_equal_passes(target, monkeypatch)


def test_verified_seeds_allow_no_spread_to_what_has_no_evidence(target, spread, monkeypatch):
    for kind in ("weights", "latents"):
        for stage in ("before", "after"):
            target.path(kind, stage).unlink()
    assert_only_equal_passes(target, monkeypatch)


def test_what_the_board_says_is_verified_allows_no_spread_where_all_is_verified_anew(
    target, spread, monkeypatch
):
    trained_again(monkeypatch, 0.5 * spread)
    first = min(path.stem for path in (target.board / "verifications").iterdir())
    verdicts = {v.key: v for v in verify(target.board, every=True, level="retrained")}
    assert verdicts[first].outcome == "not verified"


def test_an_encoder_that_came_back_bit_for_bit_allows_no_spread(target, spread):
    row = [each for each in load_board(target.board) if each.spec.init]
    target.document["scores"]["after"]["mig"]["value"] += 0.5 * spread
    with pytest.raises(DiffersError, match="the encoder came back bit for bit"):
        retrain(target.record, row)


@pytest.mark.parametrize("name", ["data_hash", "pairs_hash"])
def test_other_images_than_when_trained_again_are_refuted(target, spread, monkeypatch, name):
    trained_again(monkeypatch, 0.0, **{name: "0" * 64})
    verdict = check(target, "retrained")
    assert verdict.outcome == "refuted"
    assert "of the record are not those that its spec gives" in verdict.reason


def test_training_again_leaves_no_file_and_no_variable_behind(target, monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "scratch").mkdir()
    before = dict(os.environ)
    assert check(target, "retrained").outcome == "retrained"
    assert dict(os.environ) == before
    assert list((tmp_path / "scratch").iterdir()) == []
