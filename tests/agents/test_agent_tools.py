"""Claims about the tools of agents: results that are answers, results that are kept, tools that are used up."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel

from harness import event_bus, tool
from harness.agents import AgentAction
from harness.events import ToolUsageFinishedEvent
from tests.agents.scripted import WAYS, Speaker, Way, agent, calls, kicked_off, tide


@pytest.mark.parametrize(
    ("options", "kept"), [({"cache": True}, True), ({}, False), ({"cache": False}, False)], ids=["on", "unsaid", "off"]
)
def test_results_are_kept_where_the_agent_says_so(options: dict[str, Any], kept: bool) -> None:
    used: list[str] = []

    @tool("Look at")
    def look_at(of: dict[str, Any]) -> str:
        """Look at a place."""
        # What it makes of its arguments is its own matter.
        used.append(of["places"].pop())
        return used[-1]

    look_at.cache_function = lambda arguments, result: result != "Bodø"
    asked = [calls(("look_at", {"of": {"places": [place]}})) for place in ("Bergen", "Bergen", "Bodø", "Bodø")]
    from_cache: list[bool] = []
    told: list[Any] = []
    with event_bus.scoped_handlers():

        @event_bus.on(ToolUsageFinishedEvent)
        def hear(source: Any, event: ToolUsageFinishedEvent) -> None:
            from_cache.append(event.from_cache)
            told.append(event.tool_args)

        agent(*asked, "Seen.", tools=[look_at], **options).kickoff("What?")
    assert used == (["Bergen", "Bodø", "Bodø"] if kept else ["Bergen", "Bergen", "Bodø", "Bodø"])
    assert from_cache == [False, kept, False, False]
    assert told == [{"of": {"places": [place]}} for place in ("Bergen", "Bergen", "Bodø", "Bodø")]


@pytest.mark.parametrize("way", WAYS)
def test_what_a_model_says_beside_its_calls_stays_in_the_conversation(way: Way) -> None:
    steps: list[Any] = []
    asked = calls(("get_tide", {"place": "Bergen"}), beside="I will look.")
    pilot = agent(asked, "It is high.", tools=[tide], step_callback=steps.append)
    assert kicked_off(pilot, way, "How high?").raw == "It is high."
    assert pilot.llm.said_to(1)[2:] == ["I will look.", "high at Bergen"]
    assert steps[0] == AgentAction("I will look.", "get_tide", '{"place": "Bergen"}', "I will look.", "high at Bergen")


@pytest.mark.parametrize("functions", [True, False], ids=["native", "in text"])
def test_tools_that_a_model_would_have_one_name_for_are_told_apart(functions: bool) -> None:
    tools = []
    for name in ("天気", "潮", "潮汐"):

        @tool(name)
        def look(place: str, name: str = name) -> str:
            """Look at a place."""
            return f"{name} at {place}"

        tools.append(look)
    arguments = {"place": "Bergen"}
    answers = [
        calls((name, arguments)) if functions else f"Action: {name}\nAction Input: {json.dumps(arguments)}"
        for name in ("tool", "tool_2", "tool_3", "潮")
    ]
    model = Speaker(*answers, "Done.", functions=functions)
    # One that is there twice is one.
    agent(llm=model, tools=[*tools, tools[0]]).kickoff("What?")
    told = [model.said_to(number)[-1].removeprefix("Observation: ") for number in range(1, 5)]
    assert told == ["天気 at Bergen", "潮 at Bergen", "潮汐 at Bergen", "潮 at Bergen"]
    if functions:
        assert [told.function.name for told in model.requests[0].tools or ()] == ["tool", "tool_2", "tool_3"]
    else:
        assert all(f"- {name}: Look" in model.said_to(0)[0] for name in ("tool", "tool_2", "tool_3"))


class Tide(BaseModel):
    metres: float


class Signal(BaseModel):
    sent: bytes


@pytest.mark.parametrize(
    ("gives", "told"),
    [
        ({"Bergen": Tide(metres=1.5)}, '{"Bergen": {"metres": 1.5}}'),
        ([Tide(metres=1.5), "Oslo"], '[{"metres": 1.5}, "Oslo"]'),
        ({(60, 5): "Bergen"}, "{(60, 5): 'Bergen'}"),
        ("tide\udcff.txt", "tide\ufffd.txt"),
        (Signal(sent=b"\xff"), "sent=b'\\xff'"),
        # The same in each process, so that what was recorded is asked again.
        (set("harbour"), "{'a', 'b', 'h', 'o', 'r', 'u'}"),
        ([frozenset("harbour")], "[\"{'a', 'b', 'h', 'o', 'r', 'u'}\"]"),
        (object(), "<object object>"),
    ],
    ids=[
        "models in a dict",
        "models in a list",
        "keys that JSON has none of",
        "a name that is no text",
        "a model that JSON has no form for",
        "a set",
        "a set in a list",
        "an object without a text of its own",
    ],
)
def test_the_model_is_told_what_a_tool_gave(gives: Any, told: str) -> None:
    @tool
    def look() -> Any:
        """Look around."""
        return gives

    pilot = agent(calls(("look", {})), "Seen.", tools=[look])
    assert pilot.kickoff("What?").tool_failures == []
    assert pilot.llm.said_to(1)[-1] == told
