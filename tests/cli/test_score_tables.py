"""Scores as tables, on a wide terminal, a narrow one and none."""

import re
import sys

import pytest

from drbench.cli.frame import emit
from drbench.cli.score_tables import score_tables
from drbench.metrics.result import MetricResult

NAMES = [f"a_factor_with_a_long_name_{j}" for j in range(9)]
RESULTS = {
    "omes": MetricResult(
        value=0.5,
        per_factor={name: 0.25 + j / 100 for j, name in enumerate(NAMES)},
        standard_error=dict.fromkeys(NAMES, 0.0125),
        reference=0.75,
        chance=0.125,
        warnings=("few pairs",),
    ),
    "factor_vae_score": MetricResult(
        value=None, per_factor=dict.fromkeys(NAMES), reason="no rows", warnings=("few pairs",)
    ),
}


def shown(monkeypatch, capsys, width: int, *, terminal: bool = True) -> list[str]:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    monkeypatch.setenv("COLUMNS", str(width))
    emit(None, *score_tables(RESULTS))
    return re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()


def test_piped_scores_are_one_table_with_the_names_of_the_factors(monkeypatch, capsys):
    header, omes, errors, other, *notes = shown(monkeypatch, capsys, 80, terminal=False)
    assert header.split() == ["metric", "value", "reference", "chance", *NAMES]
    assert omes.split()[:5] == ["omes", "0.500", "0.750", "0.125", "0.250"]
    assert errors.split() == ["standard", "error", *["0.013"] * 9]
    assert other.split() == ["factor_vae_score", *["-"] * 12]
    assert [line.split(maxsplit=1) for line in notes if line] == [
        ["factor_vae_score", "no value: no rows"],
        ["all", "few pairs"],
    ]


@pytest.mark.parametrize(("width", "tables"), [(120, 1), (80, 2)])
def test_a_narrow_terminal_numbers_the_factors_and_folds_no_score(
    width, tables, monkeypatch, capsys
):
    lines = shown(monkeypatch, capsys, width)
    assert max(map(len, lines)) <= width
    assert sum(line.startswith("omes ") for line in lines) == tables
    last = next(line for line in reversed(lines) if line.startswith("omes "))
    assert last.split()[-9:] == [f"{0.25 + j / 100:.3f}" for j in range(9)]
    assert [line.split() for line in lines if "long_name" in line] == [
        [str(j + 1), name] for j, name in enumerate(NAMES)
    ]


def test_a_wide_terminal_has_the_names(monkeypatch, capsys):
    lines = shown(monkeypatch, capsys, 400)
    assert lines[0].split() == ["metric", "value", "reference", "chance", *NAMES]
