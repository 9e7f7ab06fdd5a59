"""Older versions of the format: minors are read, majors are refused, or migrated by a command.

1.0 is the first version, so that made-up older ones are injected here.
"""

import json

import pytest

from drbench.cli import run
from drbench.errors import BoardError
from drbench.files import sha256_text
from drbench.publish.merge import merge
from drbench.runs.record import Record
from drbench.trust.journal import JOURNAL
from drbench.trust.migrate import migrate
from drbench.trust.reading import parse_model
from drbench.trust.store import add, built_board, load_board, write_board
from drbench.trust.validate import validate
from drbench.trust.verification import Verification, Verifications
from drbench.trust.versions import UPGRADES, upgraded

MINOR, MAJOR, OLDEST = "1.00", "0.9", "0.8"


def renamed(document):
    """What 1.0 calls `notes` was `remarks` before."""
    document["notes"] = document.pop("remarks")
    return document | {"schema_version": "1.0"}


def from_oldest(document):
    return document | {"schema_version": MAJOR, "remarks": []}


@pytest.fixture(autouse=True)
def older(monkeypatch):
    steps = {MINOR: ("1.0", renamed), MAJOR: ("1.0", renamed), OLDEST: (MAJOR, from_oldest)}
    monkeypatch.setitem(UPGRADES, "Record", steps)


def old_text(record, version):
    document = json.loads(record.to_json())
    document["remarks"] = document.pop("notes")
    if version == OLDEST:
        document.pop("remarks")
    return json.dumps(document | {"schema_version": version}, indent=1, sort_keys=True) + "\n"


def old_board(folder, record, version):
    """A board with an old record that somebody verified when it was new."""
    text = old_text(record, version)
    check = Verification(
        record_hash=sha256_text(text), state="re-encoded", by="A", date="2026-01-02", versions={},
        checks={},
    )  # fmt: skip
    for name, content in (
        ("records", text),
        ("verifications", Verifications(key=record.key, verifications=(check,)).to_json()),
    ):
        (folder / name).mkdir(parents=True)
        (folder / name / f"{record.key}.json").write_text(content)
    return folder


def states(board):
    return [run.state for row in built_board(board).rows for run in row.runs]


def test_an_older_minor_version_is_read_as_what_it_became(make_record, tmp_path):
    record = make_record(notes=("resized",))
    board = old_board(tmp_path, record, MINOR)
    assert load_board(board) == [record]
    write_board(board)
    assert validate(board) == []


def test_verifications_hold_on_for_a_record_of_an_older_minor_version(make_record, tmp_path):
    board = old_board(tmp_path, make_record(), MINOR)
    assert states(board) == ["re-encoded"]
    assert validate(board, derived=False) == []


@pytest.mark.parametrize("version", [MAJOR, OLDEST])
def test_an_older_major_version_is_refused_with_the_command(make_record, tmp_path, version):
    board = old_board(tmp_path / "board", make_record(), version)
    sent = tmp_path / "record.json"
    sent.write_text(old_text(make_record(seed=1), version))
    (problem, _) = validate(board)
    for use in (load_board, write_board, lambda board: add(board, sent)):
        with pytest.raises(BoardError, match="drbench leaderboard migrate"):
            use(board)
    assert f"of version {version} " in problem
    assert "drbench leaderboard migrate" in problem


@pytest.mark.parametrize("version", ["1.1", "2.0", "0.1", "", "1", "x" * 1000])
def test_a_version_that_nobody_knows_is_refused(make_record, version):
    with pytest.raises(BoardError, match=r"this drbench reads 1\.0: install") as caught:
        parse_model(old_text(make_record(), version), Record, where="x")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("version", [1, 1.0, None, ["1.0"], {}])
def test_a_version_that_is_no_text_is_refused(make_record, version):
    text = old_text(make_record(), "1.0").replace('"1.0"', json.dumps(version))
    with pytest.raises(BoardError, match="schema_version"):
        parse_model(text, Record, where="x")


def test_no_version_is_refused(make_record):
    document = json.loads(make_record().to_json())
    del document["schema_version"]
    with pytest.raises(BoardError, match="has no schema_version"):
        parse_model(json.dumps(document), Record, where="x")


