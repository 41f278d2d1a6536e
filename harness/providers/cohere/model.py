"""Cohere's chat API, in both versions.

The API is JSON over HTTP, with OpenAI's SDK as the client: it knows how to try again, and how to be closed.
Sources: https://docs.cohere.com/v1/reference/chat, https://docs.cohere.com/reference/chat (2026-11).
"""

from __future__ import annotations

from typing import Any

from harness.llm.input.unsent_fields import ALL, Carried
from harness.llm.request import LLMRequest
from harness.llm.settings import environment
from harness.providers.cohere import request as v1, v2_request as v2
from harness.providers.cohere.answer import CohereAnswer
from harness.providers.cohere.v2_answer import CohereV2Answer
from harness.providers.openai.model import OpenAIModel
from harness.providers.shared.answer import ProviderAnswer
from harness.providers.shared.model import ReasoningModel


class Cohere(OpenAIModel):
    """A model of Cohere, asked by the first version of its chat API, at Cohere or at `base_url`."""

    provider = "cohere"
    path = v1.PATH
    key_variables = ("CO_API_KEY", "COHERE_API_KEY")
    carried = Carried()

    def _address(self) -> str:
        return self.base_url or environment(("CO_API_URL",)) or v1.HOME

    def _body(self, request: LLMRequest) -> dict[str, Any]:
        return v1.wire_body(self, request)

    def _answer(self, request: LLMRequest) -> ProviderAnswer:
        return CohereAnswer(self.provider)


class CohereV2(ReasoningModel, Cohere):
    """A model of Cohere, asked by the second version of its chat API. Its plans are of its reasoning."""

    path = v2.PATH
    carried = Carried(part=ALL.part, tool=ALL.tool, added_to_parts=True, added_to_tools=True)

    def _body(self, request: LLMRequest) -> dict[str, Any]:
        return v2.wire_body(self, self._reasoning.restored(request))

    def _answer(self, request: LLMRequest) -> ProviderAnswer:
        return CohereV2Answer(self.provider, request)
