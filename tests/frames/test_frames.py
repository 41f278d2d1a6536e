"""Claims about frames: the envelope, the channel, the namespace, and that a frame is the same wherever it goes."""

from __future__ import annotations

import copy
import json
import math
import pickle
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic.json_schema import JsonSchemaMode

from harness.events import (
    BaseEvent,
    ConversationTurnStartedEvent,
    CrewKickoffStartedEvent,
    FlowStartedEvent,
    FunctionCall,
    LLMCallStartedEvent,
    LLMStreamChunkEvent,
    LLMThinkingChunkEvent,
    MethodExecutionStartedEvent,
    TaskStartedEvent,
    ToolCallFragment,
    ToolUsageStartedEvent,
)
from harness.frames.channels import CHANNEL_OF, CHANNELS
from harness.frames.frame import StreamFrame, restored_frame, stored_payload
from harness.frames.frozen import FrozenDict, FrozenList
from tests.frames.frames import frame_of


class Note(BaseEvent):
    type: str = "note"
    value: Any = None
    items: list[int] = []


def tool_chunks(count: int, delta: str = "ab") -> list[StreamFrame]:
    deltas: list[str] = []
    frames = []
    for seq in range(1, count + 1):
        deltas.append(delta)
        fragment = ToolCallFragment(id="t", index=0, function=FunctionCall("f", deltas=deltas))
        event = LLMStreamChunkEvent(call_id="c", chunk=delta, tool_call=fragment, call_type="tool_call")
        frames.append(frame_of(event, seq))
    return frames


EVENTS: dict[str, BaseEvent] = {
    "text": LLMStreamChunkEvent(call_id="c", chunk="grüß", model="m"),
    "thinking": LLMThinkingChunkEvent(call_id="c", chunk="hm"),
    "call": LLMCallStartedEvent(call_id="c", messages=[{"role": "user", "content": b"x"}], temperature=math.nan),
    "flow": FlowStartedEvent(flow_name="F", inputs={"a": {1, 2}}),
    "custom": Note(value={1: [datetime(2026, 1, 1)], "b": object()}),
}
FRAMES: dict[str, StreamFrame] = {
    **{name: frame_of(event, 3, "parent") for name, event in EVENTS.items()},
    "tool chunk": tool_chunks(3)[1],
    "deep": frame_of(Note(value=[json.loads("[" * 200 + "]" * 200)])),
}


@pytest.fixture(params=list(FRAMES.values()), ids=list(FRAMES))
def frame(request: pytest.FixtureRequest) -> StreamFrame:
    assert isinstance(request.param, StreamFrame)
    return request.param


# The envelope.


def test_a_frame_has_these_fields_and_no_others(frame: StreamFrame) -> None:
    names = ["id", "seq", "type", "channel", "namespace", "timestamp", "parent_id", "previous_id", "data"]
    assert list(frame.model_dump()) == list(dict(frame)) == list(StreamFrame.model_fields) == names


def test_a_frame_takes_id_type_time_and_links_from_its_event() -> None:
    event = Note(previous_event_id="before")
    frame = frame_of(event, 7, "around")
    assert (frame.id, frame.seq, frame.type, frame.timestamp) == (event.event_id, 7, "note", event.timestamp)
    assert (frame.parent_id, frame.previous_id) == ("around", "before")


def test_event_is_another_name_for_data(frame: StreamFrame) -> None:
    assert frame.event == frame.data


CONTENTS: dict[str, tuple[BaseEvent, str]] = {
    "a text chunk": (LLMStreamChunkEvent(call_id="c", chunk="Hi"), "Hi"),
    "an empty chunk": (LLMStreamChunkEvent(call_id="c", chunk=""), ""),
    "a thinking chunk": (LLMThinkingChunkEvent(call_id="c", chunk="hm"), "hm"),
    "a tool-call chunk": (LLMStreamChunkEvent(call_id="c", chunk="{}", call_type="tool_call"), ""),
    "a flow's start": (FlowStartedEvent(flow_name="F"), ""),
    "a custom event": (Note(), ""),
    "text that is none": (LLMStreamChunkEvent.model_construct(call_id="c", chunk=3), ""),
}


