"""Many processes at one board, by the real command line: none loses what another adds."""

import json
import subprocess
import sys

import pytest
from records import make_record, write_run

from drbench.trust.store import load_entries, name_of, write_board
from drbench.trust.validate import validate

pytestmark = pytest.mark.slow

PROCESSES = 10
EACH = 3


@pytest.fixture
def runs(tmp_path):
    """A folder of runs for each process; neighbours share one run."""
    folders = []
    for number in range(PROCESSES):
        folder = tmp_path / "runs" / str(number)
        for seed in range(number * (EACH - 1), number * (EACH - 1) + EACH):
            write_run(folder / str(seed), make_record(seed=seed))
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
    assert {name_of(entry) for entry in load_entries(board)} == set(added)
    write_board(board)
    assert validate(board) == []
    assert {entry.name for entry in board.iterdir()} <= {
        ".lock", "records", "evidence", "leaderboard.json"
    }  # fmt: skip


def test_two_boards_are_merged_into_one_while_it_is_added_to(runs, tmp_path):
    board, theirs = tmp_path / "board", tmp_path / "theirs"
    ended(start("add", runs[0], "--board", theirs))
    working = [
        start("merge", theirs, "--records", "--board", board),
        start("add", runs[1], "--board", board),
        start("add", runs[2], "--board", board),
    ]
    for process in working:
        ended(process)
    assert {entry.spec.seed for entry in load_entries(board)} == set(range(7))
    write_board(board)
    assert validate(board) == []
