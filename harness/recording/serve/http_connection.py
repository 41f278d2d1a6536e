"""One HTTP/1.1 connection of the emulator: requests in, recorded responses out, chunk by chunk and with their endings.

h11 knows the protocol; what is decided here is when bytes leave and how a connection breaks.
"""

from __future__ import annotations

import asyncio
import math
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from harness.errors import MissingExtraError, RecordingError
from harness.recording.files.bounds import MOST_DIGITS
from harness.recording.redact.content_coding import LARGEST
from harness.recording.tape.playback import written
from harness.recording.wire import Headers, WireRequest, WireResponse

try:
    import h11
except ImportError as missing:
    raise MissingExtraError("serving a recording needs h11: pip install 'stream-harness[serve]'") from missing

#: Header fields that are of one connection (RFC 9110, 7.6.1), or say what the framing chosen here says.
_NOT_SENT: Final = frozenset(
    {"connection", "content-length", "keep-alive", "proxy-authenticate", "proxy-connection", "te", "trailer"}
    | {"transfer-encoding", "upgrade"}
)
#: Statuses whose responses have no body (RFC 9110, 6.4.1).
_BODILESS: Final = frozenset({204, 304})
_READ: Final = 65_536
#: So long a connection may be idle, and so long a request may take from its first byte to its last, in seconds.
_IDLE_S: Final = 300.0
_REQUEST_S: Final = 60.0
#: So long a client may take no byte of an answer, in seconds.
_WRITE_S: Final = 60.0
#: Before a reset: where it discards what the client has not read yet, the client is given this long to read.
_RESET_AFTER_S: Final = 0.05


async def serve_connection(
    accepted: socket.socket, answer: Callable[[WireRequest], WireResponse], speed: float | None
) -> None:
    """Answer the requests of one connection, one after the other, until either side ends it; then close it."""
    reader, writer = await asyncio.open_connection(sock=accepted)
    # Written means handed to the system: what a reset comes after has left.
    writer.transport.set_write_buffer_limits(high=0)
    connection = _Connection(reader, writer, speed)
    try:
        with suppress(_ConnectionOverError, ConnectionError):
            while (request := await connection.request()) is not None:
                try:
                    response = answer(request)
                except RecordingError as error:
                    # It is compressed in a way that can't be undone here, or becomes too large.
                    await connection.refuse(str(error), 415)
                    break
                await connection.respond(request.method, response)
        writer.close()
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(_WRITE_S):
                await writer.wait_closed()
    finally:
        # Where the above did not come to its end, nobody waits for a client that does not read.
        writer.transport.abort()


