"""Many processes at one board, by the real command line: none loses what another adds."""

import json
import subprocess
import sys

import pytest

from drbench.trust.store import load_board, write_board
from drbench.trust.validate import validate

PROCESSES = 10
EACH = 3


@pytest.fixture
def runs(make_record, tmp_path):
    """A folder of runs for each process; neighbours share one run."""
    folders = []
    for number in range(PROCESSES):
        folder = tmp_path / "runs" / str(number)
        for seed in range(number * (EACH - 1), number * (EACH - 1) + EACH):
            (folder / str(seed)).mkdir(parents=True)
            record = make_record(seed=seed)
            (folder / str(seed) / "spec.json").write_text(record.spec.model_dump_json())
            (folder / str(seed) / "record.json").write_text(record.to_json())
        folders.append(folder)
    return folders


def start(*arguments):
    command = [sys.executable, "-m", "drbench", "leaderboard", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process):
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out


def test_ten_processes_that_add_and_one_that_builds_lose_nothing(runs, tmp_path):
    board = tmp_path / "board"
    adding = [start("add", folder, "--board", board, "--json", "-") for folder in runs]
    building = None
    while any(process.poll() is None for process in adding):
        if (board / "records").is_dir() and (building is None or building.poll() is not None):
            if building:
                ended(building)
            building = start("build", "--board", board)
    added = [key for process in adding for key in json.loads(ended(process))["added"]]
    if building:
        ended(building)
    assert len(added) == len(set(added)) == PROCESSES * (EACH - 1) + 1  # each by one process only
    assert {record.key for record in load_board(board)} == set(added)
    write_board(board)
    assert validate(board) == []
    assert {entry.name for entry in board.iterdir()} <= {".lock", "records", "leaderboard.json"}


def test_two_boards_are_merged_into_one_while_it_is_added_to(runs, tmp_path, make_record):
    board, theirs = tmp_path / "board", tmp_path / "theirs"
    ended(start("add", runs[0], "--board", theirs))
    working = [
        start("merge", theirs, "--board", board),
        start("add", runs[1], "--board", board),
        start("add", runs[2], "--board", board),
    ]
    for process in working:
        ended(process)
    assert {record.spec.seed for record in load_board(board)} == set(range(7))
    write_board(board)
    assert validate(board) == []
