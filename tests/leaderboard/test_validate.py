"""What is wrong with a board is said, all of it; and a pull request may only submit."""

import json
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import make_entry, make_record, weights_text, write_board

from drbench.board.entry import submission_of
from drbench.data.spec import Factor
from drbench.errors import BoardError
from drbench.metrics.result import MetricResult
from drbench.trust.evidence import weights_name
from drbench.trust.store import load_entries, locked, name_of, read_files
from drbench.trust.store import write_board as build_again
from drbench.trust.validate import validate

pytestmark = pytest.mark.slow


@pytest.fixture
def board(tmp_path):
    return write_board(tmp_path / "board", *(make_entry(seed=seed) for seed in (0, 1)))


def put(board, document):
    (board / name_of(document)).parent.mkdir(parents=True, exist_ok=True)
    (board / name_of(document)).write_text(document.to_json())
    return board / name_of(document)


def first_of(board):
    return sorted((board / "records").glob("*/*.json"))[0]


def test_a_good_board_has_no_problem(board):
    assert validate(board) == []


def test_every_problem_is_said_at_once(board):
    first_of(board).write_text("{}")
    (board / "records" / "notes.txt").write_text("")
    (board / "leaderboard.json").write_text("{}")
    (board / "evidence" / "weights" / "notes.txt").write_text("")
    problems = "\n".join(validate(board))
    for said in ("no schema_version", "records/notes.txt does not", "was not compared",
                 "weights/notes.txt does not belong", "belongs to nothing"):  # fmt: skip
        assert said in problems


def edit_board(board):
    path = board / "leaderboard.json"
    path.write_text(path.read_text().replace("0.5", "0.9"))


def edit_entry(board):
    entry = load_entries(board)[0]
    put(board, entry.model_copy(update={"by": "somebody"}))


def edit_spec(board):
    path = first_of(board)
    path.write_text(path.read_text().replace('"steps": 10', '"steps": 9', 1))


def rename(board):
    first_of(board).rename(board / "records" / "ann" / f"{'0' * 64}.json")


def under_another_name(board):
    (board / "records" / "ann").rename(board / "records" / "bob")


def write_otherwise(board):
    path = first_of(board)
    path.write_text(path.read_text() + "\n")


def link_an_entry(board):
    path = first_of(board)
    path.rename(board / "elsewhere.json")
    path.symlink_to(board / "elsewhere.json")


def link_a_folder(board):
    (board / "records" / "ann").rename(board / "ann")
    (board / "records" / "ann").symlink_to(board / "ann")


def remove_weights(board):
    sorted((board / "evidence" / "weights").iterdir())[0].unlink()


def edit_weights(board):
    sorted((board / "evidence" / "weights").iterdir())[0].write_text("other")


def half(board):
    path = first_of(board)
    path.write_text(path.read_text()[:1000])


def break_lines(board):
    path = first_of(board)
    path.write_text(path.read_text().replace('"latents": 10', '"latents": "10\\nok"'))


def an_older_format(board):
    path = first_of(board)
    document = json.loads(path.read_text()) | {"schema_version": "1.0"}
    path.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (edit_board, "is not what its records give"),
        (edit_entry, "is not what its records give"),
        (edit_spec, "not the hash of the spec"),
        (rename, "its place follows from what it holds"),
        (under_another_name, "its place follows from what it holds"),
        (write_otherwise, "is not as drbench writes it"),
        (link_an_entry, "is no regular file"),
        (link_a_folder, "is a link"),
        (remove_weights, "is missing, but"),
        (edit_weights, "has the SHA-256"),
        (half, "no JSON, or only half of it"),
        (break_lines, "line break"),
        (an_older_format, "drbench leaderboard migrate"),
    ],
)
def test_what_was_spoilt_is_named(board, spoil, sentence):
    spoil(board)
    assert any(sentence in problem for problem in validate(board)), validate(board)


def scored(**changes):
    fields = {"value": 0.5, "n_samples": 100} | changes
    return {stage: {"mig": MetricResult(**fields)} for stage in ("before", "after")}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"scores": scored(value=1.5)}, "outside 0 to 1"),
        ({"scores": scored(per_factor={"no": 0.1})}, "no factor of the record"),
        ({"factors": make_record().factors[1:]}, "its factors are"),
        ({"factors": (Factor(name="a ", kind="ordinal", size=2),)}, "ends with a space"),
        ({"image_shape": (32, 32, 3)}, "its images have the shape"),
        ({"scored_rows": 101}, "at most 100"),
    ],
)
def test_an_entry_that_cannot_be_is_named(tmp_path, changes, sentence):
    board = write_board(tmp_path / "board", make_entry(**changes))
    assert any(sentence in problem for problem in validate(board)), validate(board)


