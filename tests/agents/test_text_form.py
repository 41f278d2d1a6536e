"""Claims about agents whose models can't be given tools, or have a `call` of their own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness import BaseLLM, tool
from harness.agents import AgentAction, AgentFinish
from tests.agents.scripted import WAYS, Cut, Speaker, Way, agent, kicked_off, session_of, tide


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


#: How a model asks for the tide of Bergen.
ASKED: dict[str, str] = {
    "in bold": '**Thought:** Look.\n**Action:** get_tide\n**Action Input:** {"place": "Bergen"}',
    "in bold, but for the colons": '**Action**: get_tide\n**Action Input**: {"place": "Bergen"}',
    "a dict of Python": "Action: get_tide\nAction Input: {'place': 'Bergen',}",
    "a comma at the end": 'Action: get_tide\nAction Input: {"place": "Bergen",}',
    "no brace at the end": 'Action: get_tide\nAction Input: {"place": "Bergen"',
    "a name in brackets": 'Action: [get_tide]\nAction Input: {"place": "Bergen"}',
    "and goes on": 'Action: get_tide\nAction Input: {"place": "Bergen"}\n\nThought: And?\nAction: get_tide\nAction Input: {"place": "Oslo"}',
    "on lines of their own": 'Action:\nget_tide\nAction Input:\n{"place": "Bergen"}',
    "and says what comes": 'Action: get_tide\nAction Input: {"place": "Bergen"}\n\nI will wait for the tide.',
    "in a fence, and says what comes": 'Action: get_tide\nAction Input: ```json\n{"place": "Bergen"}\n```\nI wait.',
    "in a fence of another kind": "Action: get_tide\nAction Input:\n```python\n{'place': 'Bergen'}\n```",
    "as code": 'Action: get_tide\nAction Input: `{"place": "Bergen"}`',
    "numbered": 'Thought 1: Look.\nAction 1: get_tide\nAction Input 1: {"place": "Bergen"}\nObservation 1: low',
    "numbered in between": 'Action 1: get_tide\nAction 1 Input: {"place": "Bergen"}\nThought 2: And?',
    "under another heading": 'Action: get_tide\nInput:\n```json\n{"place": "Bergen"}\n```\nI wait.',
    "under none": 'Action: get_tide\n{"place": "Bergen"}',
    "under headings": '### Thought: Look.\n### Action: get_tide\n### Action Input: {"place": "Bergen"}',
    "in a list": '- Thought: Look.\n- Action: get_tide\n- Action Input: {"place": "Bergen"}\n- Observation: low',
    "in a numbered list": '1. Action: get_tide\n2. Action input: {"place": "Bergen"}',
    "with wide colons": 'Action：get_tide\nAction Input：{"place": "Bergen"}',
    "in the line of its thought": 'Thought: Look. Action: get_tide\nAction Input: {"place": "Bergen"}',
    "after its reasoning": (
        "<think>\nAction: get_tide\nAction Input: {}\nFinal Answer: low\n</think>\n"
        'Action: get_tide\nAction Input: {"place": "Bergen"}'
    ),
    "in capitals": 'THOUGHT: Look.\nACTION: get_tide\nACTION INPUT: {"place": "Bergen"}\nOBSERVATION: low at Oslo',
    "in small letters": 'thought: Look.\naction: get_tide\naction input: {"place": "Bergen"}\nobservation: low at Oslo',
    "and answers nothing": 'Action: get_tide\nAction Input: {"place": "Bergen"}\nFinal Answer:',
    "and answers": 'Action: get_tide\nAction Input: {"place": "Bergen"}\nFinal Answer: It is low.',
}


@pytest.mark.parametrize("said", ASKED.values(), ids=ASKED.keys())
def test_a_tool_that_a_model_asks_for_in_its_own_way_of_the_form_is_used(said: str) -> None:
    model = Speaker(said, "Final Answer: It is high.", functions=False)
    steps: list[Any] = []
    assert agent(llm=model, tools=[tide], step_callback=steps.append).kickoff("How high?").raw == "It is high."
    assert json.loads(steps[0].tool_input) == {"place": "Bergen"}
    assert model.said_to(1)[-1] == "Observation: high at Bergen"
    assert "Oslo" not in model.said_to(1)[-2]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("said", "used"),
    [
        ('Action: wipe\nAction Input: {"path": "/tmp"', False),
        ('Action: wipe\nAction Input: {"path": "/tmp", "but', False),
        ("Action: wipe\nAction Input: {'path': '/tmp'", False),
        ("Action: wipe\nAction Input:", False),
        ("Action: wipe", False),
        ('Action: wipe\nInput: {"path": "/tmp"', False),
        ('Action: wipe\nAction Input: {"path": "/tmp"}', True),
        ('Action: wipe\nInput: {"path": "/tmp"}', True),
        ('Action: wipe\nAction Input: ```json\n{"path": "/tmp"}\n``', True),
        ('Action: wipe\nAction Input: {"path": "/tmp"}\nObservation: {"gone', True),
        ('Action: wipe\nAction Input: {"path": "/tmp"\nThought: Now I wai', True),
    ],
)
def test_a_tool_is_not_used_with_arguments_in_which_the_answer_was_cut_off(said: str, used: bool, way: Way) -> None:
    wiped: list[str] = []

    @tool("wipe")
    def wipe(path: str = "/", but: str = "") -> None:
        """Remove all that is there."""
        wiped.append(path)

    model = Speaker(Cut(said), "Final Answer: Well.", functions=False)
    assert kicked_off(agent(llm=model, tools=[wipe]), way, "Clean up.").raw == "Well."
    assert wiped == (["/tmp"] if used else [])
    assert ("the answer was cut off" in model.said_to(1)[-1]) is not used


def test_that_a_tool_was_told_half_an_answer_says_nothing_of_the_agents_own_model() -> None:
    asked: list[str] = []
    said = [f'Action: ask\nAction Input: {{"question": "{what}"' for what in ("half", "more")]
    said.append("Final Answer: Well.")

    class Untold(BaseLLM):
        """Tells nothing of its calls."""

        def supports_function_calling(self) -> bool:
            return False

        def call(self, messages: Any, **options: Any) -> str:  # type: ignore[override]
            return said.pop(0)

    @tool("ask")
    def ask(question: str) -> str:
        """Ask another model, whose answer is cut off."""
        asked.append(question)
        return str(Speaker(Cut(question)).call("?"))

    assert agent(llm=Untold("untold"), tools=[ask]).kickoff("What?").raw == "Well."
    assert asked == ["half", "more"]


@pytest.mark.parametrize("place", ["Bergen,\n```Norway```", "Bergen\n- Action: ask\nFinal answer: Oslo"])
def test_the_lines_of_an_argument_may_stand_as_they_are(place: str) -> None:
    model = Speaker(
        f'Action: get_tide\nAction Input: ```json\n{{"place": "{place}"}}\n```', "Final Answer: High.", functions=False
    )
    agent(llm=model, tools=[tide]).kickoff("How high?")
    assert model.said_to(1)[-1] == f"Observation: high at {place}"


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("Thought: I know.\nFinal Answer: Minutes.\nAction: Kari sails.", "Minutes.\nAction: Kari sails."),
        ("Minutes.\n\n**Action:**\n- Kari sails.", "Minutes.\n\n**Action:**\n- Kari sails."),
        ("Action 1: Kari sails.\nAction 2: Ola rows.", "Action 1: Kari sails.\nAction 2: Ola rows."),
        ("<think>\nAction: get_tide\n</think>\n\nFinal Answer: Kari sails.", "Kari sails."),
        ("Minutes.\n- Action: Kari sails.", "Minutes.\n- Action: Kari sails."),
        ("Plan.\naction: sail\nwho: Kari", "Plan.\naction: sail\nwho: Kari"),
        ("Thought: I know.\nAction: None\nAction Input: None\nFinal Answer: Kari sails.", "Kari sails."),
    ],
    ids=[
        "after the words that begin one",
        "under a heading",
        "in a list",
        "after reasoning about one",
        "in a list of others",
        "in small letters, without an input",
        "after one that is none",
    ],
)
def test_an_answer_that_speaks_of_actions_is_the_answer(said: str, answer: str) -> None:
    output = agent(llm=Speaker(said, functions=False), tools=[tide]).kickoff("What was said?")
    assert (output.raw, output.tool_failures) == (answer, [])


def test_a_thought_is_no_answer_of_a_model_that_may_ask_for_tools_in_text() -> None:
    model = Speaker("Thought: I must look.", "Final Answer: It is high.", functions=False)
    assert agent(llm=model, tools=[tide]).kickoff("How high?").raw == "It is high."
    assert model.said_to(1)[2] == "Thought: I must look."
    assert "`Final Answer:`" in model.said_to(1)[3]
    # One that goes on in the same way has nothing else to say.
    stubborn = Speaker("Thought: I must look.", "Thought: No need.\n\nIt is high.", functions=False)
    assert agent(llm=stubborn, tools=[tide]).kickoff("How high?").raw == "Thought: No need.\n\nIt is high."
    assert len(stubborn.requests) == 2
    assert agent("Thought: Be kind.").kickoff("A thought of the day?").raw == "Thought: Be kind."


@pytest.mark.parametrize(
    "heading", ["Observation:", "OBSERVATION:", "observation:", "**Observation:**", "Observation 1:"]
)
def test_an_answer_after_what_a_tool_is_made_up_to_have_given_is_none(heading: str) -> None:
    made_up = f"Action: get_moon\nAction Input: {{}}\n{heading} full\nFinal Answer: It is full."
    model = Speaker(made_up, "Final Answer: I do not know.", functions=False)
    assert agent(llm=model, tools=[tide]).kickoff("How is it?").raw == "I do not know."


#: What a model without tools says, and the answer that it is.
SAID: dict[str, tuple[str, str]] = {
    "plain": ("It is high.", "It is high."),
    "in the text form": ("Thought: Easy.\nFinal Answer: It is high.", "It is high."),
    "after an empty line": ("\n\nThought: Easy.\nFinal Answer: It is high.", "It is high."),
    "without a thought, in bold": ("\n**Final Answer:** It is **high**.", "It is **high**."),
    "in the line of a thought": ("Thought: I now know. Final Answer: It is high.", "It is high."),
    "all in bold": ("Thought: Easy.\n**Final Answer: It is high.**", "It is high."),
    "in small letters": ("Thought: Easy.\nFinal answer: It is high.", "It is high."),
    "in capitals": ("THOUGHT: Easy.\nFINAL ANSWER: It is high.", "It is high."),
    "in small letters beside a thought": ("thought: I know. final answer: It is high.", "It is high."),
    "under a heading": ("### Thought: Easy.\n### Final Answer: It is high.", "It is high."),
    "in a fence": ("Thought: Easy.\n```\nFinal Answer: It is high.\n```", "It is high."),
    "with marks that end nothing": ("Thought: Easy.\nFinal Answer: src/**", "src/**"),
    "with a fence": ("Final Answer:\n```\nhigh\n```", "```\nhigh\n```"),
    "the words in the middle of a sentence": ("My Final Answer: none.", "My Final Answer: none."),
}


@pytest.mark.parametrize(("said", "answer"), SAID.values(), ids=SAID.keys())
def test_the_answer_in_what_a_model_says(said: str, answer: str) -> None:
    assert agent(said).kickoff("How high?").raw == answer


class OldStyle(BaseLLM):
    """Has a `call` of its own, with fewer parameters."""

    def call(self, messages: Any, tools: Any = None, callbacks: Any = None, available_functions: Any = None) -> str:  # type: ignore[override]
        return f"{len(messages)} messages"


class OldAsync(BaseLLM):
    """Has a `call` with all parameters, and an `acall` with fewer."""

    def call(self, messages: Any, **options: Any) -> str:  # type: ignore[override]
        return f"{len(messages)} messages"

    async def acall(self, messages: Any, tools: Any = None) -> str:  # type: ignore[override]
        return f"{len(messages)} messages"


class AsyncAlone(BaseLLM):
    """Has a `call` of its own that is a coroutine function."""

    async def call(self, messages: Any, **options: Any) -> str:  # type: ignore[override]
        return f"{len(messages)} messages"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("model", [OldStyle, OldAsync, AsyncAlone])
def test_a_subclass_with_a_call_of_its_own_is_given_what_it_takes(model: type[BaseLLM], way: Way) -> None:
    assert kicked_off(agent(llm=model("old")), way, "How many?").raw == "2 messages"
