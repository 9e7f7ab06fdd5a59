"""`drbench models`."""

import inspect
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

    model = load_model(name)
    schema = type(model).model_json_schema().get("properties", {})
    about = {
        "name": name,
        "from": registry.find("model", name).origin,
        "supervision": model.supervision,
        "source": model.source,
    }
    description = inspect.getdoc(type(model)) or ""
    hyperparameters = {
        field: {
            "type": _type(schema[field]),
            "default": default,
            "description": schema[field].get("description", ""),
        }
        for field, default in model.model_dump(mode="json").items()
    }
    rows = [(field, *told.values()) for field, told in hyperparameters.items()]
    emit(
        {**about, "description": description, "hyperparameters": hyperparameters},
        Table(("", ""), list(about.items())),
        description,
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
