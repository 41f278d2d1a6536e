"""urllib3, and so requests and botocore: pools whose requests are answered from a tape or recorded to it.

The patch stands where a pool hands a request to one connection: retries, redirects and the wrapping of errors are above
it and stay urllib3's own. A played response comes as bytes to urllib3's own parser.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from http.client import HTTPException
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from urllib3.connection import HTTPConnection, port_by_scheme
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool, connection_from_url
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)
from urllib3.response import HTTPResponse
from urllib3.util import Url, parse_url

from harness.bus.scope import current_run
from harness.errors import RunCancelled
from harness.recording.tape.tape import tape_for
from harness.recording.transports.failures import FailureKind, described, ending_before_response
from harness.recording.transports.http_client import content_of, text_of
from harness.recording.transports.urllib3_played import SHORT, Playing, loaded
from harness.recording.wire import Headers, How, WireRequest

if TYPE_CHECKING:
    from harness.recording.tape.take import Take

_Send = Callable[..., HTTPResponse]

#: What an error before the response is recorded as; the first row that fits.
_BEFORE_RESPONSE: tuple[tuple[type[Exception], FailureKind], ...] = (
    # Before ConnectTimeoutError, of which urllib3 makes it a kind.
    (NewConnectionError, "ConnectError"),
    (ConnectTimeoutError, "ConnectTimeout"),
    (ReadTimeoutError, "ReadTimeout"),
    (SSLError, "ConnectError"),
    (ProxyError, "ConnectError"),
    # Before OSError, since `RemoteDisconnected` is both.
    (HTTPException, "RemoteProtocolError"),
    (OSError, "ReadError"),
    (HTTPError, "RemoteProtocolError"),
)


def install(library: ModuleType) -> None:
    """Patch the connection pools of urllib3 for the life of the process. Version 1, shaped otherwise, is left alone."""
    if library.__version__.startswith("1."):
        return
    pool: Any = HTTPConnectionPool
    pool._make_request = _patched(pool._make_request)
    secure: Any = HTTPSConnectionPool
    secure._prepare_proxy = _tunnel_when_live(secure._prepare_proxy)


def _patched(real: _Send) -> _Send:
    @wraps(real)
    def _make_request(
        pool: HTTPConnectionPool, conn: HTTPConnection, method: str, url: str, **options: Any
    ) -> HTTPResponse:
        absolute_url = _absolute(pool, url)
        tape = tape_for(method, absolute_url)
        if tape is None:
            return real(pool, conn, method, url, **options)
        run = current_run()
        if run is not None and run.cancelled:
            # An SDK that tries again after its connection has ended: nothing of the run that is recorded.
            raise RunCancelled
        open_tunnel = vars(conn).pop(_TUNNEL, None)
        # A file is rewound by urllib3 itself before it is sent again.
        body = content_of(options.get("body"), "utf-8")
        headers = options.get("headers") or {}
        wire_request = WireRequest(method, absolute_url, _plain(headers), body or b"")
        answer = tape.answer(wire_request)
        if answer is not None:
            return Playing(pool, conn, wire_request, tape.play(answer)).response(url, options)
        preload = options.get("preload_content", True)
        options |= {"body": body, "headers": _without_coding(headers), "preload_content": False}
        take = tape.begin(wire_request)
        try:
            destination = tape.destination(absolute_url)
            if destination != absolute_url:
                response = _elsewhere(real, destination, pool, conn, method, options)
            else:
                if open_tunnel is not None:
                    open_tunnel()
                response = real(pool, conn, method, url, **options)
        except BaseException as error:
            take.ended(*ending_before_response(error, _BEFORE_RESPONSE, "ConnectError"))
            raise
        take.responded(response.status, response.reason or "", tuple(response.headers.items()))
        return loaded(_tee(response, take), preload)

    return _make_request


#: Where a connection keeps the tunnel that it is still to open.
_TUNNEL = "_harness_tunnel"


def _tunnel_when_live(real: Callable[[HTTPSConnectionPool, HTTPConnection], None]) -> Callable[..., None]:
    @wraps(real)
    def _prepare_proxy(pool: HTTPSConnectionPool, conn: HTTPConnection) -> None:
        # Behind a proxy a pool connects before it has a request to ask a tape about.
        if tape_for("CONNECT", _absolute(pool, "")) is None:
            real(pool, conn)
        else:
            vars(conn)[_TUNNEL] = lambda: real(pool, conn)

    return _prepare_proxy


def _elsewhere(
    real: _Send,
    destination: str,
    pool: HTTPConnectionPool,
    conn: HTTPConnection,
    method: str,
    options: dict[str, Any],
) -> HTTPResponse:
    """Send a request over a connection of its own to where the tape sends it."""
    own_pool = connection_from_url(destination)
    own: Any = own_pool._get_conn()
    headers = {name: value for name, value in options["headers"].items() if text_of(name).lower() != "host"}
    # The response has the connection, whether it is streamed or read at once, so that it closes with the response.
    own_options = options | {"headers": headers, "response_conn": own}
    try:
        response = real(own_pool, own, method, parse_url(destination).request_uri, **own_options)
    except BaseException:
        own.close()
        raise
    if options.get("response_conn") is not None:
        pool._put_conn(conn)
    return response


def _tee(response: HTTPResponse, take: Take) -> HTTPResponse:
    """Return the same response, from now on noting what is read from it."""
    response.__class__ = _NotedResponse
    tee = cast(_NotedResponse, response)
    tee._take = take
    if tee.length_remaining == 0:
        take.ended("complete")
    return tee


class _NotedResponse(HTTPResponse):
    """A live response; its pieces are noted where they come off the wire, and passed on as they are.

    All bytes of a body come through one of two methods: chunks through `_handle_chunk`, others through `_raw_read`.
    """

    _take: Take
    #: The thread that is reading the length of a chunk: urllib3 closes the response there itself where none comes.
    _measuring: int | None = None

    def _update_chunk_length(self) -> None:
        self._measuring = threading.get_ident()
        super()._update_chunk_length()
        self._measuring = None

    def _handle_chunk(self, amt: int | None) -> bytes:
        piece = super()._handle_chunk(amt)
        self._take.chunk(piece)
        return piece

    def read_chunked(self, amt: int | None = None, decode_content: bool | None = None) -> Iterator[bytes]:  # type: ignore[override]
        with self._noting_end():
            yield from super().read_chunked(amt, decode_content)
        self._take.ended("complete")

    def _raw_read(self, amt: int | None = None, *, read1: bool = False) -> bytes:
        with self._noting_end():
            piece = super()._raw_read(amt, read1=read1)
        self._take.chunk(piece or b"")
        if self.isclosed():
            # botocore has urllib3 not compare lengths, since it does so itself.
            short = bool(self.length_remaining)
            self._take.ended("cut" if short else "complete", SHORT if short else None)
        return piece

    def close(self) -> None:
        if self._measuring != threading.get_ident():
            # First, since a reader in another thread may be woken by closing and would report a broken connection.
            self._take.ended("cancelled")
        super().close()

    def shutdown(self) -> None:
        self._take.ended("cancelled")
        super().shutdown()

    @contextmanager
    def _noting_end(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self._take.ended(*_ending_within_body(error))
            raise


def _absolute(pool: HTTPConnectionPool, target: str) -> str:
    """Return the URL of a request: its target where that is one, as for plain proxies, else with the pool's origin."""
    if target and not target.startswith("/"):
        return target
    port = pool.port if pool.port != port_by_scheme.get(pool.scheme or "") else None
    return Url(scheme=pool.scheme, host=pool.host, port=port, path=target or None).url


def _plain(headers: Mapping[Any, Any]) -> Headers:
    return tuple((text_of(name), text_of(value)) for name, value in headers.items())


def _without_coding(headers: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """Return the headers that ask for a body that can be read in a file; without the field, urllib3 does just that."""
    if not any(text_of(name).lower() == "accept-encoding" for name in headers):
        return headers
    return {name: headers[name] for name in headers if text_of(name).lower() != "accept-encoding"}


def _ending_within_body(error: BaseException) -> tuple[How, str | None]:
    if not isinstance(error, Exception):
        return "cancelled", None
    if isinstance(error, ReadTimeoutError):
        return "error", described("ReadTimeout", error)
    broke = isinstance(error, SSLError) or isinstance(error.__cause__, OSError)
    if isinstance(error, ProtocolError | HTTPException) and not broke:
        return "cut", described("RemoteProtocolError", error)
    return ("reset" if broke else "error"), described("ReadError", error)
