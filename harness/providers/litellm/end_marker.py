"""Watching a response's decoded bytes for the end marker that litellm and its SDK swallow (clause `llm.truncation`)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from harness.providers.shared.sse import SSEDecoder


class EndMarker:
    """Tells whether `[DONE]` has come by in a response, however its bytes were split."""

    def __init__(self) -> None:
        self._decoder = SSEDecoder()
        self.seen = False

    def watch(self, response: Any) -> None:
        """Look at every byte that an httpx response gives from now on, and change none."""
        response.iter_bytes = self._watched(response.iter_bytes)
        response.aiter_bytes = self._awatched(response.aiter_bytes)

    def _look(self, piece: bytes) -> bytes:
        self.seen = self.seen or any(data.strip() == b"[DONE]" for _, data in self._decoder.feed(piece))
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
