"""The folder of a board."""

import json
import subprocess
import sys

import pytest

from drbench.board.build import build
from drbench.errors import BoardError, DrbenchError, RunError
from drbench.trust.store import add, load_board, write_board


def run_folder(folder, record):
    folder.mkdir(parents=True)
    (folder / "spec.json").write_text(record.spec.model_dump_json())
    (folder / "record.json").write_text(record.to_json())
    return folder


def snapshot(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_what_is_added_is_what_is_loaded(make_record, tmp_path):
    record = make_record()
    run = run_folder(tmp_path / "run", record)
    assert add(tmp_path / "board", run) == [record]
    assert load_board(tmp_path / "board") == [record]
    assert (tmp_path / "board" / "records" / f"{record.key}.json").is_file()


def test_a_folder_of_runs_is_taken_whole(make_record, tmp_path):
    for seed in range(11):
        run_folder(tmp_path / "runs" / str(seed), make_record(seed=seed))
    new = add(tmp_path / "board", tmp_path / "runs")
    assert [record.spec.seed for record in new] == list(range(11))


def test_adding_again_changes_nothing(make_record, tmp_path):
    run = run_folder(tmp_path / "run", make_record())
    board = tmp_path / "board"
    add(board, run)
    before = snapshot(board)
    assert add(board, run) == []
    assert snapshot(board) == before


def test_another_record_of_the_same_run_is_refused(make_record, tmp_path):
    board = tmp_path / "board"
    add(board, run_folder(tmp_path / "run", make_record()))
    before = snapshot(board)
    other = run_folder(tmp_path / "other", make_record(notes=("again",)))
    with pytest.raises(BoardError, match="another record"):
        add(board, other)
    assert snapshot(board) == before


def test_all_or_none_are_added(make_record, tmp_path):
    board = tmp_path / "board"
    good = run_folder(tmp_path / "runs" / "0", make_record(seed=0))
    bad = run_folder(tmp_path / "runs" / "1", make_record(seed=1))
    (bad / "record.json").write_text((bad / "record.json").read_text()[:500])
    with pytest.raises(BoardError, match="half"):
        add(board, good, bad)
    assert not list(board.rglob("*.json"))


def test_none_are_added_if_one_is_there_already_with_other_content(make_record, tmp_path):
    board = tmp_path / "board"
    add(board, run_folder(tmp_path / "run", make_record()))
    before = snapshot(board)
    new = run_folder(tmp_path / "new", make_record(seed=1))
    other = run_folder(tmp_path / "other", make_record(notes=("again",)))
    with pytest.raises(BoardError, match="another record"):
        add(board, new, other)
    assert snapshot(board) == before


def test_an_unfinished_run_is_named(make_record, tmp_path):
    run_folder(tmp_path / "runs" / "0", make_record(seed=0))
    unfinished = run_folder(tmp_path / "runs" / "1", make_record(seed=1))
    (unfinished / "record.json").unlink()
    with pytest.raises(BoardError, match=r"1/record\.json is missing.*--resume"):
        add(tmp_path / "board", tmp_path / "runs")


@pytest.mark.parametrize("make", [False, True])
def test_a_folder_without_a_run_is_refused(tmp_path, make):
    if make:
        (tmp_path / "nothing").mkdir()
    with pytest.raises(RunError, match="nothing"):
        add(tmp_path / "board", tmp_path / "nothing")


def test_a_board_that_cannot_be_made_is_one_sentence(make_record, tmp_path):
    (tmp_path / "board").write_text("a file")
    with pytest.raises(DrbenchError, match="board"):
        add(tmp_path / "board", run_folder(tmp_path / "run", make_record()))


def test_no_board_is_an_error_that_says_how_to_begin(tmp_path):
    with pytest.raises(BoardError, match="leaderboard add"):
        load_board(tmp_path)


def test_written_board_is_the_built_one(make_record, tmp_path):
    for seed in (0, 1):
        add(tmp_path, run_folder(tmp_path / "runs" / str(seed), make_record(seed=seed)))
    write_board(tmp_path)
    text = (tmp_path / "leaderboard.json").read_text()
    assert text == build([make_record(seed=1), make_record(seed=0)]).to_json()
    assert json.loads(text)["official"] == []


def test_boards_need_no_torch(make_record, tmp_path):
    run = run_folder(tmp_path / "run", make_record())
    script = (
        "import sys; from pathlib import Path; sys.modules['torch'] = None\n"
        "from drbench.trust.store import add, write_board\n"
        "from drbench.trust.validate import validate\n"
        f"board, run = Path({str(tmp_path / 'board')!r}), Path({str(run)!r})\n"
        "add(board, run); write_board(board); problems = validate(board)\n"
        "assert not problems, problems\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
