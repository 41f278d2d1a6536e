"""OpenAI's Responses API, through the official SDK.

Source: https://platform.openai.com/docs/api-reference/responses-streaming (2026-11).
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any, ClassVar, Final

from harness.errors import MalformedResponseError, ProviderError
from harness.llm.items import ReasoningItem
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
from harness.providers.openai.responses_request import check_settings, wire_body
from harness.providers.shared.thoughts import Thoughts

#: Why a response is incomplete.
_INCOMPLETE: Final[dict[str, FinishReason]] = {"max_output_tokens": "length", "content_filter": "content_filter"}
#: Events that carry a piece of text in `delta`, and the part that it makes.
_DELTAS: Final[dict[str, type[TextDelta | ThinkingDelta]]] = {
    "response.output_text.delta": TextDelta,
    "response.refusal.delta": TextDelta,
    "response.reasoning_summary_text.delta": ThinkingDelta,
    "response.reasoning_text.delta": ThinkingDelta,
}
#: Events after which nothing comes, and the status of the response that they carry.
_ENDS: Final = {
    "response.completed": "completed",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
}


class OpenAIResponses(OpenAIModel):
    """A model of OpenAI by its Responses API.

    With `auto_chain` each call goes on from the answer before it, which the provider has kept: it needs only what is
    new of the conversation. Such an LLM is one conversation; don't share it.
    """

    asks_for_hosted_tools: ClassVar[bool] = True

    def __init__(self, *args: Any, auto_chain: bool = False, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.auto_chain = auto_chain
        self._chain_lock = threading.Lock()
        self._thoughts = Thoughts()
        self._last_response_id: str | None = None

    @property
    def last_response_id(self) -> str | None:
        """The provider's id of the last whole answer, from which another call can go on."""
        with self._chain_lock:
            return self._last_response_id

    def reset_chain(self) -> None:
        """Begin a new conversation with the next call."""
        with self._chain_lock:
            self._last_response_id = None

    def check(self, request: LLMRequest) -> None:
        super().check(request)
        check_settings(self)
        wire_body(self, request)

    def supports_stop_words(self) -> bool:
        return False

    def generate(self, request: LLMRequest) -> Iterator[Part]:
        answer = _Answer(self.provider)
        with translation(answer):
            created = self._clients.sync().responses.create(**self._arguments(request))
            if request.stream:
                with created as stream:
                    answer.came(stream.response)
                    yield RequestId(answer.request_id)
                    for event in stream:
                        yield from answer.event(event)
                        if answer.ended:
                            break
            else:
                yield from answer.whole(created)
        self._keep(answer)

    async def agenerate(self, request: LLMRequest) -> AsyncIterator[Part]:
        answer = _Answer(self.provider)
        with translation(answer):
            created = await self._clients.running().responses.create(**self._arguments(request))
            if request.stream:
                async with created as stream:
                    answer.came(stream.response)
                    yield RequestId(answer.request_id)
                    async for event in stream:
                        for part in answer.event(event):
                            yield part
                        if answer.ended:
                            break
            else:
                for part in answer.whole(created):
                    yield part
        self._keep(answer)

    def _arguments(self, request: LLMRequest) -> dict[str, Any]:
        body = wire_body(self, self._thoughts.given_back(request))
        if self.auto_chain and self.last_response_id is not None:
            body.setdefault("previous_response_id", self.last_response_id)
        named: dict[str, Any] = {name: body.pop(name) for name in ("model", "input", "stream") if name in body}
        # Everything else goes as it is: the SDK's own parameters lag behind the API's, and behind its hosts'.
        return {**named, "extra_body": body}

    def _keep(self, answer: _Answer) -> None:
        if answer.ended:
            self._thoughts.keep(answer.call_ids, answer.reasoning)
            with self._chain_lock:
                self._last_response_id = answer.response_id


