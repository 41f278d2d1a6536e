"""AG-UI: the official models and the official verifier take what is made of any timeline, and the frames come back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ag_ui.core import Event
from ag_ui_validate import Diagnostic, create_validator
from pydantic import TypeAdapter

from harness.bridges import AguiTranslator, agui_events, agui_frames
from harness.frames.frame import StreamFrame
from harness.recording.files.frames_file import dump_frames
from tests.bridges.judges import Judge
from tests.bridges.timelines import CREW, THINKS_AND_SAYS, call_of, drawn, frame, recorded, texts_of, tool_chunk

_EVENT: TypeAdapter[Any] = TypeAdapter(Event)


def events_of(frames: list[StreamFrame]) -> list[dict[str, Any]]:
    """Return the events as somebody gets them."""
    return [json.loads(json.dumps(event)) for event in agui_events(frames)]


def kinds(frames: list[StreamFrame]) -> list[str]:
    return [event["type"] for event in agui_events(frames)]


def keeps_the_order(events: list[dict[str, Any]]) -> bool:
    """Whether the verifier's rules hold, as far as they are about what is open; the verifier itself is asked elsewhere."""
    opens = {"TEXT_MESSAGE_START", "REASONING_MESSAGE_START", "TOOL_CALL_START"}
    open_ids: set[tuple[str, str]] = set()
    steps: set[tuple[str, str | None]] = set()
    subagents: set[str] = set()
    over: set[str] = set()
    running = False
    for event in events:
        kind = event["type"]
        family, _, part = kind.rpartition("_")
        of = event.get("messageId") or event.get("toolCallId") or ""
        if kind == "RUN_STARTED":
            assert not running
            running, over = True, set()
            continue
        assert running
        if kind in opens:
            assert (family, of) not in open_ids
            open_ids.add((family, of))
        elif part in ("CONTENT", "ARGS"):
            assert (family, of) in open_ids
        elif part == "END" and kind != "REASONING_END":
            open_ids.remove((family, of))
        elif kind == "STEP_STARTED":
            assert (event["stepName"], event.get("subagentRunId")) not in steps
            steps.add((event["stepName"], event.get("subagentRunId")))
        elif kind == "STEP_FINISHED":
            steps.remove((event["stepName"], event.get("subagentRunId")))
        elif kind == "SUBAGENT_STARTED":
            assert event["subagentRunId"] not in subagents | over
            assert event.get("parentSubagentRunId") in {None, *subagents, *over}
            subagents.add(event["subagentRunId"])
        elif kind in ("SUBAGENT_FINISHED", "SUBAGENT_ERROR"):
            subagents.remove(event["subagentRunId"])
            over.add(event["subagentRunId"])
        elif kind in ("RUN_FINISHED", "RUN_ERROR"):
            assert (open_ids, steps, subagents) == (set(), set(), set())
            running = False
    return not running


def findings(events: list[dict[str, Any]]) -> list[Diagnostic]:
    """Return what a conformance validator of others has to say, of whichever severity."""
    validator = create_validator()
    found = [one for event in events for one in validator.feed(event)]
    # A call that was cut off has arguments that were.
    return [one for one in (*found, *validator.finalize()) if "do not parse as JSON" not in one.message]


def check(frames: list[StreamFrame]) -> None:
    """Fail where a model or a rule refuses an event, or a frame does not come back."""
    events = events_of(frames)
    for event in events:
        _EVENT.validate_python(event)
    assert keeps_the_order(events)
    assert [found.message for found in findings(events)] == []
    assert agui_frames(events) == frames


def test_every_recording_goes_there_and_back() -> None:
    for frames in recorded().values():
        check(frames)
        assert dump_frames(agui_frames(events_of(frames))) == dump_frames(frames)


def test_the_official_client_takes_every_recording(judged: Judge) -> None:
    verdicts = judged("agui.mjs", {name: events_of(frames) for name, frames in recorded().items()}, "events")
    assert {name: verdict["error"] for name, verdict in verdicts.items() if verdict["error"]} == {}
    for name, frames in recorded().items():
        shown = [message for message in verdicts[name]["messages"] if message["role"] == "assistant"]
        for call, text in texts_of(frames).items():
            # What is interrupted goes on as a message of its own.
            own = [message for message in shown if message["id"].partition("+")[0] == call]
            assert "".join(message.get("content") or "" for message in own) == text, name


