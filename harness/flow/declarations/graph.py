"""A flow that was written in Python, as a declaration: its graph, its state, its options, and whom it asks."""

from __future__ import annotations

import contextlib
import inspect
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec import structs
from pydantic import BaseModel, ValidationError

from harness.errors import UsageError
from harness.fields import dumped_fields
from harness.flow.checkpoints.config import CheckpointConfig
from harness.flow.checkpoints.json_files import JsonProvider
from harness.flow.checkpoints.json_lines import JsonLinesProvider
from harness.flow.checkpoints.sqlite import SqliteProvider
from harness.flow.class_names import class_name
from harness.flow.conversation.config import ConversationConfig, RouterConfig
from harness.flow.declarations.schema import SCHEMA, FlowDefinition
from harness.flow.engine.hooks import hooks_of_class
from harness.flow.feedback.hook import FeedbackHook
from harness.flow.graph.conditions import Condition
from harness.flow.graph.definition import FlowMethod, graph_of
from harness.flow.persistence.persist import Persist
from harness.flow.persistence.protocol import FlowPersistence
from harness.flow.persistence.sqlite import SQLiteFlowPersistence
from harness.flow.state import declared_type
from harness.llm import BaseLLM
from harness.validation import first_fault

_PLAIN: Final = ("stream", "max_method_calls", "suppress_flow_events", "defer_trace_finalization")


def declaration_of(cls: Any) -> FlowDefinition:
    """Return a flow class with its state and its options, whose methods are calls of its own code.

    Raises:
        UsageError: something of it can't be named as `module:qualname`, or its state begins with what is no JSON.
    """
    methods = {name: _method(cls, method) for name, method in graph_of(cls).methods.items()}
    parts = {
        "state": _state(cls),
        "config": _config(cls),
        "persist": _persist(hooks_of_class(cls)),
        "conversational": _conversation(cls),
    }
    contents = {
        "schema": SCHEMA,
        "name": cls.name if isinstance(cls.name, str) and cls.name else cls.__name__,
        **{name: part for name, part in parts.items() if part},
        "methods": methods,
    }
    try:
        return FlowDefinition.model_validate(contents)
    except ValidationError as error:
        raise UsageError(f"{cls.__qualname__} can't be written down: {first_fault(error)}") from error


def _method(cls: Any, method: FlowMethod) -> dict[str, Any]:
    role, function = method.role, getattr(cls, method.name)
    written = inspect.getattr_static(cls, method.name)
    if isinstance(written, staticmethod | classmethod) or not hasattr(function, "__qualname__"):
        raise UsageError(
            f"{cls.__qualname__}.{method.name} can't be written down: a declaration names functions that take the flow"
        )
    declared: dict[str, Any] = {"do": {"call": "code", "ref": class_name(function)}}
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
    if sum(isinstance(hook, FeedbackHook) for hook in role.hooks) > 1:
        raise UsageError(
            f"{cls.__qualname__}.{method.name} can't be written down: in a declaration one human is asked about a method"
        )
    persistence, feedback = _persist(role.hooks), _feedback(role.hooks)
    return {
        **declared,
        **({"persist": persistence} if persistence else {}),
        **({"human_feedback": feedback} if feedback else {}),
    }


def _condition(condition: Condition) -> Any:
    if isinstance(condition, str):
        return condition
    return {condition.operator: [_condition(part) for part in condition.parts]}


def state_of(cls: Any) -> Any:
    """Return what a flow class says that its state is: a type, a dict, a model's instance; None where it says nothing."""
    return cls.initial_state if cls.initial_state is not None else declared_type(cls, _flow_class(cls))


def _state(cls: Any) -> dict[str, Any] | None:
    """Return what a flow class says of its state, written down; None where it says nothing."""
    declared = state_of(cls)
    if isinstance(declared, type) and issubclass(declared, BaseModel):
        return {"type": "pydantic", "ref": class_name(declared)}
    if isinstance(declared, BaseModel):
        return {"type": "pydantic", "ref": class_name(type(declared)), "default": _default(cls, declared)}
    return {"type": "dict", "default": _default(cls, declared)} if isinstance(declared, dict) else None


