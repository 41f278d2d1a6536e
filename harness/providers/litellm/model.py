"""Providers that have no integration of their own, through litellm.

It is given OpenAI's chat form, and answers in it. Source: https://docs.litellm.ai/docs/completion (2026-11).
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

from harness.errors import UsageError
from harness.llm.connections import end_with_run
from harness.llm.credentials import PLACEHOLDER, credentials_needed
from harness.llm.llm import LLM
from harness.llm.parts import Part, RequestId
from harness.llm.request import LLMRequest
from harness.providers.litellm.sdk import httpx, litellm
from harness.providers.openai.chat import ChatAnswer
from harness.providers.openai.errors import translation
from harness.providers.openai.request import wire_body
from harness.providers.openai.sdk import openai


def _prepare() -> None:
    """Have the clients that litellm shares for threads end their connections with the run that uses them."""
    # aiohttp warns of what litellm leaves open when a loop ends; httpx, without it, does not.
    litellm.disable_aiohttp_transport = True
    # Its advice on debugging is printed, not logged.
    litellm.suppress_debug_info = True
    if litellm.client_session is None:
        litellm.client_session = httpx.Client()
    for client in (litellm.client_session, litellm.module_level_client.client):
        end_with_run(client)


_prepare()


class LiteLLM(LLM):
    """A model by litellm's name for it, such as `cohere/command-r` or `litellm/cohere/command-r`.

    Keys and addresses come from the variables that litellm reads, where `api_key` and `base_url` do not say.
    """

    provider = "litellm"

    def generate(self, request: LLMRequest) -> Iterator[Part]:
        answer = ChatAnswer(self.provider)
        with translation(answer), _unwrapped():
            created: Any = litellm.completion(**self._arguments(request))
            if not request.stream:
                yield from answer.whole(created)
                return
            watched = _watched(answer, created)
            yield RequestId(answer.request_id)
            for chunk in created:
                yield from answer.chunk(chunk)
            yield from answer.end() if watched else _end(answer, created)

    async def agenerate(self, request: LLMRequest) -> AsyncIterator[Part]:
        answer = ChatAnswer(self.provider)
        with translation(answer), _unwrapped():
            created: Any = await litellm.acompletion(**self._arguments(request))
            if not request.stream:
                for part in answer.whole(created):
                    yield part
                return
            watched = _watched(answer, created)
            yield RequestId(answer.request_id)
            async for chunk in created:
                for part in answer.chunk(chunk):
                    yield part
            for part in answer.end() if watched else _end(answer, created):
                yield part

    def _arguments(self, request: LLMRequest) -> dict[str, Any]:
        settings = {
            "api_key": self.api_key or (None if credentials_needed() else PLACEHOLDER),
            "base_url": self.base_url,
            "api_version": self.api_version,
            "timeout": self.timeout,
            "max_retries": self.max_retries,
            "thinking": self.thinking,
        }
        body = wire_body(self, request)
        return {**{name: value for name, value in settings.items() if value is not None}, **body}


@contextlib.contextmanager
def _unwrapped() -> Iterator[None]:
    """Raise what an SDK raised as itself, and not as what litellm makes of it, without its request id or its status."""
    try:
        yield
    except openai.OpenAIError as error:
        origin = _origin(error)
        if type(origin) is openai.OpenAIError:  # what the SDK says of its settings, such as a key that is missing
            raise UsageError(f"litellm: {origin}") from error
        if isinstance(origin, httpx.HTTPStatusError):
            origin = _status_error(origin, error)
        raise origin from error


def _origin(error: BaseException) -> BaseException:
    """Return the error of the SDK or the HTTP library that one of litellm's goes back to; else the error itself."""
    found: BaseException | None = error
    while found is not None:
        if type(found).__module__.partition(".")[0] in {"openai", "httpx"}:
            return found
        found = getattr(found, "original_exception", None) or found.__cause__ or found.__context__
    return error


def _status_error(origin: Any, error: Exception) -> openai.APIStatusError:
    """Return an HTTP error that litellm met without an SDK as the SDK would raise it."""
    try:
        body: Any = origin.response.json()
    except (ValueError, httpx.StreamError):
        body = None
    told = body.get("error", body) if isinstance(body, dict) else body
    return openai.APIStatusError(str(error), response=origin.response, body=told)


def _watched(answer: ChatAnswer, stream: Any) -> bool:
    """Whether the end marker of a stream can be seen: where litellm reads it through the SDK."""
    of_sdk = stream.completion_stream
    if not isinstance(of_sdk, openai.Stream | openai.AsyncStream):
        return False
    answer.came(of_sdk.response)
    return True


def _end(answer: ChatAnswer, stream: Any) -> Iterator[Part]:
    # It gives every stream a last chunk with a reason, also one that was cut: what the provider sent stands here.
    if stream.received_finish_reason is not None or stream.intermittent_finish_reason is not None:
        yield answer.finished()
