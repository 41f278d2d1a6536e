"""Vercel's stream: the SDK's own reader makes one message of any timeline, and the message says what the models said."""

from __future__ import annotations

import json

import pytest

from harness.bridges import VERCEL_DONE, VercelTranslator, sse_text, vercel_events
from harness.frames.frame import StreamFrame
from tests.bridges.judges import Judge
from tests.bridges.timelines import THINKS_AND_SAYS, call_of, drawn, frame, recorded, texts_of, tool_chunk


def stream_of(frames: list[StreamFrame]) -> str:
    """Return the text of a whole response."""
    return "".join([*map(sse_text, vercel_events(frames)), sse_text(VERCEL_DONE)])


def kinds(frames: list[StreamFrame]) -> list[str]:
    return [event["type"] for event in vercel_events(frames)]


def check(frames: list[StreamFrame]) -> None:
    """Fail where a delta has no start, a result no call, or a step no end; each frame is told of."""
    translator = VercelTranslator()
    open_parts: set[tuple[str, str]] = set()
    tools: set[str] = set()
    in_step, first, last = False, True, ""
    for one in [*frames, None]:
        events = translator.end() if one is None else translator.feed(one)
        assert events
        for event in json.loads(json.dumps(events)):
            family, _, part = event["type"].partition("-")
            assert (event["type"] == "start") == first
            first, last = False, event["type"]
            if family in ("text", "reasoning"):
                if part == "start":
                    assert (family, event["id"]) not in open_parts
                    open_parts.add((family, event["id"]))
                else:
                    assert (family, event["id"]) in open_parts
                    if part == "end":
                        open_parts.remove((family, event["id"]))
            elif event["type"] == "tool-input-delta":
                assert event["toolCallId"] in tools
            elif event["type"].startswith("tool-input"):
                tools.add(event["toolCallId"])
            elif family == "tool":
                assert event["toolCallId"] in tools
            elif event["type"] in ("start-step", "finish-step"):
                assert in_step == (family == "finish")
                in_step = not in_step
    assert not open_parts
    assert not in_step
    assert last in ("finish", "abort")


def test_every_recording_keeps_the_order() -> None:
    for frames in recorded().values():
        check(frames)


def test_the_official_reader_takes_every_recording(judged: Judge) -> None:
    verdicts = judged("vercel.mjs", {name: stream_of(frames) for name, frames in recorded().items()}, "stream")
    assert {name: verdict["error"] for name, verdict in verdicts.items() if verdict["error"]} == {}
    for name, frames in recorded().items():
        parts = [part["text"] for part in verdicts[name]["message"]["parts"] if part["type"] == "text"]
        for text in texts_of(frames).values():
            assert text in parts or text in "".join(parts), name
        failed = frames[-1].type.endswith("_failed")
        assert verdicts[name]["told"] == ([frames[-1].data["error"]] if failed else []), name


def test_the_official_reader_refuses_a_lost_start(judged: Judge) -> None:
    lost = "".join(
        sse_text(event) for event in vercel_events(recorded()["cassettes/openai/text"]) if event["type"] != "text-start"
    )
    assert "missing text part" in judged("vercel.mjs", {"lost": lost}, "stream")["lost"]["error"]


def test_the_official_reader_takes_any_frames_in_any_order(judged: Judge) -> None:
    cases = {str(number): stream_of(frames) for number, frames in enumerate(drawn())}
    verdicts = judged("vercel.mjs", cases, "stream")
    assert {name: verdict["error"] for name, verdict in verdicts.items() if verdict["error"]} == {}


#: A timeline, and the types of its parts.
MESSAGES: list[tuple[str, list[StreamFrame], str]] = [
    (
        "a call",
        THINKS_AND_SAYS,
        "start start-step data-call reasoning-start reasoning-delta reasoning-end text-start text-delta text-end data-call "
        "finish-step finish",
    ),
    (
        "a tool that is called and run",
        call_of(
            tool_chunk(2, "{}"),
            frame(3, "tool_usage_started", "f1", tool_name="look", tool_args={}),
            frame(4, "tool_usage_finished", "f1", tool_name="look", output="blue", started_event_id="f3"),
            call_type="tool_call",
        ),
        "start start-step data-call tool-input-start tool-input-delta tool-input-available data-tool tool-output-available "
        "data-tool data-call finish-step finish",
    ),
    (
        "arguments that were cut off",
        [
            frame(1, "llm_call_started", call_id="c"),
            tool_chunk(2, '{"a'),
            frame(3, "llm_call_failed", call_id="c", error="cut", started_event_id="f1"),
        ],
        "start start-step data-call tool-input-start tool-input-delta tool-input-error data-call finish-step error finish",
    ),
    (
        "two calls at once share a step",
        [
            frame(1, "flow_started", flow_name="F"),
            frame(2, "llm_call_started", "f1", call_id="a"),
            frame(3, "llm_call_started", "f1", call_id="b"),
            frame(4, "llm_call_completed", "f1", call_id="a", started_event_id="f2"),
            frame(5, "llm_call_completed", "f1", call_id="b", started_event_id="f3"),
            frame(6, "flow_finished", started_event_id="f1"),
        ],
        "start data-flow start-step data-call data-call data-call data-call finish-step data-flow finish",
    ),
    (
        "a person who is asked",
        [
            frame(1, "flow_started", flow_name="F"),
            frame(2, "human_feedback_requested", "f1", request_id="q", message="Good?"),
            frame(3, "flow_paused", flow_id="f", message="Good?", started_event_id="f1"),
        ],
        "start data-flow tool-input-available tool-approval-request data-flow finish",
    ),
    ("a run that was left", [frame(1, "flow_started", flow_name="F")], "start data-flow abort"),
    ("nothing", [], "start abort"),
]


@pytest.mark.parametrize(("frames", "expected"), [case[1:] for case in MESSAGES], ids=[case[0] for case in MESSAGES])
def test_the_parts_of(frames: list[StreamFrame], expected: str) -> None:
    assert kinds(frames) == expected.split()


@pytest.mark.parametrize(("depth", "part"), [(200, "available"), (300, "error"), (2_000, "error")])
def test_arguments_are_told_as_deep_as_they_can_be_sent(depth: int, part: str) -> None:
    text = "[" * depth + "]" * depth
    assert f'"type":"tool-input-{part}"' in stream_of(call_of(tool_chunk(2, text), call_type="tool_call"))


#: What ends a run, and the finish reason.
REASONS: list[tuple[StreamFrame, str]] = [
    (frame(2, "llm_call_completed", finish_reason="stop", started_event_id="f1"), "stop"),
    (frame(2, "llm_call_completed", finish_reason="length", started_event_id="f1"), "length"),
    (frame(2, "llm_call_completed", finish_reason="tool_calls", started_event_id="f1"), "tool-calls"),
    (frame(2, "llm_call_completed", finish_reason="somebody_elses", started_event_id="f1"), "other"),
]


@pytest.mark.parametrize(("last", "reason"), REASONS, ids=[reason for _, reason in REASONS])
def test_the_finish_reason_is(last: StreamFrame, reason: str) -> None:
    events = list(vercel_events([frame(1, "llm_call_started", call_id="c"), last]))
    assert (events[-1]["type"], events[-1]["finishReason"]) == ("finish", reason)
