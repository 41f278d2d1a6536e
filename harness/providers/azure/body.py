"""The body of a response of the Azure SDK, and of one that tells of an HTTP error."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any

from azure.core.pipeline import policies

from harness.providers.shared.body import ResponseBody
from harness.providers.shared.content import ContentDecoder, decoder_of, in_utf8

# The SDK's decoders fail where the head of a response says what is not so, and take along what the server wrote.


class AzureBody(ResponseBody):
    """What the SDK returned: an iterator of updates, of which the bytes are read."""

    def __init__(self, sent: Any) -> None:
        self._response = sent._response
        self.headers = self._response.headers

    def whole(self) -> bytes:
        return self._response._content  # type: ignore[no-any-return]  # it has been read

    # Not the updates: the SDK takes nothing but data lines, loses what shares a piece with a fault, and swallows the
    # end marker and errors. Its iterators of bytes have one name in both ways.

    def __iter__(self) -> Iterator[bytes]:
        return _decoder(self._response).decoded(self._response.iter_raw())

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _decoder(self._response).adecoded(self._response.iter_raw())

    async def aclose(self) -> None:
        await self._response.close()


class RefusalsAreRead(policies.SansIOHTTPPolicy[Any, Any]):
    """Reads what comes with an HTTP error: the SDK makes its next attempt without, and leaves the connection open."""

    def on_response(self, request: Any, response: Any) -> None:
        refusal = response.http_response
        if refusal.status_code >= 400:
            _read(refusal)


class AsyncRefusalsAreRead(policies.AsyncHTTPPolicy[Any, Any]):
    """The same, in a loop."""

    async def send(self, request: Any) -> Any:
        response = await self.next.send(request)
        if response.http_response.status_code >= 400:
            await _aread(response.http_response)
        return response


def read_at_once(sent: Any) -> Any:
    """Return what the SDK returned, and have it read."""
    _read(sent._response)
    return sent


async def aread_at_once(sent: Awaitable[Any]) -> Any:
    returned = await sent
    await _aread(returned._response)
    return returned


def _read(response: Any) -> None:
    _keep(response, b"".join(_decoder(response).decoded(response.iter_raw())))


async def _aread(response: Any) -> None:
    try:
        pieces = [piece async for piece in _decoder(response).adecoded(response.iter_raw())]
    except BaseException:
        # Nobody else lets go of its connection.
        await response.close()
        raise
    _keep(response, b"".join(pieces))


def _decoder(response: Any) -> ContentDecoder:
    return decoder_of(response.headers.get("content-encoding"))


def _keep(response: Any, content: bytes) -> None:
    # There is no public way to say what a response held that has been read. Over aiohttp, the SDK reads anew what held nothing.
    # What is no UTF-8 of an answer makes it none.
    text = in_utf8(content, response.encoding) if response.status_code >= 400 else content
    response._content = text or b" "
    response._decompressed_content = True
    response.encoding = "utf-8"
