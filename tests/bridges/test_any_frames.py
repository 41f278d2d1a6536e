"""Every bridge takes any frames in any order: what it makes of them keeps the rules of its protocol all the same."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import given

from harness.bridges import agui_events, agui_frames, openai_chat_events, perfetto_trace, spans_of, vercel_events
from harness.frames.frame import StreamFrame
from harness.recording.timelines import timelines_of
from tests.bridges import test_agui, test_openai_chat, test_otel, test_perfetto, test_scopes, test_vercel
from tests.bridges.judges import Judge
from tests.bridges.timelines import frame, generated

BRIDGES = (test_scopes, test_agui, test_vercel, test_openai_chat, test_otel, test_perfetto)


@given(generated())
def test_any_frames_in_any_order_keep_the_rules(frames: list[StreamFrame]) -> None:
    for bridge in BRIDGES:
        bridge.check(frames)


@cache
def calls_of(corpus: Path) -> dict[str, list[StreamFrame]]:
    """Return the timelines of all calls of all cassettes, by their places."""
    return {
        f"{path.relative_to(corpus)} #{timeline.interaction}": timeline.frames
        for path in sorted(corpus.rglob("*.yaml"))
        for timeline in timelines_of(path)
    }


def test_calls_of_real_traffic_keep_the_rules(corpus: Path) -> None:
    assert len(calls_of(corpus)) > 50
    for frames in calls_of(corpus).values():
        for bridge in BRIDGES:
            bridge.check(frames)


def test_the_official_readers_take_calls_of_real_traffic(corpus: Path, judged: Judge) -> None:
    events = {name: test_agui.events_of(frames) for name, frames in calls_of(corpus).items()}
    streams = {name: test_vercel.stream_of(frames) for name, frames in calls_of(corpus).items()}
    for verdicts in (judged("agui.mjs", events, "events"), judged("vercel.mjs", streams, "stream")):
        assert {name: verdict["error"] for name, verdict in verdicts.items() if verdict["error"]} == {}


def test_many_of_all_at_once_cost_what_they_should() -> None:
    many = 2_500
    tool = {"type": "function", "index": 0, "function": {"name": "look"}}
    frames = [frame(1, "flow_started", flow_name="F")]
    for _ in range(many):
        frames.append(frame(len(frames) + 1, "method_execution_started", "f1", method_name="m"))
    for number in range(many):
        frames.append(frame(len(frames) + 1, "method_execution_finished", "f1", started_event_id=f"f{number + 2}"))
    frames.append(call := frame(len(frames) + 1, "llm_call_started", "f1", call_id="c"))
    for number in range(many):
        told: dict[str, Any] = {"call_id": "c", "chunk": "{}"}
        frames.append(frame(len(frames) + 1, "llm_stream_chunk", call.id, **told))
        called = told | {"call_type": "tool_call", "tool_call": tool | {"id": f"t{number}"}}
        frames.append(frame(len(frames) + 1, "llm_stream_chunk", call.id, **called))
    begun = time.process_time()
    for events_of in (agui_events, vercel_events, openai_chat_events):
        assert sum(1 for _ in events_of(frames)) > many
    assert len(spans_of(frames)) == many + 2
    assert len(perfetto_trace([("many", frames)])["traceEvents"]) > len(frames)
    assert len(agui_frames(agui_events(frames, raw=False))) > many
    # Seconds; were each looked for among all, it would be minutes.
    assert time.process_time() - begun < 15
