"""What validate finds, and that hostile files are refused with nothing changed."""

import json
import shutil

import pytest

from drbench.data.spec import Factor
from drbench.errors import BoardError
from drbench.metrics.metric import Metric
from drbench.metrics.result import MetricResult
from drbench.runs.record import Record
from drbench.runs.spec import RunSpec
from drbench.trust.reading import check_json
from drbench.trust.store import add, write_board
from drbench.trust.validate import validate
from drbench.trust.verification import Verification, Verifications, record_hash


@pytest.fixture
def board(tmp_path, make_record):
    for seed in (0, 1):
        file = tmp_path / f"{seed}.json"
        file.write_text(make_record(seed=seed).to_json())
        add(tmp_path / "board", file)
    write_board(tmp_path / "board")
    return tmp_path / "board"


def rewrite(board, record, text=None):
    (board / "records" / f"{record.key}.json").write_text(text or record.to_json())


def rebuilt(board, record):
    rewrite(board, record)
    write_board(board)
    return validate(board)


def test_a_good_board_has_no_problem(board):
    assert validate(board) == []


def test_a_board_that_was_not_built_is_said(board, make_record):
    (board / "leaderboard.json").unlink()
    assert ["is missing" in problem for problem in validate(board)] == [True]


def test_an_edited_board_is_found(board):
    path = board / "leaderboard.json"
    path.write_text(path.read_text().replace('"mean":0.51', '"mean":0.91', 1))
    assert ["is not what its records give" in problem for problem in validate(board)] == [True]


def test_an_edited_record_is_found_by_the_board(board, make_record):
    record = make_record()
    rewrite(board, record, record.to_json().replace('"value": 0.5', '"value": 0.9'))
    assert ["is not what its records give" in problem for problem in validate(board)] == [True]


def test_a_spec_edited_after_the_run_is_found(board, make_record):
    record = make_record()
    rewrite(board, record, record.to_json().replace('"steps": 10', '"steps": 99'))
    assert "not the hash of the spec" in validate(board)[0]


def test_a_file_named_otherwise_is_found(board, make_record):
    key = make_record().key
    records = board / "records"
    (records / f"{key}.json").rename(records / "mine.json")
    (problem,) = validate(board)
    assert "must be named after its key" in problem


def test_a_record_that_is_there_twice_is_found(board, make_record):
    key = make_record().key
    (board / "records" / "copy.json").write_text((board / "records" / f"{key}.json").read_text())
    problems = validate(board)
    assert any("must be named after its key" in problem for problem in problems)


def test_a_record_that_is_written_otherwise_is_found(board, make_record):
    record = make_record()
    for text in (record.to_json() + "\n", json.dumps(json.loads(record.to_json()))):
        rewrite(board, record, text)
        (problem,) = validate(board)
        assert "is not as drbench writes it" in problem


def test_strange_files_among_the_records_are_found(board):
    (board / "records" / "weights.bin").write_bytes(b"\0")
    (problem,) = validate(board)
    assert "weights.bin does not belong there" in problem


def test_a_linked_record_is_refused(board, make_record, tmp_path):
    place = board / "records" / f"{make_record().key}.json"
    place.rename(tmp_path / "elsewhere.json")
    place.symlink_to(tmp_path / "elsewhere.json")
    assert "no regular file" in validate(board)[0]


def test_factors_of_another_size_are_found(board, make_record):
    factors = list(make_record().factors)
    factors[0] = Factor(name="shape", kind="ordinal", size=3)
    problems = rebuilt(board, make_record(factors=tuple(factors)))
    assert any("shape (3)" in problem and "shape (2)" in problem for problem in problems)


def test_factors_of_another_name_are_found(board, make_record):
    factors = list(make_record().factors)
    factors[0] = Factor(name="form", kind="ordinal", size=2)
    assert any("form (2)" in problem for problem in rebuilt(board, make_record(factors=factors)))


def scored(result):
    return {"before": {"mig": result}, "after": {"mig": result}}


def test_a_score_of_no_factor_is_found(board, make_record):
    result = MetricResult(value=0.5, per_factor={"colour": 0.5})
    problems = rebuilt(board, make_record(scores=scored(result)))
    assert any("colour" in problem for problem in problems)


def test_a_matrix_of_another_width_is_found(board, make_record):
    result = MetricResult(value=0.5, matrix=((0.1, 0.2),))
    assert any("matrix" in p for p in rebuilt(board, make_record(scores=scored(result))))


def test_more_rows_than_allowed_are_found(board, make_record):
    problems = rebuilt(board, make_record(scored_rows=101))
    assert any("101 rows" in problem for problem in problems)
    result = MetricResult(value=0.5, n_samples=200)
    assert any("200 rows" in p for p in rebuilt(board, make_record(scores=scored(result))))


