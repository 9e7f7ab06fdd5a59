"""A board of version 1.0, as drbench 0.1 wrote it, becomes one of today: tried on a real one."""

import json
import shutil
from pathlib import Path

import pytest

from drbench.cli import run
from drbench.errors import BoardError
from drbench.trust.evidence import weights_name
from drbench.trust.migrate import migrate
from drbench.trust.store import built_board, load_entries
from drbench.trust.validate import validate
from drbench.trust.verify import verify

pytestmark = pytest.mark.slow

OLD = Path(__file__).with_name("board-1.0")
"""One transfer of one seed, of 16 x 16 pixels."""


def files_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


@pytest.fixture
def board(tmp_path):
    return Path(shutil.copytree(OLD, tmp_path / "board"))


def record_of(board):
    (path,) = (board / "records").glob("*.json")
    return path, json.loads(path.read_text())


def rewrite(board, edit):
    path, document = record_of(board)
    edit(document)
    path.write_text(json.dumps(document))


@pytest.mark.parametrize("level", ["re-encoded", "retrained"])
def test_what_was_scored_is_there_as_it_was(board, level):
    _, old = record_of(board)
    done = migrate(board, name="ann", level=level)
    assert done.left_out == ()
    (entry,) = load_entries(board)
    assert (entry.submitter, entry.by, entry.level) == ("ann", "ann", level)
    record = json.loads(entry.record.model_dump_json())
    for name in ("scores", "factors", "objective", "scored_rows", "redrawn", "image_shape"):
        assert record[name] == old[name], name
    for name in ("data_hash", "pairs_hash", "weights_hash", "created", "versions", "seconds"):
        assert record["provenance"][name] == old["provenance"][name], name
    assert entry.record.hyperparameters == old["spec"]["hyperparameters"]
    (row,) = built_board(board).rows
    assert (row.metrics["mig"].rank is not None) is (level == "retrained")
    assert validate(board) == []


def test_nothing_is_lost(board):
    before = files_of(board)
    done = migrate(board, name="ann")
    assert files_of(done.before) == before
    assert migrate(board, name="ann") is None


def test_weights_can_be_encoded_with_again(board):
    migrate(board, name="ann")
    (verdict,) = verify(board, every=True)
    # Of a set that is cut down other images may be held out than in 1.0: the scores may differ.
    assert verdict.outcome in ("confirmed", "differs")
    assert {score.here is not None for score in verdict.scores} == {True}


def test_a_run_has_the_key_that_it_has_today(board, real_runs):
    """It was asked for in the same words as the runs of these tests."""
    migrate(board, name="ann")
    (entry,) = load_entries(board)
    assert (
        entry.spec.model_copy(update={"scoring": real_runs.specs[0].scoring})
        == (real_runs.specs[0])
    )


def transfer_to_itself(document):
    document["spec"]["init"]["data"]["name"] = document["spec"]["data"]["name"]


def without_weights(document):
    document["provenance"]["encoder_hash"]["after"] = "0" * 64


def of_a_folder(document):
    document["spec"]["data"] |= {"name": "folder:/home/ann/images", "levels": {}}


def not_a_record(document):
    document.clear()


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [(transfer_to_itself, "to itself is none"), (without_weights, "is missing"),
     (of_a_folder, "folder:"), (not_a_record, "no record")],
)  # fmt: skip
def test_what_cannot_go_along_is_named_and_kept_in_the_old_board(board, edit, sentence):
    rewrite(board, edit)
    path, _ = record_of(board)
    done = migrate(board, name="ann")
    assert done.entries == ()
    assert sentence in done.left_out[0]
    assert (done.before / "records" / path.name).is_file()
    assert validate(board) == []


def test_an_interrupted_migration_changes_nothing_and_is_done_again(board, monkeypatch):
    before = files_of(board)
    with monkeypatch.context() as patch:
        patch.setattr("drbench.trust.migrate.write_board", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            migrate(board, name="ann")
    assert files_of(board) == before
    migrate(board, name="ann")
    assert validate(board) == []


def test_an_older_board_that_is_kept_already_is_not_overwritten(board):
    board.with_name("board-1.0").mkdir()
    with pytest.raises(BoardError, match="where the old board would be kept"):
        migrate(board, name="ann")


def test_until_then_every_command_says_what_to_do(board, capsys):
    for command in ("build", "render", "validate", "verify", "publish"):
        arguments = [str(board.parent / "place")] if command == "publish" else []
        assert run(["leaderboard", command, *arguments, "--board", str(board)]) == 1
        output = capsys.readouterr()
        assert "drbench leaderboard migrate --as NAME" in output.out + output.err
    assert run(["leaderboard", "migrate", "--as", "ann", "--board", str(board)]) == 0
    assert "rewrote 1 records" in capsys.readouterr().out
    assert run(["leaderboard", "build", "--board", str(board)]) == 0
    (entry,) = load_entries(board)
    assert all((board / weights_name(digest)).is_file() for digest in entry.weights.values())
