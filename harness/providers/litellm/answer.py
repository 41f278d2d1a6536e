"""What litellm makes of a response: objects in the form of OpenAI's chat completions, or an error."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import httpx
import openai

from harness.errors import HarnessError, UsageError
from harness.llm.output.parts import Part
from harness.providers.openai.chat_answer import ChatAnswer
from harness.providers.shared import stainless
from harness.providers.shared.answer import ProviderAnswer
from harness.providers.shared.body import ResponseBody
from harness.providers.shared.failure import failure_in
from harness.providers.shared.sse import SSEDecoder


class LiteLLMBody(ResponseBody):
    """What litellm returned. After a stream's chunks comes whether it was whole."""

    def __init__(self, sent: Any) -> None:
        self._sent = sent
        self.headers = {}
        self._decoder = SSEDecoder()
        #: Whether `[DONE]`, which litellm and its SDK swallow, has come (clause `llm.truncation`); None where nobody can see.
        self._is_marked: bool | None = None
        # Where litellm reads through the SDK, every byte is looked at, and none changed.
        of_sdk = getattr(sent, "completion_stream", None)
        if isinstance(of_sdk, openai.Stream | openai.AsyncStream):
            response: Any = of_sdk.response
            self.headers = response.headers
            self._is_marked = False
            response.iter_bytes = self._watched(response.iter_bytes)
            response.aiter_bytes = self._awatched(response.aiter_bytes)

    def whole(self) -> dict[str, Any]:
        return _json(self._sent)

    def __iter__(self) -> Iterator[dict[str, Any] | bool]:
        with _early_ends_ignored():
            for chunk in self._sent:
                yield _json(chunk)
        yield self._was_whole()

    async def __aiter__(self) -> AsyncIterator[dict[str, Any] | bool]:
        with _early_ends_ignored():
            async for chunk in self._sent:
                yield _json(chunk)
        yield self._was_whole()

    def _was_whole(self) -> bool:
        if self._is_marked is not None:
            return self._is_marked
        # litellm gives every stream a last chunk with a reason, also one that was cut: what the provider sent stands here.
        return self._sent.received_finish_reason is not None or self._sent.intermittent_finish_reason is not None

    def close(self) -> None:
        pass

    def _look(self, piece: bytes) -> bytes:
        self._is_marked = self._is_marked or any(data.strip() == b"[DONE]" for _, data in self._decoder.feed(piece))
        return piece

    def _watched(self, iterate: Callable[..., Iterator[bytes]]) -> Callable[..., Iterator[bytes]]:
        def watched(*args: Any, **options: Any) -> Iterator[bytes]:
            return map(self._look, iterate(*args, **options))

        return watched

    def _awatched(self, iterate: Callable[..., AsyncIterator[bytes]]) -> Callable[..., AsyncIterator[bytes]]:
        async def watched(*args: Any, **options: Any) -> AsyncIterator[bytes]:
            async for piece in iterate(*args, **options):
                yield self._look(piece)

        return watched


class LiteLLMAnswer(ChatAnswer):
    """One answer as litellm gives it."""

    def piece(self, piece: Any) -> Iterator[Part]:
        if isinstance(piece, bool):
            self.done = piece
        else:
            yield from self.event(piece)

    def closing(self, last: bytes) -> Iterable[Part]:
        # A reason is no sign here: litellm gives one to every stream.
        return self.finished() if self.done else ()

    def whole(self, sent: Any) -> Iterator[Part]:
        yield from self.answer(sent)


@contextlib.contextmanager
def _early_ends_ignored() -> Iterator[None]:
    """Pass over what litellm raises where a stream ended without a reason: whether it was whole is judged here."""
    try:
        yield
    except openai.OpenAIError as error:
        if not _is_early_end(error):
            raise


def _json(answer: Any) -> dict[str, Any]:
    dumped: dict[str, Any] = answer.model_dump(mode="json")
    usage = getattr(answer, "usage", None)
    # Its own fields, which are more with each version, say nothing where they are null.
    return dumped if usage is None else {**dumped, "usage": usage.model_dump(mode="json", exclude_none=True)}


def translated(error: Exception, answer: ProviderAnswer) -> HarnessError | None:
    """Return the error for what an SDK raised, and not for what litellm makes of it, without its status or id."""
    origin = _origin(error) if isinstance(error, openai.OpenAIError) else error
    if type(origin) is openai.OpenAIError:  # what the SDK says of its settings, such as a key that is missing
        return UsageError(f"litellm: {origin}")
    if isinstance(origin, httpx.HTTPStatusError):
        return _status_error(origin.response, error, answer)
    if type(origin) is openai.APIError:
        return answer.reported(failure_in(origin.body or origin.message))
    return stainless.translated(openai, origin, answer)


def _is_early_end(error: openai.OpenAIError) -> bool:
    """Whether litellm says by itself that a stream has ended too soon, and no library below it raised anything."""
    origin = _origin(error)
    return isinstance(origin, openai.APIConnectionError) and type(origin).__module__.partition(".")[0] == "litellm"


def _origin(error: Exception) -> Exception:
    """Return the error of the SDK or the HTTP library that one of litellm's goes back to, else litellm's own first one."""
    found: BaseException | None = error
    own = error
    while found is not None:
        package = type(found).__module__.partition(".")[0]
        if isinstance(found, Exception) and package in {"openai", "httpx"}:
            return found
        if isinstance(found, Exception) and package == "litellm":
            own = found
        found = getattr(found, "original_exception", None) or found.__cause__ or found.__context__
    return own


def _status_error(response: Any, error: Exception, answer: ProviderAnswer) -> HarnessError:
    """Return an HTTP error that litellm met without an SDK."""
    try:
        failure = failure_in(response.content)
    except httpx.StreamError:
        failure = failure_in(str(error))
    return answer.refused(response.status_code, failure, answer.request_id_in(response.headers))