def test_a_score_outside_the_metrics_range_is_found(board, make_record, monkeypatch):
    metric = Metric(
        name="mig", compute=lambda: None, title="", measures="", range=(0, 1), source="", cost=""
    )
    monkeypatch.setattr("drbench.registry.load", lambda kind, name: metric)
    problems = rebuilt(board, make_record(scores=scored(MetricResult(value=1.2))))
    assert [p for p in problems if "is 1.2, outside 0 to 1" in p]
    result = MetricResult(value=0.5, per_factor={"shape": -0.5})
    problems = rebuilt(board, make_record(scores=scored(result)))
    assert [p for p in problems if "'shape' is -0.5, outside 0 to 1" in p]


def test_a_seed_that_is_a_copy_of_another_is_found(board, make_record):
    honest = make_record(seed=0).provenance
    copy = make_record(seed=2, provenance=honest)
    (problem,) = rebuilt(board, copy)
    assert "copied" in problem


@pytest.mark.parametrize("changes", [{"threads": 0}, {"seconds": {"train": -1.0}}])
def test_times_and_threads_that_cannot_be_are_found(board, make_record, changes):
    origin = make_record(seed=0).provenance.model_copy(update=changes)
    (problem,) = rebuilt(board, make_record(seed=0, provenance=origin))
    assert "negative" in problem


def test_parameters_that_the_spec_asks_for_were_used(board, make_record):
    made = make_record(seed=0)
    scoring = made.spec.scoring.model_copy(update={"metrics": {"mig": {"bins": 7}}})
    spec = RunSpec.model_validate(made.spec.model_dump() | {"scoring": scoring.model_dump()})
    record = Record.model_validate(made.model_dump() | {"spec": spec.model_dump(), "key": spec.key})
    problems = rebuilt(board, record)
    assert len([p for p in problems if "was not scored with 'bins=7'" in p]) == 2


def check_of(record, state="re-encoded", **changes):
    fields = {"record_hash": record_hash(record), "state": state, "by": "A", "date": "2026-01-02",
              "versions": {}, "checks": {}, "notes": ("x",)}  # fmt: skip
    return Verifications(key=record.key, verifications=(Verification(**(fields | changes)),))


def verify(board, record, checks):
    (board / "verifications").mkdir(exist_ok=True)
    (board / "verifications" / f"{record.key}.json").write_text(checks.to_json())
    write_board(board)


def test_verifications_of_no_record_or_another_version_are_found(board, make_record):
    absent = make_record(seed=8)
    verify(board, absent, check_of(absent))
    assert ["not on the board" in problem for problem in validate(board)] == [True]
    (board / "verifications" / f"{absent.key}.json").unlink()
    record = make_record(seed=0)
    verify(board, record, check_of(record, record_hash="0" * 64))
    assert ["another version of its record" in problem for problem in validate(board)] == [True]


# Against what was published


@pytest.fixture
def published(board, make_record, tmp_path):
    """The board as it was, with one verified record."""
    verify(board, make_record(seed=0), check_of(make_record(seed=0)))
    shutil.copytree(board, tmp_path / "published")
    return tmp_path / "published"


def test_a_board_that_only_grew_is_valid_against_what_was_published(board, published, make_record):
    (board.parent / "new.json").write_text(make_record(seed=2).to_json())
    add(board, board.parent / "new.json")
    write_board(board)
    assert validate(board, published) == []
    assert validate(board, published / "leaderboard.json") == []


def test_a_run_that_is_gone_is_found(board, published, make_record):
    key = make_record(seed=1).key
    (board / "records" / f"{key}.json").unlink()
    write_board(board)
    (problem,) = validate(board, published)
    assert f"the run {key[:12]} of " in problem
    assert "was published and is gone" in problem


@pytest.mark.parametrize(("by", "found"), [(1e-12, 0), (1e-6, 1)])
def test_a_score_that_changed_by_more_than_rounding_is_found(
    board, make_record, tmp_path, by, found
):
    published = shutil.copytree(board, tmp_path / "published")
    record = make_record(seed=1)
    rewrite(board, record, record.to_json().replace('"value": 0.52', f'"value": {0.52 + by!r}'))
    write_board(board)
    problems = validate(board, published)
    assert ["mig after was published as 0.52" in problem for problem in problems] == [True] * found


def test_a_run_that_is_less_verified_is_found_unless_it_was_refuted(board, published, make_record):
    record = make_record(seed=0)
    verify(board, record, check_of(record, "rescored"))
    (problem,) = validate(board, published, allow_verifications=True)
    assert "re-encoded, and is only rescored" in problem
    verify(board, record, check_of(record, "refuted"))
    assert validate(board, published, allow_verifications=True) == []


@pytest.mark.parametrize("base", ["", "leaderboard.json"])
def test_a_verification_that_was_not_published_is_refused(board, published, make_record, base):
    record = make_record(seed=1)
    verify(board, record, check_of(record, "retrained", by="Myself"))
    (problem,) = validate(board, published / base)
    assert f"the run {record.key[:12]} brings a verification" in problem
    assert "retrained by Myself: states are given by maintainers" in problem
    assert validate(board, published / base, allow_verifications=True) == []


