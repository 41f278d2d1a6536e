"""Anthropic's Messages API, through the official SDK.

Source: https://platform.claude.com/docs/en/api/messages and …/build-with-claude/streaming (2026-11).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

from harness.llm.connections import end_with_run
from harness.llm.credentials import api_key
from harness.llm.llm import LLM
from harness.llm.parts import Part, RequestId
from harness.llm.request import LLMRequest
from harness.providers.anthropic.answer import Answer
from harness.providers.anthropic.errors import translation
from harness.providers.anthropic.request import BETAS, wire_body
from harness.providers.anthropic.sdk import anthropic
from harness.providers.shared.clients import SDKClients
from harness.providers.shared.thoughts import Thoughts
from harness.providers.shared.tls import http_client

_PATH: Final = "/v1/messages"
_BETA_PATH: Final = "/v1/messages?beta=true"


class Anthropic(LLM):
    """A model of Anthropic, or of a host that speaks its Messages API, such as one at `base_url`.

    `additional_params` may hold `betas`, a list of names, as the SDK's beta methods take it. Settings that the API does
    not have (seed, n, penalties, logprobs) are not sent. The signed reasoning behind tool calls is kept with the instance,
    and goes back with them.
    """

    provider = "anthropic"
    #: Environment variables that may hold the key, in order.
    key_variables: tuple[str, ...] = ("ANTHROPIC_API_KEY",)

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._clients = SDKClients(self._new_client, self._new_async_client)
        self._thoughts = Thoughts()

    def check(self, request: LLMRequest) -> None:
        self._key()
        wire_body(self, request)

    def get_context_window_size(self) -> int:
        return 200_000

    def generate(self, request: LLMRequest) -> Iterator[Part]:
        answer = Answer(self.provider, self._thoughts)
        with translation(answer):
            # Not messages.create: it knows fewer fields than the API, and refuses whole answers that may take long.
            client = self._clients.sync()
            if not request.stream:
                yield from answer.whole(client.post(**self._call(request), cast_to=object))
                return
            with client.post(
                **self._call(request), cast_to=object, stream=True, stream_cls=anthropic.Stream[object]
            ) as stream:
                answer.request_id = stream.response.headers.get("request-id")
                yield RequestId(answer.request_id)
                for event in stream:
                    yield from answer.event(event)

    async def agenerate(self, request: LLMRequest) -> AsyncIterator[Part]:
        answer = Answer(self.provider, self._thoughts)
        with translation(answer):
            client = self._clients.running()
            if not request.stream:
                for part in answer.whole(await client.post(**self._call(request), cast_to=object)):
                    yield part
                return
            async with await client.post(
                **self._call(request), cast_to=object, stream=True, stream_cls=anthropic.AsyncStream[object]
            ) as stream:
                answer.request_id = stream.response.headers.get("request-id")
                yield RequestId(answer.request_id)
                async for event in stream:
                    for part in answer.event(event):
                        yield part

    def _call(self, request: LLMRequest) -> dict[str, Any]:
        """Return what the SDK is to post."""
        call: dict[str, Any] = {"path": _PATH, "body": wire_body(self, self._thoughts.given_back(request))}
        betas = self.additional_params.get(BETAS)
        if betas is not None:
            call["path"] = _BETA_PATH
        if betas:
            call["options"] = {"headers": {"anthropic-beta": ",".join(betas)}}
        return call

    def _key(self) -> str:
        return api_key(self.api_key, self.provider, self.key_variables)

    def _client_settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = {"api_key": self._key(), "base_url": self.base_url}
        if self.timeout is not None:
            settings["timeout"] = self.timeout
        if self.max_retries is not None:
            settings["max_retries"] = self.max_retries
        return settings

    def _new_client(self) -> anthropic.Anthropic:
        client = http_client(anthropic.DefaultHttpxClient)
        end_with_run(client)
        return anthropic.Anthropic(**self._client_settings(), http_client=client)

    def _new_async_client(self) -> anthropic.AsyncAnthropic:
        client = http_client(anthropic.DefaultAsyncHttpxClient)
        return anthropic.AsyncAnthropic(**self._client_settings(), http_client=client)
