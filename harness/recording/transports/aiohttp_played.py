"""A recorded response as aiohttp reads one: as bytes, by its own parser, each piece when the reader asks for one."""

from __future__ import annotations

import ast
import asyncio
import errno
import re
from typing import Any, Final, cast

from aiohttp.client_exceptions import (
    ClientConnectionError,
    ClientConnectorError,
    ClientOSError,
    ClientPayloadError,
    ClientResponseError,
    ConnectionTimeoutError,
    ServerDisconnectedError,
    SocketTimeoutError,
)
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientRequest, RequestInfo
from aiohttp.connector import BaseConnector, Connection
from aiohttp.streams import StreamReader
from multidict import CIMultiDict, CIMultiDictProxy

from harness.recording.tape.playback import Playback, cut_off, framed_headers
from harness.recording.transports.failures import RecordedFailure, mark_recorded, recorded_failure, system_error
from harness.recording.wire import WireRequest

#: The status that aiohttp gives a response that it can't read, and how its error reads as text.
_BAD_RESPONSE: Final = 400
_RESPONSE_ERROR: Final = re.compile(r"(?P<status>[0-9]{1,3}), message=(?P<message>.*), url=\S+", re.DOTALL)


async def play(
    connector: BaseConnector, request: ClientRequest, wire_request: WireRequest, playback: Playback
) -> Connection:
    """Return a connection on which the response is played, or raise what stands in the place of one."""
    recorded = playback.response
    if recorded.status == 0:
        await playback.await_end()
        if recorded.ended.how == "cancelled":
            raise cut_off(wire_request, recorded)
        failure = recorded_failure(recorded)
        # A session has another word for what is raised here.
        if failure.kind == "ConnectTimeout" and not _is_of_session(failure):
            raise mark_recorded(ConnectionTimeoutError(failure.text))
        if failure.kind == "ConnectError":
            raise mark_recorded(
                ClientConnectorError(request.connection_key, _system_error(errno.ECONNREFUSED, failure))
            )
    protocol = _PlayedHandler(request, wire_request, playback)
    connection = Connection(connector, request.connection_key, protocol, request.loop)
    # A connector that has been closed closes those that it has made, of which this is none.
    connection.add_callback(playback.close)
    return connection


class _PlayedHandler(ResponseHandler):
    """The protocol of a connection that nothing is sent on, and whose response comes from a recording."""

    def __init__(self, request: ClientRequest, wire_request: WireRequest, playback: Playback) -> None:
        super().__init__(request.loop)
        self._request_info = request.request_info
        self._wire_request = wire_request
        self._playback = playback
        self._played = 0
        self.connection_made(_Nowhere(playback))
        # Never used again: what comes after this response is none of the recording.
        self.force_close()

    def set_response_params(self, **params: Any) -> None:
        # Pieces come when they are asked for, so a slow reader must not look like a silent server.
        super().set_response_params(**params | {"read_timeout": None})

    async def read(self) -> Any:
        """Return the head of the response and its reader."""
        # The task that sends the body gets to run, as it does while a server is thinking.
        await asyncio.sleep(0)
        recorded = self._playback.response
        if recorded.status == 0:
            raise mark_recorded(_failure_before_response(recorded_failure(recorded), self._request_info))
        framed, length = framed_headers(recorded)
        fields = (*framed, ("transfer-encoding", "chunked"))
        lines = [f"HTTP/1.1 {recorded.status} {recorded.reason}", *(f"{name}: {value}" for name, value in fields)]
        self.data_received(("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape"))
        message, reader = await super().read()
        if length:
            shown: Any = _Shown(
                message,
                CIMultiDictProxy(CIMultiDict([*message.headers.items(), *length])),
                (*message.raw_headers, *((name.encode(), value.encode()) for name, value in length)),
            )
            message = shown
        if not reader.is_eof():
            reader.__class__ = _PlayedReader
        return message, reader

    async def play_next(self, reader: StreamReader) -> None:
        """Give the next piece to the parser, and by it to `reader`, or end the response as it was recorded."""
        recorded = self._playback.response
        chunk = recorded.chunks[self._played] if self._played < len(recorded.chunks) else None
        # Not by `apieces`, whose end a cancelled wait would be, while aiohttp lets a reader try again.
        await self._playback.await_due(chunk)
        if self._playback.closed:
            raise ClientConnectionError("Connection closed")
        if chunk is not None:
            self._played += 1
            piece = recorded.body[chunk.offset : chunk.offset + chunk.length]
            self.data_received(b"%x\r\n%b\r\n" % (len(piece), piece))
        elif recorded.ended.how == "complete":
            self.data_received(b"0\r\n\r\n")
        elif recorded.ended.how == "cancelled":
            raise cut_off(self._wire_request, recorded)
        else:
            error = mark_recorded(_failure_within_body(recorded_failure(recorded)))
            reader.set_exception(error)
            raise error


