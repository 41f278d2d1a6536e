"""Claims about tool calls that go back to providers whose formats have their arguments as an object."""

from __future__ import annotations

from typing import Any

import pytest

from harness import LLM, UsageError
from harness.llm.input.messages import Function, ToolCall
from harness.providers.shared.requests.wire_body import sent_arguments

MODELS = ("anthropic/claude-sonnet-4-5", "bedrock/amazon.nova-lite-v1:0", "gemini/gemini-2.5-flash", "cohere-v1/command-r", "ollama-api/qwen3")  # fmt: skip
TEXTS = {"a list": ("[1]", r"and these are '\[1\]'"), "cut": ('{"place":', "and these are no JSON"),
         "not a number": ('{"place": NaN}', "and these are no JSON"), "too large": ('{"place": 1e999}', "and these are no JSON"),
         "nested too deep": ("[" * 100_000, "and these are no JSON")}  # fmt: skip


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("arguments", "told"), TEXTS.values(), ids=TEXTS.keys())
def test_arguments_that_are_no_object_are_refused_with_the_call_named(arguments: str, told: str, model: str) -> None:
    function = {"name": "get_tide", "arguments": arguments}
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": "How high?"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "function", "function": function}]},
        {"role": "tool", "tool_call_id": "c1", "content": "1.5"},
    ]
    with pytest.raises(UsageError, match=f"tool call 'c1': .* takes arguments as a JSON object, {told}"):
        LLM(model, api_key="nobody", base_url="http://127.0.0.1:9").call(messages)


@pytest.mark.parametrize("nothing", ["", " \n", "null"])
def test_no_arguments_are_an_empty_object(nothing: str) -> None:
    assert sent_arguments(ToolCall(id="c1", function=Function(name="now", arguments=nothing)), "anthropic") == {}