@pytest.mark.parametrize(("event", "content"), CONTENTS.values(), ids=CONTENTS.keys())
def test_the_content_of(event: BaseEvent, content: str) -> None:
    frame = frame_of(event)
    assert (frame.content, str(frame), f"{frame}") == (content, content, content)


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS.keys())
def test_the_payload_has_what_the_event_says_and_nothing_of_the_envelope(event: BaseEvent) -> None:
    envelope = {"timestamp", "type", "event_id", "parent_event_id", "previous_event_id", "emission_sequence"}
    assert set(frame_of(event).data) == set(type(event).model_fields) - envelope - event.shown_if_given


@pytest.mark.parametrize("mode", ["validation", "serialization"])
def test_a_frame_has_a_json_schema(mode: JsonSchemaMode) -> None:
    schema = StreamFrame.model_json_schema(mode=mode)
    assert list(schema["properties"]) == schema["required"] == list(StreamFrame.model_fields)
    assert schema["properties"]["data"] == {"additionalProperties": True, "title": "Data", "type": "object"}


def test_the_payload_has_fields_that_an_event_was_given_beyond_its_own() -> None:
    class Open(Note, extra="allow"):
        pass

    assert frame_of(Open(more={"a": 1})).data["more"] == {"a": 1}  # type: ignore[call-arg]


@pytest.mark.parametrize("more", [{}, {"value": object()}], ids=["of plain values", "that is validated"])
def test_what_a_class_excludes_from_its_dumps_is_in_no_frame_of_an_event(more: dict[str, Any]) -> None:
    class Keyed(Note):
        key: str = Field(default="sk-0", exclude=True)

    for event in (Keyed(**more), Keyed(key="sk-1", **more)):
        shown = frame_of(event).data, event.to_json()
        assert ["key" in fields for fields in shown] == [False, False]
        assert event.key.startswith("sk-")


def test_a_default_that_was_changed_in_place_is_told_as_it_is() -> None:
    event = Note()
    event.items.append(3)
    assert (frame_of(event).data["items"], frame_of(Note()).data["items"]) == ([3], [])


# The channel.


@pytest.mark.parametrize(("type_", "channel"), CHANNEL_OF.items(), ids=CHANNEL_OF.keys())
def test_a_built_in_type_goes_by_the_table(type_: str, channel: str) -> None:
    assert frame_of(Note(type=type_)).channel == channel
    assert channel in CHANNELS


@pytest.mark.parametrize("type_", ["note", "x_failed", "my_error", "llm_", "llm_call_started_twice", "flow", "tool_x"])
def test_an_unknown_type_is_custom_whatever_its_name_contains(type_: str) -> None:
    frame = frame_of(Note(type=type_))
    assert (frame.channel, frame.namespace, frame.type) == ("custom", ("custom",), type_)


def test_the_channels_are_a_closed_set() -> None:
    assert CHANNELS == ("llm", "flow", "tools", "messages", "lifecycle", "custom")
    with pytest.raises(ValidationError, match="channel"):
        StreamFrame.model_validate({**FRAMES["text"].model_dump(), "channel": "other"})


# The namespace.

NAMESPACES: dict[str, tuple[BaseEvent, tuple[str, ...]]] = {
    "flow": (FlowStartedEvent(flow_name="F"), ("flow", "F")),
    "method": (MethodExecutionStartedEvent(flow_name="F", method_name="m"), ("flow", "F", "m")),
    "turn": (ConversationTurnStartedEvent(flow_name="F", session_id="s"), ("flow", "F", "s")),
    "turn without a session": (ConversationTurnStartedEvent(flow_name="F"), ("flow", "F")),
    "call": (LLMCallStartedEvent(call_id="c"), ("llm", "c")),
    "call of a task": (
        LLMCallStartedEvent(call_id="c", task_name="T", agent_role="A"),
        ("llm", "c", "A", "T"),
    ),
    "tool": (ToolUsageStartedEvent(tool_name="t", agent_role="A"), ("tools", "t", "A")),
    "crew": (CrewKickoffStartedEvent(crew_name="C"), ("lifecycle",)),
    "task": (TaskStartedEvent(task_name="T"), ("lifecycle", "T")),
    "empty names": (FlowStartedEvent(flow_name=""), ("flow",)),
}


