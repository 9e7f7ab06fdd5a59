"""Checking on this machine: numbers beside numbers, and what a submission comes to."""

import hashlib
import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import load, load_file, save

from drbench.board.entry import Entry, Submission
from drbench.cli import run
from drbench.errors import BoardError, DrbenchError, RequestError
from drbench.runs.folder import RunFolder
from drbench.trust.check import check
from drbench.trust.evidence import weights_name
from drbench.trust.process import Request
from drbench.trust.store import (
    built_board,
    load_entries,
    name_of,
    read_files,
)
from drbench.trust.validate import validate
from drbench.trust.verify import verify

pytestmark = pytest.mark.slow


def files_of(board):
    return {p: p.read_bytes() for p in board.rglob("*") if p.is_file() and p.name != ".lock"}


def edited(board, edit):
    """The first entry of a board, rewritten with its scores changed."""
    entry = load_entries(board)[0]
    document = json.loads(entry.to_json())
    edit(document)
    changed = Entry.model_validate(document)
    (board / name_of(entry)).write_text(changed.to_json())
    return changed


# A machine of another kind

PLAIN_PROCESSOR = {
    "ATEN_CPU_CAPABILITY": "default", "DNNL_MAX_CPU_ISA": "SSE41", "ONEDNN_MAX_CPU_ISA": "SSE41",
    "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX",
}  # fmt: skip


def test_an_untouched_board_is_confirmed_without_vector_units(real_board, monkeypatch, capfd):
    for name, value in PLAIN_PROCESSOR.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")  # numpy says which features it does not have
    before = files_of(real_board)
    verdicts = verify(real_board, every=True)
    assert [(each.outcome, each.reason) for each in verdicts] == [("confirmed", "")] * 2
    assert {(score.metric, score.stage) for score in verdicts[0].scores} == {
        ("mig", "before"), ("mig", "after"),
    }  # fmt: skip
    assert files_of(real_board) == before


