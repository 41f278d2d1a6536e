"""http.client, and urllib.request on top of it: connections whose requests are answered from a tape or recorded to it.

What stands above a connection stays as it is: urllib's redirects, its errors by status, its cookies. A played response comes
as bytes to http.client's own parser. urllib3's connections are of a class of their own, which has its own transport.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import wraps
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urldefrag, urlsplit, urlunsplit

from harness.recording.tape.tape import tape_for
from harness.recording.transports.failures import FailureKind, described, ending_before_response
from harness.recording.transports.http_client_played import Played
from harness.recording.wire import How, WireRequest

if TYPE_CHECKING:
    from harness.recording.tape.take import Take

#: What an error after the request is recorded as; the first row that fits.
_BEFORE_RESPONSE: tuple[tuple[type[Exception], FailureKind], ...] = (
    (TimeoutError, "ReadTimeout"),
    (HTTPException, "RemoteProtocolError"),
)
#: Where a connection keeps what answers its request until it is asked for the response.
_ANSWERED_BY = "_harness_answered_by"


def install(library: ModuleType) -> None:
    """Patch the connections of http.client for the life of the process."""
    connection: Any = HTTPConnection
    receive = connection.getresponse
    connection._send_request = _patched_send(connection._send_request, receive)
    connection.getresponse = _patched_receive(receive)


def _patched_send(real: Callable[..., None], receive: Callable[..., HTTPResponse]) -> Callable[..., None]:
    @wraps(real)
    def _send_request(
        conn: HTTPConnection, method: str, url: str, body: Any, headers: Mapping[str, Any], encode_chunked: bool
    ) -> None:
        absolute_url = _absolute(conn, url)
        tape = None if _is_urllib3(conn) else tape_for(method, absolute_url)
        if tape is None:
            real(conn, method, url, body, headers, encode_chunked)
            return
        content = content_of(body)
        fields = tuple((name, text_of(value)) for name, value in headers.items())
        wire_request = WireRequest(method, absolute_url, fields, content or b"")
        answer = tape.answer(wire_request)
        if answer is not None:
            played = Played(wire_request, tape.play(answer))
            played.refuse_connection()
            vars(conn)[_ANSWERED_BY] = played.response
            return
        take, destination = tape.begin(wire_request), tape.destination(absolute_url)
        # Without the field, http.client asks for a body that can be read in a file.
        headers = _without(headers, "accept-encoding")
        at = conn
        if destination != absolute_url:
            at, url = (
                _connection_to(destination, conn),
                urlunsplit(urlsplit(destination)._replace(scheme="", netloc="")),
            )
            headers = _without(headers, "host", "connection") | {"Connection": "close"}
        try:
            real(at, method, url, content, headers, encode_chunked)
        except BaseException as error:
            take.ended(*ending_before_response(error, [(TimeoutError, "ConnectTimeout")], "ConnectError"))
            raise
        vars(conn)[_ANSWERED_BY] = lambda: _noted(receive, at, take, single=at is not conn)

    return _send_request


def _patched_receive(real: Callable[[HTTPConnection], HTTPResponse]) -> Callable[[HTTPConnection], HTTPResponse]:
    @wraps(real)
    def getresponse(conn: HTTPConnection) -> HTTPResponse:
        answered_by: Callable[[], HTTPResponse] | None = vars(conn).pop(_ANSWERED_BY, None)
        return real(conn) if answered_by is None else answered_by()

    return getresponse


def _is_urllib3(conn: HTTPConnection) -> bool:
    # Some carry a copy of it in a package of their own.
    return any("urllib3" in kind.__module__.split(".") for kind in type(conn).__mro__)


def _absolute(conn: HTTPConnection, target: str) -> str:
    """Return the URL of a request: its target where that is one, as for plain proxies, else with the connection's origin."""
    target = urldefrag(target).url
    if not target.startswith("/") and "://" in target:
        return target
    # Of a tunnel, the other end.
    tunnel, secure = getattr(conn, "_tunnel_host", None), isinstance(conn, HTTPSConnection)
    host, port = (tunnel, getattr(conn, "_tunnel_port", None)) if tunnel else (conn.host, conn.port)
    named = f"[{host}]" if ":" in host else host
    origin = named if port in (None, conn.default_port) else f"{named}:{port}"
    return f"{'https' if secure else 'http'}://{origin}{target}"


