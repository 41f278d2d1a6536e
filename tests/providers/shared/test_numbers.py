"""Integers in what tools are given are as they were sent, of any length, whether they stand in an object or in a text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.llm import LLM, LLMRequest
from harness.llm.input.reader import read_messages
from harness.llm.output.parts import ToolCallDelta
from tests.providers.integrations import ANTHROPIC, BEDROCK, GEMINI, OPENAI_CHAT

#: The least that 64 bits don't hold with a sign, the most that they hold without, and what follows on it; an amount of wei.
NUMBERS = (-(2**63) - 1, 2**64 - 1, 2**64, 1_000_000_000_000_000_000_001)
GIVEN = {"numbers": list(NUMBERS)}
FUNCTION = {"name": "f", "arguments": GIVEN}
#: Whole answers that call a tool with an object.
ANSWERS: dict[str, dict[str, Any]] = {
    "anthropic/claude-sonnet-4-5": {
        "content": [{"type": "tool_use", "id": "t", "name": "f", "input": GIVEN}], "stop_reason": "tool_use"
    },
    "openai/m": {"choices": [{"message": {"tool_calls": [{"function": FUNCTION}]}, "finish_reason": "tool_calls"}]},
    "openai-responses/m": {"output": [{"type": "function_call", "call_id": "c", **FUNCTION}]},
    "gemini/m": {"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "args": GIVEN}}]}, "finishReason": "STOP"}]},
    "ollama-api/m": {"message": {"tool_calls": [{"function": FUNCTION}]}, "done": True, "done_reason": "stop"},
    "cohere-v1/m": {"text": "", "tool_calls": [{"name": "f", "parameters": GIVEN}], "finish_reason": "COMPLETE"},
    "bedrock-invoke/amazon.nova-pro-v1:0": {
        "output": {"message": {"content": [{"toolUse": {"toolUseId": "t", "name": "f", "input": GIVEN}}]}},
        "stopReason": "tool_use",
    },
}  # fmt: skip


SDKS = {"anthropic": ANTHROPIC, "gemini": GEMINI, "bedrock-invoke": BEDROCK}


def marks(model: str) -> tuple[pytest.MarkDecorator, ...]:
    return SDKS.get(model.partition("/")[0], OPENAI_CHAT).marks


@pytest.mark.parametrize("model", [pytest.param(model, marks=marks(model)) for model in ANSWERS])
def test_integers_of_any_length_reach_a_tool_as_they_are(model: str) -> None:
    llm = LLM(model, api_key="k")
    answer = llm._answer(LLMRequest(read_messages("Hi")))  # type: ignore[attr-defined]
    parts = answer.whole(json.dumps(ANSWERS[model]).encode())
    assert json.loads("".join(part.arguments for part in parts if isinstance(part, ToolCallDelta))) == GIVEN