def test_the_official_client_takes_any_frames_in_any_order(judged: Judge) -> None:
    cases = {str(number): events_of(frames) for number, frames in enumerate(drawn())}
    verdicts = judged("agui.mjs", cases, "events")
    assert {name: verdict["error"] for name, verdict in verdicts.items() if verdict["error"]} == {}


#: A timeline, and the types of its events.
RUNS: list[tuple[str, list[StreamFrame], str]] = [
    (
        "a call",
        THINKS_AND_SAYS,
        "RUN_STARTED REASONING_START REASONING_MESSAGE_START REASONING_MESSAGE_CONTENT REASONING_MESSAGE_END REASONING_END "
        "TEXT_MESSAGE_START TEXT_MESSAGE_CONTENT TEXT_MESSAGE_END RUN_FINISHED",
    ),
    (
        "a call that fails",
        [
            frame(1, "llm_call_started", call_id="c"),
            frame(2, "llm_call_failed", call_id="c", error="no", started_event_id="f1"),
        ],
        "RUN_STARTED RUN_ERROR",
    ),
    (
        "a run that was left",
        [frame(1, "flow_started", flow_name="F"), frame(2, "method_execution_started", "f1", method_name="m")],
        "RUN_STARTED STEP_STARTED STEP_FINISHED RUN_FINISHED",
    ),
    ("nothing", [], ""),
    (
        "a frame after the end",
        [
            frame(1, "flow_started", flow_name="F"),
            frame(2, "flow_finished", flow_name="F", result=1, started_event_id="f1"),
            frame(3, "mine"),
        ],
        "RUN_STARTED CUSTOM CUSTOM RUN_FINISHED",
    ),
    (
        "a frame before the run",
        [
            frame(1, "flow_created", flow_name="F"),
            frame(2, "flow_started", flow_name="F"),
            frame(3, "flow_finished", flow_name="F", started_event_id="f2"),
        ],
        "RUN_STARTED CUSTOM CUSTOM RUN_FINISHED",
    ),
]


@pytest.mark.parametrize(("frames", "expected"), [run[1:] for run in RUNS], ids=[run[0] for run in RUNS])
def test_the_events_of(frames: list[StreamFrame], expected: str) -> None:
    assert kinds(frames) == expected.split()


def test_a_run_that_pauses_waits_for_an_answer() -> None:
    frames = [
        frame(1, "flow_started", flow_name="F"),
        frame(2, "method_execution_started", "f1", method_name="draft"),
        frame(3, "human_feedback_requested", "f2", request_id="q", message="Good?", output="text", emit=["yes", "no"]),
        frame(4, "method_execution_paused", "f1", flow_id="flow", message="Good?", started_event_id="f2"),
        frame(5, "flow_paused", flow_id="flow", message="Good?", started_event_id="f1"),
    ]
    assert list(agui_events(frames))[-1]["outcome"] == {
        "type": "interrupt",
        "interrupts": [
            {
                "id": "q",
                "reason": "human_feedback",
                "message": "Good?",
                "metadata": {"output": "text", "emit": ["yes", "no"], "flow_id": "flow"},
            }
        ],
    }


def test_what_has_been_answered_is_not_waited_for() -> None:
    frames = [
        frame(1, "flow_started", flow_name="F"),
        frame(2, "human_feedback_requested", "f1", request_id="first", message="Good?"),
        frame(3, "human_feedback_received", "f1", request_id="first", feedback="no"),
        frame(4, "human_feedback_requested", "f1", request_id="second", message="And now?"),
        frame(5, "flow_paused", flow_id="flow", message="And now?", started_event_id="f1"),
    ]
    assert [one["id"] for one in list(agui_events(frames))[-1]["outcome"]["interrupts"]] == ["second"]


