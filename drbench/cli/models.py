"""`drbench models`."""

from typing import Annotated, Any

import typer

from drbench import registry
from drbench.cli.frame import Table, emit
from drbench.cli.listing import list_plugins

app = typer.Typer(help="Models: what there is, what can be set.")


@app.command("list")
def list_() -> None:
    """List the registered models."""
    list_plugins("model")


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="M", help="Registered name of a model.")],
) -> None:
    """Show a model: its supervision, its source, its hyperparameters."""
    from drbench.models.model import load_model

    model = type(load_model(name))
    schema = model.model_json_schema()["properties"]
    document: dict[str, Any] = {
        "name": name,
        "from": registry.find("model", name).origin,
        "supervision": model.supervision,
        "source": model.source,
        "description": (model.__doc__ or "").strip(),
        "hyperparameters": {
            field: {
                "type": _type(schema[field]),
                "default": info.default,
                "description": info.description or "",
            }
            for field, info in model.model_fields.items()
        },
    }
    rows = [(field, *about.values()) for field, about in document["hyperparameters"].items()]
    emit(
        document,
        Table(("", ""), [item for item in document.items() if isinstance(item[1], str)][:-1]),
        document["description"],
        Table(("hyperparameter", "type", "default", "description"), rows),
    )


def _type(schema: dict[str, Any]) -> str:
    """A field's type and limits in words, from its JSON Schema."""
    if "anyOf" in schema:
        return " or ".join(_type(option) for option in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(map(str, schema["enum"]))
    limits = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    said = [f"{sign} {schema[key]:g}" for key, sign in limits.items() if key in schema]
    return " ".join([str(schema.get("type", "any")), *said])
