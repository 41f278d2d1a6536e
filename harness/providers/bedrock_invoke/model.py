"""Amazon Bedrock's InvokeModel and InvokeModelWithResponseStream, through boto3: each model's own form of body.

Source: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html (2026-11).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial
from typing import Any, ClassVar

from harness.llm.input.unsent_fields import Carried
from harness.llm.request import LLMRequest
from harness.providers.anthropic.request import CARRIED
from harness.providers.bedrock.body import with_words
from harness.providers.bedrock.model import Bedrock
from harness.providers.bedrock_invoke.answer import answer_of
from harness.providers.bedrock_invoke.request import asks_by_tool, family, wire_body
from harness.providers.openai.request import carried_by
from harness.providers.shared.answer import ProviderAnswer
from harness.providers.shared.body import ResponseBody
from harness.providers.shared.calls.structured import StructuredAnswer
from harness.providers.shared.content import decoder_of
from harness.providers.shared.requests.wire_body import present


class InvokedBody(ResponseBody):
    """A response whose body boto3 does not look into: the bytes of a whole answer, or events that hold some each."""

    def __init__(self, sent: Mapping[str, Any]) -> None:
        self.headers = sent.get("ResponseMetadata", {})
        self._response = sent["body"]
        self._encoding = sent.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("content-encoding")

    def whole(self) -> bytes:
        # In a loop it has been read already.
        body = self._response if isinstance(self._response, bytes) else self._response.read()
        return b"".join(decoder_of(self._encoding).decoded([body]))

    def __iter__(self) -> Iterator[bytes]:
        return (event["chunk"]["bytes"] for event in with_words(self._response) if "chunk" in event)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._chunks()

    async def _chunks(self) -> AsyncIterator[bytes]:
        async for event in with_words(self._response):
            if "chunk" in event:
                yield event["chunk"]["bytes"]


class BedrockInvoke(Bedrock):
    """A model on Amazon Bedrock that is asked in its maker's own form, at `base_url` where that is given.

    Conversations are taken by Anthropic's models, by Amazon's Nova and Cohere's Command R, and by those with the form of chat
    completions, as the newer ones have. Older ones take one prompt, and settings in their own words by `additional_params`.
    """

    asks_for_hosted_tools: ClassVar[bool] = True
    response_body = InvokedBody
    operations = ("invoke_model", "invoke_model_with_response_stream")

    def carries(self) -> Carried:
        match family(self):
            case "anthropic":
                return CARRIED
            case "chat":
                return carried_by(self)
            case "cohere":
                return Carried()
            case "nova" | "prompt":
                return type(self).carried

    def _arguments(self, request: LLMRequest) -> dict[str, Any]:
        body = wire_body(self, self._thoughts.restored(request))
        return {"modelId": self.model, **present(body=body)}

    def _answer(self, request: LLMRequest) -> ProviderAnswer:
        answer = answer_of(family(self), self.provider, request, partial(self._thoughts.keep, request))
        return StructuredAnswer(answer) if asks_by_tool(self, request) else answer
