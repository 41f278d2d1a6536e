"""The body of a response of the Gen AI SDK, which speaks over httpx, over aiohttp where that is installed, or over requests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from harness.providers.shared.body import ResponseBody


class GeminiBody(ResponseBody):
    """What the SDK returned: the text of a whole answer, or the response of its HTTP client."""

    def __init__(self, sent: Any) -> None:
        self.headers = sent.headers
        self._response = sent.response_stream

    def whole(self) -> bytes:
        (text,) = self._response
        return str(text).encode()

    def __iter__(self) -> Iterator[bytes]:
        if hasattr(self._response, "iter_bytes"):
            return self._response.iter_bytes()  # type: ignore[no-any-return]
        return self._response.iter_content(chunk_size=None)  # type: ignore[no-any-return]

    def __aiter__(self) -> AsyncIterator[bytes]:
        if hasattr(self._response, "aiter_bytes"):
            return self._response.aiter_bytes()  # type: ignore[no-any-return]
        return self._response.pieces()  # type: ignore[no-any-return]

    def close(self) -> None:
        self._response.close()

    async def aclose(self) -> None:
        if hasattr(self._response, "aclose"):
            await self._response.aclose()
        else:
            # Not closed: its connection goes back to the pool where the body has been read.
            self._response.release()
