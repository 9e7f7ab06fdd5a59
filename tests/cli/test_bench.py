"""`drbench bench`."""

import json
from dataclasses import dataclass

from drbench.bench import metrics, sobol
from drbench.cli import run


@dataclass(frozen=True)
class Seconds:
    """How long it took."""

    what: str
    seconds: float


@dataclass(frozen=True)
class Ratio:
    """How much faster."""

    times_faster: float


def test_the_studies_that_are_asked_for_run_and_are_printed(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(metrics, "study", lambda: iter([Seconds("omes", 0.5), Ratio(3.0)]))
    monkeypatch.setattr(sobol, "study", lambda: iter([Seconds("sobol", 2.0)]))
    out = tmp_path / "bench.json"
    assert run(["bench", "--metrics", "--sobol", "--json", str(out)]) == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines() if line] == [
        ["How", "long", "it", "took."], ["what", "seconds"], ["omes", "0.5"],
        ["How", "much", "faster."], ["times", "faster"], ["3"],
        ["How", "long", "it", "took."], ["what", "seconds"], ["sobol", "2"],
    ]  # fmt: skip
    document = json.loads(out.read_text())
    assert document["metrics"] == [{"what": "omes", "seconds": 0.5}, {"times_faster": 3.0}]
    assert document["sobol"] == [{"what": "sobol", "seconds": 2.0}]
    assert document["machine"].startswith("cpu")
    assert set(document) == {"machine", "versions", "metrics", "sobol"}
