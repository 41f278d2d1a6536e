"""aiohttp: connectors whose connections are answered from a tape or recorded to it.

The patch stands where a session asks for a connection: redirects, middlewares, cookies and timeouts are above it and
stay aiohttp's own. A played response comes as bytes to aiohttp's own parser, each piece when the reader asks for one.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from types import ModuleType
from typing import TYPE_CHECKING, Any

from aiohttp import compression_utils
from aiohttp.client_exceptions import (
    ClientConnectionError,
    ClientConnectorError,
    ClientPayloadError,
    ConnectionTimeoutError,
    ServerDisconnectedError,
)
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientRequest, ClientResponse
from aiohttp.connector import BaseConnector, Connection
from aiohttp.payload import Payload
from aiohttp.streams import StreamReader
from yarl import URL

from harness.recording.tape.tape import tape_for
from harness.recording.transports.aiohttp_played import play
from harness.recording.transports.failures import FailureKind, described, ending_before_response
from harness.recording.wire import Headers, How, WireRequest

if TYPE_CHECKING:
    from aiohttp.client import ClientTimeout
    from aiohttp.tracing import Trace

    from harness.recording.tape.take import Take
    from harness.recording.tape.tape import Tape

_Connect = Callable[[BaseConnector, ClientRequest, "list[Trace]", "ClientTimeout"], Awaitable[Connection]]

#: What an error before the response is recorded as; the first row that fits.
_BEFORE_RESPONSE: tuple[tuple[type[Exception], FailureKind], ...] = (
    (ConnectionTimeoutError, "ConnectTimeout"),
    (TimeoutError, "ReadTimeout"),
    (ClientConnectorError, "ConnectError"),
    (ServerDisconnectedError, "RemoteProtocolError"),
    (OSError, "ReadError"),
)
#: How aiohttp words a body that broke off with its connection: what was missing, then the system's own error.
_BROKE = re.compile(r"> *\. \w+\(.*\)$", re.DOTALL)
#: Where a request, a response and a connection's protocol keep the take that they are part of.
_TAKE = "_harness_take"
#: Where a protocol keeps whether it undoes the coding of bodies, and which codings it knows.
_UNDOES = "_harness_undoes_codings"
_UNDONE = frozenset({"gzip", "deflate", "br"} | ({"zstd"} if hasattr(compression_utils, "HAS_ZSTD") else set()))


def install(library: ModuleType) -> None:
    """Patch the connectors, requests and responses of aiohttp for the life of the process."""
    connector: Any = BaseConnector
    connector.connect = _patched_connect(connector.connect)
    request: Any = ClientRequest
    request.send = _patched_send(request.send)
    response: Any = ClientResponse
    response.start = _patched_start(response.start)
    protocol: Any = ResponseHandler
    protocol.set_response_params = _patched_params(protocol.set_response_params)


def _patched_connect(real: _Connect) -> _Connect:
    @wraps(real)
    async def connect(
        connector: BaseConnector,
        request: ClientRequest,
        traces: list[Trace],
        timeout: ClientTimeout,  # noqa: ASYNC109 - aiohttp's signature
    ) -> Connection:
        url = str(request.url)
        tape = tape_for(request.method, url, request.headers.get("Upgrade"))
        if tape is None:
            return await real(connector, request, traces, timeout)
        wire_request = WireRequest(request.method, url, _plain(request.headers), await _body(request))
        answer = tape.answer(wire_request)
        if answer is not None:
            return await play(connector, request, wire_request, tape.play(answer))
        take = vars(request)[_TAKE] = tape.begin(wire_request)
        _send_to(request, tape, url)
        try:
            return await real(connector, request, traces, timeout)
        except BaseException as error:
            take.ended(*_ending_before_connection(error, request))
            raise

    return connect


def _patched_send(
    real: Callable[[ClientRequest, Connection], Awaitable[ClientResponse]],
) -> Callable[[ClientRequest, Connection], Awaitable[ClientResponse]]:
    @wraps(real)
    async def send(request: ClientRequest, connection: Connection) -> ClientResponse:
        take: Take | None = vars(request).pop(_TAKE, None)
        if take is None:
            return await real(request, connection)
        try:
            response = await real(request, connection)
        except BaseException as error:
            take.ended(*_ending_before_response(error))
            raise
        vars(response)[_TAKE] = take
        return response

    return send


def _patched_start(
    real: Callable[[ClientResponse, Connection], Awaitable[ClientResponse]],
) -> Callable[[ClientResponse, Connection], Awaitable[ClientResponse]]:
    @wraps(real)
    async def start(response: ClientResponse, connection: Connection) -> ClientResponse:
        take: Take | None = vars(response).pop(_TAKE, None)
        protocol = connection.protocol
        if take is None or protocol is None:
            return await real(response, connection)
        try:
            await real(response, connection)
        except BaseException as error:
            take.ended(*_ending_before_response(error))
            raise
        take.responded(response.status, _whole(response.reason or ""), _as_read(response.headers, protocol))
        _tee(response.content, protocol, take)
        return response

    return start


def _patched_params(real: Callable[..., None]) -> Callable[..., None]:
    @wraps(real)
    def set_response_params(protocol: ResponseHandler, *, auto_decompress: bool = True, **params: Any) -> None:
        vars(protocol)[_UNDOES] = auto_decompress
        real(protocol, auto_decompress=auto_decompress, **params)

    return set_response_params


def _as_read(headers: Mapping[str, str], protocol: ResponseHandler) -> Headers:
    """Return the headers of a response without a coding that its body, as aiohttp gives it, does not have any more."""
    plain = _plain(headers)
    if not vars(protocol).get(_UNDOES):
        return plain
    return tuple(
        (name, value)
        for name, value in plain
        if name.lower() != "content-encoding" or value.strip().lower() not in _UNDONE
    )


def _plain(headers: Mapping[str, str]) -> Headers:
    # aiohttp's names are a kind of string that ignores case, which no file can hold.
    return tuple((str(name), _whole(value)) for name, value in headers.items())


def _whole(text: str) -> str:
    """Return a text that a file can hold: what aiohttp could not read as UTF-8, and has as lone surrogates, as Latin-1."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape").decode("latin-1")
    return str(text)


