"""Claims about the limits of agents: iterations, time, requests a minute."""

from __future__ import annotations

from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest

from harness.agents import IterationLimitError
from harness.errors import LLMContextLengthExceededError
from harness.recording.tape.tape import playing
from tests.agents.scripted import ASKED, WAYS, Held, Speaker, Way, agent, session_of, tide, tree

ASKED_IN_TEXT = 'Thought: I look.\nAction: get_tide\nAction Input: {"place": "Bergen"}'


@pytest.mark.parametrize("way", WAYS)
def test_an_agent_at_its_limit_of_iterations_answers_without_tools(way: Way) -> None:
    pilot = agent(ASKED, ASKED, "Enough.", tools=[tide], max_iter=2)
    frames, result = session_of(pilot, way, "How high?")

    assert result.raw == "Enough."
    assert [bool(request.tools) for request in pilot.llm.requests] == [True, True, False]
    assert [frame.type for frame in frames].count("tool_usage_finished") == 2


#: How a model asks for tools, and, where it has made up what that gave, or says no more, again.
TO_THE_LAST: dict[str, tuple[Any, ...]] = {
    "by calls": (ASKED,),
    "in text": (ASKED_IN_TEXT,),
    "in text, with what it made up": (ASKED_IN_TEXT, f"{ASKED_IN_TEXT}\nObservation: low\nFinal Answer: Low."),
    "in text, with an answer of nothing": (ASKED_IN_TEXT, f"{ASKED_IN_TEXT}\nFinal Answer:"),
}


@pytest.mark.parametrize("answers", TO_THE_LAST.values(), ids=TO_THE_LAST.keys())
def test_a_model_that_asks_for_tools_to_the_last_is_an_error(answers: tuple[Any, ...]) -> None:
    model = Speaker(*answers, functions=ASKED in answers)
    frames, error = session_of(agent(llm=model, tools=[tide], max_iter=1), "sync", "How high?")

    assert isinstance(error, IterationLimitError)
    assert "max_iter of 1" in str(error)
    assert frames[-1].type == "agent_execution_error"
    assert frames[-1].data["error_type"] == "IterationLimitError"


@pytest.mark.parametrize(
    ("last", "answer"),
    [
        (f"{ASKED_IN_TEXT}\nFinal Answer: High.", "High."),
        ("Minutes.\nAction: Kari sails.", "Minutes.\nAction: Kari sails."),
    ],
    ids=["after an action", "that speaks of one"],
)
def test_the_last_answer_in_text_may_have_actions_in_it(last: str, answer: str) -> None:
    model = Speaker(ASKED_IN_TEXT, last, functions=False)
    assert agent(llm=model, tools=[tide], max_iter=1).kickoff("How high?").raw == answer


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


def too_long() -> LLMContextLengthExceededError:
    return LLMContextLengthExceededError("too long", provider="scripted", status=400)


@pytest.mark.parametrize("way", WAYS)
def test_what_no_longer_fits_is_told_in_fewer_words_and_the_answer_comes(way: Way) -> None:
    pilot = agent(ASKED, too_long(), "The tide is high.", "Enter now.", tools=[tide])
    frames, result = session_of(pilot, way, "How high?")

    assert result.raw == "Enter now."
    asked, after = pilot.llm.said_to(2), pilot.llm.said_to(3)
    assert "high at Bergen" in asked[-1]
    assert after[:-1] == pilot.llm.said_to(0)
    assert "The tide is high." in after[-1]
    assert not [message for message in after if "high at Bergen" in message]
    assert [frame.type for frame in frames if frame.type.startswith("llm_call_")].count("llm_call_failed") == 1


@pytest.mark.parametrize(
    ("answers", "options"),
    [([too_long()], {}), ([ASKED, too_long()], {"respect_context_window": False})],
    ids=["nothing was done yet", "it is not wanted"],
)
def test_what_no_longer_fits_fails_the_run(answers: list[Any], options: dict[str, Any]) -> None:
    _, error = session_of(agent(*answers, tools=[tide], **options), "sync", "How high?")
    assert isinstance(error, LLMContextLengthExceededError)


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


def waits(monkeypatch: pytest.MonkeyPatch, now: list[float]) -> list[float]:
    """Return what agents wait, of which only the clock tells that it has passed."""
    waited: list[float] = []

    async def wait(self: Any, seconds: float) -> None:
        waited.append(seconds)
        now[0] += seconds

    monkeypatch.setattr("harness.agents.driver.ThreadDriver.wait", wait)
    monkeypatch.setattr("harness.agents.pace.time.monotonic", lambda: now[0])
    return waited


@pytest.mark.parametrize(("speed", "waited"), [(None, []), (1.0, [60])])
def test_requests_that_a_tape_answers_at_once_wait_for_no_pace(
    speed: float | None, waited: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = waits(monkeypatch, [100.0])
    pilot = agent("yes", max_rpm=1)
    with playing(Path("cassette.yaml"), (), speed=speed):
        for _ in range(2):
            pilot.kickoff("Is it?")
    assert seen == waited


def test_requests_keep_their_pace_after_a_tape_that_was_left_in_another_context(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = waits(monkeypatch, [100.0])
    pilot = agent("yes", max_rpm=1)

    def work() -> None:
        tape = playing(Path("cassette.yaml"), ())
        tape.__enter__()
        copy_context().run(tape.__exit__, None, None, None)
        for _ in range(2):
            pilot.kickoff("Is it?")

    copy_context().run(work)
    assert seen == [60]


def test_requests_keep_their_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    waited = waits(monkeypatch, now)
    pilot = agent("yes", max_rpm=2)
    for _ in range(5):
        pilot.kickoff("Is it?")
        now[0] += 10
    # The first two of a minute begin at once; the third when the first is a minute old.
    assert waited == [40, 40]
    # A limit that is set later holds from then on, for what has been asked before, too.
    pilot.max_rpm = 1
    for _ in range(2):
        pilot.kickoff("Is it?")
    assert waited == [40, 40, 50, 60]
