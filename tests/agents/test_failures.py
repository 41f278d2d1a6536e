"""Claims about calls and tools of agents that fail: what is tried again, what the model is told, what the run shows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness import BaseLLM, BaseTool, ProviderError, UsageError, tool
from harness.errors import MalformedResponseError
from harness.tools import ToolExecutionFailedError, ToolFailurePolicy, ToolFailureReason
from tests.agents.scripted import WAYS, Calls, Speaker, Way, agent, calls, report, session_of, sink, tide


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("limit", "raw"), [(2, "at last"), (1, None)])
def test_a_failing_call_is_made_again_as_often_as_it_may(limit: int, raw: str | None, way: Way) -> None:
    error = ConnectionError("gone")
    frames, result = session_of(agent(error, error, "at last", max_retry_limit=limit), way, "Is it?")

    types = [frame.type for frame in frames]
    assert types.count("llm_call_failed") == 2
    if raw is None:
        assert result is error
        assert types[-1] == "agent_execution_error"
    else:
        assert result.raw == raw


REFUSALS: dict[str, Exception] = {
    "for good": ProviderError("no such model", provider="scripted", status=404),
    "unsent": UsageError("messages: no"),
}


@pytest.mark.parametrize("error", REFUSALS.values(), ids=REFUSALS.keys())
def test_a_call_that_can_not_succeed_is_not_made_again(error: Exception) -> None:
    pilot = agent(error)
    with pytest.raises(type(error)):
        pilot.kickoff("Is it?")
    assert len(pilot.llm.requests) == 1


def test_a_call_that_the_limit_cuts_off_before_its_arguments_is_told_to_the_model() -> None:
    wiped: list[str] = []

    @tool("wipe")
    def wipe(path: str = "/") -> None:
        """Remove all that is there."""
        wiped.append(path)

    pilot = agent(Calls((("wipe", ""),), reason="length"), "Well.", tools=[wipe])
    assert pilot.kickoff("Clean up.").raw == "Well."
    assert wiped == []
    assert "the answer was cut off" in pilot.llm.said_to(1)[-1]


@pytest.mark.parametrize("arguments", ['{"path": "/tm', '{"path": NaN}', '["/tmp"]'], ids=["half", "no JSON", "a list"])
def test_arguments_that_are_no_json_object_go_back_to_the_model_in_one(arguments: str) -> None:
    pilot = agent(calls(("sink", arguments)), "Well.", tools=[sink])
    assert pilot.kickoff("Sink it.").raw == "Well."
    (call,) = next(message.tool_calls for message in pilot.llm.requests[1].messages if message.tool_calls)
    assert json.loads(call.function.arguments) == {"INVALID_JSON": arguments}


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("Get tide", "get_tide"),
        ("get_tide\n", "get_tide"),
        ("functions.get_tide", "functions_get_tide"),
        ("潮", "_"),
        ("t" * 70, "t" * 64),
    ],
    ids=["as people call it", "with a line's end", "with a dot", "with other letters", "too long"],
)
def test_a_call_goes_back_to_the_model_under_a_name_that_apis_take(name: str, sent: str) -> None:
    pilot = agent(calls((name, {"place": "Bergen"})), "Well.", tools=[tide])
    pilot.kickoff("How high?")
    asked, told = pilot.llm.requests[1].messages[-2:]
    assert asked.tool_calls[0].function.name == told.name == sent


class GivesCalls(BaseLLM):
    """Gives the same calls in its own `call` until it is told twice what they gave."""

    calls: list[Any]

    def call(self, messages: Any, tools: Any = None, **options: Any) -> Any:  # type: ignore[override]
        told = [message["tool_call_id"] for message in messages if message["role"] == "tool"]
        return json.dumps(told) if len(told) == 2 * len(self.calls) else self.calls


@pytest.mark.parametrize("ids", [("c1", "c1"), (None, None), ("call_1", None)], ids=["one for two", "none", "half"])
def test_calls_without_an_id_of_their_own_are_told_apart(ids: tuple[str | None, ...]) -> None:
    asked = [{"id": each, "function": {"name": "get_tide", "arguments": '{"place": "Bergen"}'}} for each in ids]
    told = json.loads(agent(llm=GivesCalls("own", calls=asked), tools=[tide]).kickoff("How high?").raw)
    # An id that the model gives is its own, also where it gives that again later.
    made = [call_id for call_id in told if call_id not in ids]
    assert len(told) == 4
    assert None not in told
    assert told[0] != told[1]
    assert len({*made}) == len(made)


@pytest.mark.parametrize("in_text", [False, True], ids=["native", "in text"])
@pytest.mark.parametrize("nothing", ["", "\n \n", "Final Answer:", "Thought: I know.\n**Final Answer:** \n"])
def test_an_answer_of_nothing_is_asked_for_again(nothing: str, in_text: bool) -> None:
    model = Speaker(nothing, "something", functions=not in_text)
    assert agent(llm=model, tools=[tide]).kickoff("What?").raw == "something"
    with pytest.raises(MalformedResponseError, match="has answered with nothing"):
        agent(llm=Speaker(nothing, functions=not in_text), tools=[tide]).kickoff("What?")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("failing", [sink, report], ids=["raises", "reports"])
@pytest.mark.parametrize("policy", ToolFailurePolicy)
def test_what_a_failing_tool_leads_to(policy: ToolFailurePolicy, failing: BaseTool, way: Way) -> None:
    pilot = agent(calls((failing.name, {"place": "Bergen"})), "Well.", tools=[failing], tool_failure_policy=policy)
    frames, result = session_of(pilot, way, "How high?")
    detected = [frame.data["policy"] for frame in frames if frame.type == "tool_failure_detected"]

    assert detected == ([] if policy is ToolFailurePolicy.IGNORE else [policy.value])
    if policy is ToolFailurePolicy.RAISE:
        assert isinstance(result, ToolExecutionFailedError)
        assert [frame.type for frame in frames][-2:] == ["tool_usage_error", "agent_execution_error"]
        return
    records = [(record.tool_name, record.failure.reason) for record in result.tool_failures]
    reason = ToolFailureReason.EXCEPTION if failing is sink else ToolFailureReason.TOOL_REPORTED
    assert records == ([] if policy is ToolFailurePolicy.IGNORE else [(failing.name, reason)])


def test_an_error_comes_with_nothing_that_it_has_not_to_do_with() -> None:
    with pytest.raises(KeyError) as caught:
        agent(KeyError("tide")).kickoff("How high?")
    assert caught.value.__context__ is None


def test_the_model_is_told_what_went_wrong() -> None:
    @tool
    def look() -> str:
        """Look around; a host may say null of no arguments."""
        return "nothing seen"

    @tool
    def stray() -> str:
        """Fail, with an object in what is said of it."""
        raise LookupError(f"{object()} is not there, and nothing at 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")

    @tool
    def step() -> str:
        """Fail, with a place in a program in what is said of it."""
        raise LookupError("Breakpoint 1 at 0x401136: file tide.c")

    pilot = agent(
        calls(
            ("sink", {"place": "Bergen"}),
            ("report", {"place": "Bergen"}),
            ("get_moon", {}),
            ("get_tide", "[]"),
            ("get_tide", "[" * 100_000),
            ("look", "null"),
            ("stray", {}),
            ("step", {}),
        ),
        "Well.",
        tools=[sink, report, tide, look, stray, step],
    )
    pilot.kickoff("How high?")
    assert pilot.llm.said_to(1)[3:] == [
        "sink failed with RuntimeError: no water at Bergen",
        "Bergen is closed",
        "get_moon failed with UnknownToolError: there is no tool 'get_moon'; the tools are sink, report, get_tide, look, stray, step",
        "Get tide failed with ToolInputError: the tool 'Get tide' takes a JSON object: the arguments are list, not an object",
        "Get tide failed with ToolInputError: the tool 'Get tide' takes a JSON object: the arguments are nested too deep",
        "nothing seen",
        "stray failed with LookupError: <object object> is not there, and nothing at "
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "step failed with LookupError: Breakpoint 1 at 0x401136: file tide.c",
    ]
