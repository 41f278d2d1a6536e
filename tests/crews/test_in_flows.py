"""Claims about agents and crews in flows: what a flow's session shows of them, and what it counts."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from harness import BaseLLM, Crew, Flow, Task, listen, start
from tests.agents.scripted import ASKED, WAYS, Way, agent, session_of, tide, tree

AGENT = [
    "agent_execution_started",
    "  llm_call_started",
    "  llm_call_completed",
    "  tool_usage_started",
    "  tool_usage_finished",
    "  llm_call_started",
    "  llm_call_completed",
    "agent_execution_completed",
]


class Asks(Flow):
    """Asks an agent in a method, and a crew in the next."""

    @start()
    def question(self) -> str:
        return str(agent(ASKED, "It is\n high.", tools=[tide]).kickoff("How high?"))

    @listen(question)
    def plan(self, said: str) -> str:
        pilot = agent("Come in.")
        task = Task(description=f"Plan, since {said}", expected_output="A plan.", agent=pilot)
        return f"{said} {Crew(agents=[pilot], tasks=[task]).kickoff()}"


class AwaitsThem(Flow):
    """Does the same in coroutines."""

    @start()
    async def question(self) -> str:
        # In a running loop it is a coroutine.
        return str(await agent(ASKED, "It is\n high.", tools=[tide]).kickoff("How high?"))

    @listen(question)
    async def plan(self, said: str) -> str:
        pilot = agent("Come in.")
        task = Task(description=f"Plan, since {said}", expected_output="A plan.", agent=pilot)
        return f"{said} {await Crew(agents=[pilot], tasks=[task]).kickoff_async()}"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", [Asks, AwaitsThem])
def test_a_flow_shows_the_whole_tree_with_its_tokens_and_counts_it(kind: type[Flow], way: Way) -> None:
    flow = kind()
    frames, result = session_of(flow, way)

    assert result == "It is\n high. Come in."
    rows = [row[4:] for row in tree(frames) if row.startswith("    ")]
    assert rows[: len(AGENT)] == AGENT
    assert [row.strip() for row in rows[len(AGENT) :]] == [
        "crew_kickoff_started",
        "task_started",
        "agent_execution_started",
        "llm_call_started",
        "llm_call_completed",
        "agent_execution_completed",
        "task_completed",
        "crew_kickoff_completed",
    ]
    assert "".join(frame.content for frame in frames) == "It is\n high.Come in."
    assert flow.usage_metrics.successful_requests == 3
    assert flow.usage_metrics.total_tokens == 7 + 13 + 13


def openai_call() -> Any:
    from openai.types.chat import ChatCompletionMessageToolCall

    return ChatCompletionMessageToolCall.model_validate(
        {"id": "c", "type": "function", "function": {"name": "get_tide", "arguments": '{"place": "Bergen"}'}}
    )


AT_BERGEN = {"place": "Bergen"}
#: How a subclass may give a call, as SDKs and hosts do.
GIVEN: dict[str, Callable[[], Any]] = {
    "OpenAI's object": openai_call,
    "an object": lambda: SimpleNamespace(id="c", function=SimpleNamespace(name="get_tide", arguments=AT_BERGEN)),
    "without an id": lambda: {"function": {"name": "get_tide", "arguments": AT_BERGEN}},
    "Anthropic's": lambda: {"type": "tool_use", "id": "c", "name": "get_tide", "input": AT_BERGEN},
    "Bedrock's": lambda: {"toolUseId": "c", "name": "get_tide", "input": AT_BERGEN},
    "Gemini's": lambda: SimpleNamespace(function_call=SimpleNamespace(name="get_tide", args=AT_BERGEN)),
    "of Responses": lambda: {"call_id": "c", "id": "f", "name": "get_tide", "arguments": '{"place": "Bergen"}'},
}


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN.keys())
def test_a_subclass_may_give_calls_as_an_sdk_does(given: Callable[[], Any]) -> None:
    said: list[Any] = [[given()], ["no", "calls"]]

    class Own(BaseLLM):
        def call(self, messages: Any, **options: Any) -> Any:  # type: ignore[override]
            return said.pop(0)

    output = agent(llm=Own("own"), tools=[tide]).kickoff("How high?")
    assert output.raw == "['no', 'calls']"
    asked, told = output.messages[2:4]
    (call,) = asked["tool_calls"]
    assert (call["function"]["name"], json.loads(call["function"]["arguments"])) == ("get_tide", AT_BERGEN)
    assert (told["tool_call_id"], told["content"]) == (call["id"], "high at Bergen")
