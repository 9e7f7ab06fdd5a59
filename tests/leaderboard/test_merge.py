"""Several boards into one: all or nothing, in whatever order, and differences named."""

import itertools

import pytest
from records import make_entry, make_record, write_board

from drbench.board.entry import submission_of
from drbench.cli import run
from drbench.errors import BoardError
from drbench.files import sha256_text
from drbench.publish.merge import merge
from drbench.trust.evidence import weights_name
from drbench.trust.store import built_board, load_entries, name_of, read_files
from drbench.trust.store import write_board as build_again
from drbench.trust.validate import validate


def files_of(board):
    return {
        path.relative_to(board).as_posix(): path.read_bytes()
        for path in sorted(board.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


@pytest.fixture
def boards(tmp_path):
    """Ann's board with two seeds, bob's with one, and a place for both."""
    return (
        write_board(tmp_path / "anns", make_entry(seed=0), make_entry(seed=1)),
        write_board(tmp_path / "bobs", make_entry(submitter="bob")),
        tmp_path / "both",
    )


def test_others_runs_come_as_submissions_without_numbers(boards):
    anns, bobs, both = boards
    done = merge(both, anns, bobs)
    assert done.records == ()
    assert len(done.submissions) == 3
    assert {weights_name(d) for d in read_files(both).weights} == set(done.evidence)
    files = read_files(both)
    assert files.entries == {}
    assert files.waiting == sorted(
        (submission_of(entry) for board in (anns, bobs) for entry in load_entries(board)),
        key=name_of,
    )
    assert validate(both) == []


def test_a_keepers_entries_come_as_they_are(boards):
    anns, bobs, both = boards
    merge(both, anns, bobs, records=True)
    assert load_entries(both) == load_entries(anns) + load_entries(bobs)
    build_again(both)
    assert validate(both) == []


@pytest.mark.parametrize("records", [True, False])
def test_merging_again_changes_nothing(boards, records):
    anns, bobs, both = boards
    merge(both, anns, bobs, records=records)
    before = files_of(both)
    done = merge(both, bobs, anns, records=records)
    assert (done.records, done.submissions, done.evidence, done.conflicts) == ((),) * 4
    assert files_of(both) == before


def test_the_newer_entry_of_a_run_counts_in_whatever_order(tmp_path):
    entries = [make_entry(days=days, notes=(f"day {days}",)) for days in (2, 5, 3)]
    boards = [write_board(tmp_path / str(n), entry) for n, entry in enumerate(entries)]
    for order in itertools.permutations(boards):
        both = tmp_path / "-".join(board.name for board in order)
        done = merge(both, *order, records=True)
        assert load_entries(both) == [entries[1]]
        assert done.conflicts
        assert all("another entry" in sentence for sentence in done.conflicts)


def test_weights_that_a_newer_entry_replaces_go(tmp_path):
    old = make_entry()
    hashes = {stage: sha256_text(f"other {stage}") for stage in old.weights}
    origin = old.record.provenance.model_copy(update={"encoder_hash": hashes})
    new = make_entry(old.record.model_copy(update={"provenance": origin}), days=1)
    mine = write_board(tmp_path / "mine", old)
    theirs = write_board(tmp_path / "theirs", new)
    for stage, digest in hashes.items():
        (theirs / weights_name(digest)).write_text(f"other {stage}")
    merge(mine, theirs, records=True)
    build_again(mine)
    assert load_entries(mine) == [new]
    assert validate(mine) == []


def test_what_is_checked_already_does_not_wait_again(boards):
    anns, _, both = boards
    merge(both, anns, records=True)
    assert merge(both, anns).submissions == ()
    assert read_files(both).waiting == []


def test_a_submitter_may_take_another_name(boards):
    anns, _, both = boards
    merge(both, anns, submitter="anne")
    assert {submission.submitter for submission in read_files(both).waiting} == {"anne"}


def test_nothing_is_merged_of_a_board_that_is_invalid(boards):
    anns, bobs, both = boards
    next((bobs / "evidence" / "weights").iterdir()).write_text("other")
    with pytest.raises(BoardError, match="SHA-256"):
        merge(both, anns, bobs)
    assert not both.exists()


def test_merging_never_writes_to_what_it_reads(boards):
    anns, bobs, both = boards
    before = files_of(anns), files_of(bobs)
    merge(both, anns, bobs)
    assert (files_of(anns), files_of(bobs)) == before


def test_the_command_says_what_came(boards, capsys):
    anns, bobs, both = boards
    assert run(["leaderboard", "merge", str(anns), str(bobs), "--board", str(both)]) == 0
    assert "0 entries, 3 submissions, 4 files of weights" in capsys.readouterr().out
    assert run(["leaderboard", "merge", str(anns), "--records", "--board", str(both)]) == 0
    assert "2 entries, 0 submissions" in capsys.readouterr().out
    assert built_board(both).rows[0].submitter == "ann"


def test_seeds_of_several_machines_of_one_keeper_make_one_row(tmp_path):
    boards = [
        write_board(tmp_path / str(seed), make_entry(make_record(seed=seed))) for seed in range(3)
    ]
    merge(tmp_path / "both", *boards, records=True)
    (row,) = built_board(tmp_path / "both").rows
    assert row.n_seeds == 3
