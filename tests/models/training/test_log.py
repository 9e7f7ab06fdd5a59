"""The training log: a crash may tear a line, never the reader."""

import json
from pathlib import Path

from drbench.models.training.log import Log, lines_of


def test_torn_lines_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(
        b'{"step": 1, "terms": {}}\n{"step": 2, "te\n{"step": 3}}\n"text"\n{"terms": {}}\n'
        b'{"step": 4, "terms": {"loss": 2.0}}\n\xff\xfe\n{"step": 5, "terms": {"lo'
    )
    assert [line["step"] for line in lines_of(path)] == [1, 4]


def test_a_log_that_goes_on_keeps_the_steps_that_are_not_done_again(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 2, "terms": {}}\n{"step": 4, "terms": {}}\n{"step": 6, "ter')
    Log(path, 4, None).write(6, {"loss": 1.0})
    assert [json.loads(line)["step"] for line in path.read_text().splitlines()] == [2, 4, 6]


def test_there_is_no_log_before_training(tmp_path: Path) -> None:
    assert list(lines_of(tmp_path / "log.jsonl")) == []