@pytest.mark.parametrize(("event", "namespace"), NAMESPACES.values(), ids=NAMESPACES.keys())
def test_the_namespace_of(event: BaseEvent, namespace: tuple[str, ...]) -> None:
    assert frame_of(event).namespace == namespace


def test_the_names_of_a_namespace_have_one_order() -> None:
    class All(BaseEvent):
        type: str = "all"
        tool_name: str = "5"
        call_id: str = "4"
        session_id: str = "3"
        method_name: str = "2"
        flow_name: str = "1"

    assert frame_of(All(task_name="7", agent_role="6")).namespace == ("custom", *"1234567")


@pytest.mark.parametrize("name", [7, ["a"], "\ud800", b"x"], ids=repr)
def test_a_name_that_is_no_text_leaves_a_frame_that_can_be_dumped(name: Any) -> None:
    class Own(BaseEvent):
        type: str = "own"
        session_id: Any = None

    frame = frame_of(Own(session_id=name))
    assert StreamFrame.model_validate_json(frame.model_dump_json()) == frame


# Everywhere the same.

WAYS: dict[str, Callable[[StreamFrame], StreamFrame]] = {
    "pydantic JSON": lambda frame: StreamFrame.model_validate_json(frame.model_dump_json()),
    "pydantic values": lambda frame: StreamFrame.model_validate(frame.model_dump()),
    "pydantic JSON values": lambda frame: StreamFrame.model_validate(frame.model_dump(mode="json")),
    "json": lambda frame: StreamFrame.model_validate(json.loads(json.dumps(frame.model_dump(mode="json")))),
    "orjson": lambda frame: StreamFrame.model_validate(orjson.loads(orjson.dumps(frame.model_dump(mode="json")))),
    "its items": lambda frame: StreamFrame(**dict(frame)),
    "pickle": lambda frame: pickle.loads(pickle.dumps(frame)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "model_copy": lambda frame: frame.model_copy(),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_a_frame_survives(way: Callable[[StreamFrame], StreamFrame], frame: StreamFrame) -> None:
    back = way(frame)
    assert back == frame
    assert (hash(back), repr(back), back.data, back.content) == (hash(frame), repr(frame), frame.data, frame.content)
    assert back.timestamp.tzinfo is UTC


def test_frames_are_part_of_other_models_and_lists() -> None:
    class Holder(BaseModel):
        frames: list[StreamFrame]

    frames = [FRAMES["text"], *tool_chunks(2)]
    assert Holder.model_validate_json(Holder(frames=frames).model_dump_json()).frames == frames
    adapter = TypeAdapter(list[StreamFrame])
    assert adapter.validate_json(adapter.dump_json(frames)) == frames


@pytest.mark.parametrize("name", StreamFrame.model_fields)
def test_frames_that_differ_in_one_field_are_not_equal(name: str) -> None:
    frame = FRAMES["text"]
    others = {
        "seq": 9, "channel": "flow", "namespace": ("x",), "timestamp": datetime(2000, 1, 1, tzinfo=UTC),
        "data": FrozenDict(),
    }  # fmt: skip
    assert frame.model_copy(update={name: others.get(name, "other")}) != frame


BAD: dict[str, dict[str, Any]] = {
    "an empty id": {"id": ""},
    "a seq before the first": {"seq": 0},
    "a field that frames do not have": {"version": "v1"},
    "a payload that is no object": {"data": [1]},
    "no payload": {"data": None},
}


@pytest.mark.parametrize("wrong", BAD.values(), ids=BAD.keys())
def test_a_frame_is_refused_with(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        StreamFrame.model_validate({**FRAMES["text"].model_dump(), **wrong})


# Immutable.


@pytest.mark.parametrize("name", [*StreamFrame.model_fields, "event", "content", "other"])
def test_a_frame_cannot_be_changed(name: str, frame: StreamFrame) -> None:
    before = frame.model_dump_json()
    with pytest.raises((ValidationError, AttributeError)):
        setattr(frame, name, "other")
    with pytest.raises((ValidationError, AttributeError)):
        delattr(frame, name)
    assert frame.model_dump_json() == before


@pytest.mark.parametrize("way", ["direct", "pydantic JSON", "pydantic values", "pickle", "copy"])
def test_the_payload_is_frozen_to_its_leaves(way: str, frame: StreamFrame) -> None:
    def check(value: Any) -> None:
        if isinstance(value, dict | list):
            assert type(value) in (FrozenDict, FrozenList)
            for item in value.values() if isinstance(value, dict) else value:
                check(item)

    check((WAYS.get(way) or (lambda frame: frame))(frame).data)


def test_an_event_that_changes_later_changes_no_frame() -> None:
    items = [1]
    event = Note(value=items)
    frame = frame_of(event)
    items.append(2)
    assert frame.data["value"] == [1]


def test_what_a_dump_gives_can_be_changed_without_changing_the_frame(frame: StreamFrame) -> None:
    before = frame.model_dump_json()
    frame.model_dump()["data"].clear()
    frame.data.copy().clear()
    assert frame.model_dump_json() == before


# Tool calls.


def test_a_tool_call_chunk_shows_its_delta_and_the_arguments_so_far() -> None:
    frames = tool_chunks(3)
    assert [frame.data["chunk"] for frame in frames] == ["ab"] * 3
    assert [frame.data["tool_call"] for frame in frames] == [
        {"id": "t", "type": "function", "index": 0, "function": {"name": "f", "arguments": "ab" * count}}
        for count in (1, 2, 3)
    ]


@pytest.mark.parametrize("name", ["data", "seq"])
def test_a_frame_that_another_thread_fills_meanwhile_is_read_as_any_other(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = tool_chunks(2)[1]
    expected = getattr(tool_chunks(2)[1], name)
    # Another thread comes in when this one has not found the name.
    missed = StreamFrame.__getattr__  # type: ignore[attr-defined]

    def late(self: StreamFrame, name: str) -> Any:
        monkeypatch.undo()
        assert self.channel == "llm"
        return missed(self, name)

    monkeypatch.setattr(StreamFrame, "__getattr__", late)
    assert getattr(frame, name) == expected


def test_a_chunk_without_a_tool_call_says_none() -> None:
    assert FRAMES["text"].data["tool_call"] is None


def test_the_memory_of_a_call_grows_with_its_chunks_and_not_with_their_square() -> None:
    def held(count: int) -> int:
        tracemalloc.start()
        frames = tool_chunks(count, "x" * 50)
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(frames) == count
        return size

    held(10)
    assert held(2000) < 4.5 * held(500)


def test_a_stored_tool_call_chunk_has_its_delta_alone_and_is_restored_whole() -> None:
    frames = tool_chunks(3)
    deltas: list[str] = []
    for frame in frames:
        stored = {**frame.model_dump(mode="json"), "data": stored_payload(frame)}
        assert stored["data"]["tool_call"]["function"] == {"name": "f"}
        deltas.append(stored["data"]["chunk"])
        assert restored_frame(stored, deltas) == frame
    assert len(orjson.dumps(stored_payload(frames[-1]))) == len(orjson.dumps(stored_payload(frames[0])))


def test_any_other_frame_is_stored_as_it_is() -> None:
    assert stored_payload(FRAMES["flow"]) is FRAMES["flow"].data


def test_chunks_of_one_call_share_their_namespace() -> None:
    first, second = (frame_of(LLMStreamChunkEvent(call_id="c", chunk=text)) for text in "ab")
    assert first.namespace is second.namespace
