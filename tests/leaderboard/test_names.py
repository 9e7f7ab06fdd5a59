"""Names of strangers: what a reader sees is what a program compares."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from records import make_entry, make_record, make_spec

from drbench.data.spec import Factor
from drbench.errors import BoardError, RequestError
from drbench.metrics.result import MetricResult
from drbench.registry import plugins
from drbench.runs.spec import DataRef
from drbench.trust.names import given_name, own_name, plain, record_names, spec_names, unclear
from drbench.trust.reading import check_json

HIDDEN = {
    "line break": "\n",
    "tab": "\t",
    "carriage return": "\r",
    "line separator": "\u2028",
    "zero-width space": "\u200b",
    "right-to-left override": "\u202e",
    "byte order mark": "\ufeff",
    "no-break space": "\u00a0",
    "escape": "\x1b",
    "null": "\x00",
    "private use": "\ue000",
    "lone surrogate": "\ud800",
}


@pytest.mark.parametrize("character", HIDDEN.values(), ids=HIDDEN)
def test_what_does_not_show_is_refused_anywhere_in_a_file(character):
    escaped = f"\\u{ord(character):04x}"
    for text in (f'{{"notes": ["a{escaped}b"]}}', f'{{"a{escaped}b": 1}}'):
        with pytest.raises(BoardError, match=rf"U\+{ord(character):04X}"):
            check_json(text, "x")


@pytest.mark.parametrize(
    "name",
    ["\uff53hape", "\U0001d42chape", "\ufb01t", "e\u0301tat", " shape", "", "shape\nb", "s" * 101],
)
def test_a_name_that_may_be_taken_for_another_is_unclear(name):
    assert unclear(name)


@given(st.text(max_size=12))
def test_clear_names_that_differ_differ_in_their_compatibility_form(name):
    if not unclear(name):
        assert unicodedata.normalize("NFKC", name) == name
        assert name == name.strip()
        assert name.isprintable()


EVIL = ["../../beta_vae", "..", "a/b", "a\\b", "/etc/passwd", "C:x", "a b", "bet\u0430_vae", "-rf",
        ".x", "", "a\n", "x" * 101]  # fmt: skip


@pytest.mark.parametrize("name", EVIL)
def test_models_and_metrics_have_plain_names(name):
    spec = make_spec(transfer=False, model=name)
    scoring = spec.scoring.model_copy(update={"metrics": {name: {}}})
    problems = list(spec_names(spec.model_copy(update={"scoring": scoring})))
    assert [problem.partition(" is ")[2][:17] for problem in problems] == [
        "no name of a mode", "no name of a metr",
    ]  # fmt: skip
    assert all(problem.isprintable() for problem in problems)


@pytest.mark.parametrize(
    ("name", "is_plain"),
    [("hf:owner/name", True), ("hf:owner/name:train", True), ("folder:images", True),
     ("folder:/home/ann/images", False), ("folder:../images", False), ("folder:.", False),
     ("hf:own\u0435r/name", False), ("../dsprites", False), ("ftp:dsprites", False)],
)  # fmt: skip
def test_a_data_set_has_a_name_and_no_path(name, is_plain):
    spec = make_spec(transfer=False).model_copy(update={"data": DataRef(name=name)})
    assert (list(spec_names(spec)) == []) is is_plain


def test_factors_and_parts_have_clear_names():
    factors = (Factor(name="shape ", kind="ordinal", size=2), *make_record().factors[1:])
    part = {"mig": MetricResult(value=0.5, parts={"o\uff53": 0.1})}
    record = make_record(factors=factors, scores={"before": part, "after": part})
    assert [problem.split()[1] for problem in record_names(record)] == ["factor", "part"]


@pytest.mark.parametrize("name", [*EVIL, "Ann", "ann/../bob", "a" * 65])
def test_a_submitter_has_a_name_that_is_a_folder(name):
    with pytest.raises(ValidationError):
        make_entry(submitter=name)


@given(st.text())
def test_any_login_can_be_made_a_submitters_name(name):
    assert make_entry(submitter=plain(name)).submitter == plain(plain(name))


def test_ones_own_name_is_a_submitters():
    assert make_entry(submitter=own_name()).submitter == own_name()


@pytest.mark.parametrize("name", ["", "../x", "A B", "Ann", "-", "a" * 65])
def test_a_name_that_no_submitter_can_have_is_one_sentence(name):
    with pytest.raises(RequestError, match=r"--as .*such as"):
        given_name("--as", name)


@pytest.mark.parametrize("kind", ["model", "metric"])
def test_every_name_that_drbench_registers_is_plain(kind):
    for name in plugins(kind):
        assert list(spec_names(make_spec(model=name))) == []
