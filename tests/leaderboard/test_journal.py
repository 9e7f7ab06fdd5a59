"""Changing several files at once: all or none, wherever it is killed, and only on the board."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from records import make_entry, make_record, write_runs

from drbench.errors import BoardError, DrbenchError
from drbench.trust.journal import JOURNAL, commit, finish, is_pending
from drbench.trust.store import (
    add,
    built_board,
    load_entries,
    locked,
    name_of,
    read_files,
    write_board,
)
from drbench.trust.validate import validate

pytestmark = pytest.mark.slow

KILLER = """
import os, shutil, signal, sys
from pathlib import Path
from drbench.{module} import {function} as work

EVENTS = {{"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.truncate"}}
old, folder, *arguments = map(Path, sys.argv[1:])
for step in range(1, 500):
    board = folder / str(step)
    shutil.copytree(old, board)
    if not os.fork():
        left = step
        def kill(event, given):
            global left
            if event in EVENTS and str(board) in str(given[0]):
                left -= 1
                if not left:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(kill)
        work(board, *arguments, {options})
        os._exit(0)
    if os.waitstatus_to_exitcode(os.wait()[1]) == 0:
        break
"""


def files_of(board):
    """Texts of all files of a board but its lock, and weights, which nothing may name yet."""
    return {
        path.relative_to(board).as_posix(): path.read_text()
        for path in sorted(board.rglob("*"))
        if path.is_file() and path.name != ".lock" and "evidence" not in path.parts
    }


@pytest.mark.parametrize(
    ("module", "function", "options"),
    [("trust.store", "add", "name='ann'"), ("publish.merge", "merge", "records=True"),
     ("publish.merge", "merge", "")],
)  # fmt: skip
def test_killed_at_any_step_a_board_is_the_old_or_the_new_one(tmp_path, module, function, options):
    records = [make_record(seed=seed) for seed in range(4)]
    old, sent = tmp_path / "old", write_runs(tmp_path / "runs", *records[1:])
    add(old, write_runs(tmp_path / "first", records[0]), name="ann")
    if module == "publish.merge":
        add(tmp_path / "theirs", sent, name="ann")
        sent = tmp_path / "theirs"
    script = KILLER.format(module=module, function=function, options=options)
    subprocess.run([sys.executable, "-c", script, old, tmp_path / "killed", sent], check=True)
    *killed, whole = sorted((tmp_path / "killed").iterdir(), key=lambda path: int(path.name))
    before, after = files_of(old), files_of(whole)
    assert len(killed) > 15
    assert (len(before), len(after)) == (1, 4)
    outcomes = []
    for board in killed:
        seen = None if is_pending(board) else read_files(board).required().documents
        with locked(board):
            pass
        found = files_of(board)
        assert found in (before, after), f"half of it after step {board.name}"
        assert {entry.name for entry in board.iterdir()} <= {
            ".lock", "records", "submissions", "evidence"
        }  # fmt: skip
        assert set(read_files(board).weights) <= {
            path.stem for path in (board / "evidence" / "weights").iterdir()
        }
        if seen is not None:
            assert len(seen) == len(found)
        outcomes.append(found == after)
    assert outcomes == sorted(outcomes)  # before the one rename nothing, after it everything
    assert {False, True} == set(outcomes)


@pytest.fixture
def board(tmp_path):
    add(tmp_path / "board", write_runs(tmp_path / "first", make_record()), name="ann")
    write_board(tmp_path / "board")
    return tmp_path / "board"


def interrupted(board, record, monkeypatch):
    """Leave a decided commit behind."""
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refuse)
        with pytest.raises(DrbenchError):
            commit_decided(board, record)


def commit_decided(board, record):
    entry = make_entry(record)
    place = board / JOURNAL / name_of(entry)
    place.parent.mkdir(parents=True)
    place.write_text(entry.to_json())
    finish(board)


def refuse(*_, **__):
    raise OSError(28, "No space left on device")


def test_readers_refuse_a_half_and_write_nothing(board, monkeypatch):
    interrupted(board, make_record(seed=1), monkeypatch)
    before = files_of(board)
    for read in (validate, load_entries, built_board):
        with pytest.raises(BoardError, match="drbench leaderboard build"):
            read(board)
    assert files_of(board) == before
    write_board(board)
    assert not is_pending(board)
    assert len(load_entries(board)) == 2


def test_the_first_add_may_be_interrupted_too(tmp_path, monkeypatch):
    (tmp_path / "new").mkdir()
    interrupted(tmp_path / "new", make_record(), monkeypatch)
    with pytest.raises(BoardError, match="interrupted"):
        load_entries(tmp_path / "new")
    write_board(tmp_path / "new")
    assert len(load_entries(tmp_path / "new")) == 1


def test_a_full_disk_is_one_sentence_and_changes_nothing(board, monkeypatch):
    before = files_of(board)
    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    with pytest.raises(BoardError, match="No space left"):
        commit(board, {f"records/ann/{'a' * 64}.json": "{}"})
    assert files_of(board) == before


def test_a_disk_that_fills_up_while_writing_changes_nothing(board, monkeypatch):
    before = files_of(board)
    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(DrbenchError, match="No space left"):
        commit(board, {f"records/ann/{'a' * 64}.json": "{}"})
    monkeypatch.undo()
    assert files_of(board) == before


def test_drafts_of_killed_commands_are_cleared_away(board):
    draft = board / ".draft.x" / "records"
    draft.mkdir(parents=True)
    (draft / "half.json").write_text("{")
    with locked(board):
        pass
    assert not (board / ".draft.x").exists()


# A board that strangers sent may hold a journal that no commit of ours left.


def link(place, target):
    place.symlink_to(target)


def hostile_journal(board, outside, case):
    journal, key = board / JOURNAL, "a" * 64
    if case == "a link":
        link(journal, outside)
    elif case == "a link to another journal":
        shutil.copytree(board / "records", board.parent / "journal" / "records")
        link(journal, board.parent / "journal")
    elif case == "a file":
        journal.write_text("x")
    elif case == "a link to nothing":
        link(journal, outside / "nothing")
    elif case == "a folder of another name":
        link(board / "x", outside)
        (journal / "x").mkdir(parents=True)
        (journal / "x" / "secret").write_text("theirs")
    elif case == "a linked folder":
        journal.mkdir()
        link(journal / "records", outside)
    elif case == "a linked file":
        (journal / "records" / "ann").mkdir(parents=True)
        link(journal / "records" / "ann" / f"{key}.json", outside / "secret")
    elif case == "a linked place":
        shutil.move(board / "records", board.parent / "moved")
        link(board / "records", outside)
        (journal / "records" / "ann").mkdir(parents=True)
        (journal / "records" / "ann" / f"{key}.json").write_text("theirs")
    elif case == "a pipe":
        (journal / "records" / "ann").mkdir(parents=True)
        os.mkfifo(journal / "records" / "ann" / f"{key}.json")


HOSTILE = ("a link", "a link to another journal", "a file", "a link to nothing",
           "a folder of another name", "a linked folder", "a linked file", "a linked place",
           "a pipe")  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_journal_moves_nothing_into_or_out_of_other_folders(board, tmp_path, case):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("mine")
    hostile_journal(board, outside, case)
    for use in (validate, write_board, finish):
        with pytest.raises(BoardError, match=r"\.commit|is a link"):
            use(board)
    assert [path.name for path in outside.iterdir()] == ["secret"]
    assert (outside / "secret").read_text() == "mine"
    assert not (board / "secret").exists()
    if case == "a link to another journal":
        assert len(list((board.parent / "journal" / "records").iterdir())) == 1


def test_only_entries_and_submissions_are_committed(board):
    for name in (
        "../outside.json",
        "leaderboard.json",
        "records/x.json",
        "records/../x",
        f"records/{'a' * 64}.json",
        f"records/../{'a' * 64}.json",
    ):
        with pytest.raises(DrbenchError):
            commit(board, {name: "{}"})
    assert not (board.parent / "outside.json").exists()
