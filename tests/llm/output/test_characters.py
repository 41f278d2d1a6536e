"""A character whose halves come in two pieces is one, in chunks, in results and in what a tool is given."""

from __future__ import annotations

from typing import Any

import pytest

from harness.llm import Finish, Part, TextDelta, ThinkingDelta, ToolCallDelta, Usage
from harness.llm.output.characters import WholeCharacters
from tests.llm.scripted import WAYS, Scripted, Way, streamed

HIGH, LOW = "\ud83d", "\ude00"
DONE = Finish("stop")


@pytest.mark.parametrize("way", WAYS)
def test_halves_come_together_in_texts_and_calls(way: Way) -> None:
    given: list[Any] = []
    llm = Scripted(
        ThinkingDelta(f"t{HIGH}"), ThinkingDelta(f"{LOW}t"), TextDelta(f"a{HIGH}"), TextDelta(f"{LOW}b"),
        ToolCallDelta(0, "c", "f", '{"x": "' + HIGH), ToolCallDelta(0, None, None, LOW + '"}'), Finish("tool_calls"),
    )  # fmt: skip
    ran = streamed(llm, way, "Hi", available_functions={"f": lambda x: given.append(x)})
    assert given == ["😀"]
    assert ran.transcript[1:7] == [
        "thinking 't'", "thinking '😀t'", "text 'a'", "text '😀b'",
        """call 0 c f '{"x": "' of {"x": \"""", """call 0 c f '😀"}' of {"x": "😀"}""",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ([TextDelta("a"), DONE], [TextDelta("a"), DONE]),
        ([TextDelta(HIGH), TextDelta(LOW), DONE], [TextDelta("😀"), DONE]),
        ([TextDelta(HIGH), ThinkingDelta("t"), Usage(1, 1, 2), TextDelta(LOW), DONE],
         [ThinkingDelta("t"), Usage(1, 1, 2), TextDelta("😀"), DONE]),
        ([ToolCallDelta(0, "c", "f", HIGH), ToolCallDelta(1, "d", "g", "b"), ToolCallDelta(0, None, None, LOW), DONE],
         [ToolCallDelta(0, "c", "f", ""), ToolCallDelta(1, "d", "g", "b"), ToolCallDelta(0, None, None, "😀"), DONE]),
        ([TextDelta(HIGH), TextDelta("b"), DONE], [TextDelta(f"{HIGH}b"), DONE]),
        ([TextDelta(f"a{HIGH}"), ToolCallDelta(0, "c", "f", HIGH), DONE],
         [TextDelta("a"), ToolCallDelta(0, "c", "f", ""), TextDelta(HIGH), ToolCallDelta(0, None, None, HIGH), DONE]),
        ([TextDelta(LOW), DONE], [TextDelta(LOW), DONE]),
    ],
    ids=["none", "both alone", "among others", "of two calls", "another after it", "alone at the end", "the second"],
)  # fmt: skip
def test_what_is_no_pair_comes_as_it_is(parts: list[Part], told: list[Part]) -> None:
    characters = WholeCharacters()
    assert [made for part in parts for made in characters.take(part)] == told
