"""What a reviewer is told of two boards."""

import subprocess

import pytest
from records import make_entry

from drbench.board.build import build
from drbench.cli import run
from drbench.errors import BoardError
from drbench.metrics.result import MetricResult
from drbench.publish.diff import Difference, diff, read_board


def scores(value, **more):
    each = MetricResult(value=value, **({"reason": "none"} if value is None else {}), **more)
    return {"before": {"mig": each}, "after": {"mig": each}}


def told(found):
    return [(each.what, each.name, each.old, each.new) for each in found]


def test_equal_boards_do_not_differ():
    board = build([make_entry(seed=seed) for seed in range(3)])
    assert diff(board, board) == []


def test_a_row_that_is_new_or_gone_is_said():
    one, two = [make_entry()], [make_entry(), make_entry(model="ae", seed=1, submitter="bob")]
    (new,) = [each for each in diff(build(one), build(two)) if each.what == "row"]
    assert (new.what, new.old, new.new) == ("row", None, "1 run")
    assert new.row.startswith("rendered noisy_dsprites to dsprites ae of bob, retrained (")
    (gone,) = [each for each in diff(build(two), build(one)) if each.what == "row"]
    assert (gone.what, gone.old, gone.new) == ("row", "1 run", None)


def test_runs_that_come_or_go_are_said_and_what_that_does_to_the_mean():
    entries = [make_entry(seed=seed, scores=scores(0.2 + seed / 10)) for seed in range(3)]
    found = told(diff(build(entries[:2]), build([entries[0], entries[2]])))
    assert ("run", entries[1].key, "by keeper", None) in found
    assert ("run", entries[2].key, None, "by keeper") in found
    assert ("mean", "mig", 0.25, 0.3) in found
    assert len(found) == 3


def test_a_score_that_changed_is_said_beyond_the_tolerance():
    old = build([make_entry(scores=scores(0.5, per_factor={"shape": 0.5}, parts={"os": 0.1}))])
    new = build([make_entry(scores=scores(0.6, per_factor={"shape": 0.6}, parts={"os": 0.3}))])
    found = told(diff(old, new))
    key = make_entry().key[:12]
    for name, a, b in (("mig", 0.5, 0.6), ("mig of shape", 0.5, 0.6), ("mig os", 0.1, 0.3)):
        for stage in ("before", "after"):
            assert ("score", f"{key} {name} {stage}", a, b) in found
    assert ("mean", "mig", 0.5, 0.6) in found
    assert len(found) == 7
    assert told(diff(old, new, tolerance=0.15)) == [
        ("score", f"{key} mig os after", 0.1, 0.3), ("score", f"{key} mig os before", 0.1, 0.3),
    ]  # fmt: skip


def test_a_score_that_is_gone_or_new_is_said():
    old, new = build([make_entry(scores=scores(0.5))]), build([make_entry(scores=scores(None))])
    key = make_entry().key[:12]
    assert ("score", f"{key} mig after", 0.5, None) in told(diff(old, new))
    assert ("score", f"{key} mig after", None, 0.5) in told(diff(new, old))


def test_ranks_that_changed_are_said():
    weak, strong = make_entry(seed=1), make_entry(submitter="bob", scores=scores(0.9))
    found = told(diff(build([weak]), build([weak, strong])))
    assert ("rank", "mig", "1 (1 to 1) of 1", "2 (1 to 2) of 2") in found


def test_an_edited_entry_that_does_not_count_is_said():
    counts, other = make_entry(), make_entry(seed=77)
    edited = make_entry(other.record, days=1)
    ((what, name, old, new),) = told(diff(build([counts, other]), build([counts, edited])))
    assert (what, name) == ("run", f"{other.key[:12]} entry")
    assert old != new


def test_differences_turn_with_the_boards():
    a = build([make_entry(seed=seed) for seed in (0, 1)])
    b = build([make_entry(seed=seed) for seed in (1, 2)] + [make_entry(model="ae")])

    def turned(found):
        return {(each.what, each.row, each.name, each.new, each.old) for each in found}

    def plain(found):
        return {(each.what, each.row, each.name, each.old, each.new) for each in found}

    assert plain(diff(a, b)) == turned(diff(b, a))


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A git repository with a board that changed since its last commit."""
    board = tmp_path / "work" / "leaderboard"
    board.mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work")
    (board / "leaderboard.json").write_text(build([make_entry()]).to_json())
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *command], check=True)
    new = build([make_entry(), make_entry(model="ae")])
    (board / "leaderboard.json").write_text(new.to_json())
    return board


@pytest.mark.parametrize("path", ["leaderboard", "leaderboard/", "leaderboard/leaderboard.json"])
def test_a_board_is_read_from_a_commit(repository, path):
    assert len(read_board(f"git:HEAD:{path}").rows) == 1
    assert len(read_board(repository).rows) == 2


@pytest.mark.parametrize(
    ("place", "reason"),
    [("git:HEAD", "expected git:REV:PATH"), ("git::x", "expected git:REV:PATH"),
     ("git:--output=x:y", "expected git:REV:PATH"), ("git:HEAD:none", "cannot be read"),
     ("git:nobranch:leaderboard", "cannot be read"), ("nowhere", "is no board")],
)  # fmt: skip
def test_a_board_that_is_nowhere_is_one_sentence(repository, place, reason):
    with pytest.raises(BoardError, match=reason) as caught:
        read_board(place)
    assert "\n" not in str(caught.value)
    assert not (repository.parent / "x").exists()


def test_the_command_says_it_all_to_people_and_programs(repository, capsys):
    assert run(["leaderboard", "diff", "git:HEAD:leaderboard", "leaderboard"]) == 0
    out = capsys.readouterr().out
    assert "2 differences from git:HEAD:leaderboard to leaderboard." in out
    assert "1 run" in out
    assert run(["leaderboard", "diff", "leaderboard", "leaderboard", "--json", "-"]) == 0
    assert capsys.readouterr().out == "[]\n"
    assert run(["leaderboard", "diff", "leaderboard", "none"]) == 2
    assert run(["leaderboard", "diff", "leaderboard", "leaderboard", "--tolerance", "-1"]) == 2


def test_a_difference_is_a_line_of_a_table():
    assert [*Difference.__dataclass_fields__] == ["what", "row", "name", "old", "new"]
