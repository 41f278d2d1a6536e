"""Bridges on runs of this runtime while they last: crews, conversations' pauses, failures and runs that are left."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from harness import Crew, Flow, Task, human_feedback, start
from harness.bridges import AguiTranslator, OpenAIChatTranslator, VercelTranslator, agui_events, agui_frames, sse_text
from harness.flow import SQLiteFlowPersistence
from harness.frames.frame import StreamFrame
from harness.session.session import StreamSession
from tests.agents.scripted import agent, calls, tide
from tests.bridges import test_agui, test_openai_chat, test_otel, test_perfetto, test_scopes, test_vercel
from tests.bridges.judges import Judge
from tests.bridges.timelines import frame
from tests.flow.feedback.people import Later


def crew() -> Crew:
    pilot = agent(
        calls(("Get_tide", {"place": "Bergen"}), ("Get_tide", {"place": "Oslo"})), "Come\nat noon.", tools=[tide]
    )
    return Crew(agents=[pilot], tasks=[Task(name="plan", description="Plan.", expected_output="A time.", agent=pilot)])


class Sails(Flow[Any]):
    @start()
    def plan(self) -> str:
        return str(crew().kickoff().raw)


class Asks(Flow[Any]):
    @start()
    @human_feedback(message="May it go out?", provider=Later())
    def draft(self) -> str:
        return "The light is lit."


class Fails(Flow[Any]):
    @start()
    def fall(self) -> None:
        raise LookupError("no light")


#: A run, and the end that AG-UI tells of.
RUNS: list[tuple[str, Callable[[], StreamSession[Any]], dict[str, Any]]] = [
    ("a crew", lambda: crew().stream_events(), {"type": "RUN_FINISHED", "outcome": {"type": "success"}}),
    ("a flow with a crew", lambda: Sails().stream_events(), {"type": "RUN_FINISHED", "result": "Come\nat noon."}),
    (
        "a flow that fails",
        lambda: Fails().stream_events(),
        {"type": "RUN_ERROR", "message": "no light", "code": "LookupError"},
    ),
]


def read(session: StreamSession[Any]) -> None:
    try:
        for _ in session:
            pass
    except LookupError:
        pass


@pytest.mark.parametrize(("make", "end"), [run[1:] for run in RUNS], ids=[run[0] for run in RUNS])
def test_a_run_goes_through_each_bridge(make: Callable[[], StreamSession[Any]], end: dict[str, Any]) -> None:
    session = make()
    read(session)
    for bridge in (test_scopes, test_agui, test_vercel, test_openai_chat, test_otel, test_perfetto):
        bridge.check(session.frames)
    last = list(agui_events(session.frames))[-1]
    assert {name: last.get(name) for name in end} == end
    assert agui_frames(json.loads(json.dumps(list(agui_events(session.frames))))) == session.frames


def test_an_agents_words_and_tools_are_its_own() -> None:
    session = Sails().stream_events()
    read(session)
    events = list(agui_events(session.frames))
    (pilot,) = [
        event["subagentRunId"] for event in events if event["type"] == "SUBAGENT_STARTED" and event["name"] == "Pilot"
    ]
    said = [
        event for event in events if event["type"] in ("TEXT_MESSAGE_CONTENT", "TOOL_CALL_ARGS", "TOOL_CALL_RESULT")
    ]
    assert {event["subagentRunId"] for event in said} == {pilot}
    called = {event["toolCallId"]: event["delta"] for event in said if event["type"] == "TOOL_CALL_ARGS"}
    returned = {event["toolCallId"]: event["content"] for event in said if event["type"] == "TOOL_CALL_RESULT"}
    assert {json.loads(called[name])["place"]: text for name, text in returned.items()} == {
        "Bergen": "high at Bergen",
        "Oslo": "high at Oslo",
    }


def test_a_flow_that_waits_for_a_person_is_interrupted(judged: Judge, tmp_path: Path) -> None:
    session = Asks(persistence=SQLiteFlowPersistence(str(tmp_path / "flows.db"))).stream_events()
    read(session)
    events = list(agui_events(session.frames))
    (interrupt,) = events[-1]["outcome"]["interrupts"]
    assert (interrupt["message"], interrupt["metadata"]["output"]) == ("May it go out?", "The light is lit.")
    assert judged("agui.mjs", {"asks": events}, "events")["asks"]["error"] is None
    message = judged("vercel.mjs", {"asks": test_vercel.stream_of(session.frames)}, "stream")["asks"]["message"]
    (part,) = [part for part in message["parts"] if part["type"] == "tool-human_feedback"]
    assert (part["state"], part["approval"]["id"]) == ("approval-requested", interrupt["id"])


def test_events_come_while_the_run_lasts_and_a_run_that_is_left_is_cancelled() -> None:
    agui, vercel = AguiTranslator(), VercelTranslator()
    kinds: list[str] = []
    with Sails().stream_events() as session:
        for frame in session:
            kinds = [event["type"] for event in (*agui.feed(frame), *vercel.feed(frame))]
            if "TEXT_MESSAGE_CONTENT" in kinds:
                break
    assert "text-delta" in kinds
    assert agui.end()[-1]["outcome"] == {"type": "cancelled"}
    assert vercel.end()[-1]["type"] == "abort"


@pytest.mark.parametrize("make", [AguiTranslator, VercelTranslator, OpenAIChatTranslator])
@pytest.mark.parametrize("frames", [[], [frame(1, "flow_started", flow_name="F")]], ids=["before", "after"])
def test_an_error_that_no_protocol_can_send_is_told_escaped(
    make: Callable[[], AguiTranslator | VercelTranslator | OpenAIChatTranslator], frames: list[StreamFrame]
) -> None:
    translator = make()
    for one in frames:
        translator.feed(one)
    assert r"no \\ud800" in "".join(map(sse_text, translator.end(error="no \ud800", error_type="OSError")))


def test_spans_have_the_time_of_the_clock() -> None:
    before = datetime.now(UTC).timestamp()
    session = Sails().stream_events()
    read(session)
    spans = test_otel.exported(session.frames)
    after = datetime.now(UTC).timestamp()
    for span in spans:
        assert before - 1e-3 <= (span.start_time or 0) / 1e9 <= (span.end_time or 0) / 1e9 <= after
    assert [span.name for span in spans][:5] == [
        "invoke_workflow Sails",
        "method plan",
        "invoke_workflow crew",
        "task plan",
        "invoke_agent Pilot",
    ]
