"""JSON Schemas (draft 2020-12) of a board's files, generated from the models."""

import json
from pathlib import Path
from typing import Any

from drbench.board.board import Leaderboard
from drbench.board.entry import Entry, Submission
from drbench.files import write_text
from drbench.frozen import Frozen

_MODELS: dict[str, type[Frozen]] = {
    "entry.schema.json": Entry,
    "leaderboard.schema.json": Leaderboard,
    "submission.schema.json": Submission,
}


def schemas() -> dict[str, dict[str, Any]]:
    """Schema of each kind of file, by the schema's own file name."""
    return {
        name: {"$schema": "https://json-schema.org/draft/2020-12/schema"}
        | _plain(model.model_json_schema(mode="serialization"))
        for name, model in _MODELS.items()
    }


def write_schemas(folder: Path) -> list[Path]:
    """Write the schemas into a folder and return their paths."""
    paths = []
    for name, schema in schemas().items():
        write_text(folder / name, json.dumps(schema, indent=2, ensure_ascii=False) + "\n")
        paths.append(folder / name)
    return paths


def _plain(schema: Any) -> Any:
    """The schema without the doctests of the classes it was made from."""
    if isinstance(schema, dict):
        return {
            key: value.partition("\n\nExamples")[0]
            if key == "description" and isinstance(value, str)
            else _plain(value)
            for key, value in schema.items()
        }
    return [_plain(item) for item in schema] if isinstance(schema, list) else schema
