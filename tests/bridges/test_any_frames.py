"""Every bridge takes any frames in any order: what it makes of them keeps the rules of its protocol all the same."""

from __future__ import annotations

import json
import re
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from harness.bridges import (
    AguiTranslator,
    OpenAIChatTranslator,
    VercelTranslator,
    agui_events,
    agui_frames,
    openai_chat_events,
    perfetto_trace,
    spans_of,
    vercel_events,
)
from harness.frames.frame import StreamFrame
from harness.recording.timelines import timelines_of
from tests.bridges import test_agui, test_openai_chat, test_otel, test_perfetto, test_scopes, test_vercel
from tests.bridges.judges import Judge
from tests.bridges.timelines import frame, generated, tool_chunk

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


@pytest.mark.parametrize(
    ("translator", "kinds"),
    [
        (AguiTranslator(), [("RUN_ERROR", "no model", "UsageError")]),
        (VercelTranslator(), [("start", None, None), ("error", "no model", None), ("finish", None, None)]),
        (OpenAIChatTranslator(), [("UsageError", "no model", None)]),
    ],
)
def test_what_ended_a_run_before_its_first_frame_is_an_error(
    translator: AguiTranslator | VercelTranslator | OpenAIChatTranslator,
    kinds: list[tuple[str, str | None, str | None]],
) -> None:
    events = [event.get("error", event) for event in translator.end(error="no model", error_type="UsageError")]
    told = [(event["type"], event.get("message", event.get("errorText")), event.get("code")) for event in events]
    assert told == kinds


def test_a_page_is_not_told_what_a_model_was_asked() -> None:
    asked: dict[str, Any] = {
        "messages": [{"role": "system", "content": "a secret plan"}],
        "tools": [{"name": "secret"}],
    }
    ended = {"call_id": "c", "model": "m", "started_event_id": "f2", "usage": {"total_tokens": 3}}
    frames = [
        frame(1, "flow_started", flow_name="F"),
        frame(2, "llm_call_started", "f1", call_id="c", model="m", **asked),
        frame(3, "llm_call_completed", "f1", **ended, **asked),
        frame(4, "flow_finished", started_event_id="f1"),
    ]
    for events in (agui_events(frames, raw=False), vercel_events(frames), openai_chat_events(frames)):
        told = json.dumps(list(events))
        assert "secret" not in told
        assert re.search(r'"total_?[tT]okens": 3', told)
    assert "secret" in json.dumps(list(agui_events(frames)))


def test_many_of_all_at_once_cost_what_they_should() -> None:
    many = 2_500
    frames = [frame(1, "flow_started", flow_name="F")]
    for _ in range(many):
        frames.append(frame(len(frames) + 1, "method_execution_started", "f1", method_name="m"))
    for number in range(many):
        frames.append(frame(len(frames) + 1, "method_execution_finished", "f1", started_event_id=f"f{number + 2}"))
    frames.append(call := frame(len(frames) + 1, "llm_call_started", "f1", call_id="c"))
    for number in range(many):
        frames.append(frame(len(frames) + 1, "llm_stream_chunk", call.id, call_id="c", chunk="{}"))
        frames.append(tool_chunk(len(frames) + 1, "{}", call.id, id=f"t{number}"))
    begun = time.process_time()
    for events_of in (agui_events, vercel_events, openai_chat_events):
        assert sum(1 for _ in events_of(frames)) > many
    assert len(spans_of(frames)) == many + 2
    assert len(perfetto_trace([("many", frames)])["traceEvents"]) > len(frames)
    assert len(agui_frames(agui_events(frames, raw=False))) > many
    # Seconds; were each looked for among all, it would be minutes.
    assert time.process_time() - begun < 15
