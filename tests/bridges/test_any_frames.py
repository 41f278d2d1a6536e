"""Every bridge takes any frames in any order: what it makes of them keeps the rules of its protocol all the same."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from hypothesis import given

from harness.frames.frame import StreamFrame
from harness.recording.timelines import timelines_of
from tests.bridges import test_agui, test_openai_chat, test_otel, test_perfetto, test_scopes, test_vercel
from tests.bridges.judges import Judge
from tests.bridges.timelines import generated

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
