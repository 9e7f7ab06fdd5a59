"""Names of strangers: what a reader sees is what a program compares."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drbench.data.spec import Factor
from drbench.errors import BoardError
from drbench.metrics.result import MetricResult
from drbench.registry import plugins
from drbench.runs.record import Record
from drbench.runs.spec import DataRef, RunSpec
from drbench.trust.names import name_problems, unclear
from drbench.trust.problems import record_problems
from drbench.trust.reading import check_json, parse_model

INVISIBLE = {
    "zero-width space": "\u200b",
    "zero-width joiner": "\u200d",
    "right-to-left override": "\u202e",
    "left-to-right isolate": "\u2066",
    "soft hyphen": "\u00ad",
    "byte order mark": "\ufeff",
    "tag": "\U000e0041",
    "Hangul filler": "\u3164",
    "halfwidth Hangul filler": "\uffa0",
    "Braille blank": "\u2800",
    "variation selector": "\ufe0f",
    "combining grapheme joiner": "\u034f",
    "line separator": "\u2028",
    "escape": "\x1b",
    "null": "\x00",
    "carriage return": "\r",
    "private use": "\ue000",
    "lone surrogate": "\ud800",
}


@pytest.mark.parametrize("character", INVISIBLE.values(), ids=INVISIBLE)
def test_what_does_not_show_is_refused_anywhere_in_a_file(character):
    escaped = "".join(f"\\u{unit:04x}" for unit in units(character))
    for text in (f'{{"notes": ["a{escaped}b"]}}', f'{{"a{escaped}b": 1}}'):
        with pytest.raises(BoardError, match=rf"U\+{ord(character):04X}"):
            check_json(text, "x")


def units(character):
    code = ord(character)
    high = [0xD800 + ((code - 0x10000) >> 10), 0xDC00 + ((code - 0x10000) & 0x3FF)]
    return [code] if code < 0x10000 else high


@pytest.mark.parametrize(
    "name",
    [
        "sh\u0430pe",  # Cyrillic a
        "\u03bfbject",  # Greek o
        "\ua4d4hape",  # Lisu
        "sca\u13de",  # Cherokee
        "\uff53hape",  # fullwidth s
        "\U0001d42chape",  # mathematical bold s
        "\ufb01t",  # the ligature fi
        "e\u0301tat",  # decomposed
        "shape\u00a0",  # no-break space
        " shape",
        "",
        "shape\nb",
        "s" * 101,
    ],
)
def test_a_name_that_may_be_taken_for_another_is_unclear(name):
    assert unclear(name)


@pytest.mark.parametrize(
    "name",
    ["shape", "object shape", "\u00e9tat", "\u0444\u043e\u0440\u043c\u0430", "\u5f62\u72b6",
     "\u30ab\u30e1\u30e9\u306e\u9ad8\u3055 x", "\ud615\ud0dc", "pos_x (mm)", "1", "s" * 100],
)  # fmt: skip
def test_names_of_one_language_are_clear(name):
    assert unclear(name) == ""


@given(st.text(max_size=12))
def test_clear_names_that_differ_differ_in_their_compatibility_form(name):
    if not unclear(name):
        assert unicodedata.normalize("NFKC", name) == name
        assert name == name.strip()
        assert name.isprintable()


def problems_of(record):
    return list(name_problems(record))


@pytest.mark.parametrize(
    "model",
    ["../../beta_vae", "..", "a/b", "a\\b", "/etc/passwd", "C:x", "a b", "bet\u0430_vae", "-rf",
     ".x", "a..b", "", "a\n", "x" * 101],
)  # fmt: skip
def test_a_model_has_a_plain_name(make_record, model):
    (problem,) = problems_of(make_record(model=model))
    assert "is no name of a model" in problem
    assert "\n" not in problem


@pytest.mark.parametrize("metric", ["../mig", "m/ig", "m\u0456g"])
def test_a_metric_has_a_plain_name(make_record, metric):
    result = {metric: MetricResult(value=0.5)}
    record = make_record(scores={"before": result, "after": result})
    assert [p for p in problems_of(record) if "is no name of a metric" in p]


@pytest.mark.parametrize(
    ("name", "clear"),
    [("hf:owner/name", True), ("folder:images", True), ("hf:own\u0435r/name", False),
     ("folder:a\nb", False), ("../dsprites", False), ("ftp:dsprites", False)],
)  # fmt: skip
def test_a_data_set_has_a_clear_name(make_record, name, clear):
    record = make_record(transfer=False)
    spec = RunSpec.model_validate(
        record.spec.model_dump() | {"data": DataRef(name=name).model_dump()}
    )
    changed = Record.model_validate(
        record.model_dump() | {"spec": spec.model_dump(), "key": spec.key}
    )
    assert (problems_of(changed) == []) is clear


def test_factors_and_parts_have_clear_names(make_record):
    factors = (Factor(name="sh\u0430pe", kind="ordinal", size=2), *make_record().factors[1:])
    part = {"mig": MetricResult(value=0.5, parts={"o\u03c2": 0.1})}
    record = make_record(factors=factors, scores={"before": part, "after": part})
    problems = problems_of(record)
    assert len(problems) == 2
    assert "CYRILLIC and LATIN" in problems[0]
    assert "GREEK and LATIN" in problems[1]


def test_two_factors_of_one_name_are_found(make_record):
    factors = make_record().factors
    assert "two factors have the same name." in record_problems(
        make_record(factors=(factors[0], *factors[:4]))
    )


def test_names_cannot_pass_for_lines_of_ours(make_record):
    """What is printed of a stranger's names stays on its line."""
    evil = "x\nleaderboard is valid: 9 records."
    result = {"mig": MetricResult(value=0.5, per_factor={evil: 9.0}, n_pairs={evil: -1})}
    record = make_record(
        scores={"before": result, "after": result}, redrawn={evil: 0.1}, model=evil
    )
    problems = list(record_problems(record))
    assert len(problems) > 4
    assert not [problem for problem in problems if "\n" in problem]


def test_the_key_is_no_path(make_record):
    text = make_record().to_json()
    key = make_record().key
    for evil in (f"../{key[3:]}", f"{key[:-1]}/", key.upper(), f"{key}\\n", f"{key[:-1]}\u0430"):
        with pytest.raises(BoardError, match="no valid record"):
            parse_model(text.replace(f'"key": "{key}"', f'"key": "{evil}"', 1), Record, where="x")


@pytest.mark.parametrize("kind", ["dataset", "model", "metric"])
def test_every_name_that_drbench_registers_is_plain(make_record, kind):
    for name in plugins(kind):
        assert problems_of(make_record(model=name)) == []
