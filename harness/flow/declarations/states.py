"""The state that a declaration speaks of, in the form in which a flow takes it."""

from __future__ import annotations

import contextlib
import functools
import operator
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Literal
from urllib.parse import unquote

from msgspec import Struct, field
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from harness.errors import UsageError
from harness.flow.declarations.references import referenced_model
from harness.flow.declarations.schema import DeclaredState
from harness.flow.engine.hooks import FlowHook
from harness.flow.engine.run import FlowRun
from harness.validation import all_faults

_PLAIN: Final[dict[str, Any]] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "null": type(None),
}
#: What JSON Schema says of values, and how pydantic does.
_OF_TEXTS: Final = {"minLength": "min_length", "maxLength": "max_length", "pattern": "pattern"}
_OF_NUMBERS: Final = {
    "minimum": "ge",
    "maximum": "le",
    "exclusiveMinimum": "gt",
    "exclusiveMaximum": "lt",
    "multipleOf": "multiple_of",
}
_OF_LISTS: Final = {"minItems": "min_length", "maxItems": "max_length"}


class _Around(Struct):
    """The whole schema that a part is in, and the types of the parts that were referred to, by their places."""

    schema: dict[str, Any]
    #: Which reads the patterns.
    engine: Literal["python-re", "rust-regex"] = "python-re"
    types: dict[str, Any] = field(default_factory=dict)

    def at(self, place: str) -> Any:
        """Return the part that `#/$defs/…` names. Raises UsageError."""
        part: Any = self.schema
        try:
            for name in unquote(place).split("/")[1:]:
                key = name.replace("~1", "/").replace("~0", "~")
                part = part[int(key) if isinstance(part, list) else key]
        except (KeyError, IndexError, ValueError, TypeError):
            raise UsageError(f"the schema of the state has no {place!r}") from None
        return part


def initial_state(declared: DeclaredState) -> Any:
    """Return what the flow begins with: a dict, a model's class, or an instance of it with the defaults.

    Raises:
        UsageError: the class can't be imported, is no model, or the defaults do not fit it.
    """
    if declared.type in ("dict", "unknown"):
        return dict(declared.default)
    if declared.type == "pydantic" and declared.ref is not None:
        model = referenced_model(declared.ref)
    else:
        model = _model_of_schema(declared.json_schema or {})
    if not declared.default:
        return model
    try:
        return model.model_validate(declared.default)
    except ValidationError as error:
        raise UsageError(f"the default does not fit the state: {all_faults(error)}") from error


class RequiredInputs(FlowHook):
    """Refuses a run whose state lacks what its JSON Schema requires: it may come from the inputs alone."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names

    def flow_began(self, run: FlowRun) -> None:
        """Look at the state with the inputs in it."""
        missing = [name for name in self._names if getattr(run.state, name, None) is None]
        if missing:
            raise UsageError(f"the state of {run.name} requires {', '.join(missing)}: give it among the inputs")


def required(declared: DeclaredState) -> tuple[str, ...]:
    """Return the fields of a state by JSON Schema that must have a value when a run begins."""
    schema = None if declared.ref is not None or declared.type in ("dict", "unknown") else declared.json_schema
    parts = _parts(schema or {})
    return tuple(
        name
        for name in (schema or {}).get("required", ())
        if "default" not in parts.get(name, {}) and parts.get(name, {}).get("type") != "null"
    )


def _parts(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the schemas of the properties of one; those that are true or false say nothing."""
    return {name: part if isinstance(part, dict) else {} for name, part in schema.get("properties", {}).items()}


def _model_of_schema(schema: dict[str, Any]) -> type[BaseModel]:
    """Return a model of a JSON Schema. Raises UsageError."""
    try:
        return _model("State", schema, _Around(schema), is_state=True)
    except UsageError:
        # Either engine reads what the other can't: one looks ahead, one knows \p{L}.
        with contextlib.suppress(Exception):
            return _model("State", schema, _Around(schema, "rust-regex"), is_state=True)
        raise
    except Exception as error:
        raise UsageError(f"the JSON Schema of the state can't be read: {type(error).__name__}: {error}") from error


def _model(name: str, schema: dict[str, Any], around: _Around, *, is_state: bool = False) -> type[BaseModel]:
    """Return a model of the properties of a JSON Schema; what it has no word for is not held to anything."""
    fields: dict[str, Any] = {}
    for key, part in _parts(schema).items():
        kind, default = _type(f"{name}_{key}", part, around), part.get("default")
        # What a state requires may come from the inputs.
        if default is None and key in schema.get("required", ()) and not is_state:
            default = ...
        elif default is None:
            # What is not set is None, and stays that where the whole state is looked at again.
            kind |= None
        fields[key] = (kind, Field(default=default, description=part.get("description")))
    is_closed = schema.get("additionalProperties") is False
    config = ConfigDict(extra="forbid" if is_closed else "allow", regex_engine=around.engine)
    return create_model(name, __config__=config, **fields)


def _type(name: str, schema: Any, around: _Around) -> Any:
    if not isinstance(schema, dict):
        return Any
    place = schema.get("$ref")
    if isinstance(place, str):
        return _referred(name, place, around)
    if schema.get("enum"):
        return _one_of(schema["enum"])
    if "const" in schema:
        return _one_of([schema["const"]])
    kind, several = schema.get("type"), schema.get("anyOf", schema.get("oneOf"))
    if several and kind is None:
        return _union(_type(f"{name}_{number}", part, around) for number, part in enumerate(several))
    if isinstance(kind, list):
        return _union(_type(name, {**schema, "type": part}, around) for part in kind)
    if kind == "array":
        return _bounded(list[_type(f"{name}_item", schema.get("items", {}), around)], schema, _OF_LISTS)  # type: ignore[misc]
    if kind == "object":
        return _model(name, schema, around) if "properties" in schema else dict[str, Any]
    if kind == "string" and around.engine == "python-re":
        _check_pattern(schema.get("pattern", ""))
    bounds = _OF_TEXTS if kind == "string" else _OF_NUMBERS if kind in ("integer", "number") else {}
    return _bounded(_PLAIN.get(str(kind), Any), schema, bounds)


def _referred(name: str, place: str, around: _Around) -> Any:
    """Return the type of the part at a place; Any where that is in another document, or goes by a name of its own."""
    if place != "#" and not place.startswith("#/"):
        return Any
    if place not in around.types:
        # One that is inside of itself is not held to anything there.
        around.types[place] = Any
        around.types[place] = _type(name, around.at(place), around)
    return around.types[place]


def _one_of(values: list[Any]) -> Any:
    """Return the type of these values; Any where a list or an object is among them, for which Python has none."""
    return Any if any(isinstance(value, list | dict) for value in values) else Literal[tuple(values)]


def _union(kinds: Iterable[Any]) -> Any:
    return functools.reduce(operator.or_, kinds)


def _check_pattern(pattern: Any) -> None:
    try:
        re.compile(pattern)
    except (re.error, TypeError) as error:
        raise UsageError(f"the pattern {pattern!r} can't be read: {error}") from error


def _bounded(kind: Any, schema: dict[str, Any], bounds: Mapping[str, str]) -> Any:
    """Return a type with what its schema says of its values."""
    for name, own in bounds.items():
        bound = schema.get(name, False)
        if isinstance(bound, float) and bound.is_integer():
            bound = int(bound)
        # Older schemas have `exclusiveMinimum: true`, and pydantic holds whole numbers to no part of one.
        if not (isinstance(bound, bool) or (isinstance(bound, float) and schema["type"] == "integer")):
            kind = Annotated[kind, Field(**{own: bound})]
    return kind