def test_what_an_interrupted_command_left_blocks_nothing(board):
    (board / "evidence" / "weights" / ".abc.safetensors.x1.partial").write_text("half")
    (board / "records" / "ann" / ".abc.json.x1.partial").write_text("half")
    (board / ".draft.x1").mkdir()
    assert validate(board) == []
    with locked(board):
        pass
    assert not (board / ".draft.x1").exists()


def test_a_lock_that_is_a_link_keeps_what_it_points_at(board, tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("precious")
    (board / ".lock").unlink()
    (board / ".lock").symlink_to(precious)
    with pytest.raises(BoardError, match=r"\.lock is a link"):
        build_again(board)
    assert validate(board) == []  # who only reads takes no lock
    assert precious.read_text() == "precious"


# A pull request


@pytest.fixture
def pull(board, tmp_path):
    """A working tree of a pull request to a board with all that a board may have."""
    (board / "README.md").write_text("# Ours\n")
    (board / "index.html").write_text("<p>ours</p>")
    (board / "schema").mkdir()
    (board / "schema" / "entry.schema.json").write_text("{}")
    put(board, submission_of(load_entries(board)[0], "carl"))
    return shutil.copytree(board, tmp_path / "pull")


def submit(pull):
    entry = make_entry(seed=7)
    for stage, digest in entry.weights.items():
        (pull / weights_name(digest)).write_text(weights_text(entry.spec, stage))
    return put(pull, submission_of(entry, "bob"))


def test_a_pull_request_may_submit(board, pull):
    submit(pull)
    assert validate(pull, board) == []


def add_an_entry(pull):
    write_board(pull, make_entry(seed=9, submitter="bob"))


def replace(name):
    return lambda pull: (pull / name).write_text("<script>theirs</script>")


def remove(name):
    return lambda pull: (pull / name).unlink()


def rebuild_with_an_edited_entry(pull):
    edit_entry(pull)
    build_again(pull)


def replace_anothers_submission(pull):
    (path,) = read_files(pull).submissions
    path.write_text(path.read_text().replace('"steps": 10', '"steps": 11'))


def remove_published_weights(pull):
    for path in (pull / "evidence" / "weights").iterdir():
        path.unlink()


@pytest.mark.parametrize(
    ("forge", "name"),
    [
        (add_an_entry, "is new"),
        (rebuild_with_an_edited_entry, "leaderboard.json is not what was published"),
        (replace("index.html"), "index.html is not what was published"),
        (replace("README.md"), "README.md is not what was published"),
        (replace("schema/entry.schema.json"), "entry.schema.json is not what was published"),
        (replace("conftest.py"), "conftest.py is new"),
        (remove("leaderboard.json"), "leaderboard.json was published and is gone"),
        (lambda pull: first_of(pull).unlink(), "was published and is gone"),
        (remove_published_weights, "was published and is gone"),
        (replace_anothers_submission, "is not what was published"),
    ],
)
def test_a_pull_request_may_do_nothing_else(board, pull, forge, name):
    forge(pull)
    assert any(name in each and "a pull request adds" in each for each in validate(pull, board))


def test_a_first_pull_request_to_nothing_may_submit(tmp_path):
    entry = make_entry()
    write_board(tmp_path / "theirs", entry)
    shutil.rmtree(tmp_path / "theirs" / "records")
    (tmp_path / "theirs" / "leaderboard.json").unlink()
    put(tmp_path / "theirs", submission_of(entry))
    (tmp_path / "base").mkdir()
    assert validate(tmp_path / "theirs", tmp_path / "base") == []


# Whatever is in a file

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_changed_entry_is_refused_with_a_reason_or_taken_whole(tmp_path_factory, data):
    """No edit, of any value to any other, ends a command otherwise than in sentences."""
    board = tmp_path_factory.mktemp("board")
    entry = make_entry()
    document = json.loads(entry.to_json())
    holder, key = data.draw(st.sampled_from(list(places(document))))
    holder[key] = data.draw(JSON)
    write_board(board, entry)
    (board / name_of(entry)).write_text(json.dumps(document))
    problems = validate(board)
    assert all(problem.isprintable() for problem in problems)
    if not problems:
        assert load_entries(board) == [entry]


def places(document):
    """Every place of a document that holds a value."""
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in items:
        yield document, key
        if isinstance(value, dict | list):
            yield from places(value)


@settings(max_examples=40, deadline=None)
@given(content=st.binary(max_size=200))
def test_any_bytes_are_refused_with_a_reason(tmp_path_factory, content):
    board = tmp_path_factory.mktemp("board")
    (board / "records" / "ann").mkdir(parents=True)
    (board / "records" / "ann" / f"{'0' * 64}.json").write_bytes(content)
    assert len(validate(board)) >= 2
    with pytest.raises(BoardError):
        load_entries(board)


def test_a_board_of_old_records_says_how_to_migrate(tmp_path):
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / f"{'0' * 64}.json").write_text("{}")
    assert "drbench leaderboard migrate --as NAME" in validate(tmp_path)[0]