def test_a_difference_is_shown_with_both_numbers_and_refutes_nothing(real_board, capsys):
    entry = load_entries(real_board)[0]
    honest = entry.record.scores["after"]["mig"].value
    edited(real_board, lambda d: d["record"]["scores"]["after"]["mig"].update(value=0.9))
    name = f"ann/{entry.key[:12]}"
    board = ["--board", str(real_board)]
    assert run(["leaderboard", "verify", name, *board, "--write", "--by", "keeper"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["mig", "after", "0.9", f"{honest:.4g}", "0.001", "exceeded"] in lines
    assert "1 differs." in " ".join(lines[-1])
    # What was trained anew is never replaced by what was only encoded again.
    assert load_entries(real_board)[0].record.scores["after"]["mig"].value == 0.9
    assert run(["leaderboard", "verify", name, *board, "--level", "retrained", "--write"]) == 0
    again = load_entries(real_board)[0]
    assert again.record.scores["after"]["mig"].value == pytest.approx(honest, abs=0.01)
    assert again.level == "retrained"
    assert validate(real_board) == []


# Submissions


def forged(sent, edit):
    """Bob's submission with other weights, under the network's own name."""
    (submission,) = read_files(sent).submissions.values()
    hashes = {}
    for stage, digest in submission.weights.items():
        path = sent / weights_name(digest)
        tensors = edit(stage, load_file(path))
        content = save(tensors, metadata={"run": owner_of(path)})
        hashes[stage] = hashlib.sha256(content).hexdigest()
        path.unlink()
        (sent / weights_name(hashes[stage])).write_bytes(content)
    changed = submission.model_copy(update={"weights": hashes})
    (sent / name_of(submission)).write_text(changed.to_json())
    return changed


def owner_of(path):
    header = path.read_bytes()
    size = int.from_bytes(header[:8], "little")
    return json.loads(header[8 : 8 + size])["__metadata__"]["run"]


def fitted(stage, tensors):
    """Weights that nobody trained, after training."""
    rng = np.random.default_rng(0)
    return tensors if stage == "before" else {
        # Variances among them are positive.
        n: np.asarray(np.abs(rng.normal(size=each.shape)), each.dtype)
        for n, each in tensors.items()
    }  # fmt: skip


def crippled(stage, tensors):
    """A source that encodes nothing, for the gain to look large."""
    return tensors if stage == "after" else {n: np.zeros_like(each) for n, each in tensors.items()}


@pytest.mark.parametrize("forge", [fitted, crippled])
def test_forged_weights_are_listed_apart_and_gone_when_the_run_is_trained(sent, real_runs, forge):
    submission = forged(sent, forge)
    (verdict,) = verify(sent, by="keeper")
    assert (verdict.outcome, verdict.reason) == ("new", "")
    (row,) = built_board(sent).rows
    assert (row.submitter, row.level, row.metrics["mig"].rank) == ("bob", "re-encoded", None)
    assert row.metrics["mig"].unranked.startswith("weights from the author")
    assert read_files(sent).submissions == {}
    assert validate(sent) == []

    (verdict,) = verify(sent, every=True, level="retrained", by="keeper")
    (entry,) = load_entries(sent)
    honest = RunFolder(real_runs.folder / "target" / "0").read_record()
    assert (entry.level, entry.by, entry.submitter) == ("retrained", "keeper", "bob")
    assert entry.record.scores["after"]["mig"].value == pytest.approx(
        honest.scores["after"]["mig"].value, abs=0.01
    )
    (changed,) = set(submission.weights.values()) - set(honest.provenance.encoder_hash.values())
    assert changed not in entry.weights.values()
    assert not (sent / weights_name(changed)).exists()
    (row,) = built_board(sent).rows
    assert row.metrics["mig"].rank.place == 1
    assert validate(sent) == []


def test_a_submission_holds_no_numbers(sent):
    (path,) = read_files(sent).submissions
    document = json.loads(path.read_text()) | {"scores": {"after": {"mig": {"value": 1.0}}}}
    path.write_text(json.dumps(document))
    assert "'scores'" in validate(sent)[0]


def test_nobody_takes_anothers_key_or_weights(real_board, sent):
    """Bob sends ann's very run: he stands beside her, and changes nothing of hers."""
    (mine,) = (row for row in built_board(real_board).rows)
    shutil.copytree(sent / "submissions", real_board / "submissions")
    verify(real_board, by="keeper")
    rows = {row.submitter: row for row in built_board(real_board).rows}
    assert rows["ann"] == mine
    assert rows["bob"].metrics["mig"].rank is None
    assert rows["bob"].runs[0].key in {each.key for each in rows["ann"].runs}


# What cannot be checked says why, and stops nobody


def request(submission, board, **changes):
    weights = {s: str(board / weights_name(d)) for s, d in submission.weights.items()}
    fields = {"spec": submission.spec, "level": "re-encoded", "weights": weights}
    return Request(**(fields | changes))


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (("training", "steps"), 10**12, "1,000,000,000,000 steps"),
        (("init", "training", "steps"), 10**12, "1,000,000,000,000 steps"),
        (("hyperparameters", "latents"), 200_000, "200,000 latents"),
        (("scoring", "sample"), 10**9, "1,000,000,000 scored rows"),
        (("scoring", "pairs"), 10**9, "interventions a factor"),
        (("init", "data", "resize"), 4096, "4,096 pixels a side"),
        (("data", "name"), "folder:/etc", "no path"),
        (("data", "name"), "../dsprites", "no path"),
        (("model",), "ada_gvae\nok  bob  1", "no name of a model"),
    ],
)
def test_a_spec_that_asks_for_too_much_is_refused_before_anything_starts(
    sent, path, value, sentence
):
    (place,), (submission,) = zip(*read_files(sent).submissions.items(), strict=True)
    place.unlink()
    document = json.loads(submission.to_json())
    inner = document["spec"]
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    if path == ("model",):
        document["spec"]["init"]["model"] = value
    changed = Submission.model_validate(document)
    (sent / name_of(changed)).write_text(changed.to_json())
    if value == "ada_gvae\nok  bob  1":
        with pytest.raises(BoardError, match="line break"):
            verify(sent)
        return
    (verdict,) = verify(sent)
    assert verdict.outcome == "not checked"
    assert sentence in verdict.reason
    assert any(sentence in problem for problem in validate(sent))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"width": 4096}, "more than"),
        ({"latents": 7}, "expected F32"),
        ({"nonsense": 1}, "nonsense"),
        ({"beta": 1.0}, "canonical"),
    ],
)
def test_networks_that_are_not_those_of_the_weights_are_refused(sent, tmp_path, change, sentence):
    (submission,) = read_files(sent).submissions.values()
    given = submission.spec.hyperparameters | change
    init = submission.spec.init.model_copy(update={"hyperparameters": given})
    spec = submission.spec.model_copy(update={"hyperparameters": given, "init": init})
    with pytest.raises((BoardError, RequestError), match=sentence):
        check(request(submission, sent, spec=spec), tmp_path / "run")


def huge_header(_):
    return (2**40).to_bytes(8, "little") + b"{}"