def _default(cls: Any, declared: BaseModel | dict[str, Any]) -> Any:
    """Return what a state begins with as JSON, of which another begins with the same. Raises UsageError."""
    with contextlib.suppress(Exception):
        if isinstance(declared, dict):
            default = json.loads(json.dumps(declared, allow_nan=False))
            held, again = declared, default
        else:
            default = declared.model_dump(mode="json", by_alias=True)
            held, again = vars(declared), vars(type(declared).model_validate(default))
        if again == held:
            return default
    raise UsageError(
        f"{cls.__qualname__} can't be written down: its state begins with what is no JSON, or does not come back"
    )


def _config(cls: Any) -> dict[str, Any]:
    """Return the options that a flow class has set."""
    root = _flow_class(cls)
    options = {name: getattr(cls, name, None) for name in _PLAIN}
    options = {name: value for name, value in options.items() if value not in (None, getattr(root, name, None))}
    if cls.input_provider is not None:
        options["input_provider"] = class_name(type(cls.input_provider))
    if cls.checkpoint is not None:
        is_config = isinstance(cls.checkpoint, CheckpointConfig)
        options["checkpoint"] = _checkpoints(cls.checkpoint) if is_config else bool(cls.checkpoint)
    return options


def _persist(hooks: Iterable[object]) -> dict[str, Any] | None:
    """Return how states are saved by the first hook that does; None where none does."""
    hook = next((hook for hook in hooks if isinstance(hook, Persist)), None)
    if hook is None:
        return None
    place = hook.own
    if place is None:
        persistence: dict[str, Any] = {}
    elif type(place) is SQLiteFlowPersistence:
        persistence = {"persistence": {"persistence_type": "SQLiteFlowPersistence", "db_path": place.db_path}}
    else:
        # What holds something that can't be written down, as a connection, is named alone.
        fields: dict[str, Any] = {}
        with contextlib.suppress(ValueError):
            fields = dumped_fields(place, FlowPersistence, mode="json")
        named = {"persistence_type": type(place).__name__, **fields} if fields else {"ref": class_name(type(place))}
        persistence = {"persistence": named}
    return {"enabled": True, "verbose": hook.verbose, **persistence}


def _conversation(cls: Any) -> dict[str, Any] | None:
    """Return how a flow class converses; None where it does not."""
    if not cls.conversational:
        return None
    # Without a config each turn is a flow of its own.
    config = cls.conversational_config or ConversationConfig(defer_trace_finalization=False)
    return {"enabled": True, **_set_in(config)}


def _set_in(config: ConversationConfig | RouterConfig) -> dict[str, Any]:
    """Return what a config of a conversation says that its class does not say by itself."""
    by_itself = type(config)()
    own = {name: value for name, value in structs.asdict(config).items() if value != getattr(by_itself, name)}
    return {name: _setting(name, value) for name, value in own.items()}


def _setting(name: str, value: Any) -> Any:
    if isinstance(value, RouterConfig):
        return _set_in(value)
    if name == "response_format":
        return {"python": class_name(value)}
    if isinstance(value, BaseLLM):
        return value.to_config_dict()
    if isinstance(value, Mapping):
        return dict(value)
    return value if value is None or isinstance(value, str | bool) else list(value)


def _feedback(hooks: Iterable[object]) -> dict[str, Any] | None:
    """Return what a human is asked by the hook that asks; None where none does."""
    hook = next((hook for hook in hooks if isinstance(hook, FeedbackHook)), None)
    if hook is None:
        return None
    asks = {
        "message": hook.message,
        "emit": None if hook.emit is None else list(hook.emit),
        "llm": hook.llm.to_config_dict() if isinstance(hook.llm, BaseLLM) else hook.llm,
        "default_outcome": hook.default_outcome,
        "metadata": dict(hook.metadata),
        "provider": None if hook.provider is None else class_name(type(hook.provider)),
    }
    return {name: value for name, value in asks.items() if value}


def _checkpoints(config: CheckpointConfig) -> dict[str, Any]:
    named = {JsonProvider: "json", JsonLinesProvider: "jsonl", SqliteProvider: "sqlite"}
    if type(config.provider) not in named:
        raise UsageError(
            f"a declaration keeps checkpoints as 'json', 'jsonl' or 'sqlite', not by a {config.provider.name}"
        )
    fields = config.model_dump(exclude={"provider"}, exclude_none=True)
    return {**fields, "provider": named[type(config.provider)]}


def _flow_class(cls: type) -> type:
    """Return `Flow`, which stands above this module."""
    return next(base for base in cls.__mro__ if base.__module__ == "harness.flow.flow")