class _Answer:
    """One answer of the API, from its objects to parts."""

    def __init__(self, provider: str) -> None:
        self.provider = provider
        self.begun = False
        #: Whether the event that ends a stream, or the whole response, has come.
        self.ended = False
        self.request_id: str | None = None
        self.response_id: str | None = None
        #: The arguments that have come of each tool call, by its place among the response's items.
        self._arguments: dict[int, str] = {}
        #: Ids of its tool calls, and its reasoning that only the provider can read.
        self.call_ids: list[str] = []
        self.reasoning: list[ReasoningItem] = []

    def came(self, response: Any) -> None:
        """Take note of the HTTP response, of which the body is still to come."""
        self.request_id = response.headers.get("x-request-id") or response.headers.get("apim-request-id")

    def event(self, event: Any) -> Iterable[Part]:
        """Return the parts of one streamed event.

        Raises:
            ProviderError: it tells that the response has failed.
        """
        self.begun = True
        # Nearly every event is a piece of text.
        made = _DELTAS.get(event.type)
        return self._parts(event) if made is None else (made(self._text(event.delta)),)

    def _parts(self, event: Any) -> Iterator[Part]:
        kind = event.type
        if kind == "response.created":
            yield from self._started(event.response)
        elif kind == "response.output_item.added" and event.item.type == "function_call":
            self._arguments[event.output_index] = ""
            yield ToolCallDelta(event.output_index, event.item.call_id, event.item.name, "")
        elif kind == "response.function_call_arguments.delta":
            self._arguments[event.output_index] = self._arguments.get(event.output_index, "") + event.delta
            yield ToolCallDelta(event.output_index, None, None, event.delta)
        elif kind == "response.function_call_arguments.done":
            # Some hosts that speak this API send no deltas.
            if not self._arguments.get(event.output_index):
                yield ToolCallDelta(event.output_index, None, None, event.arguments)
        elif kind in _ENDS:
            self._take_reasoning(event.response)
            yield from self._end(event.response, _ENDS[kind])
        elif kind == "error":
            raise self._failure(event.message, event.code)

    def whole(self, response: Any) -> Iterator[Part]:
        """Return the parts of an answer that was not streamed. Raises ProviderError where it tells of a failure."""
        self.request_id = getattr(response, "_request_id", None)
        if not isinstance(getattr(response, "output", None), list):
            raise MalformedResponseError(
                f"{self.provider} sent an answer without output", provider=self.provider, request_id=self.request_id
            )
        yield from self._started(response)
        for place, item in enumerate(response.output):
            if item.type == "reasoning":
                yield from (ThinkingDelta(piece.text) for piece in (*item.summary, *(item.content or ())))
            elif item.type == "message":
                yield from (
                    TextDelta(piece.refusal if piece.type == "refusal" else piece.text) for piece in item.content
                )
            elif item.type == "function_call":
                yield ToolCallDelta(place, item.call_id, item.name, item.arguments)
                self._arguments[place] = item.arguments
        self._take_reasoning(response)
        yield from self._end(response, response.status or "completed")

    def _take_reasoning(self, response: Any) -> None:
        # Where the provider keeps answers, it has their reasoning; what it does not keep, it sends encrypted if asked.
        for item in response.output or ():
            if item.type == "function_call":
                self.call_ids.append(item.call_id)
            elif item.type == "reasoning" and item.encrypted_content:
                said = item.model_dump(mode="json", exclude_unset=True, include=set(ReasoningItem.model_fields))
                self.reasoning.append(ReasoningItem.model_validate(said))

    def _text(self, delta: Any) -> str:
        if not isinstance(delta, str):
            raise MalformedResponseError(
                f"{self.provider} sent a delta of text that is {delta!r}",
                provider=self.provider,
                request_id=self.request_id,
            )
        return delta

    def _started(self, response: Any) -> Iterator[Part]:
        self.response_id = response.id
        yield ResponseStarted(response.id)

    def _end(self, response: Any, status: str) -> Iterator[Part]:
        if response.usage is not None:
            yield _usage(response.usage)
        if status == "completed":
            self.ended = True
            yield Finish("tool_calls" if self._arguments else "stop", status)
        elif status == "incomplete":
            self.ended = True
            why = response.incomplete_details.reason if response.incomplete_details else None
            yield Finish(_INCOMPLETE.get(why or "", "other"), why)
        else:
            error = response.error
            what = error.message if error is not None else f"the response is {status}"
            raise self._failure(what, error.code if error is not None else None)

    def _failure(self, message: str, code: str | None) -> ProviderError:
        return ProviderError(
            f"{self.provider} reported that the response failed: {message}",
            provider=self.provider,
            request_id=self.request_id,
            code=code,
            retryable=code in {"server_error", "rate_limit_exceeded"},
        )


def _usage(usage: Any) -> Usage:
    details, output = usage.input_tokens_details, usage.output_tokens_details
    return Usage(
        prompt_tokens=usage.input_tokens,
        completion_tokens=usage.output_tokens,
        total_tokens=usage.total_tokens,
        cached_prompt_tokens=details.cached_tokens if details else None,
        reasoning_tokens=output.reasoning_tokens if output else None,
        cache_creation_tokens=getattr(details, "cache_write_tokens", None),
        raw=usage.model_dump(mode="json", exclude_unset=True),
    )
