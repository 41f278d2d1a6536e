"""The state that a declaration speaks of, in the form in which a flow takes it."""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Literal

from msgspec import Struct
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


class _Around(Struct, frozen=True):
    """The whole schema that a part is in, and the places in it that the part is reached by."""

    schema: dict[str, Any]
    open: tuple[str, ...] = ()

    def inside(self, place: str) -> _Around:
        return _Around(self.schema, (*self.open, place))

    def at(self, place: str) -> Any:
        """Return the part that `#/$defs/…` names. Raises UsageError."""
        part: Any = self.schema
        for name in place.removeprefix("#").split("/")[1:]:
            part = part.get(name) if isinstance(part, dict) else None
        if not place.startswith("#") or part is None:
            raise UsageError(f"the schema of the state has no {place!r}")
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
    config = ConfigDict(extra="forbid" if is_closed else "allow", regex_engine="python-re")
    return create_model(name, __config__=config, **fields)


def _type(name: str, schema: Any, around: _Around) -> Any:
    if not isinstance(schema, dict):
        return Any
    place = schema.get("$ref")
    if isinstance(place, str):
        # One that is inside of itself is not held to anything there.
        return Any if place in around.open else _type(name, around.at(place), around.inside(place))
    several = schema.get("anyOf", schema.get("oneOf"))
    if several:
        return _union(_type(f"{name}_{number}", part, around) for number, part in enumerate(several))
    if schema.get("enum"):
        return Literal[tuple(schema["enum"])]
    if "const" in schema:
        return Literal[schema["const"]]
    kind = schema.get("type")
    if isinstance(kind, list):
        return _union(_type(name, {**schema, "type": part}, around) for part in kind)
    if kind == "array":
        return _bounded(list[_type(f"{name}_item", schema.get("items", {}), around)], schema, _OF_LISTS)  # type: ignore[misc]
    if kind == "object":
        return _model(name, schema, around) if "properties" in schema else dict[str, Any]
    bounds = _OF_TEXTS if kind == "string" else _OF_NUMBERS if kind in ("integer", "number") else {}
    return _bounded(_PLAIN.get(str(kind), Any), schema, bounds)


def _union(kinds: Iterable[Any]) -> Any:
    return functools.reduce(operator.or_, kinds)


def _bounded(kind: Any, schema: dict[str, Any], bounds: Mapping[str, str]) -> Any:
    """Return a type with what its schema says of its values. Raises UsageError for a pattern that can't be read."""
    given = {own: schema[name] for name, own in bounds.items() if name in schema}
    try:
        re.compile(given.get("pattern", ""))
    except (re.error, TypeError) as error:
        raise UsageError(f"the pattern {given['pattern']!r} can't be read: {error}") from error
    return Annotated[kind, Field(**given)] if given else kind
