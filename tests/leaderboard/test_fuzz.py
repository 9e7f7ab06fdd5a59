"""Whatever strangers send: validate says what is wrong, the rest refuses it, nothing changes.

DRBENCH_FUZZ is the number of examples of each test; the default is for every day.
"""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from drbench.board.board import Leaderboard
from drbench.board.build import build
from drbench.board.schema import schemas
from drbench.errors import BoardError, DrbenchError
from drbench.metrics.result import Curve, MetricResult
from drbench.publish.diff import read_board
from drbench.publish.merge import merge
from drbench.runs.record import Record
from drbench.runs.spec import RunSpec
from drbench.trust.migrate import migrate
from drbench.trust.reading import parse_model
from drbench.trust.store import add, write_board
from drbench.trust.validate import validate
from drbench.trust.verification import Verification, Verifications, record_hash

EXAMPLES = int(os.environ.get("DRBENCH_FUZZ", "60"))
fuzzed = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

NAMES = st.sampled_from(
    ["", "mig", "..", "../../escaped", "/etc/passwd", "a/b", "folder:../..", "NUL", "\ud800",
     "\x00", "\u202egpj", "\ufeff", "sh\u0430pe", "a\nb", "shape", "__proto__",
     "schema_version", "key", "init", "x" * 300]
)  # fmt: skip
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**18, -(10**30), 10**400, 0, -1]),
    st.floats(),
    st.sampled_from([1e308, -1e308, 1e-320, 1e99, -1e99, -0.0, 0.5]),
    st.sampled_from([[], {}, [[]], [[], []], [[None]], {"shape": None}, "9999-12-31T23:59:59Z"]),
    st.text(max_size=20),
    NAMES,
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(NAMES | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def rich(make_record):
    """A record in which everything is filled that a record can hold."""
    factors = [factor.name for factor in make_record().factors]
    result = MetricResult(
        value=0.5,
        per_factor=dict.fromkeys(factors, 0.25),
        parts={"os": 0.4},
        parameters={"bins": 20, "seed": 0},
        n_samples=100,
        n_pairs=dict.fromkeys(factors, 10),
        reference=1.0,
        chance=0.1,
        standard_error=dict.fromkeys(factors, 0.01),
        curve=Curve(parameter="alpha", x=(0.0, 1.0), y=(0.1, None)),
        matrix=((0.1,) * 5, (0.9, None, 0.2, 0.3, 0.1), (0.0,) * 5),
        warnings=("few rows",),
    )
    return make_record(scores={"before": {"mig": result}, "after": {"mig": result}}, notes=("x",))


@pytest.fixture
def board(tmp_path, make_record):
    """A valid board with a verified record, built."""
    record = make_record(seed=1)
    (tmp_path / "record.json").write_text(record.to_json())
    add(tmp_path / "board", tmp_path / "record.json")
    (tmp_path / "board" / "verifications").mkdir()
    (tmp_path / "board" / "verifications" / f"{record.key}.json").write_text(checks_of(record))
    write_board(tmp_path / "board")
    assert validate(tmp_path / "board") == []
    return tmp_path / "board"


@pytest.fixture(scope="module")
def validators():
    found = schemas()
    return {
        name: Draft202012Validator(found[f"{name}.schema.json"])
        for name in ("record", "leaderboard")
    }


def checks_of(record: Record) -> str:
    check = Verification(
        record_hash=record_hash(record), state="rescored", by="A", date="2026-01-02",
        versions={"drbench": "0"}, checks={"scores": 0.0}, notes=("all",),
    )  # fmt: skip
    return Verifications(key=record.key, verifications=(check,)).to_json()


def snapshot(folder: Path) -> dict[str, bytes | str]:
    """Every file's bytes, every link's target, every other entry's kind."""
    found: dict[str, bytes | str] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            found[str(path)] = f"link to {path.readlink()}"
        elif path.is_file():
            found[str(path)] = path.read_bytes()
        else:
            found[str(path)] = "folder" if path.is_dir() else "other"
    found.pop(str(folder / ".lock"), None)
    return found


def paths_of(value: Any, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where every value of a document is."""
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    below = [path for key, inner in items for path in paths_of(inner, (*prefix, key))]
    return [prefix, *below] if prefix else below


@st.composite
def mutations(draw: st.DrawFn, original: dict[str, Any]) -> dict[str, Any]:
    """The document with a few of its values deleted, replaced, renamed, wrapped or copied."""
    document = json.loads(json.dumps(original))
    for _ in range(draw(st.integers(1, 3))):
        places = paths_of(document)
        *above, last = draw(st.sampled_from(places))
        holder = document
        for key in above:
            holder = holder[key]
        how = draw(st.sampled_from(["delete", "replace", "wrap", "nest", "rename", "copy"]))
        if how == "delete":
            del holder[last]
        elif how == "replace":
            holder[last] = draw(VALUES)
        elif how == "wrap":
            holder[last] = [holder[last]]
        elif how == "nest":
            holder[last] = {draw(NAMES): holder[last]}
        elif how == "copy":
            holder[last] = json.loads(json.dumps(document))[places[0][0]]
        elif isinstance(holder, dict):
            holder[draw(NAMES)] = holder.pop(last)
    return document


def with_right_key(document: dict[str, Any]) -> dict[str, Any]:
    """With the key that the changed spec has, so that what lies behind that check is reached."""
    try:
        text = json.dumps(document["spec"])
        document["key"] = RunSpec.model_validate_json(text).key
    except (KeyError, ValueError, RecursionError):
        pass
    return document


def named(document: Any) -> str:
    """The file name that fits a document."""
    key = document.get("key") if isinstance(document, dict) else None
    is_key = isinstance(key, str) and len(key) == 64 and key.isalnum() and key.isascii()
    return f"{key if is_key else 'f' * 64}.json"


def survives(board: Path, place: Path, content: bytes) -> None:
    """Hold every command to its word about one more file on a board."""
    there = place.read_bytes() if place.exists() else None
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(content)
    sent = board.parent / "sent.json"
    sent.write_bytes(content)
    before = snapshot(board)
    problems = validate(board)
    assert all(isinstance(each, str) and each for each in problems)
    assert snapshot(board) == before
    refused_whole(board, add, board, sent)
    refused_whole(board, write_board, board)
    refused_whole(board, read_board, board)
    refused_whole(board, migrate, board)
    refused_whole(board, merge, board.parent / "merged", board)
    if there is None:
        place.unlink()
    else:
        place.write_bytes(there)
    for added in (board / "records").iterdir():
        if str(added) not in before:
            added.unlink()
    shutil.rmtree(board.parent / "merged", ignore_errors=True)


def refused_whole(board: Path, use: Callable[..., object], *arguments: Path) -> None:
    """The command does it, or says why not and leaves the board as it is."""
    before = snapshot(board)
    try:
        use(*arguments)
        return
    except BoardError as error:
        said = str(error)
    assert 0 < len(said) < 5_000
    assert snapshot(board) == before, f"refused ({said}), and yet something changed"


@fuzzed
@given(document=VALUES, folder=st.sampled_from(["records", "verifications"]))
def test_any_json_is_refused_with_a_reason(board, document, folder):
    content = json.dumps(document).encode()
    survives(board, board / folder / f"{'a' * 64}.json", content)


@fuzzed
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(lambda t: t.encode("utf-16")))
@example(b"\xef\xbb\xbf{}")
@example(b'{"schema_version": "1.0", "key": "\\ud800"}')
@example(b"[" * 10_000)
@example(b'{"a":' * 10_000)
@example(b'"' + b"x" * 2**20 + b'"')
@example(b"1" * 2**20)
@example(b"-" + b"0." + b"1" * 2**20)
@example(b'{"schema_version": "1.0", "a": 1, "a": 2}')
def test_any_bytes_are_refused_with_a_reason(board, content):
    survives(board, board / "records" / f"{'a' * 64}.json", content)


@fuzzed
@given(data=st.data())
def test_a_changed_record_is_refused_or_taken_whole(board, rich, data):
    document = with_right_key(data.draw(mutations(json.loads(rich.to_json()))))
    survives(board, board / "records" / named(document), json.dumps(document).encode())


@fuzzed
@given(data=st.data())
def test_changed_verifications_are_refused_or_taken_whole(board, data):
    (place,) = (board / "verifications").iterdir()
    document = data.draw(mutations(json.loads(place.read_bytes())))
    survives(board, place, json.dumps(document).encode())


@fuzzed
@given(data=st.data())
def test_a_changed_board_is_found(board, data):
    place = board / "leaderboard.json"
    there = place.read_bytes()
    document = data.draw(mutations(json.loads(there)))
    place.write_text(json.dumps(document))
    problems = validate(board)
    published = place.rename(board.parent / "published.json")
    place.write_bytes(there)
    assert [problem for problem in problems if str(place) in problem]
    refused_whole(board, read_board, published)
    refused_whole(board, validate, board, published)


@fuzzed
@given(cut=st.integers(0, 4_000), tail=st.binary(max_size=3))
def test_a_truncated_record_is_refused(board, rich, cut, tail):
    content = rich.to_json().encode()[:cut] + tail
    place = board / "records" / f"{rich.key}.json"
    place.write_bytes(content)
    problems = validate(board)
    place.unlink()
    assert any(str(place) in problem for problem in problems)


@fuzzed
@given(data=st.data())
def test_what_is_accepted_is_the_same_for_every_reader(rich, validators, data):
    """Read again, and read by the published schemas."""
    document = with_right_key(data.draw(mutations(json.loads(rich.to_json()))))
    try:
        record = parse_model(json.dumps(document), Record, where="x")
    except BoardError:
        return
    again = parse_model(record.to_json(), Record, where="x")
    assert again == record
    assert again.to_json() == record.to_json()
    board = build([record]).to_json()
    assert parse_model(board, Leaderboard, where="x").to_json() == board
    for name, text in (("record", record.to_json()), ("leaderboard", board)):
        validators[name].validate(json.loads(text))


# What is no file, or not the one that its name says


def a_link(place: Path, text: str) -> None:
    elsewhere = place.parents[2] / "elsewhere.json"
    elsewhere.write_text(text)
    place.symlink_to(elsewhere)


def utf_16(place: Path, text: str) -> None:
    place.write_bytes(text.encode("utf-16"))


STRANGE = {
    "a link": a_link,
    "a link to nothing": lambda place, _: place.symlink_to("nothing"),
    "a link to itself": lambda place, _: place.symlink_to(place.name),
    "a folder": lambda place, _: place.mkdir(),
    "a pipe": lambda place, _: os.mkfifo(place),
    "a device": lambda place, _: place.symlink_to("/dev/zero"),
    "UTF-16": utf_16,
    "a byte order mark": lambda place, text: place.write_text("\ufeff" + text),
    "nothing": lambda place, _: place.touch(),
    "17 MB of spaces": lambda place, text: place.write_text(text + " " * 17 * 2**20),
    "two documents": lambda place, text: place.write_text(text + text),
    "half": lambda place, text: place.write_text(text[: len(text) // 2]),
}


@pytest.mark.parametrize("name", ["records/KEY.json", "verifications/KEY.json", "leaderboard.json"])
@pytest.mark.parametrize("make", STRANGE.values(), ids=STRANGE)
def test_what_is_no_file_of_ours_is_said_and_left_alone(board, make, name):
    (record,) = (board / "records").iterdir()
    place = board / name.replace("KEY", record.stem)
    text = place.read_text()
    place.unlink()
    make(place, text)
    before = snapshot(board.parent)
    assert [problem for problem in validate(board) if str(place) in problem]
    assert snapshot(board.parent) == before
    if name != "leaderboard.json":
        for use, *arguments in ((write_board, board), (migrate, board), (read_board, board)):
            with pytest.raises(BoardError, match=re.escape(str(place))):
                use(*arguments)
        with pytest.raises(BoardError, match=re.escape(str(place))):
            merge(board.parent / "merged", board)
        assert snapshot(board.parent) | {str(board.parent / "merged"): "folder"} == (
            before | {str(board.parent / "merged"): "folder"}
        )


@pytest.mark.parametrize("make", STRANGE.values(), ids=STRANGE)
def test_what_is_no_record_is_never_added(board, make_record, tmp_path, make):
    sent = tmp_path / "new" / "run" / "record.json"
    sent.parent.mkdir(parents=True)
    make(sent, make_record(seed=7).to_json())
    before = snapshot(board)
    with pytest.raises(DrbenchError, match=r"new.run"):
        add(board, sent)
    assert snapshot(board) == before


@pytest.mark.parametrize("name", ["records", "verifications"])
def test_a_folder_that_is_a_link_is_never_written_through(board, make_record, tmp_path, name):
    (board / name).rename(tmp_path / "elsewhere")
    (board / name).symlink_to(tmp_path / "elsewhere")
    before = snapshot(tmp_path / "elsewhere")
    assert [problem for problem in validate(board) if f"{name} is a link" in problem]
    sent = tmp_path / "sent.json"
    sent.write_text(make_record(seed=7).to_json())
    if name == "records":
        with pytest.raises(BoardError, match="is a link"):
            add(board, sent)
    assert snapshot(tmp_path / "elsewhere") == before
