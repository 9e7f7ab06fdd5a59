"""The demo, with budgets at which nothing is learnt."""

import json
from pathlib import Path

import pytest

from drbench import Scoring, demo
from drbench.cli import run
from drbench.errors import RunError
from drbench.trust.validate import validate


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "SOURCE_STEPS", 2)
    monkeypatch.setattr(demo, "TARGET_STEPS", 2)
    monkeypatch.setattr(demo, "SOURCE_SCORING", Scoring(sample=60, metrics={"mig": {}}))
    quick = Scoring(sample=60, pairs=100, metrics={"omes": {}, "mig": {}})
    monkeypatch.setattr(demo, "TARGET_SCORING", quick)


def test_the_demo_ends_with_tables_board_and_pictures(tmp_path, capsys):
    out = tmp_path / "demo"
    assert run(["demo", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "before (gain) in %" in printed
    assert str(out / "demo.html") in printed
    assert validate(out / "leaderboard") == []
    board = json.loads((out / "leaderboard" / "leaderboard.json").read_text())
    assert [row["model"] for row in board["rendered"]] == ["ada_gvae", "beta_vae"]
    assert [row["n_seeds"] for row in board["rendered"]] == [2, 2]
    assert board["official"] == []
    page = (out / "demo.html").read_text()
    assert page.count("data:image/png;base64,") > 100
    assert "http://" not in page
    assert "https://" not in page


def test_an_interrupted_demo_goes_on(tmp_path, monkeypatch):
    execute, done = demo.execute, []

    def stop_at_the_third(spec, **where):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(where["out"])
        return execute(spec, **where)

    monkeypatch.setattr(demo, "execute", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        demo.run_demo(tmp_path / "demo")
    first = (done[0] / "record.json").read_bytes()
    monkeypatch.setattr(demo, "execute", execute)
    demo.run_demo(tmp_path / "demo")
    assert (done[0] / "record.json").read_bytes() == first


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(RunError, match="no demo"):
        demo.run_demo(tmp_path)
