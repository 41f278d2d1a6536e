"""Models by chat completions, which are asked once more after a refusal: in another way, or at the API that serves them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

from msgspec.structs import replace

from harness.errors import ProviderStatusError, UsageError
from harness.llm.input.unsent_fields import Carried
from harness.llm.output.parts import Part
from harness.llm.pump import aended
from harness.llm.request import LLMRequest
from harness.providers.openai.chat_answer import ChatAnswer
from harness.providers.openai.request import NO_STOP_WORDS, carried_by
from harness.providers.shared.model import ReasoningModel, SDKModel

#: What OpenAI and Azure say of a model that chat completions do not serve, with these statuses.
_OTHER_API: Final = re.compile(
    r"v1/responses|responses api|chatcompletion operation does not work with the specified model", re.IGNORECASE
)
_OTHER_API_STATUSES: Final = frozenset({400, 404})
#: The setting that some models refuse beside tools.
_EFFORT: Final = "reasoning_effort"


class ChatModel(ReasoningModel):
    """A model by chat completions, wherever it is served.

    One that only the Responses API serves is asked there from then on; an effort that is refused is left out.
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        #: What is asked in its place, once the provider has said that the model is served there alone.
        self._substitute: SDKModel | None = None

    def supports_stop_words(self) -> bool:
        return NO_STOP_WORDS.match(self.model) is None

    def carries(self) -> Carried:
        return carried_by(self)

    def _answer(self, request: LLMRequest) -> ChatAnswer:
        return ChatAnswer(self.provider, request)

    def _by_responses(self) -> SDKModel | None:
        """Return the same model by the Responses API; None where there is none. Raises UsageError where it can't be asked."""
        return None

    def generate(self, request: LLMRequest) -> Iterator[Part]:
        other, second_request = self._substitute, request
        if other is None:
            try:
                yield from super().generate(request)
            except ProviderStatusError as error:
                other, second_request = self._retry(error, request)
            else:
                return
        yield from other.generate(second_request)

    async def agenerate(self, request: LLMRequest) -> AsyncIterator[Part]:
        other, second_request = self._substitute, request
        if other is None:
            try:
                async with aended(super().agenerate(request)) as parts:
                    async for part in parts:
                        yield part
            except ProviderStatusError as error:
                other, second_request = self._retry(error, request)
            else:
                return
        async with aended(other.agenerate(second_request)) as parts:
            async for part in parts:
                yield part

    def _retry(self, error: ProviderStatusError, request: LLMRequest) -> tuple[SDKModel, LLMRequest]:
        """Return what is to be asked after a refusal, and what it is asked. Raises the error where nothing is."""
        message = str(error)
        if error.status in _OTHER_API_STATUSES and _OTHER_API.search(message):
            try:
                other = self._by_responses()
                if other is not None:
                    other.check(request)
                    self._substitute = other
                    return other, request
            except UsageError:
                raise error from None
        if error.status == 400 and _EFFORT in message and request.tools and _EFFORT not in request.without:
            return self, replace(request, without=request.without | {_EFFORT})
        raise error
