"""urllib.request: handlers whose requests are answered from a tape or recorded to it.

The patch stands where a handler opens a connection: redirects, errors by status and cookies are above it and stay
urllib's own. A played response comes as bytes to http.client's own parser.
"""

from __future__ import annotations

import copy
import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead, RemoteDisconnected
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast
from urllib.error import URLError
from urllib.parse import urldefrag, urlsplit, urlunsplit
from urllib.request import AbstractHTTPHandler, Request

from harness.recording.tape.playback import Playback, cut_off, framed_headers
from harness.recording.tape.tape import tape_for
from harness.recording.transports.failures import (
    RecordedFailure,
    described,
    mark_recorded,
    recorded_failure,
    system_error,
)
from harness.recording.transports.played_socket import PlayedSocket
from harness.recording.wire import How, WireRequest, WireResponse

if TYPE_CHECKING:
    from harness.recording.tape.take import Take
    from harness.recording.tape.tape import Tape

_Open = Callable[..., HTTPResponse]


def install(library: ModuleType) -> None:
    """Patch the handlers of urllib.request for the life of the process."""
    handler: Any = AbstractHTTPHandler
    handler.do_open = _patched(handler.do_open)


def _patched(real: _Open) -> _Open:
    @wraps(real)
    def do_open(
        handler: AbstractHTTPHandler, http_class: type[HTTPConnection], req: Request, **options: Any
    ) -> HTTPResponse:
        url = urldefrag(req.full_url).url
        tape = tape_for(req.get_method(), url)
        if tape is None:
            return real(handler, http_class, req, **options)
        wire_request = _wire(req, url)
        answer = tape.answer(wire_request)
        if answer is not None:
            return _played(wire_request, Playback(answer, tape.speed), req)
        take = tape.begin(wire_request)
        try:
            response = _live(real, handler, http_class, req, options, tape, url)
        except BaseException as error:
            take.ended(*_ending_before_response(error))
            raise
        take.responded(response.status, response.reason, tuple(response.headers.items()))
        response.__class__ = _NotedResponse
        cast(_NotedResponse, response).tap(take)
        return response

    return do_open


def _wire(req: Request, url: str) -> WireRequest:
    data: Any = req.data
    if data is not None and not isinstance(data, bytes):
        pieces = iter([data.read()]) if hasattr(data, "read") else iter([data] if hasattr(data, "tobytes") else data)
        data = b"".join(bytes(piece) for piece in pieces)
        # Past its setter, which would forget what has been said of its length.
        vars(req)["_data"] = data
    return WireRequest(req.get_method(), url, tuple(req.header_items()), data or b"")


def _live(
    real: _Open,
    handler: AbstractHTTPHandler,
    http_class: type[HTTPConnection],
    req: Request,
    options: dict[str, Any],
    tape: Tape,
    url: str,
) -> HTTPResponse:
    """Send a request where the tape sends it."""
    destination = tape.destination(url)
    if destination == url:
        return real(handler, http_class, req, **options)
    parts = urlsplit(destination)
    moved: Any = copy.copy(req)
    moved.type, moved.host, moved._tunnel_host = parts.scheme, parts.netloc, None
    moved.selector = urlunsplit(("", "", parts.path or "/", parts.query, ""))
    moved.unredirected_hdrs = {**req.unredirected_hdrs, "Host": parts.netloc}
    secure = parts.scheme == "https"
    return real(handler, HTTPSConnection if secure else HTTPConnection, moved, **(options if secure else {}))


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


def _played(wire_request: WireRequest, playback: Playback, req: Request) -> HTTPResponse:
    recorded = playback.response
    if recorded.status == 0:
        playback.wait_for_end()
        if recorded.ended.how == "cancelled":
            raise cut_off(wire_request, recorded)
        raise mark_recorded(_failure_before_response(recorded_failure(recorded)))
    response: Any = HTTPResponse(cast(Any, PlayedSocket(_script(wire_request, playback))), method=wire_request.method)
    response.begin()
    for name, value in framed_headers(recorded)[1]:
        response.headers[name] = value
    # As urllib gives them.
    response.url, response.msg = req.get_full_url(), response.reason
    return cast(HTTPResponse, response)


def _script(wire_request: WireRequest, playback: Playback) -> Iterator[bytes]:
    recorded: WireResponse = playback.response
    fields = (*framed_headers(recorded)[0], ("transfer-encoding", "chunked"), ("connection", "close"))
    lines = [f"HTTP/1.1 {recorded.status} {recorded.reason}", *(f"{name}: {value}" for name, value in fields)]
    yield ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
    for piece in playback.pieces():
        yield b"%x\r\n%b\r\n" % (len(piece), piece)
    if recorded.ended.how == "cancelled":
        raise cut_off(wire_request, recorded)
    if recorded.ended.how == "cut":
        return  # http.client itself says that the body is incomplete
    if recorded.ended.how != "complete":
        raise mark_recorded(_failure_within_body(recorded_failure(recorded)))
    yield b"0\r\n\r\n"


def _ending_before_response(error: BaseException) -> tuple[How, str | None]:
    if not isinstance(error, Exception):
        return "cancelled", None
    if isinstance(error, URLError):
        reason = error.reason
        timed_out = isinstance(reason, TimeoutError)
        cause = reason if isinstance(reason, BaseException) else error
        return "no-response", described("ConnectTimeout" if timed_out else "ConnectError", cause)
    if isinstance(error, TimeoutError):
        return "no-response", described("ReadTimeout", error)
    return "no-response", described("RemoteProtocolError" if isinstance(error, HTTPException) else "ReadError", error)


def _ending_within_body(error: BaseException) -> tuple[How, str | None]:
    if not isinstance(error, Exception):
        return "cancelled", None
    if isinstance(error, TimeoutError):
        return "error", described("ReadTimeout", error)
    if isinstance(error, HTTPException):
        return "cut", described("RemoteProtocolError", error)
    return ("reset" if isinstance(error, OSError) else "error"), described("ReadError", error)


def _failure_before_response(failure: RecordedFailure) -> Exception:
    match failure.kind:
        case "ConnectTimeout":
            return URLError(TimeoutError(failure.text))
        case "ConnectError":
            return URLError(system_error(errno.ECONNREFUSED, failure.text))
        case "ReadTimeout":
            return TimeoutError(failure.text)
        case "RemoteProtocolError":
            return RemoteDisconnected(failure.text)
        case "ReadError":
            return system_error(errno.ECONNRESET, failure.text)


def _failure_within_body(failure: RecordedFailure) -> Exception:
    if failure.kind in ("ReadTimeout", "ConnectTimeout"):
        return TimeoutError(failure.text)
    return system_error(errno.ECONNRESET, failure.text)