def _connection_to(destination: str, conn: HTTPConnection) -> HTTPConnection:
    parts = urlsplit(destination)
    if parts.scheme == "https":
        return HTTPSConnection(parts.netloc, timeout=conn.timeout, context=getattr(conn, "_context", None))
    return HTTPConnection(parts.netloc, timeout=conn.timeout)


def content_of(body: Any, encoding: str = "latin-1") -> bytes | None:
    """Return the body of a request as bytes; http.client sends texts as Latin-1."""
    if body is None or isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode(encoding)
    with suppress(TypeError):
        return memoryview(body).tobytes()
    pieces = iter([body.read()]) if hasattr(body, "read") else iter(body)
    return b"".join(piece.encode(encoding) if isinstance(piece, str) else bytes(piece) for piece in pieces)


def text_of(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _without(headers: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in headers.items() if name.lower() not in names}


def _noted(
    receive: Callable[[HTTPConnection], HTTPResponse], conn: HTTPConnection, take: Take, *, single: bool
) -> HTTPResponse:
    """Return the live response, whose pieces the take notes; the connection of a `single` request ends with it."""
    try:
        response = receive(conn)
    except BaseException as error:
        take.ended(*ending_before_response(error, _BEFORE_RESPONSE, "ReadError"))
        raise
    if single and conn.sock is not None:
        # The response has a hold of its own on the socket.
        conn.sock.close()
        conn.sock = None
    take.responded(response.status, response.reason, tuple(response.headers.items()))
    response.__class__ = _NotedResponse
    cast(_NotedResponse, response).tap(take)
    return response


class _NotedResponse(HTTPResponse):
    """A live response; its pieces are noted where they come off the wire, and passed on as they are."""

    _take: Take
    #: How many of the methods below are at work: one may read by another.
    _reading = 0

    def tap(self, take: Take) -> None:
        """Note from now on what is read."""
        self._take = take
        self._note_end()

    def read(self, amt: int | None = None) -> bytes:
        with self._noting() as note:
            return note(super().read(amt))

    def read1(self, n: int = -1) -> bytes:
        with self._noting() as note:
            return note(super().read1(n))

    def readinto(self, buffer: Any) -> int:
        with self._noting() as note:
            count = super().readinto(buffer)
            note(bytes(memoryview(buffer)[:count]))
            return count

    def readline(self, limit: int | None = -1) -> bytes:
        with self._noting() as note:
            return note(super().readline(-1 if limit is None else limit))

    def close(self) -> None:
        if not self._reading:
            self._note_end()
            self._take.ended("cancelled")
        super().close()

    @contextmanager
    def _noting(self) -> Iterator[Callable[[bytes], bytes]]:
        """Note what the outermost call gives, and how the response ends."""
        self._reading += 1
        outermost = self._reading == 1

        def note(piece: bytes) -> bytes:
            if outermost:
                self._take.chunk(piece)
            return piece

        try:
            yield note
        except IncompleteRead as error:
            if outermost:
                self._take.chunk(error.partial)
                self._take.ended("cut", described("RemoteProtocolError", error))
            raise
        except BaseException as error:
            if outermost:
                self._take.ended(*_ending_within_body(error))
            raise
        finally:
            self._reading -= 1
        if outermost:
            self._note_end()

    def _note_end(self) -> None:
        # http.client counts down what has to come. Its readers of pieces leave open what has come to 0, and close in
        # silence what can't.
        if self.length == 0 or self.isclosed():
            self._take.ended("cut" if self.length else "complete")


def _ending_within_body(error: BaseException) -> tuple[How, str | None]:
    if not isinstance(error, Exception):
        return "cancelled", None
    if isinstance(error, TimeoutError):
        return "error", described("ReadTimeout", error)
    if isinstance(error, HTTPException):
        return "cut", described("RemoteProtocolError", error)
    return ("reset" if isinstance(error, OSError) else "error"), described("ReadError", error)
