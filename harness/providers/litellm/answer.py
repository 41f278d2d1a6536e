"""litellm's answers: objects in the form of OpenAI's chat completions."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

from harness.llm.output.parts import Part
from harness.providers.litellm.errors import is_early_end
from harness.providers.openai.chat_answer import ChatAnswer
from harness.providers.openai.sdk import openai
from harness.providers.shared.body import ResponseBody
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
        if not is_early_end(error):
            raise


def _json(answer: Any) -> dict[str, Any]:
    dumped: dict[str, Any] = answer.model_dump(mode="json")
    usage = getattr(answer, "usage", None)
    # Its own fields, which are more with each version, say nothing where they are null.
    return dumped if usage is None else {**dumped, "usage": usage.model_dump(mode="json", exclude_none=True)}