class _Shown:
    """The head of a response as its parser gave it, with other headers: what is made in C can't be copied."""

    def __init__(self, message: Any, headers: CIMultiDictProxy[str], raw: tuple[tuple[bytes, bytes], ...]) -> None:
        self._message = message
        self.headers = headers
        self.raw_headers = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._message, name)


class _PlayedReader(StreamReader):
    """The reader of a played response: where it would wait for bytes, it takes the next piece."""

    __slots__ = ()

    async def _wait(self, func_name: str) -> None:
        with self._timer:
            await cast(_PlayedHandler, self._protocol).play_next(self)


class _Nowhere(asyncio.Transport):
    """A transport that swallows what is sent."""

    def __init__(self, playback: Playback) -> None:
        super().__init__()
        self._playback = playback

    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass

    def is_closing(self) -> bool:
        return self._playback.closed

    def close(self) -> None:
        self._playback.close()

    def abort(self) -> None:
        self._playback.close()


def _failure_before_response(failure: RecordedFailure, request_info: RequestInfo) -> Exception:
    # Where a server has disconnected, aiohttp makes some requests again; of what it could not read, none.
    if failure.raised_as == "ClientResponseError":
        return _unread(failure.text, request_info)
    if failure.raised_as == "ClientPayloadError":
        return ClientPayloadError(failure.text)
    match failure.kind:
        case "ReadTimeout" | "ConnectTimeout":
            return _timeout(failure)
        case "ReadError":
            system = _system_error(errno.ECONNRESET, failure)
            return ClientOSError(system.errno, system.strerror)
        case _:
            return ServerDisconnectedError(failure.text or None)


def _unread(text: str, request_info: RequestInfo) -> ClientResponseError:
    """Return the error that was recorded as `text`, which aiohttp puts together of a status, a message and a URL."""
    found = _RESPONSE_ERROR.fullmatch(text)
    if found is None:
        return ClientResponseError(request_info, (), status=_BAD_RESPONSE, message=text)
    try:
        message = str(ast.literal_eval(found["message"]))
    except (SyntaxError, ValueError):
        message = found["message"]
    return ClientResponseError(request_info, (), status=int(found["status"]), message=message)


def _failure_within_body(failure: RecordedFailure) -> Exception:
    timed_out = failure.kind in ("ReadTimeout", "ConnectTimeout")
    return _timeout(failure) if timed_out else ClientPayloadError(failure.text)


def _timeout(failure: RecordedFailure) -> Exception:
    return TimeoutError() if _is_of_session(failure) else SocketTimeoutError(failure.text)


def _is_of_session(failure: RecordedFailure) -> bool:
    """Whether the time for the whole request was up, of which aiohttp tells by Python's own error, without a word."""
    return failure.raised_as == "TimeoutError" and not failure.text


def _system_error(number: int, failure: RecordedFailure) -> OSError:
    """Return the system's error behind a recorded one; aiohttp builds its own texts around it."""
    text = failure.text
    if failure.raised_as.startswith("ClientConnector"):
        text = text.partition(" [")[2].removesuffix("]") or text
    return system_error(number, text)
