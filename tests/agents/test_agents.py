"""Claims about agents: what their runs show, what their models are told, and where they stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from harness import Agent, BaseLLM, BaseTool, ProviderError, UsageError, event_bus, tool
from harness.agents import AgentAction, AgentFinish, GuardrailError, IterationLimitError, LiteAgentOutput
from harness.events import LLMStreamChunkEvent, ToolUsageFinishedEvent
from harness.tools import ToolExecutionFailedError, ToolFailure, ToolFailurePolicy, ToolFailureReason
from tests.agents.scripted import (
    WAYS,
    Answer,
    AsyncSpeaker,
    Held,
    Speaker,
    Way,
    agent,
    by,
    calls,
    kicked_off,
    session_of,
    tide,
    tree,
)

ASKED = calls(("get_tide", {"place": "Bergen"}))


@tool("sink")
def sink(place: str) -> str:
    """Always fails."""
    raise RuntimeError(f"no water at {place}")


@tool("report")
def report(place: str) -> ToolFailure:
    """Always reports a failure."""
    return ToolFailure(message=f"{place} is closed", code="closed")


#: The answers of a model, the agent's tools, and what its session shows.
STORIES: dict[str, tuple[tuple[Answer, ...], list[BaseTool], str, str]] = {
    "an answer": (
        ("It is high.",),
        [],
        "It is high.",
        """
        agent_execution_started
          llm_call_started
            llm_stream_chunk
          llm_call_completed
        agent_execution_completed
        """,
    ),
    "a tool": (
        (ASKED, "It is high."),
        [tide],
        "It is high.",
        """
        agent_execution_started
          llm_call_started
            llm_stream_chunk
          llm_call_completed
          tool_usage_started
          tool_usage_finished
          llm_call_started
            llm_stream_chunk
          llm_call_completed
        agent_execution_completed
        """,
    ),
    "a tool that fails": (
        (calls(("sink", {"place": "Bergen"})), "Unknown."),
        [sink],
        "Unknown.",
        """
        agent_execution_started
          llm_call_started
            llm_stream_chunk
          llm_call_completed
          tool_usage_started
            tool_execution_error
            tool_failure_detected
          tool_usage_error
          llm_call_started
            llm_stream_chunk
          llm_call_completed
        agent_execution_completed
        """,
    ),
    "a tool that reports a failure": (
        (calls(("report", {"place": "Bergen"})), "Closed."),
        [report],
        "Closed.",
        """
        agent_execution_started
          llm_call_started
            llm_stream_chunk
          llm_call_completed
          tool_usage_started
            tool_failure_detected
          tool_usage_finished
          llm_call_started
            llm_stream_chunk
          llm_call_completed
        agent_execution_completed
        """,
    ),
    "arguments that do not fit": (
        (calls(("get_tide", {"pace": "Bergen"})), "Unknown."),
        [tide],
        "Unknown.",
        """
        agent_execution_started
          llm_call_started
            llm_stream_chunk
          llm_call_completed
          tool_usage_started
            tool_validate_input_error
            tool_failure_detected
          tool_usage_error
          llm_call_started
            llm_stream_chunk
          llm_call_completed
        agent_execution_completed
        """,
    ),
    "a tool that is not there": (
        (calls(("get_moon", {})), "Unknown."),
        [tide],
        "Unknown.",
        """
        agent_execution_started
          llm_call_started
            llm_stream_chunk
          llm_call_completed
          tool_usage_started
            tool_selection_error
            tool_failure_detected
          tool_usage_error
          llm_call_started
            llm_stream_chunk
          llm_call_completed
        agent_execution_completed
        """,
    ),
    "two tools at once": (
        (calls(("get_tide", {"place": "Bergen"}), ("get_tide", {"place": "Bodø"})), "Both."),
        [tide],
        "Both.",
        """
        agent_execution_started
          llm_call_started
            llm_stream_chunk
            llm_stream_chunk
          llm_call_completed
          tool_usage_started
          tool_usage_finished
          tool_usage_started
          tool_usage_finished
          llm_call_started
            llm_stream_chunk
          llm_call_completed
        agent_execution_completed
        """,
    ),
}


def lines(text: str) -> list[str]:
    rows = [row for row in text.splitlines() if row.strip()]
    indent = min(len(row) - len(row.lstrip()) for row in rows)
    return [row[indent:] for row in rows]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("answers", "tools", "raw", "shows"), STORIES.values(), ids=STORIES.keys())
def test_a_run_shows(answers: tuple[Answer, ...], tools: list[BaseTool], raw: str, shows: str, way: Way) -> None:
    frames, result = session_of(agent(*answers, tools=tools), way, "How high?")

    assert result.raw == raw
    assert tree(frames, chunks=True) == lines(shows)
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


def test_a_listener_can_tell_agents_apart() -> None:
    one, other = agent("mine"), agent("theirs")
    heard: list[str] = []
    with event_bus.scoped_handlers():

        @event_bus.on(LLMStreamChunkEvent)
        def hear(source: Any, event: LLMStreamChunkEvent) -> None:
            if event.agent_id == one.id:
                heard.append(event.chunk)

        for each in (one, other):
            for _ in each.stream_events("Speak."):
                pass
    assert heard == ["mine"]


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


def test_a_kickoff_in_a_loop_returns_a_coroutine() -> None:
    async def ask() -> LiteAgentOutput:
        return await agent("yes").kickoff("Is it?")  # type: ignore[no-any-return]

    assert asyncio.run(ask()).raw == "yes"


@pytest.mark.parametrize("way", WAYS)
def test_an_integration_that_is_async_alone_works_in_both_ways(way: Way) -> None:
    pilot = agent(llm=AsyncSpeaker(ASKED, "It is high."), tools=[tide])
    assert kicked_off(pilot, way, "How high?").raw == "It is high."


# Models that can't be given tools.


@pytest.mark.parametrize("way", WAYS)
def test_a_model_without_function_calling_is_told_of_tools_in_text(way: Way) -> None:
    model = Speaker(
        'Thought: I must look.\nAction: get_tide\nAction Input: {"place": "Bergen"}\nObservation: low',
        "Thought: Now I know.\nFinal Answer: It is high.",
        functions=False,
    )
    steps: list[Any] = []
    pilot = agent(llm=model, tools=[tide], step_callback=steps.append)
    frames, result = session_of(pilot, way, "How high?")

    assert result.raw == "It is high."
    assert [frame.type for frame in frames if frame.channel == "tools"] == ["tool_usage_started", "tool_usage_finished"]
    assert all(not request.tools for request in model.requests)
    assert "get_tide" in model.said_to(0)[0]
    assert [request.stop for request in model.requests] == [["\nObservation:"]] * 2
    # What the model made up of the observation is not kept.
    assert model.said_to(1)[2:] == [
        'Thought: I must look.\nAction: get_tide\nAction Input: {"place": "Bergen"}',
        "Observation: high at Bergen",
    ]
    assert steps == [
        AgentAction(
            "I must look.",
            "get_tide",
            '{"place": "Bergen"}',
            'Thought: I must look.\nAction: get_tide\nAction Input: {"place": "Bergen"}',
            "high at Bergen",
        ),
        AgentFinish("Now I know.", "It is high.", "Thought: Now I know.\nFinal Answer: It is high."),
    ]


#: What a model without tools says, and the answer that it is.
SAID: dict[str, tuple[str, str]] = {
    "plain": ("It is high.", "It is high."),
    "in the text form": ("Thought: Easy.\nFinal Answer: It is high.", "It is high."),
    "the words in the middle of a sentence": ("My Final Answer: none.", "My Final Answer: none."),
}


@pytest.mark.parametrize(("said", "answer"), SAID.values(), ids=SAID.keys())
def test_the_answer_in_what_a_model_says(said: str, answer: str) -> None:
    assert agent(said).kickoff("How high?").raw == answer


class OldStyle(BaseLLM):
    """Has a `call` of its own, with fewer parameters."""

    def call(self, messages: Any, tools: Any = None, callbacks: Any = None, available_functions: Any = None) -> str:  # type: ignore[override]
        return f"{len(messages)} messages"


@pytest.mark.parametrize("way", WAYS)
def test_a_subclass_with_a_call_of_its_own_is_given_what_it_takes(way: Way) -> None:
    assert kicked_off(agent(llm=OldStyle("old")), way, "How many?").raw == "2 messages"


# Limits.


@pytest.mark.parametrize("way", WAYS)
def test_an_agent_at_its_limit_of_iterations_answers_without_tools(way: Way) -> None:
    pilot = agent(ASKED, ASKED, "Enough.", tools=[tide], max_iter=2)
    frames, result = session_of(pilot, way, "How high?")

    assert result.raw == "Enough."
    assert [bool(request.tools) for request in pilot.llm.requests] == [True, True, False]
    assert [frame.type for frame in frames].count("tool_usage_finished") == 2


def test_a_model_that_asks_for_tools_to_the_last_is_an_error() -> None:
    frames, error = session_of(agent(ASKED, tools=[tide], max_iter=1), "sync", "How high?")

    assert isinstance(error, IterationLimitError)
    assert "max_iter of 1" in str(error)
    assert frames[-1].type == "agent_execution_error"
    assert frames[-1].data["error_type"] == "IterationLimitError"


@pytest.mark.parametrize("way", WAYS)
def test_an_agent_that_takes_too_long_is_stopped_and_its_frames_end(way: Way) -> None:
    held = Held()
    frames, error = session_of(agent(held, max_execution_time=0.05), way, "How high?")
    held.let_go.set()

    assert isinstance(error, TimeoutError)
    assert "'Pilot' has not answered within 0.05 s" in str(error)
    assert tree(frames) == [
        "agent_execution_started",
        "  llm_call_started",
        "  llm_call_failed",
        "agent_execution_error",
    ]


def test_an_agent_in_time_is_not_disturbed() -> None:
    assert agent(ASKED, "It is high.", tools=[tide], max_execution_time=30).kickoff("How high?").raw == "It is high."


@pytest.mark.parametrize("way", WAYS)
def test_a_models_own_timeout_is_told_as_what_it_is(way: Way) -> None:
    error = TimeoutError()
    _, raised = session_of(agent(error, max_execution_time=30, max_retry_limit=0), way, "How high?")
    assert raised is error


@pytest.mark.parametrize("way", WAYS)
def test_what_interrupts_an_agent_with_a_time_limit_is_raised(way: Way) -> None:
    interrupt = KeyboardInterrupt()
    frames, raised = session_of(agent(interrupt, max_execution_time=30), way, "How high?")
    assert raised is interrupt
    assert tree(frames)[-1] == "agent_execution_error"


def test_requests_keep_their_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    waited: list[float] = []

    async def wait(self: Any, seconds: float) -> None:
        waited.append(seconds)
        now[0] += seconds

    monkeypatch.setattr("harness.agents.driver.InThread.wait", wait)
    monkeypatch.setattr("harness.agents.pace.time.monotonic", lambda: now[0])
    pilot = agent("yes", max_rpm=2)
    for _ in range(5):
        pilot.kickoff("Is it?")
        now[0] += 10
    # The first two of a minute begin at once; the third when the first is a minute old.
    assert waited == [40, 40]


# Failures.


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


def test_an_answer_of_nothing_is_asked_for_again() -> None:
    assert agent("", "something").kickoff("What?").raw == "something"


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


def test_the_model_is_told_what_went_wrong() -> None:
    pilot = agent(
        calls(("sink", {"place": "Bergen"}), ("report", {"place": "Bergen"}), ("get_moon", {}), ("get_tide", "[]")),
        "Well.",
        tools=[sink, report, tide],
    )
    pilot.kickoff("How high?")
    assert pilot.llm.said_to(1)[3:] == [
        "sink failed with RuntimeError: no water at Bergen",
        "Bergen is closed",
        "get_moon failed with UnknownToolError: there is no tool 'get_moon'; the tools are sink, report, get_tide",
        "Get tide failed with ToolInputError: the arguments of the tool 'Get tide' are no JSON object: they are list",
    ]


# Tools.


@pytest.mark.parametrize("way", WAYS)
def test_a_result_may_be_the_answer(way: Way) -> None:
    @tool("Look up", result_as_answer=True)
    def look_up() -> str:
        """Look it up."""
        return "word for word"

    pilot = agent(calls(("look_up", {})), "never said", tools=[look_up])
    assert kicked_off(pilot, way, "What?").raw == "word for word"
    assert len(pilot.llm.requests) == 1


@pytest.mark.parametrize(
    ("options", "kept"), [({"cache": True}, True), ({}, False), ({"cache": False}, False)], ids=["on", "unsaid", "off"]
)
def test_results_are_kept_where_the_agent_says_so(options: dict[str, Any], kept: bool) -> None:
    used: list[str] = []

    @tool("Look at")
    def look_at(place: str) -> str:
        """Look at a place."""
        used.append(place)
        return place

    look_at.cache_function = lambda arguments, result: result != "Bodø"
    asked = [calls(("look_at", {"place": place})) for place in ("Bergen", "Bergen", "Bodø", "Bodø")]
    from_cache: list[bool] = []
    with event_bus.scoped_handlers():

        @event_bus.on(ToolUsageFinishedEvent)
        def hear(source: Any, event: ToolUsageFinishedEvent) -> None:
            from_cache.append(event.from_cache)

        agent(*asked, "Seen.", tools=[look_at], **options).kickoff("What?")
    assert used == (["Bergen", "Bodø", "Bodø"] if kept else ["Bergen", "Bergen", "Bodø", "Bodø"])
    assert from_cache == [False, kept, False, False]


def test_a_tool_that_has_been_used_as_often_as_it_may_is_refused() -> None:
    @tool("once", max_usage_count=1)
    def once() -> str:
        """Works once."""
        return "worked"

    pilot = agent(calls(("once", {})), calls(("once", {})), "Well.", tools=[once])
    output = pilot.kickoff("What?")
    assert "as often as it may be" in pilot.llm.said_to(2)[-1]
    assert [record.failure.reason for record in output.tool_failures] == [ToolFailureReason.USAGE_LIMIT]


@pytest.mark.parametrize("way", WAYS)
def test_what_a_model_says_beside_its_calls_stays_in_the_conversation(way: Way) -> None:
    steps: list[Any] = []
    asked = calls(("get_tide", {"place": "Bergen"}), beside="I will look.")
    pilot = agent(asked, "It is high.", tools=[tide], step_callback=steps.append)
    assert kicked_off(pilot, way, "How high?").raw == "It is high."
    assert pilot.llm.said_to(1)[2:] == ["I will look.", "high at Bergen"]
    assert steps[0] == AgentAction("I will look.", "get_tide", '{"place": "Bergen"}', "I will look.", "high at Bergen")


# Forms of answers.


class Tide(BaseModel):
    place: str
    metres: float


FORMS: dict[str, tuple[Answer, ...]] = {
    "as asked": ('{"place": "Bergen", "metres": 1.5}',),
    "refused at first": ("high", '{"place": "Bergen", "metres": 1.5}'),
    "after a tool": (ASKED, '{"place": "Bergen", "metres": 1.5}'),
    "in a fence, after a tool": (ASKED, 'Here it is:\n```json\n{"place": "Bergen", "metres": 1.5}\n```'),
    "put into the form, after a tool": (ASKED, "one and a half metres", '{"place": "Bergen", "metres": 1.5}'),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("answers", FORMS.values(), ids=FORMS.keys())
def test_an_answer_in_a_form(answers: tuple[Answer, ...], way: Way) -> None:
    pilot = agent(*answers, tools=[tide] if ASKED in answers else [])
    output = kicked_off(pilot, way, "How high?", response_format=Tide)
    assert output.pydantic == Tide(place="Bergen", metres=1.5)
    assert output.to_dict() == {"place": "Bergen", "metres": 1.5}


def test_a_model_that_can_not_be_told_of_a_form_is_told_in_the_prompt() -> None:
    class Parrot(BaseLLM):
        def call(self, messages: Any) -> str:  # type: ignore[override]
            assert '"metres"' in messages[-1]["content"]
            return '{"place": "Bergen", "metres": 1}'

    assert agent(llm=Parrot("parrot")).kickoff("How high?", response_format=Tide).pydantic.metres == 1


# Guardrails.


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_is_sent_back_until_the_guardrail_lets_it_pass(way: Way) -> None:
    def short(output: LiteAgentOutput) -> tuple[bool, Any]:
        return (True, output.raw.upper()) if len(output.raw) < 6 else (False, "too long")

    pilot = agent("very long", "still long", "short", guardrail=short)
    frames, result = session_of(pilot, way, "Say it.")

    assert result.raw == "SHORT"
    assert "too long" in pilot.llm.said_to(2)[-1]
    rails = [frame.data for frame in frames if frame.type == "llm_guardrail_completed"]
    assert [(rail["success"], rail["error"], rail["retry_count"]) for rail in rails] == [
        (False, "too long", 0),
        (False, "too long", 1),
        (True, None, 2),
    ]
    call = ["  llm_call_started", "  llm_call_completed", "  llm_guardrail_started", "  llm_guardrail_completed"]
    assert tree(frames) == ["agent_execution_started", *call * 3, "agent_execution_completed"]


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_that_never_passes_is_an_error(way: Way) -> None:
    pilot = agent("no", guardrail=lambda output: (False, "wrong"), guardrail_max_retries=1)
    with pytest.raises(GuardrailError, match="after 1 retries; what it said last: wrong"):
        kicked_off(pilot, way, "Say it.")
    assert len(pilot.llm.requests) == 2


def test_a_guardrail_in_words_is_judged_by_the_model() -> None:
    pilot = agent(
        "Bergen", '{"valid": false, "feedback": "name a fjord"}', "Sognefjord", '{"valid": true}', guardrail="A fjord."
    )
    assert pilot.kickoff("Where?").raw == "Sognefjord"
    assert "name a fjord" in pilot.llm.said_to(2)[-1]


def test_a_guardrail_that_returns_something_else_is_an_error() -> None:
    with pytest.raises(TypeError, match="returns .True, the output. or"):
        agent("no", guardrail=lambda output: "fine").kickoff("Say it.")


# Making one.


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "nearly an option": ({"max_iters": 3}, "has no option 'max_iters'; did you mean 'max_iter'"),
    "what is not there": ({"memory": True}, "sets memory, but memory is no part of this runtime"),
    "no LLM": ({"llm": 3}, "an llm is 'provider/model'"),
    "no tool": ({"tools": ["hammer"]}, r"Agent: tools\[0\]: expected an object"),
    "two of them": ({"max_iter": 0, "max_rpm": 0}, "Agent: max_iter: expected at least 1, not 0; max_rpm: "),
    "an LLM of nobody's": ({"llm": "nobody/model"}, "nobody"),
}


@pytest.mark.parametrize(("options", "words"), BAD.values(), ids=BAD.keys())
def test_options_that_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Agent(**{"role": "r", "goal": "g", "backstory": "b", **options})


def test_options_without_effect_are_taken_where_they_are_off() -> None:
    assert Agent(role="r", goal="g", backstory="b", memory=False, reasoning=False, some_other=1).role == "r"  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: agent("x").kickoff([]), "there are none"),
        (lambda: agent("x").kickoff("x", input_files={"a": 1}), "no files"),
    ],
    ids=["no messages", "files"],
)
def test_a_kickoff_that_is_refused(ask: Callable[[], Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        ask()


def test_a_model_by_name_is_made_at_once_and_the_default_when_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL", "openai/from-the-environment")
    assert Agent(role="r", goal="g", backstory="b", llm="openai/gpt-4o-mini").llm.model == "gpt-4o-mini"
    unsaid = Agent(role="r", goal="g", backstory="b")
    assert unsaid.llm is None
    assert unsaid.model().model == "from-the-environment"


def test_templates_say_how_the_texts_are_put() -> None:
    pilot = agent("yes", system_template="<s>{{ .System }}</s>", prompt_template="<u>{{ .Prompt }}</u>")
    pilot.kickoff("Is it?")
    (said,) = pilot.llm.said_to(0)
    assert said.startswith("<s>You are Pilot.")
    assert said.endswith("</s><u>Is it?</u>")


# Leaving.


@pytest.mark.parametrize("way", WAYS)
def test_closing_returns_while_the_model_is_silent_and_stops_the_run(way: Way) -> None:
    held = Held()
    pilot = agent(held, tools=[tide])

    def close() -> Any:
        session = pilot.stream_events("How high?")
        next(iter(session))
        assert held.reached.wait(30)
        session.close()
        return session

    async def aclose() -> Any:
        session = pilot.astream("How high?")
        await anext(aiter(session))
        await asyncio.to_thread(held.reached.wait, 30)
        await session.aclose()
        return session

    session = by(way, close, aclose)
    count = len(session.frames)
    held.let_go.set()
    assert session.is_cancelled
    assert len(session.frames) == count
