"""Watching a response's decoded bytes for the end marker that an SDK swallows (clause `llm.truncation`)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any


class EndMarker:
    """Tells whether a pattern has come by in a response, however its bytes were split.

    `pattern` matches at most `longest` bytes, and nothing that `part` is not in: nearly all bytes are told by that alone.
    """

    def __init__(self, pattern: re.Pattern[bytes], longest: int, part: bytes) -> None:
        self._pattern = pattern
        self._part = part
        self._longest = longest
        self._tail = b"\n"  # the start of a body is the start of a line
        self.seen = False

    def watch(self, response: Any) -> None:
        """Look at every byte that an httpx or httpx2 response gives from now on, and change none."""
        response.iter_bytes = self._watched(response.iter_bytes)
        response.aiter_bytes = self._awatched(response.aiter_bytes)

    def _look(self, chunk: bytes) -> None:
        if not self.seen:
            window = self._tail + chunk
            self.seen = self._part in window and self._pattern.search(window) is not None
            self._tail = window[-self._longest :]

    def _watched(self, iterate: Callable[..., Iterator[bytes]]) -> Callable[..., Iterator[bytes]]:
        def watched(*args: Any, **kwargs: Any) -> Iterator[bytes]:
            for chunk in iterate(*args, **kwargs):
                self._look(chunk)
                yield chunk

        return watched

    def _awatched(self, iterate: Callable[..., AsyncIterator[bytes]]) -> Callable[..., AsyncIterator[bytes]]:
        async def watched(*args: Any, **kwargs: Any) -> AsyncIterator[bytes]:
            async for chunk in iterate(*args, **kwargs):
                self._look(chunk)
                yield chunk

        return watched
