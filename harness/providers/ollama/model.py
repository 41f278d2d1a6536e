"""Ollama's own chat API, `/api/chat`, at Ollama or in its cloud.

The API is JSON over HTTP. OpenAI's SDK, by which the same host is asked in OpenAI's format, serves as the client: it knows
how to try again, and how to be closed. Source: https://docs.ollama.com/api/chat (2026-11).
"""

from __future__ import annotations

from typing import Any

from harness.llm.credentials import PLACEHOLDER
from harness.llm.input.unsent_fields import Carried
from harness.llm.request import LLMRequest
from harness.llm.settings import environment
from harness.providers.ollama.answer import OllamaAnswer
from harness.providers.ollama.request import PATH, wire_body
from harness.providers.openai.compatible import with_scheme
from harness.providers.openai.hosts import HOSTS
from harness.providers.openai.model import OpenAIModel
from harness.providers.shared.model import ReasoningModel

_HOST = HOSTS["ollama"]


class Ollama(ReasoningModel, OpenAIModel):
    """A model that Ollama serves, asked by Ollama's own API; `ollama/…` asks the same in OpenAI's format.

    `base_url` is where Ollama listens, by default what the variables of `ollama/…` name. `additional_params` may hold
    `options`, which are put beside those that settings stand for.
    """

    provider = "ollama"
    path = PATH
    key_variables = _HOST.key_variables
    carried = Carried(tool=frozenset({"strict", "cache_control"}), added_to_tools=True)

    def _key(self) -> str:
        # A server of one's own wants none.
        return self.api_key or PLACEHOLDER

    def _address(self) -> str:
        named = self.base_url or environment(_HOST.base_url_variables) or _HOST.base_url
        return with_scheme(named).rstrip("/").removesuffix("/v1").removesuffix("/api")

    def _body(self, request: LLMRequest) -> dict[str, Any]:
        return wire_body(self, self._reasoning.restored(request))

    def _answer(self, request: LLMRequest) -> OllamaAnswer:
        return OllamaAnswer(self.provider)