def test_what_is_upgraded_is_checked_as_strictly_as_what_is_not(make_record):
    text = old_text(make_record(), MINOR).replace('"scored_rows": 100', '"scored_rows": "100"')
    with pytest.raises(BoardError, match="scored_rows"):
        parse_model(text, Record, where="x")


@pytest.mark.parametrize("version", [MINOR, MAJOR, OLDEST])
def test_migrate_rewrites_a_board_and_carries_its_verifications(make_record, tmp_path, version):
    record = make_record()
    board = old_board(tmp_path, record, version)
    done = migrate(board)
    assert done == [f"records/{record.key}.json", f"verifications/{record.key}.json"]
    assert (board / done[0]).read_text() == record.to_json()
    assert states(board) == ["re-encoded"]
    write_board(board)
    assert validate(board) == []
    assert migrate(board) == []


def test_verifications_of_another_record_are_not_carried(make_record, tmp_path):
    record = make_record()
    board = old_board(tmp_path, record, MAJOR)
    place = board / "records" / f"{record.key}.json"
    place.write_text(place.read_text().replace('"value": 0.5', '"value": 0.9'))
    migrate(board)
    assert states(board) == ["self-reported"]


def test_migrate_changes_nothing_if_one_file_is_invalid(make_record, tmp_path):
    board = old_board(tmp_path, make_record(), MAJOR)
    (board / "records" / f"{make_record(seed=1).key}.json").write_text("{")
    before = {path: path.read_bytes() for path in board.rglob("*.json")}
    with pytest.raises(BoardError, match="no JSON"):
        migrate(board)
    assert {path: path.read_bytes() for path in board.rglob("*.json")} == before


def test_migrate_leaves_current_files_alone(make_record, tmp_path):
    board = old_board(tmp_path, make_record(), MAJOR)
    current = make_record(seed=1)
    (board / "records" / f"{current.key}.json").write_text(current.to_json())
    assert f"records/{current.key}.json" not in migrate(board)
    assert len(load_board(board)) == 2


def test_a_record_whose_key_changes_with_its_format_takes_its_verifications_along(
    make_record, tmp_path
):
    record = make_record()
    board = old_board(tmp_path, record, MAJOR)
    former = "f" * 64
    for folder in ("records", "verifications"):
        place = board / folder / f"{record.key}.json"
        text = place.read_text()
        if folder == "verifications":
            text = text.replace(record.key, former)
        place.rename(place.with_name(f"{former}.json")).write_text(text)
    migrate(board)
    assert [path.stem for path in board.rglob("*.json")] == [record.key] * 2
    assert states(board) == ["re-encoded"]


def test_a_board_of_an_older_minor_version_is_merged_as_what_it_became(make_record, tmp_path):
    record = make_record()
    theirs = old_board(tmp_path / "theirs", record, MINOR)
    merge(tmp_path / "ours", theirs)
    assert (tmp_path / "ours" / "records" / f"{record.key}.json").read_text() == record.to_json()
    assert states(tmp_path / "ours") == ["re-encoded"]


def test_an_interrupted_migration_is_finished_by_the_next(make_record, tmp_path):
    record = make_record()
    board = old_board(tmp_path, record, MAJOR)
    (board / JOURNAL / "records").mkdir(parents=True)
    (board / JOURNAL / "records" / f"{record.key}.json").write_text(record.to_json())
    migrate(board)
    assert load_board(board) == [record]
    assert not (board / JOURNAL).exists()


def test_an_upgrade_that_does_not_say_its_version_is_our_mistake(monkeypatch):
    monkeypatch.setitem(UPGRADES, "Record", {MINOR: ("1.0", dict)})
    with pytest.raises(AssertionError, match="does not say so"):
        upgraded({"schema_version": MINOR}, Record, where="x")


def test_the_command_says_what_it_rewrote(make_record, tmp_path, capsys):
    board = old_board(tmp_path / "board", make_record(), MAJOR)
    assert run(["leaderboard", "build", "--board", str(board)]) == 1
    assert "drbench leaderboard migrate" in capsys.readouterr().err
    assert run(["leaderboard", "migrate", "--board", str(board)]) == 0
    assert "rewrote 2 files" in capsys.readouterr().out
    assert run(["leaderboard", "migrate", "--board", str(board)]) == 0
    assert "is up to date" in capsys.readouterr().out
    assert run(["leaderboard", "migrate", "--board", str(tmp_path / "none")]) == 1
    assert not (tmp_path / "none").exists()
