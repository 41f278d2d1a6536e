"""Loops that other programs' agents went, recorded live, are gone by agents here: the same requests in the same order.

What is compared of a request is all but its prompts: model, tools, calls, results, and how a form is asked for. `LOOPS` says
how far each recorded loop can be walked, and why some can't be to their end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from examples.offline import RECORDINGS
from harness import Agent, tool
from harness.shipped import shipped_recording
from tests.agents.recorded_loop import RecordedLoop, loops
from tests.agents.scripted import WAYS, Way
from tests.agents.walk import Program, kickoff, llm_of, managed, walk
from tests.providers.recorded.playing_again import heard


@dataclass(frozen=True)
class Loop:
    """How far a recorded loop is walked."""

    steps: int
    #: How many requests it has; as many as are walked, where nothing else is said.
    of: int = 0
    #: Why it is not walked to its end.
    why: str = ""
    program: Program = kickoff


_FORM_BY_TOOL: Final = "the form is asked for by a tool there, and here by the field that this model has for it"
#: By the cassettes' names, without what comes before the last `__` of some.
LOOPS: Final[Mapping[str, Loop]] = {
    "test_anthropic_parallel_native_tool_calling_test_agent_kickoff": Loop(2),
    "test_azure_parallel_native_tool_calling_test_agent_kickoff": Loop(2),
    "test_bedrock_parallel_native_tool_calling_test_agent_kickoff": Loop(2),
    "test_gemini_parallel_native_tool_calling_test_agent_kickoff": Loop(2),
    "test_openai_parallel_native_tool_calling_test_agent_kickoff": Loop(2),
    "test_azure_agent_with_native_tool_calling": Loop(2),
    "test_bedrock_agent_kickoff_with_tools_mocked": Loop(2),
    "test_agent_powered_by_new_o_model_family_that_uses_tool": Loop(2),
    # An answer of nothing is asked for again, twice.
    "test_gemini_tool_returning_float": Loop(4),
    "test_anthropic_function_calling": Loop(2),
    "test_anthropic_streaming_emits_tool_call_events": Loop(2),
    "test_google_streaming_tool_call_thought_signature": Loop(2),
    "test_openai_responses_phase_streamed_on_part_start": Loop(2),
    "test_hierarchical_verbose_manager_agent": Loop(4, program=managed),
    "test_max_usage_count_tracked_in_native_tool_calling": Loop(
        1, 4, "of three calls in one answer only the first was used there; here all are, in the model's order"
    ),
    "test_anthropic_agent_kickoff_structured_output_with_tools": Loop(2, 3, _FORM_BY_TOOL),
    "test_bedrock_agent_kickoff_structured_output_with_tools": Loop(2, 3, _FORM_BY_TOOL),
    "test_openai_agent_kickoff_structured_output_with_tools": Loop(
        0,
        3,
        "the form was asked for with the tools there, and the call that came was thrown away; here it is asked for last",
    ),
}

_QUESTIONS: Final = "questions that have nothing to do with each other"
_REFUSED: Final = "a refusal, for which the same was asked again"
#: What else has several calls to models, none of which says what came of another: why there is no loop in it.
NO_LOOPS: Final[Mapping[str, str]] = {
    "test_kickoff_for_each_streaming_from_docs": "two runs of one question",
    "test_agent_kickoff_async_with_calculator": "another host's agent is asked between the calls, which is no part of this runtime",
    "test_agent_with_knowledge_sources": "a search in vectors between the calls, which is no part of this runtime",
    "test_azure_agent_kickoff_structured_output_without_tools": "one question, asked twice, and answered in its form both times",
    "test_gemini_agent_kickoff_structured_output_without_tools": "one question, asked twice, and answered in its form both times",
    "test_anthropic_async_basic_call": _QUESTIONS,
    "test_anthropic_async_with_max_tokens": _QUESTIONS,
    "test_azure_async_multiple_calls": _QUESTIONS,
    "test_openai_async_multiple_calls": _QUESTIONS,
    "test_openai_responses_api_auto_chain_integration": "the conversation is kept by the provider",
    "test_openai_responses_api_cached_prompt_tokens_with_tools": _QUESTIONS,
    "test_openai_streaming_cached_prompt_tokens": _QUESTIONS,
    "test_open_ai_function_calls_tools_streaming_parallel": _QUESTIONS,
    "test_google_streaming_returns_usage_metrics": _REFUSED,
    "test_custom_llm_within_crew": _REFUSED,
}


def name_of(path: Path) -> str:
    """Return a cassette's name without its class, and without where it is from."""
    return path.stem.rpartition("__")[2].rpartition(".")[2]


def text_of(loop: RecordedLoop, way: Way) -> str:
    return heard(loop.path, loop.numbers[-1], way).text


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_recorded_live_is_walked_as_far_as_it_can_be(name: str, way: Way, corpus: Path) -> None:
    right = LOOPS[name]
    (path,) = (path for path in corpus.rglob("*.yaml") if name_of(path) == name)
    walked = walk(path, right.program, way)
    assert (walked.steps, len(walked.loop.steps)) == (right.steps, right.of or right.steps)
    if right.why:
        assert walked.output is None
        assert len(walked.asked) == right.steps + 1
    else:
        assert len(walked.asked) == right.steps
        assert walked.output.raw == text_of(walked.loop, way)


def test_all_that_was_recorded_live_with_several_calls_is_a_loop_of_these_or_none(corpus: Path) -> None:
    recorded = {name_of(loop.path): loop.is_loop for loop in loops(corpus)}
    assert {name for name, is_loop in recorded.items() if is_loop} == LOOPS.keys()
    assert {name for name, is_loop in recorded.items() if not is_loop} == NO_LOOPS.keys()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("folder", "of"),
    [(shipped_recording("gemini/tool_results"), 2), (RECORDINGS / "research", 4)],
    ids=["gemini", "openai"],
)
def test_a_loop_of_ours_is_walked(folder: Path, of: int, way: Way) -> None:
    walked = walk(folder / "cassette.yaml", way=way)
    assert (walked.steps, len(walked.asked), len(walked.loop.steps)) == (2, 2, of)
    assert walked.output.raw == heard(walked.loop.path, walked.loop.numbers[1], way).text


@tool("tide_table")
def wrong_table(harbour: str) -> str:
    """Tell what no recording tells."""
    return f"dry at {harbour}"


@pytest.mark.parametrize(("tools", "steps"), [([], 0), ([wrong_table], 1)], ids=["without-tools", "other-results"])
def test_a_walk_ends_where_an_agent_goes_another_way(tools: list[Any], steps: int) -> None:
    def elsewhere(loop: RecordedLoop, way: Way) -> Any:
        agent = Agent(role="Walker", goal="Stray.", backstory="No map.", llm=llm_of(loop.calls[0]), tools=tools)
        return agent.kickoff("Begin.")

    walked = walk(RECORDINGS / "research" / "cassette.yaml", elsewhere)
    assert (walked.steps, len(walked.asked), walked.output) == (steps, steps + 1, None)
