"""`drbench leaderboard add | build | validate`, and what all its commands have in common."""

import json
import os
import pty
import re
import subprocess
import sys

import pytest
from records import make_entry, make_record, write_runs

from drbench.board.build import build
from drbench.board.standings import COLUMNS, standings
from drbench.cli import run
from drbench.metrics.result import MetricResult
from drbench.trust.names import own_name


@pytest.fixture
def runs(tmp_path):
    return write_runs(tmp_path / "runs", make_record(seed=0), make_record(seed=1))


def test_three_commands_make_a_valid_board(runs, tmp_path, capsys):
    board = ["--board", str(tmp_path / "board")]
    assert run(["leaderboard", "add", str(runs), *board]) == 0
    assert "2 new entries" in capsys.readouterr().out
    assert run(["leaderboard", "build", *board]) == 0
    out = capsys.readouterr().out
    assert "0 official, 1 rendered, 0 own rows" in out
    assert "beta_vae" in out
    assert run(["leaderboard", "validate", *board]) == 0
    assert "is valid: 2 entries, 0 waiting" in capsys.readouterr().out


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
    for path in (tmp_path / "board" / "records").glob("*/*"):
        path.write_text("{}")
    capsys.readouterr()
    assert run(["leaderboard", "validate", *board]) == 1
    captured = capsys.readouterr()
    assert captured.out.count("no schema_version") == 2
    assert "problems" in captured.err


