"""Claims about the answers of agents: in a form, and past a guardrail."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from harness import BaseLLM, tool
from harness.agents import AgentAction, AgentFinish, GuardrailError, LiteAgentOutput
from harness.errors import UsageError
from tests.agents.scripted import ASKED, WAYS, Answer, Cut, Speaker, Way, agent, kicked_off, session_of, tide, tree


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


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("content", ["How high?", [{"type": "text", "text": "How high?"}]], ids=["text", "parts"])
def test_a_model_that_is_not_held_to_the_form_is_told_of_it_in_words(content: Any, way: Way) -> None:
    pilot = agent("high", "higher", '{"place": "Bergen", "metres": 1.5}')
    question = [{"role": "user", "content": content}]
    assert kicked_off(pilot, way, question, response_format=Tide).pydantic.metres == 1.5
    assert [pilot.llm.said_to(request)[-1].count("one JSON object") for request in range(3)] == [0, 1, 1]
    assert '"metres"' in pilot.llm.said_to(1)[-1]
    assert "How high?" in pilot.llm.said_to(1)[-1]


class Review(BaseModel):
    faults: list[str] = []
    verdict: str = "good"


@pytest.mark.parametrize("said", ["It is bad: `function f() {}`", "It is bad: ```json\n{}\n```"])
def test_what_else_stands_in_braces_is_no_answer_in_a_form_of_defaults(said: str) -> None:
    output = agent(ASKED, said, '{"verdict": "bad"}', tools=[tide]).kickoff("How is it?", Review)
    assert output.pydantic == Review(verdict="bad")
    for alone in ("{}", "```json\n{}\n```"):
        pilot = agent(ASKED, alone, tools=[tide])
        assert pilot.kickoff("How is it?", Review).pydantic == Review()
        # It is not asked for the form once more.
        assert len(pilot.llm.requests) == 2


def test_an_answer_that_goes_on_in_blanks_to_its_limit_is_read_at_once() -> None:
    model = Speaker(ASKED, Cut("```json" + " " * 80_000), '{"verdict": "bad"}')
    begun = time.process_time()
    output = agent(llm=model, tools=[tide]).kickoff("How is it?", Review)
    # What looks at the rest again from each blank on takes half a minute.
    assert time.process_time() - begun < 5
    assert output.pydantic == Review(verdict="bad")


BERGEN = '{"place": "Bergen", "metres": 1.5}'
GIVEN: dict[str, tuple[Any, str]] = {
    "JSON": (BERGEN, BERGEN),
    "the model": (Tide(place="Bergen", metres=1.5), '{"place":"Bergen","metres":1.5}'),
    "a dict": ({"place": "Bergen", "metres": 1.5}, BERGEN),
    "other words": ("one and a half metres", "one and a half metres"),
}


@pytest.mark.parametrize("form", [Tide, None], ids=["in a form", "in none"])
@pytest.mark.parametrize(("given", "raw"), GIVEN.values(), ids=GIVEN.keys())
@pytest.mark.parametrize("way", WAYS)
def test_a_tool_whose_result_is_the_answer_gives_it_word_for_word_and_in_the_form(
    given: Any, raw: str, form: type[Tide] | None, way: Way
) -> None:
    @tool("Get tide", result_as_answer=True)
    def measured(place: str) -> Any:
        """Tell how high the water is at a place."""
        return given

    steps: list[Any] = []
    pilot = agent(ASKED, BERGEN, tools=[measured], step_callback=steps.append)
    output = kicked_off(pilot, way, "How high?", response_format=form)
    assert output.raw == raw
    assert steps == [AgentAction("", "get_tide", '{"place": "Bergen"}', "", raw), AgentFinish("", raw, raw)]
    assert output.pydantic == (None if form is None else Tide(place="Bergen", metres=1.5))
    assert len(pilot.llm.requests) == (2 if form is not None and given == "one and a half metres" else 1)


def test_a_model_that_can_not_be_told_of_a_form_is_told_in_the_prompt() -> None:
    class Parrot(BaseLLM):
        def call(self, messages: Any) -> str:  # type: ignore[override]
            assert '"metres"' in messages[-1]["content"]
            return '{"place": "Bergen", "metres": 1}'

    assert agent(llm=Parrot("parrot")).kickoff("How high?", response_format=Tide).pydantic.metres == 1


def test_a_form_that_no_schema_can_say_is_the_callers_fault() -> None:
    class Odd(BaseModel):
        choose: Callable[[str], str]

    with pytest.raises(UsageError, match="the response model 'Odd' has no JSON Schema"):
        agent("High.", tools=[tide]).kickoff("How high?", Odd)


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


OSLO = '{"place": "Oslo", "metres": 2.0}'
REPLACEMENTS = {
    "as text": OSLO,
    "as the model": Tide(place="Oslo", metres=2.0),
    "as another's": LiteAgentOutput(agent_role="Other", raw=OSLO, pydantic=Tide(place="Oslo", metres=2.0)),
}


@pytest.mark.parametrize("given", REPLACEMENTS.values(), ids=REPLACEMENTS.keys())
def test_what_a_guardrail_gives_in_place_of_an_answer_is_it_in_every_form(given: Any) -> None:
    pilot = agent('{"place": "Bergen", "metres": 1.5}', guardrail=lambda output: (True, given))
    output = pilot.kickoff("How high?", response_format=Tide)
    assert output.pydantic == Tide(place="Oslo", metres=2.0) == Tide.model_validate_json(output.raw)
    assert (output.agent_role, len(pilot.llm.requests)) == ("Pilot", 1)


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_that_never_passes_is_an_error(way: Way) -> None:
    pilot = agent("no", guardrail=lambda output: (False, "wrong"), guardrail_max_retries=1)
    with pytest.raises(ValueError, match="after 1 retries; what it said last: wrong") as raised:
        kicked_off(pilot, way, "Say it.")
    assert isinstance(raised.value, GuardrailError)
    assert len(pilot.llm.requests) == 2


def test_a_guardrail_may_be_given_more_by_its_decorator() -> None:
    def at_most(output: LiteAgentOutput, limit: int) -> tuple[bool, Any]:
        return len(output.raw) <= limit, "too long"

    guardrail = functools.wraps(at_most)(lambda output: at_most(output, 5))
    assert agent("very long", "short", guardrail=guardrail).kickoff("Say it.").raw == "too long"


def test_a_guardrail_in_words_is_judged_by_the_model() -> None:
    pilot = agent(
        "Bergen", '{"valid": false, "feedback": "name a fjord"}', "Sognefjord", '{"valid": true}', guardrail="A fjord."
    )
    assert pilot.kickoff("Where?").raw == "Sognefjord"
    assert "name a fjord" in pilot.llm.said_to(2)[-1]


def test_a_guardrail_that_returns_something_else_is_an_error() -> None:
    with pytest.raises(TypeError, match="returns .True, the output. or"):
        agent("no", guardrail=lambda output: "fine").kickoff("Say it.")
