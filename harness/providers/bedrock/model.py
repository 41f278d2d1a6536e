"""Amazon Bedrock's Converse and ConverseStream, through boto3.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html (2026-11).
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

from harness.llm.llm import LLM
from harness.llm.parts import Part, RequestId
from harness.llm.pump import aended
from harness.llm.request import LLMRequest
from harness.providers.bedrock.answer import Answer
from harness.providers.bedrock.clients import AsyncClient, has_async_client, new_client
from harness.providers.bedrock.errors import translation
from harness.providers.bedrock.request import sdk_arguments
from harness.providers.bedrock.stream import events
from harness.providers.shared.clients import SDKClients
from harness.providers.shared.thoughts import Thoughts


class Bedrock(LLM):
    """A model on Amazon Bedrock, at `base_url` where that is given.

    Credentials and region are boto3's to find: variables, profiles, roles. Settings that Converse does not have (seed,
    n, penalties, logprobs) are not sent; `thinking` and `reasoning_effort` go to the model as its own fields. The signed
    reasoning behind tool calls is kept with the instance, and goes back with them.
    """

    provider = "bedrock"

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._clients = SDKClients(lambda: new_client(self), lambda: AsyncClient(self))
        self._thoughts = Thoughts()

    def check(self, request: LLMRequest) -> None:
        sdk_arguments(self, request)

    def get_context_window_size(self) -> int:
        return 200_000 if "claude" in self.model else 128_000

    def generate(self, request: LLMRequest) -> Iterator[Part]:
        answer = Answer(self.provider, self._thoughts)
        with translation(answer):
            client, arguments = self._clients.sync(), self._arguments(request)
            if not request.stream:
                yield from answer.whole(client.converse(**arguments))
                return
            response = client.converse_stream(**arguments)
            answer.headers(response)
            with contextlib.closing(response["stream"]) as stream:
                yield RequestId(answer.request_id)
                for event in events(stream):
                    yield from answer.event(event)

    async def agenerate(self, request: LLMRequest) -> AsyncIterator[Part]:
        if not has_async_client():
            async with aended(super().agenerate(request)) as parts:
                async for part in parts:
                    yield part
            return
        answer = Answer(self.provider, self._thoughts)
        with translation(answer):
            client, arguments = await self._clients.running().ready(), self._arguments(request)
            if not request.stream:
                for part in answer.whole(await client.converse(**arguments)):
                    yield part
                return
            response = await client.converse_stream(**arguments)
            answer.headers(response)
            with contextlib.closing(response["stream"]) as stream:
                yield RequestId(answer.request_id)
                async for event in stream:
                    for part in answer.event(event):
                        yield part

    def _arguments(self, request: LLMRequest) -> dict[str, Any]:
        return sdk_arguments(self, self._thoughts.given_back(request))
