"""The frame: what every reader of a run sees, and the record from which it is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Self, cast

import orjson
from msgspec import Struct
from pydantic import BeforeValidator, ConfigDict, Field

from harness.events.base import UtcDatetime
from harness.events.fragments import FunctionCall, ToolCallFragment
from harness.events.lazy import LazyModel, fields_of, set_fields, set_record
from harness.events.record import EventRecord
from harness.events.sources import id_text, moment_in_utc
from harness.frames.channels import Channel, channel_of
from harness.frames.codec import encode
from harness.frames.frozen import FrozenDict, freeze
from harness.frames.payload import ToolCallPayload, namespace_of, payload_of


class FrameRecord(Struct, frozen=True, gc=False, eq=False):
    """What a timeline keeps of a frame: an event, which it may share with other timelines, and its place in this one."""

    seq: int
    parent_id: str | None
    event: EventRecord


def _frozen_payload(value: Any) -> Any:
    return freeze(value) if isinstance(value, dict) and type(value) is not FrozenDict else value


class StreamFrame(LazyModel):
    """One thing that happened in a run, as every reader sees it. Frozen, with its payload, to the last leaf.

    Source: the clauses `envelope.*`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, defer_build=True)

    __slots__ = ("__weakref__", "_growing")

    if TYPE_CHECKING:

        @property
        def _growing(self) -> ToolCallPayload | None:
            """What makes the payload of a tool-call chunk; None for every other frame."""

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
        record = self._lazy_record
        if type(record) is FrameRecord:
            event = record.event
            chunk = event.fields.get("chunk")
            # What most frames are read for, and nothing else: no need to fill the frame.
            if type(chunk) is str and event.shape.gives_text and "call_type" not in event.fields:
                return chunk if chunk.isascii() or encode(chunk) is chunk else ""
            self._lazy_fill(record)
        growing = self._growing
        payload = self.data if growing is None else growing.base
        chunk = payload.get("chunk")
        return chunk if isinstance(chunk, str) and payload.get("call_type") != "tool_call" else ""

    def __str__(self) -> str:
        return self.content

    def _lazy_fill(self, record: FrameRecord) -> None:
        event = record.event
        payload = payload_of(event)
        growing = None
        if isinstance(payload, ToolCallPayload):
            growing, payload = payload, payload.base
        values = {
            "id": id_text(event.event_id),
            "seq": record.seq,
            "type": event.type,
            "channel": channel_of(event.type),
            "namespace": namespace_of(event, payload),
            "timestamp": moment_in_utc(event.moment),
            "parent_id": record.parent_id,
            "previous_id": None if event.previous_event_id is None else id_text(event.previous_event_id),
        }
        # Said in either case: a slot that is empty is looked for by `__getattr__` each time.
        _set_growing(self, growing)
        if growing is None:
            values["data"] = payload
        set_fields(self, values, _FIELDS)
        set_record(self, None)

    # The payload of a tool-call chunk is made anew for each reader, and is no field of its own.

    def _lazy_all(self, fields: dict[str, Any]) -> dict[str, Any]:
        growing = self._growing
        return fields if growing is None else fields | {"data": growing.joined()}

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name == "_growing":
                return None
            if name == "data":
                if (record := self._lazy_record) is not None:
                    self._lazy_fill(record)
                if (growing := self._growing) is not None:
                    return growing.joined()
            return super().__getattr__(name)

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Return the frame that is written in `json_data`; pydantic's own parser stops short of depth 200."""
        return cls.model_validate(orjson.loads(json_data), **options)

    def __hash__(self) -> int:
        return hash((self.id, self.seq))


#: A set, which all frames share, since copying a model copies and updates it.
_FIELDS = set(StreamFrame.model_fields)
_new_frame = StreamFrame.__new__
_set_growing = StreamFrame.__dict__["_growing"].__set__


def frame_of(record: FrameRecord) -> StreamFrame:
    """Return the frame of a record; it is filled when somebody looks at more than its content."""
    frame = _new_frame(StreamFrame)
    set_record(frame, record)
    return frame


def envelope_of(frame: StreamFrame) -> Mapping[str, Any]:
    """Return the fields of a frame by name, of a tool-call chunk without `data`, which would be made for it."""
    if (record := frame._lazy_record) is not None:
        frame._lazy_fill(record)
    return fields_of(frame)


def stored_payload(frame: StreamFrame) -> Mapping[str, Any]:
    """Return the payload of a frame as files hold it: a tool-call chunk's cumulative arguments are left out.

    They are the `chunk` texts of the call so far, joined; `restored_frame` puts them back.
    """
    fields = envelope_of(frame)
    growing = frame._growing
    return cast(FrozenDict, fields["data"]) if growing is None else growing.stored()


def restored_frame(stored: Mapping[str, Any], deltas: list[str]) -> StreamFrame:
    """Return the frame of a stored tool-call chunk; `deltas` are those of its call up to and with this one."""
    payload = freeze({name: value for name, value in stored["data"].items() if name != "tool_call"})
    called = stored["data"]["tool_call"]
    frame = StreamFrame.model_validate({**stored, "data": payload})
    function = FunctionCall(called["function"]["name"], deltas=deltas)
    fragment = ToolCallFragment(id=called["id"], type=called["type"], index=called["index"], function=function)
    envelope = {name: value for name, value in frame.__dict__.items() if name != "data"}
    set_fields(frame, envelope, _FIELDS)
    _set_growing(frame, ToolCallPayload(payload, fragment))
    return frame
