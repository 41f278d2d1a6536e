"""The state that a declaration speaks of, in the form in which a flow takes it."""

from __future__ import annotations

from typing import Any, Final, Literal

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
        model = _model("State", declared.json_schema or {})
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
    properties = (schema or {}).get("properties", {})
    return tuple(
        name
        for name in (schema or {}).get("required", ())
        if "default" not in properties.get(name, {}) and properties.get(name, {}).get("type") != "null"
    )


def _model(name: str, schema: dict[str, Any]) -> type[BaseModel]:
    """Return a model of the properties of a JSON Schema; what it has no word for is not held to anything."""
    fields: dict[str, Any] = {}
    for key, part in schema.get("properties", {}).items():
        default, kind = part.get("default"), _type(f"{name}_{key}", part)
        # What is not set is None, and stays that where the whole state is looked at again.
        kind = kind | None if default is None else kind
        fields[key] = (kind, Field(default=default, description=part.get("description")))
    config = ConfigDict(extra="forbid" if schema.get("additionalProperties") is False else "allow")
    return create_model(name, __config__=config, **fields)


def _type(name: str, schema: Any) -> Any:
    if not isinstance(schema, dict):
        return Any
    if schema.get("enum"):
        return Literal[tuple(schema["enum"])]
    kind = schema.get("type")
    if isinstance(kind, list):
        union: Any = Any
        for number, part_kind in enumerate(kind):
            part = _type(name, {**schema, "type": part_kind})
            union = part if number == 0 else union | part
        return union
    if kind == "array":
        return list[_type(f"{name}_item", schema.get("items", {}))]  # type: ignore[misc]
    if kind == "object":
        return _model(name, schema) if "properties" in schema else dict[str, Any]
    return _PLAIN.get(str(kind), Any)
