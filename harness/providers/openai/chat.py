"""OpenAI chat completions, through the official SDK."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any, ClassVar, Final

from harness.errors import ProviderStatusError, UsageError
from harness.llm.input.unsent import Carried
from harness.llm.output.parts import Part
from harness.llm.pump import aended
from harness.llm.request import LLMRequest
from harness.providers.openai.chat_answer import ChatAnswer
from harness.providers.openai.model import OpenAIModel
from harness.providers.openai.request import carried_by, wire_body
from harness.providers.openai.responses.model import OpenAIResponses
from harness.providers.shared.reasoning.fields import KeptReasoning
from harness.providers.shared.recorded.query import EXTRA_QUERY, with_query

#: What OpenAI says of a model that chat completions do not serve, and the setting that some refuse beside tools.
_ELSEWHERE: Final = re.compile(r"v1/responses|responses api", re.IGNORECASE)
_EFFORT: Final = "reasoning_effort"


class OpenAIChat(OpenAIModel):
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
        #: What is asked in its place, once the provider has said that the model is served there alone.
        self._instead: OpenAIResponses | None = None

    def carries(self) -> Carried:
        return carried_by(self)

    def generate(self, request: LLMRequest) -> Iterator[Part]:
        if self._instead is None:
            try:
                yield from super().generate(request)
            except ProviderStatusError as error:
                other, again = self._after(error, request)
            else:
                return
        else:
            other, again = self._instead, request
        yield from other.generate(again)

    async def agenerate(self, request: LLMRequest) -> AsyncIterator[Part]:
        if self._instead is None:
            try:
                async with aended(super().agenerate(request)) as parts:
                    async for part in parts:
                        yield part
            except ProviderStatusError as error:
                other, again = self._after(error, request)
            else:
                return
        else:
            other, again = self._instead, request
        async with aended(other.agenerate(again)) as parts:
            async for part in parts:
                yield part

    def _after(self, error: ProviderStatusError, request: LLMRequest) -> tuple[OpenAIModel, LLMRequest]:
        """Return what is to be asked after a refusal, and what it is asked. Raises the error where nothing is."""
        said = str(error)
        if error.status == 404 and self.provider == "openai" and _ELSEWHERE.search(said):
            other = OpenAIResponses(self.model, **self._settings())
            try:
                other.check(request)
            except UsageError:
                raise error from None
            self._instead = other
            return other, request
        if error.status == 400 and _EFFORT in said and request.tools and _EFFORT not in request.without:
            return self, replace(request, without=request.without | {_EFFORT})
        raise error

    def _arguments(self, request: LLMRequest) -> dict[str, Any]:
        path = with_query("/chat/completions", self.additional_params.get(EXTRA_QUERY))
        return {"path": path, "body": wire_body(self, self._reasoning.given_back(request))}

    def _answer(self, request: LLMRequest) -> ChatAnswer:
        return ChatAnswer(self.provider, request)

    def _keep(self, answer: ChatAnswer) -> None:
        self._reasoning.keep(answer.call_ids, answer.reasoning, answer.extras)