async def _body(request: ClientRequest) -> bytes:
    body = request.body
    # Of a bytearray or a memoryview, a payload gives just that.
    return bytes(await body.as_bytes() if isinstance(body, Payload) else body)


def _send_to(request: ClientRequest, tape: Tape, url: str) -> None:
    """Have the request go where the tape sends it, and ask for a body that can be read in a file."""
    request.headers["Accept-Encoding"] = "identity"
    destination = tape.destination(url)
    if destination != url:
        # A response is made with the URL that was asked for, which the request keeps beside this one.
        request.url = URL(destination, encoded=True)
        request.headers["Host"] = request.url.authority


def _tee(reader: StreamReader, protocol: ResponseHandler, take: Take) -> None:
    """Note what the response's reader already has, and what comes to it from now on."""
    for piece in getattr(reader, "_buffer", ()):
        take.chunk(piece)
    broken = reader.exception()
    if reader.is_eof():
        take.ended("complete")
    elif broken is not None:
        take.ended(*_ending_within_body(broken))
    else:
        vars(protocol)[_TAKE] = take
        reader.__class__ = _TeeReader


class _TeeReader(StreamReader):
    """The reader of a live response, made one of this class when its first bytes have come.

    A connection is used again only after the end of a body, so until then its take is the reader's.
    """

    __slots__ = ()

    @property
    def _take(self) -> Take:
        take: Take = vars(self._protocol)[_TAKE]
        return take

    def feed_data(self, data: bytes, size: int = 0) -> bool:
        self._take.chunk(data)
        return super().feed_data(data, size)

    def feed_eof(self) -> None:
        self._take.ended("complete")
        super().feed_eof()

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        if not self._eof:
            self._take.ended(*_ending_within_body(exc))
        super().set_exception(exc, *cause)

    async def _wait(self, func_name: str) -> None:
        try:
            await super()._wait(func_name)
        except TimeoutError as error:
            # The session's time for the whole request, of which its parts are not told.
            self._take.ended(*_ending_within_body(error))
            raise


def _ending_before_connection(error: BaseException, request: ClientRequest) -> tuple[How, str | None]:
    if isinstance(error, TimeoutError):
        return "no-response", described("ConnectTimeout", error)
    if isinstance(error, asyncio.CancelledError):
        # The session's time for the whole request cancels the task and becomes a timeout only further up.
        try:
            request._timer.assert_timeout()
        except TimeoutError as timeout:
            return "no-response", described("ConnectTimeout", timeout)
    return _ending_before_response(error)


def _ending_before_response(error: BaseException) -> tuple[How, str | None]:
    return ending_before_response(error, _BEFORE_RESPONSE, "RemoteProtocolError")


def _ending_within_body(error: BaseException) -> tuple[How, str | None]:
    # A response that its client closes or releases has just this class set as its reader's error.
    if not isinstance(error, Exception) or type(error) is ClientConnectionError:
        return "cancelled", None
    if isinstance(error, TimeoutError):
        return "error", described("ReadTimeout", error)
    if isinstance(error, ClientPayloadError) and not _BROKE.search(str(error)):
        return "cut", described("RemoteProtocolError", error)
    broke = isinstance(error, ClientPayloadError | OSError)
    return ("reset" if broke else "error"), described("ReadError", error)
