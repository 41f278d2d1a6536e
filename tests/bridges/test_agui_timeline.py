"""AG-UI that others made, as a timeline: what was said, called, returned and done is there, in its place."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from ag_ui.core import EventType
from hypothesis import example, given, strategies as st

from harness.bridges import agui_events, agui_frames
from harness.frames.frame import StreamFrame
from tests.bridges.timelines import recorded, texts_of

#: What a stream without whole frames tells of, type by type.
_TOLD = ("llm_thinking_chunk", "tool_usage_started", "tool_usage_finished", "agent_execution_error")
#: What says most of a frame, the first that there is.
_SAYING = "chunk method_name tool_name agent_role error response result output content value message"


def told(frames: list[StreamFrame]) -> list[str]:
    """Return the frames as a person would: indented by their scopes, with what says most of them."""
    depths: dict[str | None, int] = {None: 0}
    rows = []
    for one in frames:
        depth = depths[one.parent_id]
        depths[one.id] = depth + 1
        said = next((one.data[name] for name in _SAYING.split() if one.data.get(name) not in (None, "")), "")
        rows.append(f"{'  ' * depth}{one.type} {said}".rstrip())
    return rows


def test_every_recording_is_told_without_the_frames_that_its_stream_carries() -> None:
    for name, frames in recorded().items():
        back = agui_frames(agui_events(frames, raw=False))
        assert [one.seq for one in back] == list(range(1, len(back) + 1))
        counts, expected = Counter(one.type for one in back), Counter(one.type for one in frames)
        assert {kind: counts[kind] for kind in _TOLD} == {kind: expected[kind] for kind in _TOLD}, name
        steps = [event["stepName"] for event in agui_events(frames) if event["type"] == "STEP_STARTED"]
        assert [one.data["method_name"] for one in back if one.type == "method_execution_started"] == steps, name
        if [one.seq for one in frames].count(1) == 1 and expected["llm_stream_chunk"]:
            assert sorted(texts_of(back).values()) == sorted(texts_of(frames).values()), name
        calls = [
            one.data["response"]
            for one in frames
            if one.type == "llm_call_completed" and one.data["call_type"] == "tool_call"
        ]
        if frames[0].type == "llm_call_started" and calls:
            assert [one.data["response"] for one in back if one.type == "llm_call_completed"] == calls, name


RUN = {"threadId": "t", "runId": "r"}
#: Events, and the timeline that they tell of.
STREAMS: list[tuple[str, list[dict[str, Any]], str]] = [
    (
        "a run with steps, thoughts, a text and a tool",
        [
            {"type": "RUN_STARTED", **RUN},
            {"type": "STEP_STARTED", "stepName": "answer"},
            {"type": "REASONING_START", "messageId": "m0"},
            {"type": "REASONING_MESSAGE_START", "messageId": "m0", "role": "reasoning"},
            {"type": "REASONING_MESSAGE_CONTENT", "messageId": "m0", "delta": "hm"},
            {"type": "REASONING_MESSAGE_END", "messageId": "m0"},
            {"type": "REASONING_END", "messageId": "m0"},
            {"type": "TEXT_MESSAGE_START", "messageId": "m1", "role": "assistant"},
            {"type": "TEXT_MESSAGE_CONTENT", "messageId": "m1", "delta": "Let me look."},
            {"type": "TEXT_MESSAGE_END", "messageId": "m1"},
            {"type": "TOOL_CALL_START", "toolCallId": "c1", "toolCallName": "look"},
            {"type": "TOOL_CALL_ARGS", "toolCallId": "c1", "delta": '{"at":'},
            {"type": "TOOL_CALL_ARGS", "toolCallId": "c1", "delta": ' "sea"}'},
            {"type": "TOOL_CALL_END", "toolCallId": "c1"},
            {"type": "TOOL_CALL_RESULT", "messageId": "m2", "toolCallId": "c1", "content": "blue"},
            {"type": "TEXT_MESSAGE_START", "messageId": "m3"},
            {"type": "TEXT_MESSAGE_CONTENT", "messageId": "m3", "delta": "It is blue."},
            {"type": "TEXT_MESSAGE_END", "messageId": "m3"},
            {"type": "STEP_FINISHED", "stepName": "answer"},
            {"type": "RUN_FINISHED", **RUN, "result": {"colour": "blue"}},
        ],
        """
        flow_started
          method_execution_started answer
            llm_call_started
              llm_thinking_chunk hm
              llm_stream_chunk Let me look.
              llm_stream_chunk {"at":
              llm_stream_chunk  "sea"}
              tool_usage_started look
              tool_usage_finished look
            llm_call_completed [{'id': 'c1', 'type': 'function', 'function': {'name': 'look', 'arguments': '{"at": "sea"}'}}]
            llm_call_started
              llm_stream_chunk It is blue.
            llm_call_completed It is blue.
          method_execution_finished answer
        flow_finished {'colour': 'blue'}
        """,
    ),
    (
        "abbreviated events",
        [
            {"type": "RUN_STARTED", **RUN},
            {"type": "TEXT_MESSAGE_CHUNK", "messageId": "m1", "delta": "He"},
            {"type": "TEXT_MESSAGE_CHUNK", "delta": "llo"},
            {"type": "TEXT_MESSAGE_CHUNK", "messageId": "m2", "delta": "Bye"},
            {"type": "TOOL_CALL_CHUNK", "toolCallId": "c", "toolCallName": "wave", "delta": "{"},
            {"type": "TOOL_CALL_CHUNK", "delta": "}"},
            {"type": "RUN_FINISHED", **RUN},
        ],
        """
        flow_started
          llm_call_started
            llm_stream_chunk He
            llm_stream_chunk llo
          llm_call_completed Hello
          llm_call_started
            llm_stream_chunk Bye
            llm_stream_chunk {
            llm_stream_chunk }
          llm_call_completed [{'id': 'c', 'type': 'function', 'function': {'name': 'wave', 'arguments': '{}'}}]
        flow_finished
        """,
    ),
    (
        "a failure in the middle",
        [
            {"type": "RUN_STARTED", **RUN},
            {"type": "STEP_STARTED", "stepName": "answer"},
            {"type": "TEXT_MESSAGE_START", "messageId": "m", "role": "assistant"},
            {"type": "TEXT_MESSAGE_CONTENT", "messageId": "m", "delta": "It"},
            {"type": "RUN_ERROR", "message": "cut off", "code": "E1"},
        ],
        """
        flow_started
          method_execution_started answer
            llm_call_started
              llm_stream_chunk It
            llm_call_failed cut off
          method_execution_failed answer
        flow_failed cut off
        """,
    ),
    (
        "subagents, each with a voice of its own",
        [
            {"type": "RUN_STARTED", **RUN},
            {"type": "SUBAGENT_STARTED", "subagentRunId": "a", "name": "Ann"},
            {"type": "SUBAGENT_STARTED", "subagentRunId": "b", "name": "Ben", "parentSubagentRunId": "a"},
            {"type": "TEXT_MESSAGE_START", "messageId": "1", "subagentRunId": "a"},
            {"type": "TEXT_MESSAGE_START", "messageId": "2", "subagentRunId": "b"},
            {"type": "TEXT_MESSAGE_CONTENT", "messageId": "1", "delta": "I am Ann", "subagentRunId": "a"},
            {"type": "TEXT_MESSAGE_CONTENT", "messageId": "2", "delta": "I am Ben", "subagentRunId": "b"},
            {"type": "SUBAGENT_ERROR", "subagentRunId": "b", "message": "tired"},
            {"type": "SUBAGENT_FINISHED", "subagentRunId": "a", "result": "done"},
            {"type": "RUN_FINISHED", **RUN},
        ],
        """
        flow_started
          agent_execution_started Ann
            agent_execution_started Ben
            llm_call_started
              llm_call_started
              llm_stream_chunk I am Ann
                llm_stream_chunk I am Ben
              llm_call_failed tired
            agent_execution_error tired
            llm_call_completed I am Ann
          agent_execution_completed done
        flow_finished
        """,
    ),
    (
        "a person's message, a pause, and what has no other meaning",
        [
            {"type": "RUN_STARTED", **RUN},
            {"type": "TEXT_MESSAGE_START", "messageId": "m", "role": "user"},
            {"type": "TEXT_MESSAGE_CONTENT", "messageId": "m", "delta": "Go on."},
            {"type": "TEXT_MESSAGE_END", "messageId": "m"},
            {"type": "STATE_SNAPSHOT", "snapshot": {"a": 1}},
            {"type": "CUSTOM", "name": "weather", "value": "fog"},
            {"type": "CUSTOM", "name": "flow_started", "value": "not ours"},
            {
                "type": "RUN_FINISHED",
                **RUN,
                "outcome": {"type": "interrupt", "interrupts": [{"id": "i", "reason": "approval", "message": "Sure?"}]},
            },
            {"type": "RUN_STARTED", **RUN},
            {"type": "RUN_FINISHED", **RUN, "outcome": {"type": "cancelled"}},
        ],
        """
        flow_started
          conversation_message_added Go on.
          STATE_SNAPSHOT
          weather fog
          CUSTOM not ours
          human_feedback_requested approval
        flow_paused Sure?
        flow_started
          RUN_FINISHED
        """,
    ),
]


@pytest.mark.parametrize(("events", "expected"), [row[1:] for row in STREAMS], ids=[row[0] for row in STREAMS])
def test_the_timeline_of(events: list[dict[str, Any]], expected: str) -> None:
    rows = [line[8:].rstrip() for line in expected.strip("\n").rstrip().splitlines()]
    frames = agui_frames(events)
    # Frames in another scope stand at the depth of their own.
    assert told(frames) == rows
    assert "{}" not in [one.content for one in frames]


def test_a_tool_call_has_its_arguments_so_far() -> None:
    events = [
        {"type": "TOOL_CALL_START", "toolCallId": "c", "toolCallName": "look"},
        {"type": "TOOL_CALL_ARGS", "toolCallId": "c", "delta": "{"},
        {"type": "TOOL_CALL_ARGS", "toolCallId": "c", "delta": "}"},
    ]
    chunks = [one for one in agui_frames(events) if one.type == "llm_stream_chunk"]
    assert [one.data["tool_call"]["function"]["arguments"] for one in chunks] == ["{", "{}"]


def test_what_looks_like_a_frame_and_is_none_is_an_error() -> None:
    (started,) = [event for event in agui_events(recorded()["cassettes/openai/text"]) if event["type"] == "RUN_STARTED"]
    started["rawEvent"]["seq"] = "first"
    with pytest.raises(ValueError, match="seq"):
        agui_frames([started])


_VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["", "a", "b", "assistant", "user"])
    | st.just({"type": "interrupt"})
)
_EVENTS = st.fixed_dictionaries(
    {"type": st.sampled_from([kind.value for kind in EventType]) | st.just("SOMEBODY_ELSES")},
    optional=dict.fromkeys(
        [
            "messageId",
            "toolCallId",
            "toolCallName",
            "delta",
            "role",
            "stepName",
            "subagentRunId",
            "parentSubagentRunId",
            "name",
            "value",
            "timestamp",
            "outcome",
            "message",
            "code",
            "result",
            "usage",
            "content",
            "threadId",
            "runId",
            "input",
            "rawEvent",
        ],
        _VALUES,
    ),
)


@example([{"type": "RUN_FINISHED", "outcome": {"type": "interrupt", "interrupts": 5}}])
@given(st.lists(_EVENTS, max_size=20))
def test_any_events_in_any_order_are_a_timeline(events: list[dict[str, Any]]) -> None:
    frames = agui_frames(events)
    earlier: set[str] = set()
    for one in frames:
        assert one.parent_id in {None, *earlier}
        assert one.data.get("started_event_id") in {None, *earlier}
        earlier.add(one.id)
