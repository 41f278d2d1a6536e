"""OpenAI's legacy completions, which take one prompt, through the official SDK.

Source: https://platform.openai.com/docs/api-reference/completions (2026-11).
"""

from __future__ import annotations

from typing import Any

from harness.llm.input.unsent_fields import Carried
from harness.llm.request import LLMRequest
from harness.providers.openai.chat_answer import ChatAnswer
from harness.providers.openai.completions_request import wire_body
from harness.providers.openai.model import OpenAIModel


class OpenAICompletions(OpenAIModel):
    """A model that goes on from one text, at OpenAI or at a host that speaks its completions."""

    path = "/completions"
    carried = Carried(without=frozenset({"logprobs", "top_logprobs", "reasoning_effort", "thinking"}))

    def _body(self, request: LLMRequest) -> dict[str, Any]:
        return wire_body(self, request)

    def _answer(self, request: LLMRequest) -> ChatAnswer:
        return ChatAnswer(self.provider, request)
