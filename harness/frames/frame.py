"""The frame: what every reader of a run sees, and how an event becomes one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import itemgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, cast, get_args

import orjson
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from harness.events import BaseEvent
from harness.events.base import UtcDatetime
from harness.events.llm import FunctionCall, ToolCallFragment
from harness.frames.codec import encode
from harness.frames.frozen import FrozenDict, freeze

Channel = Literal["llm", "flow", "tools", "messages", "lifecycle", "custom"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)

_TYPES_BY_CHANNEL: dict[Channel, str] = {
    "llm": "llm_call_started llm_stream_chunk llm_thinking_chunk llm_call_completed llm_call_failed",
    "flow": """
        flow_created flow_started flow_finished flow_failed flow_paused flow_plot
        method_execution_started method_execution_finished method_execution_failed method_execution_paused
        flow_input_requested flow_input_received human_feedback_requested human_feedback_received
        conversation_turn_started conversation_turn_completed conversation_turn_failed conversation_route_selected
    """,
    "tools": """
        tool_usage_started tool_usage_finished tool_usage_error
        tool_validate_input_error tool_selection_error tool_execution_error tool_failure_detected
    """,
    "messages": "conversation_message_added",
    "lifecycle": """
        crew_kickoff_started crew_kickoff_completed crew_kickoff_failed
        task_started task_completed task_failed
        agent_execution_started agent_execution_completed agent_execution_error
        checkpoint_started checkpoint_completed checkpoint_failed
        checkpoint_restore_started checkpoint_restore_completed checkpoint_restore_failed
        llm_guardrail_started llm_guardrail_completed
    """,
    "custom": "",
}
#: The channel of every built-in event type, one row each; any other type is `custom` (clause `channel.by-table`).
CHANNEL_OF: Mapping[str, Channel] = MappingProxyType(
    {name: channel for channel, names in _TYPES_BY_CHANNEL.items() for name in names.split()}
)

#: What a namespace names after the channel, in this order (clause `namespace.order`).
_NAMESPACE = ("flow_name", "method_name", "session_id", "call_id", "tool_name", "agent_role", "task_name")
#: What of an event is in the envelope, or of no use outside the process (clause `envelope.data-clean`).
_ENVELOPE_ONLY = frozenset(
    {"timestamp", "type", "event_id", "parent_event_id", "previous_event_id", "emission_sequence"}
)


def _frozen_payload(value: Any) -> Any:
    return freeze(value) if isinstance(value, dict) and type(value) is not FrozenDict else value


class StreamFrame(BaseModel):
    """One thing that happened in a run, as every reader sees it. Frozen, with its payload, to the last leaf.

    Source: the clauses `envelope.*`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    #: The id of the source event, unique in a session.
    id: str = Field(min_length=1)
    #: 1, 2, 3 … in its session, without gap.
    seq: int = Field(ge=1)
    #: The source event's type, unchanged, as in `llm_stream_chunk`.
    type: str
    channel: Channel
    #: The channel, then the non-empty names of what the event belongs to, outermost first.
    namespace: tuple[str, ...]
    timestamp: UtcDatetime
    #: The id of the frame that opened the scope around this one; None at the top of the session.
    parent_id: str | None
    #: The id of the frame before this one in the same line of execution, where there is one.
    previous_id: str | None
    #: The event's payload as JSON.
    data: Annotated[FrozenDict, BeforeValidator(_frozen_payload)]

    @property
    def event(self) -> FrozenDict:
        """The same as `data`."""
        return self.data

    @property
    def content(self) -> str:
        """The text that this frame adds to the answer; empty for every frame that adds none, tool arguments included."""
        payload = self.__dict__.get("_payload") or self.data
        chunk = payload.get("chunk")
        return chunk if isinstance(chunk, str) and payload.get("call_type") != "tool_call" else ""

    def __str__(self) -> str:
        return self.content

    # A frame from an event keeps its payload in a plain dict, "_payload", until somebody reads `data`: most frames are
    # read for their content alone, and plain dicts of scalars cost the garbage collector nothing.
    # A tool-call chunk keeps its delta alone, with a "_fragment"; the cumulative arguments that its payload shows are
    # joined when read, from the deltas that all chunks of its call share. Kept joined, a call of n chunks would take n²
    # memory (clause `llm.tool-chunks`).

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            return _read_payload(self) if name == "data" else super().__getattr__(name)

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Return the frame that is written in `json_data`; pydantic's own parser stops short of depth 200."""
        return cls.model_validate(orjson.loads(json_data), **options)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, StreamFrame):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in _FIELDS)

    def __hash__(self) -> int:
        return hash((self.id, self.seq))

    def __repr_args__(self) -> Iterator[tuple[str, Any]]:
        return ((name, getattr(self, name)) for name in StreamFrame.model_fields)

    def __iter__(self) -> Iterator[tuple[str, Any]]:  # type: ignore[override]
        return self.__repr_args__()

    def __reduce__(self) -> tuple[Any, ...]:
        return StreamFrame.model_validate, ({name: getattr(self, name) for name in _FIELDS},)

    @model_serializer(mode="wrap")
    def _serialized(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        whole = self if "data" in self.__dict__ else StreamFrame.model_construct(**dict(self.__repr_args__()))
        return cast(dict[str, Any], handler(whole))


#: A set, which all frames share, since copying a model copies and updates it.
_FIELDS = set(StreamFrame.model_fields)


def _fragment_payload(fragment: ToolCallFragment) -> FrozenDict:
    function = FrozenDict({"name": encode(fragment.function.name), "arguments": encode(fragment.function.arguments)})
    return FrozenDict({**_fragment_head(fragment), "function": function})


def _fragment_head(fragment: ToolCallFragment) -> dict[str, Any]:
    return {"id": encode(fragment.id), "type": encode(fragment.type), "index": fragment.index}


def _read_payload(frame: StreamFrame) -> FrozenDict:
    values = frame.__dict__
    payload = values.get("_payload")
    if payload is None:  # another thread has read it meanwhile
        return cast(FrozenDict, values["data"])
    if "_fragment" in values:
        return FrozenDict({**payload, "tool_call": _fragment_payload(values["_fragment"])})
    read = values["data"] = FrozenDict(payload)
    values.pop("_payload", None)
    return read


def stored_payload(frame: StreamFrame) -> dict[str, Any]:
    """Return the payload of a frame as files hold it: a tool-call chunk's cumulative arguments are left out.

    They are the `chunk` texts of the call so far, joined; `restored_frame` puts them back.
    """
    fragment = frame.__dict__.get("_fragment")
    if fragment is None:
        return frame.__dict__.get("_payload") or frame.data
    function = {"name": encode(fragment.function.name)}
    return {**frame.__dict__["_payload"], "tool_call": {**_fragment_head(fragment), "function": function}}


def restored_frame(stored: Mapping[str, Any], deltas: list[str]) -> StreamFrame:
    """Return the frame of a stored tool-call chunk; `deltas` are those of its call up to and with this one."""
    payload = freeze({name: value for name, value in stored["data"].items() if name != "tool_call"})
    told = stored["data"]["tool_call"]
    frame = StreamFrame.model_validate({**stored, "data": payload})
    function = FunctionCall(told["function"]["name"], deltas=deltas)
    fragment = ToolCallFragment(id=told["id"], type=told["type"], index=told["index"], function=function)
    values = {name: value for name, value in frame.__dict__.items() if name != "data"}
    _set_dict(frame, {**values, "_payload": payload, "_fragment": fragment})
    return frame


class Draft:
    """All of a frame that does not depend on the place it takes in its session; made before that is decided."""

    __slots__ = ("channel", "event", "fragment", "namespace", "payload")

    def __init__(self, event: BaseEvent) -> None:
        fields = event.__dict__
        shape = _shapes.get(event.__class__) or _shape_of(event.__class__)
        payload = shape.defaults.copy()
        fragment = None
        for name in (*event.__pydantic_fields_set__, *shape.stamped):
            if name in payload:
                value = fields[name]
                if value is None or (type(value) is str and value.isascii()):
                    payload[name] = value
                elif type(value) is ToolCallFragment:
                    fragment = value
                    del payload[name]
                else:
                    payload[name] = encode(value)
        if event.__pydantic_extra__:
            for name, value in event.__pydantic_extra__.items():
                payload[name] = encode(value)
        place = shape.last_place
        if (told := shape.places(fields)) != place.told:
            place = shape.last_place = _Place(told)
        self.event = event
        self.channel = place.channel
        self.namespace = place.namespace
        #: Shared by the frames of all sessions, and changed by none.
        self.payload = payload
        self.fragment: ToolCallFragment | None = fragment

    def frame(self, seq: int, parent_id: str | None) -> StreamFrame:
        """Return the frame; what is put in here is valid by construction, so nothing is validated again."""
        fields = self.event.__dict__
        frame = _new_frame(StreamFrame)
        values = {
            "id": fields["event_id"],
            "seq": seq,
            "type": fields["type"],
            "channel": self.channel,
            "namespace": self.namespace,
            "timestamp": fields["timestamp"],
            "parent_id": parent_id,
            "previous_id": fields["previous_event_id"],
            "_payload": self.payload,
        }
        if self.fragment is not None:
            values["_fragment"] = self.fragment
        _set_dict(frame, values)
        _set_fields_set(frame, _FIELDS)
        _set_extra(frame, None)
        _set_private(frame, None)
        return frame


class _Place:
    """Where a frame belongs, made of what its event tells: its type, then what a namespace names."""

    __slots__ = ("channel", "namespace", "told")

    def __init__(self, told: tuple[Any, ...]) -> None:
        # Names that are no text may be equal to others, as 1 is to True: these are told anew each time.
        self.told = told if all(type(name) is str or name is None for name in told) else None
        self.channel: Channel = CHANNEL_OF.get(told[0], "custom")
        self.namespace = (self.channel, *[_named(name) for name in told[1:] if name])


def _named(value: Any) -> str:
    if type(value) is str and value.isascii():
        return value
    # A user's own event may have a number for its `session_id`, or text that no file can hold.
    encoded = encode(value)
    return encoded if isinstance(encoded, str) else orjson.dumps(encoded).decode()


_new_frame = StreamFrame.__new__
# What `object.__setattr__` would look up anew for every frame.
_set_dict, _set_fields_set, _set_extra, _set_private = (
    BaseModel.__dict__[name].__set__
    for name in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
)


class _Shape:
    """What all events of a class have in common, found out once.

    Most fields of most events keep their defaults: a payload starts as a copy of those, and only what was set is
    encoded.
    """

    __slots__ = ("defaults", "last_place", "places", "stamped")

    def __init__(self, cls: type[BaseEvent]) -> None:
        fields = {name: field for name, field in cls.model_fields.items() if name not in _ENVELOPE_ONLY}
        made = tuple(name for name, field in fields.items() if field.default_factory is not None)
        # A default that can be changed in place may have been.
        changeable = tuple(name for name, field in fields.items() if isinstance(field.default, list | dict | set))
        #: Fields to be looked at although nobody set them.
        self.stamped = ("started_event_id", *made, *changeable)
        self.defaults = {
            name: None if field.is_required() or name in made else encode(field.default)
            for name, field in fields.items()
        }
        #: What of an event's fields tells its place; at least two, so that it is a tuple of them.
        self.places = itemgetter("type", *(name for name in _NAMESPACE if name in fields))
        #: The place of the last event: chunks of one call share one.
        self.last_place = _Place(("",))


_shapes: dict[type[BaseEvent], _Shape] = {}


def _shape_of(cls: type[BaseEvent]) -> _Shape:
    return _shapes.setdefault(cls, _Shape(cls))
