"""The demo, with budgets at which nothing is learnt."""

import json
from pathlib import Path

import pytest

from drbench import RunSpec, Scoring, demo
from drbench.cli import run
from drbench.errors import RequestError
from drbench.studies import shipped
from drbench.studies.study import Study
from drbench.trust.validate import validate

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = Scoring(sample=60, pairs=100, metrics={"omes": {}, "mig": {}})
    study = Study("demo", tuple(_cut_short(spec, quick) for spec in shipped.demo().specs))
    monkeypatch.setattr(demo, "demo", lambda: study)


def _cut_short(spec: RunSpec, scoring: Scoring) -> RunSpec:
    """The same run in two steps."""
    training = spec.training.model_copy(update={"steps": 2})
    init = spec.init and _cut_short(spec.init, scoring)
    return spec.model_copy(update={"training": training, "scoring": scoring, "init": init})


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
    with pytest.raises(RequestError, match="no demo"):
        demo.run_demo(tmp_path)
