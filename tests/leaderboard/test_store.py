"""The folder of a board."""

import hashlib
import json
import subprocess
import sys

import pytest
from records import make_entry, make_record, write_run, write_runs

from drbench.board.build import build
from drbench.errors import BoardError, DrbenchError, RequestError
from drbench.trust.evidence import weights_name
from drbench.trust.store import add, load_entries, name_of, read_files, submit, write_board


def snapshot(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_what_is_added_is_what_is_loaded(tmp_path):
    record = make_record()
    (entry,) = add(tmp_path / "board", write_run(tmp_path / "run", record), name="ann")
    assert (entry.record, entry.submitter, entry.by) == (record, "ann", "ann")
    assert (entry.level, entry.directions) == ("retrained", {"mig": "higher"})
    assert load_entries(tmp_path / "board") == [entry]
    assert (tmp_path / "board" / "records" / "ann" / f"{record.key}.json").is_file()
    assert all((tmp_path / "board" / weights_name(d)).is_file() for d in entry.weights.values())


def test_what_is_submitted_has_no_numbers(tmp_path):
    record = make_record()
    (sent,) = submit(tmp_path / "board", write_run(tmp_path / "run", record), name="bob")
    files = read_files(tmp_path / "board")
    assert (files.entries, files.waiting) == ({}, [sent])
    assert set(json.loads(sent.to_json())) == {"schema_version", "submitter", "spec", "weights"}
    assert (sent.spec, sent.weights) == (record.spec, record.provenance.encoder_hash)


def test_a_folder_of_runs_is_taken_whole(tmp_path):
    runs = write_runs(tmp_path / "runs", *(make_record(seed=seed) for seed in range(11)))
    new = add(tmp_path / "board", runs, name="ann")
    assert [entry.spec.seed for entry in new] == list(range(11))


def test_adding_again_changes_nothing(tmp_path):
    run, board = write_run(tmp_path / "run", make_record()), tmp_path / "board"
    add(board, run, name="ann")
    before = snapshot(board)
    assert add(board, run, name="ann") == []
    assert snapshot(board) == before


def test_a_newer_run_replaces_an_older_one_and_its_weights(tmp_path):
    board, old = tmp_path / "board", make_record()
    add(board, write_run(tmp_path / "old", old), name="ann")
    again = write_run(tmp_path / "new", old)
    (again / "encoder" / "after.safetensors").write_bytes(b"of another machine")
    document = json.loads(old.to_json())
    document["provenance"]["created"] = "2026-02-01T00:00:00Z"
    (again / "record.json").write_text(json.dumps(document))
    with pytest.raises(BoardError, match="SHA-256"):
        add(board, again, name="ann")
    digest = hashlib.sha256(b"of another machine").hexdigest()
    document["provenance"]["encoder_hash"]["after"] = digest
    (again / "record.json").write_text(json.dumps(document))
    (entry,) = add(board, again, name="ann")
    assert load_entries(board) == [entry]
    assert not (board / weights_name(old.provenance.encoder_hash["after"])).exists()
    assert add(board, tmp_path / "old", name="ann") == []


def test_everyone_has_entries_of_ones_own(tmp_path):
    run, board = write_run(tmp_path / "run", make_record()), tmp_path / "board"
    add(board, run, name="ann")
    add(board, run, name="bob")
    assert [name_of(each).split("/")[1] for each in load_entries(board)] == ["ann", "bob"]


def test_all_or_none_are_added(tmp_path):
    board = tmp_path / "board"
    runs = write_runs(tmp_path / "runs", make_record(seed=0), make_record(seed=1))
    bad = runs / "1" / "record.json"
    bad.write_text(bad.read_text()[:500])
    with pytest.raises(DrbenchError, match=r"record\.json"):
        add(board, runs, name="ann")
    assert not list(board.rglob("*.json"))


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [("record.json", r"1/record\.json is missing.*--resume"),
     ("encoder/after.safetensors", "added with its encoder's weights")],
)  # fmt: skip
def test_an_unfinished_run_is_named(tmp_path, missing, sentence):
    runs = write_runs(tmp_path / "runs", make_record(seed=0), make_record(seed=1))
    (runs / "1" / missing).unlink()
    with pytest.raises(BoardError, match=sentence):
        add(tmp_path / "board", runs, name="ann")


@pytest.mark.parametrize("put", [add, submit])
def test_nothing_is_added_to_a_board_of_version_1(tmp_path, put):
    (tmp_path / "board" / "records").mkdir(parents=True)
    (tmp_path / "board" / "records" / f"{'0' * 64}.json").write_text("{}")
    before = snapshot(tmp_path)
    with pytest.raises(BoardError, match="leaderboard migrate"):
        put(tmp_path / "board", tmp_path / "run", name="ann")
    assert snapshot(tmp_path) == before


def test_a_run_of_a_plugin_file_that_is_not_named_says_so(tmp_path):
    run = write_run(tmp_path / "run", make_record())
    (run / "plugins.json").write_text(json.dumps({"model theirs": "theirs.py"}))
    with pytest.raises(RequestError, match=r"--plugins theirs\.py"):
        add(tmp_path / "board", run, name="ann")


@pytest.mark.parametrize("make", [False, True])
def test_a_folder_without_a_run_is_refused(tmp_path, make):
    if make:
        (tmp_path / "nothing").mkdir()
    with pytest.raises(RequestError, match="nothing"):
        add(tmp_path / "board", tmp_path / "nothing", name="ann")


def test_a_board_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "board").write_text("a file")
    with pytest.raises(DrbenchError, match="board"):
        add(tmp_path / "board", write_run(tmp_path / "run", make_record()), name="ann")


def test_no_board_is_an_error_that_says_how_to_begin(tmp_path):
    with pytest.raises(BoardError, match="leaderboard add"):
        load_entries(tmp_path)


def test_written_board_is_the_built_one(tmp_path):
    runs = write_runs(tmp_path / "runs", make_record(seed=0), make_record(seed=1))
    new = add(tmp_path, runs, name="ann")
    write_board(tmp_path)
    assert (tmp_path / "leaderboard.json").read_text() == build(new[::-1]).to_json()


def test_boards_need_no_torch(tmp_path):
    """Of specs at the defaults of their models: hyperparameters are the models' own."""
    from records import write_board as written

    written(tmp_path / "board", make_entry())
    script = (
        "import sys; from pathlib import Path; sys.modules['torch'] = None\n"
        "from drbench.trust.store import write_board\n"
        "from drbench.trust.validate import validate\n"
        f"board = Path({str(tmp_path / 'board')!r})\n"
        "write_board(board); problems = validate(board)\n"
        "assert not problems, problems\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
