"""What all events of one class have in common, found out once: above all, which of them need no validation."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, Final, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from harness.events.coercion import Lenient

#: Types whose values never change, and which pydantic takes as they are where a field asks for just that type.
_SCALARS: Final = frozenset({type(None), bool, int, float, str})
#: Fields that each event gets anew, or that the bus stamps; whoever gives one of them has it validated.
_EACH: Final = ("timestamp", "event_id")
_STAMPED: Final = ("parent_event_id", "previous_event_id", "started_event_id", "emission_sequence")


class EventShape:
    """A class of events, and what its instances may be given without being validated.

    A value is as good as validated where its type is exactly one that the field takes as it is. A class that does more
    than take values, by validators, aliases, private attributes or settings of its own, has all its events validated,
    and so is an event that is given a field which the class excludes from dumps: no record is to have that.
    """

    __slots__ = (
        "accepted",
        "fields",
        "gives_text",
        "opens",
        "payload",
        "required",
        "shown_if_given",
        "type",
        "values",
    )

    def __init__(self, kind: type[BaseModel], base: type[BaseModel]) -> None:
        fields = kind.model_fields
        # Not the class, which goes once nobody else has it.
        self.fields: Mapping[str, FieldInfo] = fields
        self.shown_if_given: frozenset[str] = kind.shown_if_given  # type: ignore[attr-defined]
        #: What their payloads have in common, once that has been found out; see `harness.frames.payload`.
        self.payload: Any = None
        self.type: Any = fields["type"].default
        #: The kind of scope that an event of this class opens.
        self.opens: str | None = kind.opens  # type: ignore[attr-defined]
        #: Whether a `chunk` is text of the answer where no `call_type` was given.
        self.gives_text: bool = "call_type" not in fields or fields["call_type"].default != "tool_call"
        plain = _is_plain(kind, base)
        #: A field's name → the exact types that it takes as they are.
        self.accepted: dict[str, frozenset[type]] = {
            name: _accepted(field.annotation)
            if not field.exclude and all(isinstance(item, Lenient) for item in field.metadata)
            else frozenset()
            for name, field in fields.items()
            if plain and name not in (*_EACH, *_STAMPED, "type")
        }
        #: Raises KeyError where a field that must be given is not; always, where every event is to be validated.
        self.required: Callable[[Mapping[str, Any]], object] = _getter(
            [name for name, field in fields.items() if field.is_required()] if plain else ["\0"]
        )
        #: The fields as they are where nothing was given, in order.
        self.values: dict[str, Any] = {name: field.default for name, field in fields.items()} if plain else {}


def _getter(names: list[str]) -> Callable[[Mapping[str, Any]], object]:
    return itemgetter(*names) if names else len


def _is_plain(kind: type[BaseModel], base: type[BaseModel]) -> bool:
    """Return whether making a `kind` is nothing but taking values as fields."""
    decorators = kind.__pydantic_decorators__
    checks = (
        decorators.validators,
        decorators.field_validators,
        decorators.root_validators,
        decorators.model_validators,
    )
    return (
        not any(checks)
        and kind.model_config == base.model_config
        and not kind.__private_attributes__
        and kind.__pydantic_fields_complete__
        and all(getattr(kind, name) is getattr(base, name) for name in ("model_post_init", "__getattr__", "_lazy_fill"))
        and all(_is_default(field, base.model_fields.get(name)) for name, field in kind.model_fields.items())
    )


def _is_default(field: FieldInfo, of_base: FieldInfo | None) -> bool:
    """Return whether a field that is not given has a value that never changes, or the one that every event has."""
    if of_base is not None and of_base.default_factory is not None:
        return field.default_factory is of_base.default_factory
    return (
        field.default_factory is None
        and field.validate_default is None
        and field.alias is None is field.validation_alias
        and (field.is_required() or type(field.default) in _SCALARS)
    )


def _accepted(annotation: Any) -> frozenset[type]:
    if annotation is Any:
        return _SCALARS
    if annotation is None:
        return frozenset({type(None)})
    if get_origin(annotation) in (Union, types.UnionType):
        return frozenset().union(*map(_accepted, get_args(annotation)))
    return frozenset({annotation}) & _SCALARS if isinstance(annotation, type) else frozenset()