class _ConnectionOverError(Exception):
    """There is nothing more to say on this connection."""


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, speed: float | None) -> None:
        self._reader = reader
        self._writer = writer
        self._speed = speed
        self._http = h11.Connection(h11.SERVER)

    async def request(self) -> WireRequest | None:
        """Return the next request; None where the client has closed, or a response has ended the connection."""
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        if self._http.our_state is not h11.IDLE:
            return None
        try:
            return await self._read_request()
        except h11.RemoteProtocolError as error:
            await self.refuse(str(error), error.error_status_hint)
            raise _ConnectionOverError from error

    async def _read_request(self) -> WireRequest | None:
        head: h11.Request | None = None
        body = bytearray()
        deadline: float | None = None
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                if self._http.they_are_waiting_for_100_continue:
                    await self._send(h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue"))
                received = await self._receive(deadline)
                if received and deadline is None:
                    deadline = asyncio.get_running_loop().time() + _REQUEST_S
                self._http.receive_data(received)
            elif isinstance(event, h11.Request):
                head = event
                # What says that it is too large need not come first.
                _check_size(_declared_length(event))
            elif isinstance(event, h11.Data):
                body += event.data
                _check_size(len(body))
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                return _wire(head, bytes(body))
            else:
                return None

    async def _receive(self, deadline: float | None) -> bytes:
        """Return the next bytes. Until a request has begun, the connection is idle, which ends it without a word."""
        try:
            async with asyncio.timeout_at(deadline or asyncio.get_running_loop().time() + _IDLE_S):
                return await self._reader.read(_READ)
        except TimeoutError:
            if deadline is None:
                raise _ConnectionOverError from None
            raise h11.RemoteProtocolError(
                f"the request did not come whole within {_REQUEST_S:g} seconds", error_status_hint=408
            ) from None

    async def refuse(self, why: str, status: int) -> None:
        """Answer with an error of our own, where an answer may still be given; it is the last of this connection."""
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            headers = [("content-type", "text/plain; charset=utf-8"), ("connection", "close")]
            await self._send(h11.Response(status_code=status, headers=headers, reason=b""))
            await self._send(h11.Data(data=why.encode("utf-8", "replace")))
            await self._send(h11.EndOfMessage())

    async def respond(self, method: str, response: WireResponse) -> None:
        """Send `response` as it was recorded: its pieces when they are due, then its ending.

        Raises:
            _ConnectionOverError: it ended the connection, or the client has left.
        """
        began = asyncio.get_running_loop().time()
        if response.status:
            if response.status < HTTPStatus.OK:
                await self.refuse(f"the status that is recorded is {response.status}, which is no answer", 502)
                raise _ConnectionOverError
            await self._send(_head(response, bodiless=method == "HEAD" or response.status in _BODILESS))
            for chunk in response.chunks:
                await self._wait(began, chunk.at_ms)
                piece = response.body[chunk.offset : chunk.offset + chunk.length]
                if piece and method != "HEAD" and response.status not in _BODILESS:
                    await self._send(h11.Data(data=piece))
        await self._end(response, began)

    async def _end(self, response: WireResponse, began: float) -> None:
        ended = response.ended
        if ended.how == "cancelled" or (ended.error or "").partition(":")[0].endswith("Timeout"):
            # The recorded client left here, or lost its patience. What would have come next is not known.
            await self._be_silent(None)
        await self._wait(began, ended.at_ms)
        if ended.how == "complete":
            await self._send(h11.EndOfMessage())
            return
        if ended.how == "reset":
            await self._be_silent(_RESET_AFTER_S)
            transport = self._writer.transport
            linger = struct.pack("ii", 1, 0)
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            transport.abort()
        raise _ConnectionOverError

    async def _send(self, event: h11.Event) -> None:
        self._writer.write(self._http.send(event) or b"")
        try:
            async with asyncio.timeout(_WRITE_S):
                await self._writer.drain()
        except TimeoutError:
            raise _ConnectionOverError from None

    async def _wait(self, began: float, at_ms: float) -> None:
        if at_ms == math.inf:
            await self._be_silent(None)
        if self._speed is not None:
            due = began + at_ms / 1000 / self._speed - asyncio.get_running_loop().time()
            if due > 0:
                await self._be_silent(due)

    async def _be_silent(self, seconds: float | None) -> None:
        """Return after `seconds`, or never.

        Raises:
            _ConnectionOverError: the client has left in the meantime.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while sent := await self._reader.read(_READ):
                    # The next request, sent before this one was answered.
                    self._http.receive_data(sent)
                raise _ConnectionOverError


def _declared_length(request: h11.Request) -> int:
    # h11 has made sure that it is a number; so many digits are one that is too large.
    declared = next((value for name, value in request.headers if name == b"content-length"), b"0")
    return int(declared[:MOST_DIGITS])


def _check_size(length: int) -> None:
    if length > LARGEST:
        raise h11.RemoteProtocolError(
            f"the body is larger than {LARGEST // 2**20} MiB, the most that a recording holds", error_status_hint=413
        )


def _wire(request: h11.Request, body: bytes) -> WireRequest:
    target = request.target.decode("ascii")
    headers: Headers = tuple((name.decode("ascii"), value.decode("latin-1")) for name, value in request.headers)
    host = next((value for name, value in headers if name == "host"), "localhost")
    url = target if "://" in target.partition("?")[0] else f"http://{host}{target}"
    try:
        urlsplit(url)
    except ValueError as error:
        raise h11.RemoteProtocolError(f"the request's URL can't be read: {error}", error_status_hint=400) from error
    return WireRequest(request.method.decode("ascii"), url, headers, body)


def _head(response: WireResponse, *, bodiless: bool) -> h11.Response:
    # Where no body comes, its length is no framing but what a client asked for; a 204 has none (RFC 9110, 8.6).
    shown = {"content-length"} if bodiless and response.status != HTTPStatus.NO_CONTENT else set()
    fields: list[tuple[bytes, bytes]] = []
    for name, value in response.headers:
        encoded = name.lower().encode("latin-1", "replace"), written(value.strip())
        if name.lower() not in _NOT_SENT - shown and _is_sendable(*encoded):
            fields.append(encoded)
    return h11.Response(status_code=response.status, headers=fields, reason=response.reason.encode("ascii", "ignore"))


def _is_sendable(name: bytes, value: bytes) -> bool:
    """Whether HTTP/1.1 can carry a field: HTTP/2 has some that it can't, and an edited file may have any."""
    try:
        h11.Response(status_code=200, headers=[(name, value)])
    except h11.LocalProtocolError:
        return False
    return True
