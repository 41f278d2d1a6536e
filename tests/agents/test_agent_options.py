"""Claims about the options of agents: what is refused, what stands for what is not said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness import Agent, BaseTool, UsageError
from tests.agents.scripted import agent
from tests.llm.scripted import Scripted

BAD: dict[str, tuple[dict[str, Any], str]] = {
    "nearly an option": ({"max_iters": 3}, "has no option 'max_iters'; did you mean 'max_iter'"),
    "what is not there": ({"memory": True}, "sets memory, but memory is no part of this runtime"),
    "no LLM": ({"llm": 3}, "an llm is 'provider/model'"),
    "an LLM's class": ({"llm": Scripted}, "an llm is 'provider/model', .*, not <class"),
    "no tool": ({"tools": ["hammer"]}, r"Agent: tools\[0\]: expected a tool, as @tool makes one, not 'hammer'"),
    "a tool's class": ({"tools": [BaseTool]}, r"Agent: tools\[0\]: expected a tool, .*, not the class BaseTool"),
    "two of them": ({"max_iter": 0, "max_rpm": 0}, "Agent: max_rpm: expected at least 1, not 0; max_iter: "),
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
        (
            lambda: agent("x").kickoff(5),  # type: ignore[arg-type]
            "messages: expected text, or a list of messages such as .*, not int",
        ),
        (
            lambda: agent("x").kickoff({"role": "user", "content": "x"}),  # type: ignore[arg-type]
            "messages: expected text, or a list .*, not dict",
        ),
        (
            lambda: agent("x").kickoff(["x"]),  # type: ignore[list-item]
            r"messages\[0\]: expected an object, not 'x'",
        ),
        (
            lambda: agent("x").kickoff("x", response_format=dict),  # type: ignore[arg-type]
            "response_format: expected a pydantic model's class",
        ),
        (lambda: agent("x").kickoff("x", input_files={"a": 1}), "no files"),
        (
            lambda: agent("x").model_copy(update={"tools": [len]}).kickoff("x"),
            "tools: expected a tool, .*, not <built-in",
        ),
    ],
    ids=["no messages", "a number", "one message", "words", "no form", "files", "a function set late"],
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


@pytest.mark.parametrize("asked", ["Is it?", [{"role": "user", "content": "Is it?"}]], ids=["text", "messages"])
def test_a_model_without_system_prompts_is_told_in_the_users_words_and_the_date(asked: Any) -> None:
    pilot = agent("yes", use_system_prompt=False, inject_date=True, date_format="in %Y")
    pilot.kickoff(asked)
    messages = pilot.llm.requests[0].messages
    assert {message.role for message in messages} == {"user"}
    said = "\n".join(pilot.llm.said_to(0))
    assert all(part in said for part in ("You are Pilot.", "Is it?", "Today is in 2"))


def test_a_blank_message_of_a_conversation_is_sent_to_no_model() -> None:
    pilot = agent("yes")
    called = {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": "1", "function": {"name": "tide", "arguments": "{}"}}],
    }
    given = {"role": "tool", "tool_call_id": "1", "content": ""}
    pilot.kickoff([{"role": "assistant", "content": " "}, called, given, {"role": "user", "content": "Is it?"}])
    assert [message.role for message in pilot.llm.requests[0].messages] == ["system", "assistant", "tool", "user"]


_PICTURE = {"type": "image_url", "image_url": {"url": "https://example.org/fjord.png"}}
_EARLIER = [{"role": "user", "content": "Look."}, {"role": "assistant", "content": "I did."}]
#: A conversation whose last message of the user's has parts, and what follows it.
_CONVERSATIONS = {
    "at its end": [*_EARLIER, {"role": "user", "content": [{"type": "text", "text": "Is it?"}, _PICTURE]}],
    "before what was said since": [
        *_EARLIER,
        {"role": "user", "content": [{"type": "text", "text": "Is it?"}, _PICTURE]},
        {"role": "assistant", "content": "I am looking."},
    ],
}


@pytest.mark.parametrize("conversation", _CONVERSATIONS.values(), ids=_CONVERSATIONS.keys())
def test_what_is_asked_is_the_users_last_message_and_holds_what_else_is_told(conversation: Any) -> None:
    pilot = agent("yes", use_system_prompt=False)
    with pilot.stream_events(conversation) as stream:
        (started,) = [frame.data for frame in stream if frame.type == "agent_execution_started"]
    messages = pilot.llm.requests[0].messages
    assert [message.role for message in messages] == [message["role"] for message in conversation]
    assert [message.content for message in messages[:2]] == ["Look.", "I did."]
    told, *parts = messages[2].content
    assert told.text.startswith("You are Pilot.")
    assert len(parts) == 2
    assert started["task_prompt"] == f"{told.text}\nIs it?"
    assert conversation[2]["content"][0]["text"] == "Is it?"
