"""OpenAI chat completions, through the official SDK."""

from __future__ import annotations

from typing import Any, ClassVar

from harness.llm.request import LLMRequest
from harness.providers.openai.chat_model import ChatModel
from harness.providers.openai.model import OpenAIModel
from harness.providers.openai.request import wire_body
from harness.providers.openai.responses.model import OpenAIResponses


class OpenAIChat(ChatModel, OpenAIModel):
    """A model of OpenAI, or of a host that speaks its chat completions, such as one at `base_url`.

    `additional_params` may hold `extra_query`, as the SDK's methods take it.
    """

    path = "/chat/completions"
    #: OpenAI's own API has custom tools; other hosts search the web, or have functions of theirs.
    asks_for_hosted_tools: ClassVar[bool] = True

    def check(self, request: LLMRequest) -> None:
        self._key()

    def _by_responses(self) -> OpenAIResponses | None:
        # Hosts of the format have no such API.
        return OpenAIResponses(self.model, **self._llm_settings()) if self.provider == "openai" else None

    def _body(self, request: LLMRequest) -> dict[str, Any]:
        return wire_body(self, self._reasoning.restored(request))
