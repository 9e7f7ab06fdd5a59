"""`drbench models`."""

import inspect
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drbench import registry
from drbench.cli.frame import Table, emit
from drbench.cli.listing import list_plugins

if TYPE_CHECKING:
    from pydantic import BaseModel

app = typer.Typer(help="Models: what there is, what can be set.")


@app.command("list")
def list_() -> None:
    """List the registered models."""
    list_plugins("model")


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="M", help="Registered name of a model.")],
) -> None:
    """Show a model: what it can do, its supervision, its source, its hyperparameters."""
    from drbench.models.budget import Training
    from drbench.models.model import Generative, Trainable, load_model

    model = load_model(name)
    about = {
        "name": name,
        "version": model.version,
        "from": registry.find("model", name).origin,
        "supervision": model.supervision if isinstance(model, Trainable) else "none: frozen",
        "decodes": "yes" if isinstance(model, Generative) else "no",
        "source": model.source,
    }
    description = inspect.getdoc(type(model)) or ""
    hyperparameters = _fields(model)
    training = _fields(Training(steps=1))
    del training["steps"]  # an option of its own
    columns = ("type", "default", "description")
    emit(
        {
            **about,
            "description": description,
            "hyperparameters": hyperparameters,
            "training": training,
        },
        Table(("", ""), list(about.items())),
        description,
        Table(("hyperparameter", *columns), [(k, *v.values()) for k, v in hyperparameters.items()]),
        Table(("training", *columns), [(k, *v.values()) for k, v in training.items()]),
        "Both are set with --set NAME=VALUE.",
    )


def _fields(model: "BaseModel") -> dict[str, dict[str, Any]]:
    """Type, default and description of each field."""
    schema = type(model).model_json_schema().get("properties", {})
    return {
        field: {
            "type": _type(schema[field]),
            "default": default,
            "description": schema[field].get("description", ""),
        }
        for field, default in model.model_dump(mode="json").items()
    }


def _type(schema: dict[str, Any]) -> str:
    """A field's type and limits in words, from its JSON Schema."""
    if "anyOf" in schema:
        return " or ".join(_type(option) for option in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(map(str, schema["enum"]))
    limits = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    bounds = [f"{sign} {schema[key]:g}" for key, sign in limits.items() if key in schema]
    return " ".join([str(schema.get("type", "any")), *bounds])
