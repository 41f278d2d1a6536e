"""Cohere's chat API, version 1.

The API is JSON over HTTP, with OpenAI's SDK as the client: it knows how to try again, and how to be closed.
Source: https://docs.cohere.com/v1/reference/chat (2026-11).
"""

from __future__ import annotations

from typing import Any

from harness.llm.request import LLMRequest
from harness.llm.settings import environment
from harness.providers.cohere.answer import CohereAnswer
from harness.providers.cohere.request import PATH, wire_body
from harness.providers.openai.model import OpenAIModel
from harness.providers.shared.recorded.query import EXTRA_QUERY, with_query


class Cohere(OpenAIModel):
    """A model of Cohere, asked by the first version of its chat API, at Cohere or at `base_url`."""

    provider = "cohere"
    key_variables = ("CO_API_KEY", "COHERE_API_KEY")

    def supports_stop_words(self) -> bool:
        return True

    def check(self, request: LLMRequest) -> None:
        super().check(request)
        wire_body(self, request)

    def _client_settings(self) -> dict[str, Any]:
        address = self.base_url or environment(("CO_API_URL",)) or "https://api.cohere.com"
        return {**super()._client_settings(), "base_url": address}

    def _arguments(self, request: LLMRequest) -> dict[str, Any]:
        path = with_query(PATH, self.additional_params.get(EXTRA_QUERY))
        return {"path": path, "body": wire_body(self, request)}

    def _answer(self, request: LLMRequest) -> CohereAnswer:
        return CohereAnswer(self.provider)