@pytest.mark.parametrize("base", ["", "leaderboard.json"])
def test_a_check_more_of_a_verified_run_is_refused(board, published, make_record, base):
    record = make_record(seed=0)
    (known,) = check_of(record).verifications
    (more,) = check_of(record, "retrained").verifications
    verify(board, record, Verifications(key=record.key, verifications=(known, more)))
    (problem,) = validate(board, published / base)
    assert "retrained by A" in problem


def test_a_published_refutation_cannot_be_taken_away(board, make_record, tmp_path):
    record = make_record(seed=0)
    (passed,) = check_of(record).verifications
    (refuted,) = check_of(record, "refuted").verifications
    verify(board, record, Verifications(key=record.key, verifications=(passed, refuted)))
    shutil.copytree(board, tmp_path / "published")
    verify(board, record, check_of(record))
    (problem,) = validate(board, tmp_path / "published")
    assert "lacks a verification that was published, refuted by A" in problem


def test_what_a_published_check_found_cannot_be_edited(board, published, make_record):
    record = make_record(seed=0)
    verify(board, record, check_of(record, notes=("y",)))
    assert len(validate(board, published)) == 2  # one that is new, one that is gone


def test_a_run_that_does_not_count_cannot_be_edited_either(board, make_record, tmp_path):
    record = make_record(seed=0)
    verify(board, record, check_of(record, "refuted"))
    shutil.copytree(board, tmp_path / "published")
    assert validate(board, tmp_path / "published") == []
    edited = record.model_copy(update={"notes": ("edited",)})
    rewrite(board, record, edited.to_json())
    verify(board, edited, check_of(edited, "refuted"))
    (problem,) = validate(board, tmp_path / "published", allow_verifications=True)
    assert problem == f"the run {record.key[:12]} was published with another record."


def test_every_problem_is_said_at_once(board, make_record):
    rewrite(board, make_record(seed=0), "{}")
    rewrite(board, make_record(seed=1), "[")
    problems = validate(board)
    assert len(problems) == 3
    assert "was not compared" in problems[-1]


def text_of(record: Record, **changes) -> str:
    return json.dumps(json.loads(record.to_json()) | changes)


HOSTILE = {
    "empty": (lambda record: " ", "no JSON"),
    "half": (lambda record: record.to_json()[:300], "half of it"),
    "list": (lambda record: "[]", "valid record"),
    "null": (lambda record: "null", "valid record"),
    "deep": (lambda record: "[" * 100_000 + "]" * 100_000, "nested too deeply"),
    "deep parameters": (
        lambda record: record.to_json().replace('"beta": 1.0', '"beta": ' + "[" * 40 + "]" * 40, 1),
        "nested too deeply",
    ),
    "duplicate": (lambda record: '{"key": 1,' + record.to_json()[1:], "twice"),
    "nan": (lambda record: record.to_json().replace("-1.0", "NaN", 1), "NaN"),
    "infinity": (lambda record: record.to_json().replace("-1.0", "-Infinity", 1), "Infinity"),
    "overflow": (lambda record: record.to_json().replace("-1.0", "1e999", 1), "too large"),
    "long integer": (lambda record: text_of(record).replace("100", "1" * 5000, 1), "digits"),
    "type": (lambda record: text_of(record, scored_rows="100"), "scored_rows"),
    "boolean": (lambda record: text_of(record, scored_rows=True), "scored_rows"),
    "unknown key": (lambda record: text_of(record, rank=1), "rank"),
    "path": (lambda record: text_of(record, key="../../escaped"), "key"),
    "version": (lambda record: text_of(record, schema_version="9.0"), "version '9.0'"),
    "bidi": (lambda record: text_of(record, notes=["\u202eabc"]), "U\\+202E"),
    "escape": (lambda record: text_of(record, notes=["\x1b[31m"]), "U\\+001B"),
    "surrogate": (lambda record: text_of(record, notes=["\ud800"]), "U\\+D800"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_json_is_refused_and_nothing_changes(board, make_record, tmp_path, case):
    make, reason = HOSTILE[case]
    file = tmp_path / "hostile.json"
    file.write_text(make(make_record(seed=5)))
    before = {path: path.read_bytes() for path in board.rglob("*") if path.is_file()}
    with pytest.raises(BoardError, match=reason) as caught:
        add(board, file)
    assert str(file) in str(caught.value)
    assert {path: path.read_bytes() for path in board.rglob("*") if path.is_file()} == before
    assert not list(tmp_path.rglob("escaped*"))


def test_bytes_that_are_no_text_are_refused(board, tmp_path):
    (tmp_path / "hostile.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(BoardError, match="UTF-8"):
        add(board, tmp_path / "hostile.json")


def test_a_huge_file_is_refused_unread(board, tmp_path):
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(BoardError, match="at most"):
        add(board, tmp_path / "huge.json")


def test_names_in_other_scripts_are_fine(tmp_path):
    check_json('{"notes": ["Zażółć gęślą jaźń 数据"]}', tmp_path)
