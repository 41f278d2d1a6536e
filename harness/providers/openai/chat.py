"""OpenAI chat completions, through the official SDK.

Source: https://platform.openai.com/docs/api-reference/chat (2026-11).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

from harness.errors import MalformedResponseError
from harness.llm.parts import (
    Finish,
    FinishReason,
    Part,
    RequestId,
    ResponseStarted,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    Usage,
)
from harness.llm.request import LLMRequest
from harness.providers.openai.errors import translation
from harness.providers.openai.model import OpenAIModel
from harness.providers.openai.request import wire_body
from harness.providers.shared.end_marker import EndMarker

_DONE: Final = re.compile(rb"[\r\n]data: ?\[DONE\]")
_LONGEST_DONE: Final = 13
_LAST_OF_DONE: Final = b"[DONE]"

#: The API's reasons why an answer ended.
FINISH: Final[dict[str, FinishReason]] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}


class OpenAIChat(OpenAIModel):
    """A model of OpenAI, or of a host that speaks its chat completions, such as one at `base_url`."""

    def generate(self, request: LLMRequest) -> Iterator[Part]:
        answer = ChatAnswer(self.provider)
        with translation(answer):
            created = self._clients.sync().chat.completions.create(**self._arguments(request))
            if not request.stream:
                yield from answer.whole(created)
                return
            with created as stream:
                answer.came(stream.response)
                yield RequestId(answer.request_id)
                for chunk in stream:
                    yield from answer.chunk(chunk)
            yield from answer.end()

    async def agenerate(self, request: LLMRequest) -> AsyncIterator[Part]:
        answer = ChatAnswer(self.provider)
        with translation(answer):
            created = await self._clients.running().chat.completions.create(**self._arguments(request))
            if not request.stream:
                for part in answer.whole(created):
                    yield part
                return
            async with created as stream:
                answer.came(stream.response)
                yield RequestId(answer.request_id)
                async for chunk in stream:
                    for part in answer.chunk(chunk):
                        yield part
            for part in answer.end():
                yield part

    def _arguments(self, request: LLMRequest) -> dict[str, Any]:
        body = wire_body(self, request)
        named: dict[str, Any] = {name: body.pop(name) for name in ("model", "messages", "stream") if name in body}
        # Everything else goes as it is: the SDK's own parameters lag behind the API's, and behind its hosts'.
        return {**named, "extra_body": body}


class ChatAnswer:
    """One answer of the API, from its objects to parts."""

    def __init__(self, provider: str) -> None:
        self.provider = provider
        self.marker = EndMarker(_DONE, _LONGEST_DONE, _LAST_OF_DONE)
        self.begun = False
        self.request_id: str | None = None
        self._finish: str | None = None

    def came(self, response: Any) -> None:
        """Take note of the HTTP response, of which the body is still to come."""
        self.request_id = response.headers.get("x-request-id")
        self.marker.watch(response)

    def chunk(self, chunk: Any) -> list[Part]:
        """Return the parts of one streamed chunk."""
        parts: list[Part] = []
        if not self.begun:
            self.begun = True
            parts.append(ResponseStarted(chunk.id))
        # With n > 1 the choices come side by side; the answer is the first. Some hosts leave its number out.
        for choice in chunk.choices or ():
            if getattr(choice, "index", 0):
                continue
            delta = choice.delta
            if delta is not None:
                parts += _message_parts(delta)
                for call in getattr(delta, "tool_calls", None) or ():
                    function = call.function
                    parts.append(
                        ToolCallDelta(
                            call.index, call.id, function and function.name, (function and function.arguments) or ""
                        )
                    )
            self._finish = choice.finish_reason or self._finish
            break
        if getattr(chunk, "usage", None):
            parts.append(_usage(chunk.usage))
        return parts

    def end(self) -> Iterator[Part]:
        """Return what a stream that has ended still tells: whether it was whole."""
        if self.marker.seen:
            yield self.finished()

    def whole(self, completion: Any) -> Iterator[Part]:
        """Return the parts of an answer that was not streamed."""
        if not getattr(completion, "choices", None):
            raise MalformedResponseError(f"{self.provider} sent an answer without choices", provider=self.provider)
        yield ResponseStarted(completion.id)
        choice = completion.choices[0]
        yield from _message_parts(choice.message)
        for index, call in enumerate(getattr(choice.message, "tool_calls", None) or ()):
            yield ToolCallDelta(index, call.id, call.function.name, call.function.arguments)
        if getattr(completion, "usage", None):
            yield _usage(completion.usage)
        self._finish = choice.finish_reason
        yield self.finished()

    def finished(self) -> Finish:
        """Return the end of an answer that was whole."""
        return Finish(None if self._finish is None else FINISH.get(self._finish, "other"), self._finish)


def _message_parts(message: Any) -> list[Part]:
    parts: list[Part] = []
    # Hosts that serve reasoning models add these fields to the API's own. The SDK keeps them apart; litellm has the first.
    added = message.model_extra
    thinking = message.__dict__.get("reasoning_content") or (
        added and (added.get("reasoning_content") or added.get("reasoning"))
    )
    if thinking:
        parts.append(ThinkingDelta(thinking))
    if message.content:
        parts.append(TextDelta(message.content))
    if getattr(message, "refusal", None):
        parts.append(TextDelta(message.refusal))
    return parts


def _usage(usage: Any) -> Usage:
    prompt = getattr(usage, "prompt_tokens_details", None)
    completion = getattr(usage, "completion_tokens_details", None)
    return Usage(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        total_tokens=usage.total_tokens,
        cached_prompt_tokens=prompt.cached_tokens if prompt else None,
        reasoning_tokens=completion.reasoning_tokens if completion else None,
        raw=usage.model_dump(mode="json", exclude_unset=True),
    )
