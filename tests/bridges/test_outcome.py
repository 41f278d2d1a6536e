"""How a timeline ends that holds several runs: as the last of them does, whichever protocol tells of it."""

from __future__ import annotations

from typing import Any

import pytest

from harness.bridges import agui_events, vercel_events
from harness.frames.frame import StreamFrame
from tests.bridges.test_openai_chat import Answer
from tests.bridges.timelines import frame


def flow(seq: int, last: str | None = None, **told: Any) -> list[StreamFrame]:
    """Return the frames of a flow, which begins at `seq` and ends with `last`, or is left."""
    started = frame(seq, "flow_started", flow_name="F")
    return [started] if last is None else [started, frame(seq + 1, last, started_event_id=f"f{seq}", **told)]


def turn(*frames: StreamFrame) -> list[StreamFrame]:
    """Return the frames of a turn that is left, or waits."""
    return [frame(1, "conversation_turn_started", session_id="s"), *frames]


ENDED_TURN = turn(
    frame(2, "llm_call_started", "f1", call_id="c"),
    frame(3, "llm_call_completed", "f1", call_id="c", finish_reason="length", started_event_id="f2"),
    frame(4, "conversation_turn_completed", session_id="s", started_event_id="f1"),
)
WAITING_TURN = turn(
    frame(2, "human_feedback_requested", "f1", request_id="q", message="Good?"),
    frame(3, "method_execution_paused", "f1", flow_id="f", message="Good?"),
)
CREATED = [frame(1, "flow_created", flow_name="F")]
AGAIN = [frame(4, "flow_created", flow_name="F")]

#: A timeline; how AG-UI ends each run of it, Vercel the message, and a chat completion its text and itself.
ENDS: list[tuple[str, list[StreamFrame], list[str], str, tuple[str, str | None]]] = [
    ("a turn that was left", ENDED_TURN + turn(), ["success", "cancelled"], "abort", ("", None)),
    ("a turn that waits", ENDED_TURN + WAITING_TURN, ["success", "interrupt"], "tool-calls", ("Good?", "length")),
    ("left after one that waits", WAITING_TURN + turn(), ["interrupt", "cancelled"], "abort", ("", None)),
    ("ended after one that was left", turn() + ENDED_TURN, ["cancelled", "success"], "length", ("", "length")),
    (
        "a flow that waits, with nobody asked by name",
        flow(1, "flow_paused", flow_id="f", message="Good?"),
        ["interrupt"],
        "tool-calls",
        ("Good?", "stop"),
    ),
    ("a flow that was left", flow(1, "flow_finished") + flow(3), ["success", "cancelled"], "abort", ("", None)),
    (
        "left after a frame before and between",
        CREATED + flow(2, "flow_finished") + AGAIN + flow(5),
        ["success", "cancelled"],
        "abort",
        ("", None),
    ),
    (
        "ended after a frame before",
        CREATED + flow(2, "flow_finished", result="done"),
        ["success"],
        "stop",
        ("done", "stop"),
    ),
    (
        "ended after one that failed",
        flow(1, "flow_failed", error="no") + flow(3, "flow_finished", result="done"),
        ["failed", "success"],
        "stop",
        ("done", "stop"),
    ),
    (
        "one of two at once left",
        flow(1) + flow(2, "flow_finished"),
        ["cancelled"],
        "abort",
        ("", None),
    ),
    ("one of two at once failed", flow(1) + flow(2, "flow_failed", error="no"), ["failed"], "error", ("", None)),
]


@pytest.mark.parametrize(
    ("frames", "runs", "message", "completion"), [row[1:] for row in ENDS], ids=[row[0] for row in ENDS]
)
def test_the_last_run_ends_it(
    frames: list[StreamFrame], runs: list[str], message: str, completion: tuple[str, str | None]
) -> None:
    ended = [event for event in agui_events(frames) if event["type"] in ("RUN_FINISHED", "RUN_ERROR")]
    assert [event["outcome"]["type"] if "outcome" in event else "failed" for event in ended] == runs
    last = list(vercel_events(frames))[-1]
    assert last.get("finishReason", last["type"]) == message
    answer = Answer(frames)
    assert (answer.text, answer.finish_reason) == completion
