"""The published schemas are those of the models, and real files keep to them."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from records import make_entry

from drbench.board.build import build
from drbench.board.entry import submission_of
from drbench.board.schema import schemas, write_schemas

SCHEMAS = Path(__file__).parents[2] / "leaderboard" / "schema"


def test_committed_schemas_are_those_of_the_models(tmp_path):
    write_schemas(tmp_path)
    generated = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert generated == {path.name: path.read_text() for path in SCHEMAS.iterdir()}, (
        "python -c 'from pathlib import Path; from drbench.board.schema import "
        'write_schemas; write_schemas(Path("leaderboard/schema"))\''
    )


@pytest.mark.parametrize("name", sorted(schemas()))
def test_schemas_are_valid_draft_2020_12(name):
    Draft202012Validator.check_schema(schemas()[name])


@pytest.mark.parametrize("transfer", [True, False])
def test_files_keep_to_their_schemas(transfer):
    entry = make_entry(transfer=transfer)
    documents = {"entry": entry, "submission": submission_of(entry), "leaderboard": build([entry])}
    for name, document in documents.items():
        validator = Draft202012Validator(schemas()[f"{name}.schema.json"])
        validator.validate(json.loads(document.to_json()))


def test_schema_refuses_what_the_model_refuses():
    document = json.loads(make_entry().to_json())
    validator = Draft202012Validator(schemas()["entry.schema.json"])
    for wrong in ({"rank": 1}, {"submitter": "../../etc/passwd"}, {"level": "refuted"}):
        with pytest.raises(ValidationError):
            validator.validate(document | wrong)


def test_every_field_is_described():
    for schema in schemas().values():
        for name, definition in [("", schema), *schema["$defs"].items()]:
            for field, described in definition.get("properties", {}).items():
                # pydantic leaves out what the referred class says of itself in the same words.
                assert "description" in described or "$ref" in described, f"{name}.{field}"
