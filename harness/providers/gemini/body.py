"""What the Gen AI SDK makes of a response: a body, or an error.

It speaks over httpx, over aiohttp where that is installed, or over requests.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from google.genai import errors as genai_errors

from harness.errors import ProviderError
from harness.providers.shared.answer import ProviderAnswer
from harness.providers.shared.body import ResponseBody
from harness.providers.shared.failure import failure_in, is_transport_error
from harness.providers.shared.shapes import OF_ANOTHER_SHAPE


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

    async def aclose(self) -> None:
        if hasattr(self._response, "aclose"):
            await self._response.aclose()
        else:
            # Not closed: its connection goes back to the pool where the body has been read.
            self._response.release()


def translated(error: Exception, answer: ProviderAnswer) -> ProviderError | None:
    """Return the error of this project for what the SDK raises; None for what does not come from it."""
    if isinstance(error, genai_errors.APIError):
        return answer.refused(error.code, failure_in(_sent(error.details), answer.code_field))
    if isinstance(error, (genai_errors.UnknownApiResponseError, RecursionError)):
        return answer.malformed(error)
    return answer.connection_error(error) if is_transport_error(error) else None


def _sent(details: Any) -> Any:
    """Return what Google sent. The async client leaves it unread where its content type is that of a stream."""
    if isinstance(details, Mapping) and "error" not in details:
        with contextlib.suppress(*OF_ANOTHER_SHAPE):
            details = json.loads(details["message"])
    return details[0] if isinstance(details, list) and len(details) == 1 else details
