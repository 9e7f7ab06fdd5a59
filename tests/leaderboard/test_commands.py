"""`drbench leaderboard add | build | validate`."""

import json

import pytest

from drbench.cli import run


@pytest.fixture
def runs(tmp_path, make_record):
    for seed in (0, 1):
        folder = tmp_path / "runs" / str(seed)
        folder.mkdir(parents=True)
        record = make_record(seed=seed)
        (folder / "spec.json").write_text(record.spec.model_dump_json())
        (folder / "record.json").write_text(record.to_json())
    return tmp_path / "runs"


def test_three_commands_make_a_valid_board(runs, tmp_path, capsys):
    board = ["--board", str(tmp_path / "board")]
    assert run(["leaderboard", "add", str(runs), *board]) == 0
    assert "2 new records" in capsys.readouterr().out
    assert run(["leaderboard", "build", *board]) == 0
    out = capsys.readouterr().out
    assert "0 official and 1 rendered" in out
    assert "beta_vae" in out
    assert run(["leaderboard", "validate", *board]) == 0
    assert "is valid: 2 records" in capsys.readouterr().out


def test_the_board_is_leaderboard_here_unless_said(runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["leaderboard", "add", str(runs)]) == 0
    assert run(["leaderboard", "build"]) == 0
    assert (tmp_path / "leaderboard" / "leaderboard.json").is_file()


def test_json_is_for_programs(runs, tmp_path, capsys):
    board = ["--board", str(tmp_path / "board"), "--json", "-"]
    assert run(["leaderboard", "add", str(runs), *board]) == 0
    assert len(json.loads(capsys.readouterr().out)["added"]) == 2
    assert run(["leaderboard", "build", *board]) == 0
    assert len(json.loads(capsys.readouterr().out)["rendered"]) == 1
    assert run(["leaderboard", "validate", *board]) == 0
    assert json.loads(capsys.readouterr().out)["problems"] == []


def test_an_invalid_board_fails_and_says_every_problem(runs, tmp_path, capsys):
    board = ["--board", str(tmp_path / "board")]
    run(["leaderboard", "add", str(runs), *board])
    for path in (tmp_path / "board" / "records").iterdir():
        path.write_text("{}")
    capsys.readouterr()
    assert run(["leaderboard", "validate", *board]) == 1
    captured = capsys.readouterr()
    assert captured.out.count("no valid record") == 2
    assert "problems" in captured.err


def test_a_refused_record_is_one_sentence_with_its_path(tmp_path, capsys):
    (tmp_path / "record.json").write_text("[" * 10_000)
    assert run(["leaderboard", "add", str(tmp_path), "--board", str(tmp_path / "board")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert "record.json" in error
    assert len(error.splitlines()) == 1


def test_no_board_says_how_to_begin(tmp_path, capsys):
    assert run(["leaderboard", "build", "--board", str(tmp_path / "none")]) == 1
    assert "drbench leaderboard add" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()
