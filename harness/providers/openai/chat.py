"""OpenAI chat completions, through the official SDK."""

from __future__ import annotations

from typing import Any, ClassVar

from harness.llm.input.unsent_fields import Carried
from harness.llm.request import LLMRequest
from harness.providers.openai.chat_answer import ChatAnswer
from harness.providers.openai.fallback import FallbackModel
from harness.providers.openai.model import OpenAIModel
from harness.providers.openai.request import carried_by, wire_body
from harness.providers.openai.responses.model import OpenAIResponses
from harness.providers.shared.reasoning.fields import KeptReasoning
from harness.providers.shared.recorded.query import EXTRA_QUERY, with_query


class OpenAIChat(FallbackModel, OpenAIModel):
    """A model of OpenAI, or of a host that speaks its chat completions, such as one at `base_url`.

    A model of OpenAI that only its Responses API serves is asked there, and one that takes no reasoning effort beside tools
    is asked without. The reasoning that a host sends before tool calls is kept with the instance, and goes back with them. `additional_params`
    may hold `extra_query`, as the SDK's methods take it.
    """

    #: OpenAI's own API has custom tools; other hosts search the web, or have functions of theirs.
    asks_for_hosted_tools: ClassVar[bool] = True

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._reasoning = KeptReasoning()

    def carries(self) -> Carried:
        return carried_by(self)

    def _by_responses(self) -> OpenAIResponses | None:
        # Hosts of the format have no such API.
        return OpenAIResponses(self.model, **self._settings()) if self.provider == "openai" else None

    def _arguments(self, request: LLMRequest) -> dict[str, Any]:
        path = with_query("/chat/completions", self.additional_params.get(EXTRA_QUERY))
        return {"path": path, "body": wire_body(self, self._reasoning.given_back(request))}

    def _answer(self, request: LLMRequest) -> ChatAnswer:
        return ChatAnswer(self.provider, request)

    def _keep(self, answer: ChatAnswer) -> None:
        self._reasoning.keep(answer.call_ids, answer.reasoning, answer.extras)
