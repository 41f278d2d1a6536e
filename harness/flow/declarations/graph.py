"""The graph of a flow that was written in Python, as a declaration."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from harness.errors import UsageError
from harness.flow.declarations.schema import SCHEMA, FlowDefinition
from harness.flow.graph.conditions import Condition
from harness.flow.graph.definition import FlowMethod, graph_of
from harness.misfit import misfit


def declaration_of(cls: Any) -> FlowDefinition:
    """Return the graph of a flow class, whose methods are calls of its own code.

    Raises:
        UsageError: a method can't be named as `module:qualname`.
    """
    methods = {name: _method(cls, method) for name, method in graph_of(cls).methods.items()}
    whole = {"schema": SCHEMA, "name": cls.name or cls.__name__, "methods": methods}
    try:
        return FlowDefinition.model_validate(whole)
    except ValidationError as error:
        raise UsageError(f"{cls.__qualname__} can't be written down: {misfit(error)}") from error


def _method(cls: Any, method: FlowMethod) -> dict[str, Any]:
    role, function = method.role, getattr(cls, method.name)
    declared: dict[str, Any] = {"do": {"call": "code", "ref": f"{function.__module__}:{function.__qualname__}"}}
    documented = (function.__doc__ or "").strip().partition("\n")[0]
    if documented:
        declared["description"] = documented
    if role.is_start:
        declared["start"] = True if role.starts_on is None else _condition(role.starts_on)
    if role.listens_to is not None:
        declared["listen"] = _condition(role.listens_to)
    if role.is_router:
        declared["router"] = True
        if method.labels is not None:
            declared["emit"] = list(method.labels)
    return declared


def _condition(condition: Condition) -> Any:
    if isinstance(condition, str):
        return condition
    return {condition.how: [_condition(part) for part in condition.parts]}
