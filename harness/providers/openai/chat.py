"""OpenAI chat completions, through the official SDK."""

from __future__ import annotations

from typing import Any

from harness.llm.request import LLMRequest
from harness.providers.openai.chat_answer import ChatAnswer
from harness.providers.openai.model import OpenAIModel
from harness.providers.openai.request import wire_body


class OpenAIChat(OpenAIModel):
    """A model of OpenAI, or of a host that speaks its chat completions, such as one at `base_url`."""

    def _arguments(self, request: LLMRequest) -> dict[str, Any]:
        return {"path": "/chat/completions", "body": wire_body(self, request)}

    def _answer(self, request: LLMRequest) -> ChatAnswer:
        return ChatAnswer(self.provider, request)
