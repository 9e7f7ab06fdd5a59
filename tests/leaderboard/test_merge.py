"""Several people's boards into one: all or nothing, conflicts named, in whatever order."""

import itertools
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drbench.cli import run
from drbench.errors import BoardError
from drbench.files import sha256_text
from drbench.publish.merge import merge
from drbench.trust.store import load_board, load_verifications, write_board
from drbench.trust.validate import validate
from drbench.trust.verification import Verification, Verifications, record_hash


def check_of(record, state="rescored", by="A", day="2026-01-02"):
    return Verification(
        record_hash=record_hash(record), state=state, by=by, date=day, versions={}, checks={},
        notes=("x",),
    )  # fmt: skip


def board_of(folder, records, checks=()):
    """A board of records, and of verifications by the record."""
    (folder / "records").mkdir(parents=True)
    for record in records:
        (folder / "records" / f"{record.key}.json").write_text(record.to_json())
    for record, *made in checks:
        (folder / "verifications").mkdir(exist_ok=True)
        each = Verifications(key=record.key, verifications=tuple(made))
        (folder / "verifications" / f"{record.key}.json").write_text(each.to_json())
    return folder


def files_of(board):
    return {
        path.relative_to(board).as_posix(): path.read_bytes()
        for path in sorted(board.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def test_what_several_have_is_all_there_and_valid(make_record, tmp_path):
    a, b, c = (make_record(seed=seed) for seed in range(3))
    ours = board_of(tmp_path / "ours", [a])
    one = board_of(tmp_path / "one", [a, b], [(b, check_of(b))])
    two = board_of(tmp_path / "two", [c])
    done = merge(ours, one, two)
    assert done.records == tuple(sorted(f"records/{each.key}.json" for each in (b, c)))
    assert done.verifications == (f"verifications/{b.key}.json",)
    assert {each.key for each in load_board(ours)} == {a.key, b.key, c.key}
    write_board(ours)
    assert validate(ours) == []


def test_merging_again_changes_nothing(make_record, tmp_path):
    record = make_record()
    theirs = board_of(tmp_path / "theirs", [record], [(record, check_of(record))])
    merge(tmp_path / "ours", theirs)
    before = files_of(tmp_path / "ours")
    done = merge(tmp_path / "ours", theirs)
    assert (done.records, done.verifications, done.evidence) == ((), (), ())
    assert files_of(tmp_path / "ours") == before


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_the_order_of_boards_does_not_matter(make_record, tmp_path, data):
    records = [make_record(seed=seed) for seed in range(3)]
    checks = [
        check_of(records[0], state, by, day)
        for state in ("rescored", "retrained") for by in "AB"
        for day in ("2026-01-02", "2025-01-01")
    ]  # fmt: skip
    shutil.rmtree(tmp_path)
    boards = []
    for number in range(3):
        some = data.draw(st.lists(st.sampled_from(records[1:]), unique_by=lambda each: each.key))
        made = data.draw(st.lists(st.sampled_from(checks), unique_by=repr))
        boards.append(board_of(tmp_path / str(number), [records[0], *some], [(records[0], *made)]))
    merge(tmp_path / "at once", *boards)
    for board in data.draw(st.permutations(boards)):
        merge(tmp_path / "one by one", board)
    assert files_of(tmp_path / "at once") == files_of(tmp_path / "one by one")


def test_all_conflicts_are_named_and_nothing_is_merged(make_record, tmp_path):
    ours = board_of(tmp_path / "ours", [make_record(seed=seed) for seed in range(3)])
    edited = [make_record(seed=seed, notes=("edited",)) for seed in (0, 1)]
    theirs = board_of(tmp_path / "theirs", [*edited, make_record(seed=5)])
    before = files_of(ours)
    with pytest.raises(BoardError, match="2 conflicts, and nothing was merged") as caught:
        merge(ours, theirs)
    for record in edited:
        for board in (ours, theirs):
            assert str(board / "records" / f"{record.key}.json") in str(caught.value)
    assert files_of(ours) == before


def test_two_others_may_conflict_with_each_other(make_record, tmp_path):
    one = board_of(tmp_path / "one", [make_record()])
    two = board_of(tmp_path / "two", [make_record(notes=("edited",))])
    with pytest.raises(BoardError, match="1 conflict, and") as caught:
        merge(tmp_path / "ours", one, two)
    assert str(one) in str(caught.value)
    assert str(two) in str(caught.value)
    assert not (tmp_path / "ours" / "records").exists()


def test_the_union_of_checks_is_kept_each_once_by_day(make_record, tmp_path):
    record = make_record()
    early, late = check_of(record, by="B", day="2025-01-01"), check_of(record, by="A")
    ours = board_of(tmp_path / "ours", [record], [(record, late)])
    theirs = board_of(tmp_path / "theirs", [record], [(record, early, late)])
    merge(ours, theirs)
    (checks,) = load_verifications(ours)
    assert checks.verifications == (early, late)


HOSTILE = {
    "half a record": lambda place: place.write_text(place.read_text()[:100]),
    "another name": lambda place: place.rename(place.with_name(f"{'0' * 64}.json")),
    "a link": lambda place: place.rename(place.parents[2] / "x") and place.symlink_to(
        place.parents[2] / "x"),
    "an evil name": lambda place: place.write_text(
        place.read_text().replace('"model": "beta_vae"', '"model": "../x"')),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_a_board_with_one_bad_file_is_refused_whole(make_record, tmp_path, case):
    ours = board_of(tmp_path / "ours", [make_record(seed=9)])
    theirs = board_of(tmp_path / "theirs", [make_record(seed=seed) for seed in range(3)])
    HOSTILE[case](theirs / "records" / f"{make_record(seed=1).key}.json")
    before = files_of(ours)
    with pytest.raises(BoardError, match="theirs"):
        merge(ours, theirs)
    assert files_of(ours) == before


def test_evidence_comes_along_and_is_what_its_name_says(make_record, tmp_path):
    record = make_record()
    theirs = board_of(tmp_path / "theirs", [record])
    name = f"weights/{record.provenance.encoder_hash['after']}.safetensors"
    place = theirs / "evidence" / name
    place.parent.mkdir(parents=True)
    place.write_text("forged")
    with pytest.raises(BoardError, match="is not what its name says"):
        merge(tmp_path / "ours", theirs)
    assert not (tmp_path / "ours" / "records").exists()
    place.rename(place.with_name(f"{sha256_text('forged')}.safetensors"))
    done = merge(tmp_path / "ours", theirs)
    assert done.evidence == (f"evidence/weights/{sha256_text('forged')}.safetensors",)
    assert (tmp_path / "ours" / done.evidence[0]).read_text() == "forged"


def test_a_board_that_is_none_is_one_sentence(tmp_path, make_record):
    theirs = board_of(tmp_path / "theirs", [make_record()])
    with pytest.raises(BoardError, match="nowhere is no leaderboard"):
        merge(tmp_path / "ours", theirs, tmp_path / "nowhere")
    assert not (tmp_path / "ours").exists()


def test_the_command_counts_what_came(make_record, tmp_path, capsys):
    records = [make_record(seed=seed) for seed in range(3)]
    boards = [str(board_of(tmp_path / name, pair))
              for name, pair in zip("ab", itertools.pairwise(records), strict=False)]  # fmt: skip
    command = ["leaderboard", "merge", *boards, "--board", str(tmp_path / "ours")]
    assert run(command) == 0
    assert "3 new records" in capsys.readouterr().out
    assert run([*command, "--json", "-"]) == 0
    assert '"records": []' in capsys.readouterr().out
    assert run(["leaderboard", "merge", "--board", str(tmp_path / "ours")]) == 2
