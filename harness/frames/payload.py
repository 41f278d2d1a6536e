"""Payloads: what a frame tells of its event, as frozen JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from harness.errors import error_text
from harness.events import BaseEvent
from harness.events.base import shape_of
from harness.events.fragments import ToolCallFragment
from harness.events.lazy import fields_of, set_settled
from harness.events.record import EventRecord
from harness.events.shape import EventShape
from harness.events.sources import sources
from harness.frames.channels import NAMED, channel_of, name_of
from harness.frames.codec import encode
from harness.frames.frozen import FrozenDict, FrozenList

#: What of an event is in the envelope, or of no use outside the process (clause `envelope.data-clean`).
_ENVELOPE_ONLY: Final = frozenset(
    {"timestamp", "type", "event_id", "parent_event_id", "previous_event_id", "emission_sequence"}
)
_FROZEN: Final = frozenset({FrozenDict, FrozenList})
#: What fills a payload while nobody has seen it.
_set_item: Final = dict.__setitem__


class PayloadShape:
    """What the payloads of all events of a class have in common, found out once.

    Most fields of most events keep their defaults: a payload starts as a copy of those, and only what was given is
    encoded.
    """

    __slots__ = ("defaults", "last_place", "looked_at", "named", "names")

    def __init__(self, events: EventShape) -> None:
        # What a class excludes from its dumps is for those alone who hold the event.
        fields = {
            name: field for name, field in events.fields.items() if name not in _ENVELOPE_ONLY and not field.exclude
        }
        made = [name for name, field in fields.items() if field.default_factory is not None]
        # A default that can be changed in place may have been.
        changeable = [name for name, field in fields.items() if isinstance(field.default, list | dict | set)]
        #: Fields that an event may have a value for although nobody gave it one.
        self.looked_at = (*made, *changeable)
        #: The fields that a payload may have.
        self.names = frozenset(fields)
        self.defaults: dict[str, Any] = {
            name: None if field.is_required() or name in made else encode(field.default)
            for name, field in fields.items()
            if name not in events.shown_if_given
        }
        #: The fields that a namespace names.
        self.named = tuple(name for name in NAMED if name in fields)
        #: The place of the last event: chunks of one call share one.
        self.last_place: tuple[tuple[Any, ...], tuple[str, ...]] = ((), ())


def _shape_of(shape: EventShape) -> PayloadShape:
    """Return what the payloads of a class of events have in common."""
    found: PayloadShape | None = shape.payload
    if found is None:
        found = shape.payload = PayloadShape(shape)
    return found


def settle(event: BaseEvent) -> None:
    """Make what the record of an event will hold, which may run code of the user's, before `recorded` is asked for it."""
    if getattr(event, "_lazy_record", None) is None:
        set_settled(event, _settled_fields(event))


def recorded(event: BaseEvent) -> EventRecord:
    """Return the record of an event that has its fields; nothing in it can be changed any more."""
    settled = getattr(event, "_lazy_settled", None)
    if settled is None:
        settled = _settled_fields(event)
    fields = fields_of(event)
    timestamp = fields["timestamp"]
    return EventRecord(
        shape_of(type(event)),
        fields["type"],
        settled,
        fields["event_id"],
        timestamp if isinstance(timestamp, datetime) else sources.now(),
        fields["parent_event_id"],
        fields["previous_event_id"],
        fields["started_event_id"],
        fields["emission_sequence"],
    )


def _settled_fields(event: BaseEvent) -> dict[str, Any]:
    fields = fields_of(event)
    shape = _shape_of(shape_of(type(event)))
    settled: dict[str, Any] = {}
    for name in (*event.__pydantic_fields_set__, *shape.looked_at):
        if name in shape.names and name != "started_event_id":
            settled[name] = _settled(fields[name])
    error = fields.get("error")
    if isinstance(error, BaseException) and "error_type" in shape.names:
        # Clause `envelope.error-class`.
        settled["error"] = encode(error_text(error))
        settled["error_type"] = encode(fields["error_type"] or type(error).__name__)
    for name, value in (event.__pydantic_extra__ or {}).items():
        settled[name] = _settled(value)
    return settled


def _settled(value: Any) -> Any:
    return value if type(value) is ToolCallFragment else encode(value)


def payload_of(record: EventRecord) -> FrozenDict | ToolCallPayload:
    """Return the payload of an event, or of a tool-call chunk what makes it."""
    shape = _shape_of(record.shape)
    payload = FrozenDict(shape.defaults)
    fragment = None
    for name, value in record.fields.items():
        kind = type(value)
        if value is None or (kind is str and value.isascii()) or kind in _FROZEN:
            _set_item(payload, name, value)
        elif kind is ToolCallFragment:
            fragment = value
        else:
            _set_item(payload, name, encode(value))
    if record.started_event_id is not None:
        _set_item(payload, "started_event_id", record.started_event_id)
    return payload if fragment is None else ToolCallPayload(payload, fragment)


def namespace_of(record: EventRecord, payload: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the channel, then the non-empty names of what an event belongs to, outermost first."""
    shape = _shape_of(record.shape)
    place = (record.type, *[payload[name] for name in shape.named])
    known, namespace = shape.last_place
    if place != known:
        namespace = (channel_of(record.type), *[name_of(name) for name in place[1:] if name])
        # Names that are no text may be equal to others, as 1 is to True: these are told anew each time.
        if all(name is None or type(name) is str for name in place):
            shape.last_place = (place, namespace)
    return namespace


class ToolCallPayload:
    """The payload of a tool-call chunk, which keeps its delta alone.

    The cumulative arguments that readers see are joined when they are read, from the deltas that all chunks of the call
    share. Kept joined, a call of n chunks would take n² memory (clause `llm.tool-chunks`).
    """

    __slots__ = ("_fragment", "base")

    def __init__(self, base: FrozenDict, fragment: ToolCallFragment) -> None:
        #: Everything but the tool call.
        self.base = base
        self._fragment = fragment

    def joined(self) -> FrozenDict:
        """Return the payload as readers see it."""
        return self._with({"arguments": encode(self._fragment.function.arguments)})

    def stored(self) -> FrozenDict:
        """Return the payload as files hold it: the arguments are the `chunk` texts of the call so far, and left out."""
        return self._with({})

    def _with(self, arguments: dict[str, Any]) -> FrozenDict:
        fragment = self._fragment
        function = FrozenDict({"name": encode(fragment.function.name), **arguments})
        called = {"id": encode(fragment.id), "type": encode(fragment.type), "index": fragment.index}
        return FrozenDict({**self.base, "tool_call": FrozenDict({**called, "function": function})})