def test_the_client_names_thread_and_run() -> None:
    translator = AguiTranslator(thread_id="t", run_id="r", raw=False)
    events = translator.feed(frame(1, "flow_started", flow_name="F"))
    events += translator.feed(frame(2, "flow_finished", result={"a": 1}, started_event_id="f1"))
    events += translator.end()
    assert [(event["type"], event["threadId"], event["runId"]) for event in events] == [
        ("RUN_STARTED", "t", "r"),
        ("RUN_FINISHED", "t", "r"),
    ]
    assert events[-1]["result"] == {"a": 1}
    assert all("rawEvent" not in event for event in events)


def test_usage_is_told_by_model() -> None:
    frames = [frame(1, "flow_started", flow_name="F")]
    for seq, model in ((2, "a"), (4, "a"), (6, "b")):
        frames.append(frame(seq, "llm_call_started", "f1", call_id=str(seq), model=model))
        usage = {"prompt_tokens": seq, "completion_tokens": 1, "total_tokens": seq + 1, "cached_prompt_tokens": 1}
        frames.append(frame(seq + 1, "llm_call_completed", "f1", model=model, usage=usage, started_event_id=f"f{seq}"))
    frames.append(frame(8, "flow_finished", started_event_id="f1"))
    assert list(agui_events(frames))[-1]["usage"] == [
        {"model": "a", "inputTokens": 6, "outputTokens": 2, "totalTokens": 8, "cachedInputTokens": 2},
        {"model": "b", "inputTokens": 6, "outputTokens": 1, "totalTokens": 7, "cachedInputTokens": 1},
    ]


def test_a_tool_that_runs_is_the_one_that_the_model_called() -> None:
    frames = call_of(
        tool_chunk(2, '{"at": "sea"}', id="t0"),
        tool_chunk(3, '{"at": "sky"}', id="t1", index=1),
        frame(4, "tool_usage_started", "f1", tool_name="look", tool_args={"at": "sky"}),
        frame(5, "tool_usage_finished", "f1", tool_name="look", output="blue", started_event_id="f4"),
        frame(6, "tool_usage_started", "f1", tool_name="look", tool_args={"at": "sea"}),
        frame(7, "tool_usage_error", "f1", tool_name="look", error="fog", started_event_id="f6"),
        frame(8, "tool_usage_started", "f1", tool_name="hear", tool_args={}),
        frame(9, "tool_usage_finished", "f1", tool_name="hear", output={"gulls": 2}, started_event_id="f8"),
        call_type="tool_call",
    )
    results = [event for event in agui_events(frames) if event["type"] == "TOOL_CALL_RESULT"]
    assert [(event["toolCallId"], event["content"]) for event in results] == [
        ("t1", "blue"),
        ("t0", "fog"),
        ("f8", '{"gulls":2}'),
    ]


def test_crews_and_agents_are_subagents_and_what_they_say_is_theirs() -> None:
    events = [event for event in agui_events(CREW) if not event["type"].startswith("RUN")]
    assert [(event["type"], event.get("subagentRunId")) for event in events] == [
        ("SUBAGENT_STARTED", "f2"),
        ("STEP_STARTED", "f2"),
        ("SUBAGENT_STARTED", "f4"),
        ("CUSTOM", "f4"),
        ("TOOL_CALL_START", "f4"),
        ("TOOL_CALL_ARGS", "f4"),
        ("TOOL_CALL_END", "f4"),
        ("CUSTOM", "f4"),
        ("TOOL_CALL_RESULT", "f4"),
        ("CUSTOM", "f4"),
        ("TEXT_MESSAGE_START", "f4"),
        ("TEXT_MESSAGE_CONTENT", "f4"),
        ("TEXT_MESSAGE_END", "f4"),
        ("SUBAGENT_ERROR", "f4"),
        ("STEP_FINISHED", "f2"),
        ("SUBAGENT_FINISHED", "f2"),
    ]
    assert (events[0]["name"], events[2]["name"], events[2]["parentSubagentRunId"]) == ("Crew", "Writer", "f2")
    assert events[1]["stepName"] == "write"
    assert [event["toolCallId"] for event in events if "toolCallId" in event] == ["t"] * 4
