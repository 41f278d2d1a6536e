"""Claims about agents: what their runs show, whose each event is, and what their models are told."""

from __future__ import annotations

import pytest

from harness import BaseTool
from tests.agents.scripted import (
    ASKED,
    WAYS,
    AsyncSpeaker,
    Calls,
    Way,
    agent,
    calls,
    kicked_off,
    report,
    session_of,
    sink,
    tide,
    tree,
)

CALL = ["  llm_call_started", "    llm_stream_chunk", "  llm_call_completed"]
USED = ["  tool_usage_started", "  tool_usage_finished"]


def refused(*why: str) -> list[str]:
    """Return what the use of a tool shows that comes to nothing."""
    return ["  tool_usage_started", *(f"    {each}" for each in why), "  tool_usage_error"]


#: The tools that a model asks for, which the agent has, and what its session shows of that.
USES: dict[str, tuple[Calls, list[BaseTool], list[str]]] = {
    "no tool": (calls(), [tide], []),
    "a tool": (ASKED, [tide], USED),
    "a tool that fails": (
        calls(("sink", {"place": "Bergen"})),
        [sink],
        refused("tool_execution_error", "tool_failure_detected"),
    ),
    "a tool that reports a failure": (
        calls(("report", {"place": "Bergen"})),
        [report],
        ["  tool_usage_started", "    tool_failure_detected", "  tool_usage_finished"],
    ),
    "arguments that do not fit": (
        calls(("get_tide", {"pace": "Bergen"})),
        [tide],
        refused("tool_validate_input_error", "tool_failure_detected"),
    ),
    "a tool that is not there": (
        calls(("get_moon", {})),
        [tide],
        refused("tool_selection_error", "tool_failure_detected"),
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("asks", "tools", "shows"), USES.values(), ids=USES.keys())
def test_a_run_shows_its_calls_and_what_is_used_between_them(
    asks: Calls, tools: list[BaseTool], shows: list[str], way: Way
) -> None:
    answers = (asks, "It is high.") if asks.asked else ("It is high.",)
    frames, result = session_of(agent(*answers, tools=tools), way, "How high?")

    first = [CALL[0], *[CALL[1]] * len(asks.asked), CALL[2]] if asks.asked else []
    assert result.raw == "It is high."
    assert tree(frames, chunks=True) == [
        "agent_execution_started",
        *first,
        *shows,
        *CALL,
        "agent_execution_completed",
    ]
    assert [frame.seq for frame in frames] == list(range(1, len(frames) + 1))


@pytest.mark.parametrize("way", WAYS)
def test_every_event_of_a_run_says_whose_it_is(way: Way) -> None:
    pilot = agent(ASKED, "It is high.", tools=[tide])
    frames, _ = session_of(pilot, way, "How high?")

    assert {(frame.data["agent_id"], frame.data["agent_role"]) for frame in frames} == {(pilot.id, "Pilot")}
    tools = [frame for frame in frames if frame.channel == "tools"]
    assert [frame.namespace for frame in tools] == [("tools", "Get tide", "Pilot")] * 2
    assert tools[0].data["tool_args"] == {"place": "Bergen"}
    assert tools[1].data["output"] == "high at Bergen"
    assert frames[0].data["agent"] == {
        "id": pilot.id,
        "role": "Pilot",
        "goal": "Bring ships in.",
        "backstory": "Knows the coast.",
    }


@pytest.mark.parametrize("way", WAYS)
def test_the_model_is_told_who_it_is_and_what_a_tool_gave(way: Way) -> None:
    pilot = agent(ASKED, "It is high.", tools=[tide])
    output = kicked_off(pilot, way, "How high?")

    first, second = pilot.llm.requests
    assert [message.role for message in first.messages] == ["system", "user"]
    assert all(word in str(first.messages[0].content) for word in ("Pilot", "Bring ships in.", "Knows the coast."))
    assert first.messages[1].content == "How high?"
    assert [definition.function.name for definition in first.tools] == ["get_tide"]
    assert [message.role for message in second.messages] == ["system", "user", "assistant", "tool"]
    assert second.messages[3].content == "high at Bergen"
    assert second.messages[3].tool_call_id == second.messages[2].tool_calls[0].id
    assert [message["role"] for message in output.messages] == ["system", "user", "assistant", "tool", "assistant"]
    assert output.usage_metrics["total_tokens"] == 7 + 13
    assert output.usage_metrics["successful_requests"] == 2


@pytest.mark.parametrize("way", WAYS)
def test_an_integration_that_is_async_alone_works_in_both_ways(way: Way) -> None:
    pilot = agent(llm=AsyncSpeaker(ASKED, "It is high."), tools=[tide])
    assert kicked_off(pilot, way, "How high?").raw == "It is high."