def half(content):
    return content[: len(content) // 2]


def not_a_number(content):
    tensors = load(content)
    return resaved(content, {name: damaged(each) for name, each in tensors.items()})


def damaged(array):
    return np.full_like(array, np.nan) if array.dtype.kind == "f" else array


def one_more(content):
    return resaved(content, load(content) | {"extra": np.zeros(3, np.float32)})


def one_less(content):
    return resaved(content, dict(list(load(content).items())[1:]))


def doubles(content):
    return resaved(content, {n: each.astype(np.float64) for n, each in load(content).items()})


def anothers(content):
    return save(load(content), metadata={"run": "0" * 64})


def resaved(content, tensors):
    size = int.from_bytes(content[:8], "little")
    return save(tensors, metadata=json.loads(content[8 : 8 + size])["__metadata__"])


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (lambda _: b"", "no safetensors file"),
        (lambda _: b"pickle" * 9, "header of"),
        (huge_header, "header of"),
        (half, "no safetensors file"),
        (one_more, "holds a tensor 'extra'"),
        (one_less, "lacks a tensor"),
        (doubles, "is F64"),
        (anothers, "weights of the network"),
        (not_a_number, "NaN|finite"),
    ],
)
def test_odd_files_of_weights_are_one_sentence(sent, tmp_path, edit, sentence):
    (submission,) = read_files(sent).submissions.values()
    asked = request(submission, sent)
    place = sent / weights_name(submission.weights["after"])
    place.write_bytes(edit(place.read_bytes()))
    with pytest.raises(DrbenchError, match=sentence) as caught:
        check(asked, tmp_path / "run")
    assert "\n" not in str(caught.value)


def test_weights_that_are_not_what_their_name_says_are_not_checked(sent):
    (submission,) = read_files(sent).submissions.values()
    (sent / weights_name(submission.weights["after"])).write_bytes(b"other")
    (verdict,) = verify(sent)
    assert (verdict.outcome, verdict.scores) == ("not checked", ())
    assert "SHA-256" in verdict.reason


PLUGIN = """
import os, time
from drbench import MetricResult, Representation, metric

@metric(title="t", measures="m", range=(0, 1), source="s", cost="c")
def mig(representation: Representation, *, seed: int, bins: int = 20) -> MetricResult:
    {what}

PLUGINS = {{"metrics": {{"mig": mig}}}}
"""


@pytest.mark.parametrize(
    ("what", "minutes", "sentence"),
    [("os._exit(7)", 5, "status 7"), ("os.abort()", 5, "signal 6"),
     ("time.sleep(600)", 0.2, "more than 0.2 minutes")],
)  # fmt: skip
def test_a_check_that_breaks_or_hangs_ends_alone(
    real_board, tmp_path, monkeypatch, what, minutes, sentence
):
    (tmp_path / "plugin.py").write_text(PLUGIN.format(what=what))
    monkeypatch.setenv("DRBENCH_PLUGINS", str(tmp_path / "plugin.py"))
    names = [f"ann/{load_entries(real_board)[0].key}"]
    (verdict,) = verify(real_board, names, minutes=minutes)
    assert verdict.outcome == "not checked"
    assert sentence in verdict.reason


def test_a_metric_of_another_maker_is_another_metric(real_board, tmp_path, monkeypatch):
    """What a false plugin gives is never ranked among what the registered one gives."""
    (tmp_path / "plugin.py").write_text(
        PLUGIN.format(what="return MetricResult(value=1.0, parameters={'bins': 5})")
    )
    monkeypatch.setenv("DRBENCH_PLUGINS", str(tmp_path / "plugin.py"))
    first, second = load_entries(real_board)
    verify(real_board, [f"ann/{first.key}"], level="retrained", by="keeper")
    (row,) = built_board(real_board).rows
    assert row.metrics["mig"].rank is None
    assert "different parameters or definitions" in row.metrics["mig"].unranked
    assert second in load_entries(real_board)


# Asking for it


def test_names_may_be_short_and_must_be_of_one_run(real_board):
    key = load_entries(real_board)[0].key
    for names in (["bob/"], ["ann/"], [""]):
        with pytest.raises(RequestError, match="begins with"):
            verify(real_board, names)
    assert verify(real_board) == []  # nothing waits
    (verdict,) = verify(real_board, [f"ann/{key[:6]}"])
    assert verdict.name == f"ann/{key}"


def test_what_cannot_be_checked_ends_with_1_and_goes_to_programs(sent, capsys):
    (submission,) = read_files(sent).submissions.values()
    (sent / weights_name(submission.weights["after"])).unlink()
    assert run(["leaderboard", "verify", "--board", str(sent), "--json", "-"]) == 1
    captured = capsys.readouterr()
    (verdict,) = json.loads(captured.out)["verdicts"]
    assert verdict["outcome"] == "not checked"
    assert "1 of 1 runs cannot be checked here" in captured.err


def test_an_entry_that_changes_meanwhile_is_left_alone(real_board, monkeypatch):
    entry = load_entries(real_board)[0]

    def meanwhile(folder, request, *, minutes):
        edited(real_board, lambda d: d.update(by="somebody"))
        return entry.record

    monkeypatch.setattr("drbench.trust.verify.checked_alone", meanwhile)
    (verdict,) = verify(real_board, [f"ann/{entry.key}"], by="keeper")
    assert "changed meanwhile" in verdict.reason
    assert load_entries(real_board)[0].by == "somebody"
