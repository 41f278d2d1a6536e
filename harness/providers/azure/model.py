"""Chat completions of models on Azure, through the official inference SDK.

Source: https://learn.microsoft.com/python/api/overview/azure/ai-inference-readme (2026-11).
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from harness.errors import MalformedResponseError, ProviderError
from harness.llm.connections import end_urllib3_with_runs
from harness.llm.credentials import api_key
from harness.llm.llm import LLM
from harness.llm.parts import Finish, Part, RequestId, ResponseStarted, TextDelta, ThinkingDelta, ToolCallDelta, Usage
from harness.llm.request import LLMRequest
from harness.providers.azure.endpoint import KEY_VARIABLES, api_version, chat_endpoint
from harness.providers.azure.errors import request_id_of, translation
from harness.providers.azure.request import wire_body
from harness.providers.azure.sdk import AzureKeyCredential, aio, inference, policies
from harness.providers.openai.chat import FINISH
from harness.providers.shared.clients import SDKClients


class AzureChat(LLM):
    """A model on Azure: an Azure OpenAI deployment by its name, or a model of another inference endpoint."""

    provider = "azure"

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._clients = SDKClients(self._new_client, self._new_async_client)

    def check(self, request: LLMRequest) -> None:
        self._client_settings()

    def generate(self, request: LLMRequest) -> Iterator[Part]:
        answer = _Answer(self.provider)
        with translation(answer):
            created: Any = self._clients.sync().complete(body=self._body(request))
            if not request.stream:
                yield from answer.whole(created)
                return
            with created as stream:
                answer.came(stream._response)
                yield RequestId(answer.request_id)
                stream._bytes_iterator = answer.wire.of(stream._bytes_iterator)
                for update in stream:
                    yield from answer.update(update)
            yield from answer.end()

    async def agenerate(self, request: LLMRequest) -> AsyncIterator[Part]:
        answer = _Answer(self.provider)
        with translation(answer):
            created: Any = await self._clients.running().complete(body=self._body(request))
            if not request.stream:
                for part in answer.whole(created):
                    yield part
                return
            async with created as stream:
                answer.came(stream._response)
                yield RequestId(answer.request_id)
                stream._bytes_iterator = answer.wire.aof(stream._bytes_iterator)
                async for update in stream:
                    for part in answer.update(update):
                        yield part
            for part in answer.end():
                yield part

    def _body(self, request: LLMRequest) -> dict[str, Any]:
        return wire_body(self, request, chat_endpoint(self.base_url, self.model))

    def _client_settings(self) -> dict[str, Any]:
        key = api_key(self.api_key, self.provider, KEY_VARIABLES)
        endpoint = chat_endpoint(self.base_url, self.model)
        settings: dict[str, Any] = {"endpoint": endpoint, "credential": AzureKeyCredential(key)}
        if (version := api_version(self.api_version)) is not None:
            settings["api_version"] = version
        if self.timeout is not None:
            settings |= {"connection_timeout": self.timeout, "read_timeout": self.timeout}
        if self.max_retries is not None:
            settings["retry_total"] = self.max_retries
        return settings

    def _new_client(self) -> inference.ChatCompletionsClient:
        end_urllib3_with_runs()
        return inference.ChatCompletionsClient(**self._client_settings(), per_retry_policies=[_RefusalsAreRead()])

    def _new_async_client(self) -> aio.ChatCompletionsClient:
        return aio.ChatCompletionsClient(**self._client_settings())


class _RefusalsAreRead(policies.SansIOHTTPPolicy[Any, Any]):
    """Reads what comes with an HTTP error: the SDK makes its next attempt without, and leaves the connection open."""

    def on_response(self, request: Any, response: Any) -> None:
        if response.http_response.status_code >= 400:
            response.http_response.read()


class _Answer:
    """One answer of the API, from its JSON to parts."""

    def __init__(self, provider: str) -> None:
        self.provider = provider
        self.wire = _Lines(self)
        self.begun = False
        self.request_id: str | None = None
        self._named = False
        self._finish: str | None = None

    def came(self, response: Any) -> None:
        """Take note of the HTTP response, of which the body is still to come."""
        self.begun = True
        self.request_id = request_id_of(response.headers)

    def update(self, update: Mapping[str, Any]) -> Iterator[Part]:
        """Return the parts of one streamed update."""
        # The first update tells of the prompt alone, under no id.
        if not self._named and update.get("id"):
            self._named = True
            yield ResponseStarted(update["id"])
        choice = _first_choice(update)
        if choice is not None:
            yield from _message_parts(choice.get("delta") or {})
            self._finish = choice.get("finish_reason") or self._finish
        if update.get("usage"):
            yield _usage(update["usage"])

    def end(self) -> Iterator[Part]:
        """Return what a stream that has ended still tells: whether it was whole."""
        if self.wire.done:
            yield self._finished()

    def whole(self, completions: Mapping[str, Any]) -> Iterator[Part]:
        """Return the parts of an answer that was not streamed."""
        choice = _first_choice(completions)
        if choice is None:
            raise MalformedResponseError(f"{self.provider} sent an answer without choices", provider=self.provider)
        yield ResponseStarted(completions["id"])
        yield from _message_parts(choice["message"])
        if completions.get("usage"):
            yield _usage(completions["usage"])
        self._finish = choice.get("finish_reason")
        yield self._finished()

    def _finished(self) -> Finish:
        return Finish(None if self._finish is None else FINISH.get(self._finish, "other"), self._finish)


class _Lines:
    """The data lines of a stream, one by one: the SDK takes nothing else, and loses what shares a piece with a fault.

    It also swallows the end marker, and errors; they are seen here.
    """

    def __init__(self, answer: _Answer) -> None:
        self._answer = answer
        self._rest = b""
        #: Whether the end marker has come.
        self.done = False

    def of(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the lines of a body that comes in pieces."""
        for piece in pieces:
            yield from self._whole(piece)

    async def aof(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Yield as `of` does."""
        async for piece in pieces:
            for line in self._whole(piece):
                yield line

    def _whole(self, piece: bytes) -> Iterator[bytes]:
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                data = line.removeprefix(b"data:").strip()
                self.done = self.done or data == b"[DONE]"
                if data.startswith(b'{"error"'):
                    self._raise(json.loads(data)["error"])
                yield b"data: " + data + b"\n"

    def _raise(self, error: Mapping[str, Any]) -> None:
        answer = self._answer
        raise ProviderError(
            f"{answer.provider} reported an error inside the stream: {error.get('message')}",
            provider=answer.provider,
            request_id=answer.request_id,
            code=error.get("code"),
        )


def _first_choice(sent: Mapping[str, Any]) -> Mapping[str, Any] | None:
    # With n > 1 the choices come side by side; the answer is the first.
    return next((choice for choice in sent.get("choices") or () if not choice.get("index")), None)


def _message_parts(message: Mapping[str, Any]) -> Iterator[Part]:
    if message.get("reasoning_content"):
        yield ThinkingDelta(message["reasoning_content"])
    for said in ("content", "refusal"):
        if message.get(said):
            yield TextDelta(message[said])
    for place, call in enumerate(message.get("tool_calls") or ()):
        function = call.get("function") or {}
        yield ToolCallDelta(
            call.get("index", place), call.get("id"), function.get("name"), function.get("arguments") or ""
        )


def _usage(usage: Mapping[str, Any]) -> Usage:
    prompt, completion = usage.get("prompt_tokens_details") or {}, usage.get("completion_tokens_details") or {}
    return Usage(
        prompt_tokens=usage["prompt_tokens"],
        completion_tokens=usage["completion_tokens"],
        total_tokens=usage["total_tokens"],
        cached_prompt_tokens=prompt.get("cached_tokens"),
        reasoning_tokens=completion.get("reasoning_tokens"),
        raw=dict(usage),
    )
