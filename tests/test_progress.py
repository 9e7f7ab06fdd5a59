"""Progress of long work on standard error."""

import queue
import sys

import pytest

from drbench import progress as reporting
from drbench.progress import part_of, progress, track


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    """A clock that moves when told."""
    now = [0.0]
    monkeypatch.setattr(reporting.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def lines(monkeypatch):
    """What is said of a job, as soon as it is said; a job that waits says it at once."""
    said: queue.Queue[str] = queue.Queue()
    monkeypatch.setattr(reporting, "say", said.put)
    monkeypatch.setattr(reporting, "_SOON", 0.001)
    monkeypatch.setattr(reporting, "_EVERY", 0.001)
    return said


def next_of(lines, words):
    """The next line that holds these words: those before it are repeats."""
    while words not in (line := lines.get(timeout=60)):
        pass
    return line


def test_a_long_piped_job_says_now_and_then_how_far_it_is_though_nothing_moves(clock, lines):
    with progress("encoding", 2000, done=1000) as advance:
        assert lines.get(timeout=60) == "encoding ..."
        clock[0] = 31
        assert next_of(lines, "31 s") == "encoding: 1,000 of 2,000, 31 s"
        clock[0] = 62
        advance(500, note="loss 3")
        assert next_of(lines, "loss") == "encoding: 1,500 of 2,000, 62 s, loss 3"
    assert next_of(lines, "done") == "encoding: done in 62.0 s"
    assert lines.empty()


def test_a_short_piped_job_is_silent(capsys):
    assert list(track("abc", "letters", 3)) == ["a", "b", "c"]
    assert capsys.readouterr().err == ""


def test_nested_work_names_what_it_is_a_part_of_and_speaks_for_it(clock, lines):
    with progress("dci", 0), part_of("dci (3 of 6)"), part_of("trees"), progress("factors", 6):
        inner = next_of(lines, "factors")
        again = {lines.get(timeout=60) for _ in range(5)}
    assert inner.startswith("dci (3 of 6): trees: factors")
    assert all(line.startswith("dci (3 of 6): trees: factors") for line in again)


def test_a_terminal_has_one_display_for_nested_bars(monkeypatch):
    shown = []
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress("outer", 2) as outer:
        bars = reporting._shown.get()
        with part_of("outer"), progress("inner", 3) as inner:
            assert reporting._shown.get() is bars
            inner(2, note="half")
            shown = [(t.description, t.completed, t.total, t.fields["note"]) for t in bars.tasks]
        outer()
        assert [task.description for task in bars.tasks] == ["outer"]
    assert shown == [("outer", 0, 2, ""), ("inner", 2, 3, "half")]
    assert reporting._shown.get() is None


def test_eighty_columns_hold_the_whole_line_of_a_training(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    note = "loss 1.234e+04 12.3/s"
    for label in ("training factor_vae, seed 0", "seed 3 of 10: encoding noisy_color_dsprites"):
        with progress(label, 400_000, done=123_456) as advance:
            advance(note=note)
            reporting._shown.get().refresh()
        err = capsys.readouterr().err
        assert label[:25] in err
        assert "123457/400000" in err
        assert note in err
