"""Reading strangers' JSON: the limits are where they are said to be, and refusals are short."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from records import make_entry

from drbench.board.build import build
from drbench.board.entry import Entry, submission_of
from drbench.errors import BoardError
from drbench.runs.record import Record
from drbench.trust.reading import (
    LARGEST_NUMBER,
    MAX_DEPTH,
    MAX_DIGITS,
    check_json,
    parse_model,
    read_text,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1)
    | st.floats(-LARGEST_NUMBER, LARGEST_NUMBER)
    | st.text(st.characters(codec="ascii"), max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=3), inner),
    max_leaves=8,
)  # fmt: skip


def printable(value):
    return all(each.isprintable() for each in texts(value))


def texts(value):
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [*value, *(text for inner in value.values() for text in texts(inner))]
    return [text for inner in value for text in texts(inner)] if isinstance(value, list) else []


@given(JSON.filter(printable))
def test_plain_json_is_read_as_python_reads_it(value):
    assert check_json(json.dumps(value), "x") == value


def test_nesting_is_read_up_to_its_limit():
    check_json("[" * MAX_DEPTH + "]" * MAX_DEPTH, "x")
    with pytest.raises(BoardError, match=f"at most {MAX_DEPTH} levels"):
        check_json("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "x")


def test_numbers_are_read_up_to_their_limits():
    assert check_json("9" * MAX_DIGITS, "x") == 10**MAX_DIGITS - 1
    assert check_json(f"[{2**64 - 1}, {-(2**63)}]", "x") == [2**64 - 1, -(2**63)]
    assert check_json("[1e100, -1e100, 5e-324, 1e-400]", "x") == [1e100, -1e100, 5e-324, 0.0]
    assert math.copysign(1, check_json("-0.0", "x")) == -1
    for text in ("9" * (MAX_DIGITS + 1), "1.1e100", "-1.1e100", "1e400", "Infinity", "-Infinity",
                 "NaN"):  # fmt: skip
        with pytest.raises(BoardError, match=r"too large|digits|no number"):
            check_json(f'{{"a": [{text}]}}', "x")


def test_files_are_read_up_to_their_limit(tmp_path):
    place = tmp_path / "x.json"
    place.write_text("1234")
    assert read_text(place, limit=4) == "1234"
    with pytest.raises(BoardError, match=r"x\.json is too large: at most 3 bytes"):
        read_text(place, limit=3)


def test_lines_end_as_they_are_written(tmp_path):
    (tmp_path / "x").write_bytes(b"a\r\nb\rc\n")
    assert read_text(tmp_path / "x") == "a\r\nb\rc\n"


@pytest.mark.parametrize(
    "text",
    ["", " ", "{", '{"a"', "[1,]", "{'a': 1}", "[1] x", "// no\n1", "01", "+1", "1.", "\ufeff1",
     "True", '"\t"', '"\\x"', '"a', "{1: 2}", '{"a": 1, "a": 1}', '{"a": {"b": 1, "b": 2}}'],
)  # fmt: skip
def test_what_is_no_json_or_may_be_read_in_two_ways_is_refused(text):
    with pytest.raises(BoardError) as caught:
        check_json(text, "sent.json")
    assert str(caught.value).startswith("sent.json")
    assert "\n" not in str(caught.value)


MEGABYTE = "x" * 2**20
LONG = {
    "key": lambda document: document | {MEGABYTE: 1},
    "value": lambda document: document | {"scored_rows": MEGABYTE},
    "version": lambda document: document | {"schema_version": MEGABYTE},
    "stage": lambda document: document | {"scores": {MEGABYTE: {}}},
    "model": lambda document: document | {"spec": document["spec"] | {"model": MEGABYTE}},
    "factor": lambda document: document | {
        "factors": [{"name": MEGABYTE, "kind": "ordinal", "size": 0}]},
    "list": lambda document: document | {"notes": list(range(10_000))},
}  # fmt: skip


@pytest.mark.parametrize("case", LONG)
def test_a_refusal_is_short_whatever_was_sent(make_record, case):
    document = LONG[case](json.loads(make_record().to_json()))
    with pytest.raises(BoardError) as caught:
        parse_model(json.dumps(document), Record, where="sent.json")
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    "document", [make_entry(), submission_of(make_entry()), build([make_entry()])]
)
def test_what_drbench_writes_it_reads(document):
    text = document.to_json()
    assert parse_model(text, type(document), where="x") == document
    assert parse_model(text, type(document), where="x").to_json() == text


@pytest.mark.parametrize(
    ("version", "sentence"),
    [("1.0", "leaderboard migrate"), ("3.0", "a newer one"), ("x" * 99, "a newer one"),
     (None, "no schema_version"), (2.0, "a newer one")],
)  # fmt: skip
def test_another_version_is_refused_with_what_to_do(version, sentence):
    document = json.loads(make_entry().to_json()) | {"schema_version": version}
    with pytest.raises(BoardError, match=sentence):
        parse_model(json.dumps(document), Entry, where="x")


@pytest.mark.parametrize(
    ("field", "value"),
    [("scored_rows", "100"), ("scored_rows", 100.0), ("scored_rows", True), ("scored_rows", None),
     ("scored_rows", -1), ("notes", "x"), ("key", 1), ("factors", {}), ("factors", [[]]),
     ("factors", ["x"]), ("unknown", 1)],
)  # fmt: skip
def test_nothing_is_converted(make_record, field, value):
    document = json.loads(make_record().to_json()) | {field: value}
    with pytest.raises(BoardError, match=field):
        parse_model(json.dumps(document), Record, where="x")


def test_the_first_problem_is_named_and_the_others_counted(make_record):
    document = json.loads(make_record().to_json()) | {"a": 1, "b": 2, "c": 3}
    with pytest.raises(BoardError, match=r"'a': .*\(and 2 more\)"):
        parse_model(json.dumps(document), Record, where="x")