def test_a_refused_run_is_one_sentence_with_its_path(runs, tmp_path, capsys):
    (runs / "0" / "record.json").write_text("[" * 10_000)
    assert run(["leaderboard", "add", str(runs), "--board", str(tmp_path / "board")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert "record.json" in error
    assert len(error.splitlines()) == 1


def test_runs_stand_under_ones_own_name_unless_said(runs, tmp_path):
    board = tmp_path / "board"
    assert run(["leaderboard", "add", str(runs / "0"), "--board", str(board)]) == 0
    assert run(["leaderboard", "add", str(runs), "--as", "ann", "--board", str(board)]) == 0
    submit = ["leaderboard", "add", str(runs), "--submit", "--as", "bob", "--board", str(board)]
    assert run(submit) == 0
    names = sorted(path.parent.name for path in board.glob("*/*/*.json"))
    assert names == sorted([own_name(), "ann", "ann", "bob", "bob"])


def test_no_board_says_how_to_begin(tmp_path, capsys):
    assert run(["leaderboard", "build", "--board", str(tmp_path / "none")]) == 2
    assert "drbench leaderboard add" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def scores(value, **parameters):
    each = {"mig": MetricResult(value=value, n_samples=100, parameters=parameters)}
    return {"before": each, "after": each}


CUT = "dsprites (shape 2, scale 2, orientation 2, pos_x 2, pos_y 2)"


def lines_of(entries):
    return [
        (each.title, *(dict(zip(COLUMNS, line, strict=True)) for line in each.lines))
        for each in standings(build(entries))
    ]


def test_the_best_of_each_metric_stands_first():
    entries = [
        make_entry(model=model, seed=seed, scores=scores(value + seed / 100))
        for model, value in (("a", 0.1), ("c", 0.8), ("b", 0.5))
        for seed in range(3)
    ]
    ((title, *lines),) = lines_of(entries)
    assert title == f"rendered: mig on {CUT}"
    assert [line["model"] for line in lines] == ["c", "b", "a"]
    assert [line["rank"] for line in lines] == ["1 (1-1)", "2 (2-2)", "3 (3-3)"]
    assert (lines[0]["seeds"], lines[0]["level"]) == ("3 of 5", "retrained")
    assert lines[0]["after"] == pytest.approx(0.81)


def test_tracks_and_levels_have_tables_of_their_own():
    entries = [
        make_entry(), make_entry(origin="official"), make_entry(level="re-encoded", seed=1),
        make_entry(transfer=False, image_shape=(64, 64, 3)),
    ]  # fmt: skip
    tables = {title: len(lines) for title, *lines in lines_of(entries)}
    assert tables == {
        f"official: mig on {CUT}": 1,
        f"rendered: mig on {CUT}": 2,  # what was trained there is beside what was moved there
        f"rendered: mig on {CUT}, weights from the authors": 1,
    }


def test_a_table_is_one_ranking_group():
    """Rows with other images or parameters of the metric never stand under one title."""
    two = [make_entry(model=m, seed=s) for m in ("a", "b") for s in (0, 1)]
    small = [
        make_entry(model=m, seed=s, image_shape=(32, 32, 3)) for m in ("c", "e") for s in (0, 1)
    ]
    other = [make_entry(model="d", seed=s, scores=scores(0.4, bins=5)) for s in (0, 1)]
    found = lines_of(two + small + other)
    assert {title: [line["model"] for line in lines] for title, *lines in found} == {
        f"rendered: mig on {CUT}; 64 x 64 x 3 images; 100 rows, 1,000 pairs a factor": ["a", "b"],
        f"rendered: mig on {CUT[:-1]}, 32 x 32 px)": ["c", "e"],
        f"rendered: mig on {CUT}; 64 x 64 x 3 images; 100 rows, 1,000 pairs a factor; bins=5": [
            "d"
        ],
    }


def test_a_row_without_others_has_no_rank():
    ((_, line),) = lines_of([make_entry(seed=seed) for seed in range(5)])
    assert line["rank"] == "alone"


def test_a_large_board_does_not_flood_the_terminal(runs, tmp_path, capsys, monkeypatch):
    board = ["--board", str(tmp_path / "board")]
    run(["leaderboard", "add", str(runs), *board])
    monkeypatch.setattr("drbench.board.standings.LINES", 0)
    capsys.readouterr()
    assert run(["leaderboard", "build", *board]) == 0
    assert "1 more lines: `drbench leaderboard render` shows all." in capsys.readouterr().out


def on_a_terminal(columns, *arguments):
    """What a command prints on a terminal of that width."""
    reading, writing = pty.openpty()
    command = [sys.executable, "-m", "drbench", "leaderboard", *arguments]
    environment = os.environ | {"COLUMNS": str(columns), "TERM": "xterm", "NO_COLOR": "1"}
    with subprocess.Popen(command, stdout=writing, stderr=writing, env=environment) as process:
        os.close(writing)
        shown = b""
        while True:
            try:
                piece = os.read(reading, 65536)
            except OSError:  # Linux ends a terminal with an error
                break
            if not piece:
                break
            shown += piece
    os.close(reading)
    assert process.returncode == 0, shown
    return re.sub("\x1b\\[[0-9;]*m", "", shown.decode().replace("\r\n", "\n"))


def test_tables_fit_a_terminal_of_80_columns(runs, tmp_path):
    board = ["--board", str(tmp_path / "board")]
    run(["leaderboard", "add", str(runs), *board])
    shown = on_a_terminal(80, "build", *board)
    assert "mig on dsprites (shape 2" in shown
    (line,) = [line for line in shown.splitlines() if line.startswith("mig")]
    assert line.split() == [
        "mig", "alone", "beta_vae", "2", "of", "5", "0.105", "0.510", "0.405", "retrained"
    ]  # fmt: skip
    table = on_a_terminal(80, "fill", *board).partition("#")[0]
    assert max(map(len, table.splitlines())) <= 80
    assert len([line for line in table.splitlines() if " of 5 " in line]) == 28  # none is folded


def test_piped_output_is_plain(runs, tmp_path, capsys):
    board = ["--board", str(tmp_path / "board")]
    run(["leaderboard", "add", str(runs), *board])
    capsys.readouterr()
    for command in (["build", *board], ["fill", *board], ["validate", *board]):
        run(["leaderboard", *command])
        out = capsys.readouterr().out
        assert out.isascii()
        assert "\x1b" not in out


COMMANDS = {
    "build": [], "validate": [], "verify": [], "render": [], "diff": ["none", "none"],
    "merge": ["none"], "publish": ["elsewhere"],
}  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_no_board_is_one_sentence_and_nothing_is_made(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    board = [] if command in ("diff", "merge") else ["--board", "none"]
    assert run(["leaderboard", command, *COMMANDS[command], *board]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: none is no ")
    assert len(captured.err.splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", COMMANDS)
def test_a_broken_entry_is_one_sentence_with_its_path(command, runs, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(["leaderboard", "add", str(runs), "--board", "none"])
    broken = sorted((tmp_path / "none" / "records").glob("*/*"))[0]
    broken.write_text(broken.read_text()[:200])
    capsys.readouterr()
    board = [] if command in ("diff", "merge") else ["--board", "none"]
    assert run(["leaderboard", command, *COMMANDS[command], *board]) == 1
    captured = capsys.readouterr()
    said = captured.out if command == "validate" else captured.err
    assert f"{broken.parent.name}/{broken.name} is no JSON, or only half of it" in said
    assert "Traceback" not in captured.err


@pytest.mark.parametrize(
    "arguments",
    [["add"], ["build", "extra"], ["diff", "one"], ["fill", "--seeds", "0"], ["nonsense"],
     ["validate", "--against"], ["verify", "--level", "guessed"],
     ["verify", "--by", "ann"], ["verify", "--timeout", "0"], ["publish", "x", "--as", "ann"]],
)  # fmt: skip
def test_a_wrong_request_exits_with_2(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["leaderboard", *arguments]) == 2
    assert capsys.readouterr().err.startswith("error: ")
    assert not list(tmp_path.iterdir())


def test_every_command_says_in_its_help_what_it_does(capsys):
    assert run(["leaderboard", "--help"]) == 0
    shown = capsys.readouterr().out
    for command in ("add", "build", "validate", "diff", "merge", "verify", "render", "publish",
                    "fill", "migrate"):  # fmt: skip
        assert f"  {command} " in shown
        assert run(["leaderboard", command, "--help"]) == 0
        assert "--help" in capsys.readouterr().out


def test_validate_against_a_published_board_names_what_is_lost(runs, tmp_path, capsys):
    board, base = tmp_path / "board", tmp_path / "base"
    for each in (board, base):
        run(["leaderboard", "add", str(runs), "--board", str(each)])
        run(["leaderboard", "build", "--board", str(each)])
    validate = ["leaderboard", "validate", "--board", str(board), "--against", str(base)]
    assert run(validate) == 0
    lost = sorted((board / "records").glob("*/*"))[0]
    lost.unlink()
    capsys.readouterr()
    assert run(validate) == 1
    assert f"{lost} was published and is gone" in capsys.readouterr().out


def test_where_less_is_better_the_title_says_so():
    scores = {
        stage: {"gaussian_tc": MetricResult(value=value, n_samples=100)}
        for stage, value in (("before", 2.0), ("after", 0.5))
    }
    entry = make_entry(make_record(scores=scores))
    lower = entry.model_copy(update={"directions": {"gaussian_tc": "lower"}})
    (table,) = standings(build([lower]))
    assert table.title.startswith("rendered: gaussian_tc (lower is better) on ")
