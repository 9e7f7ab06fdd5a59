"""The base of everything drbench writes to disk and reads back."""

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic._internal._model_construction import ModelMetaclass  # it has no public name

from drbench.errors import RequestError


class Frozen(BaseModel):
    """Immutable; unknown keys, NaN and infinities are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )


class _OneSentence(ModelMetaclass):
    """What makes the constructor of a class raise a RequestError."""

    def __call__(self, *arguments: Any, **fields: Any) -> Any:
        try:
            return super().__call__(*arguments, **fields)
        except ValidationError as error:
            where, what = first_problem(error)
            first = error.errors(include_url=False)[0]
            # What lacks a field is not what is wrong with it.
            value = "" if first["type"] == "missing" else f"={first['input']!r:.80}"
            problem = f"{where}{value}: {what}" if where else what
            raise RequestError(f"{problem}.") from error


class Asked(Frozen, metaclass=_OneSentence):
    """What a person asks for: the constructor raises a RequestError of one sentence.

    Reading a file (`model_validate_json`) raises pydantic's own error, that the reader explains.
    """


def departures(document: BaseModel) -> dict[str, Any]:
    """Fields that differ from their defaults, inner documents likewise, as JSON values.

    Fields without a default are always there, whatever they hold. So a field that is added later,
    with a default, changes nothing here.
    """
    whole = document.model_dump(mode="json")
    different: dict[str, Any] = {}
    for name, field in type(document).model_fields.items():
        value = getattr(document, name)
        if field.is_required() or value != field.get_default(call_default_factory=True):
            inner = isinstance(value, BaseModel)
            different[name] = departures(value) if inner else whole[name]
    return different


def first_problem(error: ValidationError) -> tuple[str, str]:
    """Where the first problem of a document is, in dots, and what it is."""
    first = error.errors(include_url=False, include_input=False)[0]
    return ".".join(map(str, first["loc"])), first["msg"].removeprefix("Value error, ")
