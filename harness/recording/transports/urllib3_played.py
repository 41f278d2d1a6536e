"""A recorded response as urllib3 reads one: as bytes, by its own parser, so that every way to read it is its own."""

from __future__ import annotations

import errno
import http.client
from collections.abc import Iterator
from typing import Any, cast

from urllib3 import HTTPHeaderDict
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ProtocolError, ReadTimeoutError, SSLError
from urllib3.response import HTTPResponse

from harness.recording.tape.playback import Playback, cut_off, framed_headers, head_of
from harness.recording.transports.failures import RecordedFailure, mark_recorded, recorded_failure, system_error
from harness.recording.transports.http_client_played import PlayedSocket, disconnected
from harness.recording.wire import WireRequest, WireResponse

#: How a body is recorded that was shorter than its length, where urllib3 was told not to mind.
SHORT = "RemoteProtocolError: the body was shorter than its content-length"


class Playing:
    """One request that is answered from a tape, and the pool and connection that urllib3 had chosen for it."""

    def __init__(
        self, pool: HTTPConnectionPool, conn: HTTPConnection, wire_request: WireRequest, playback: Playback
    ) -> None:
        self._pool = pool
        self._conn = conn
        self._wire_request = wire_request
        self._playback = playback

    def response(self, url: str, options: dict[str, Any]) -> HTTPResponse:
        """Return the played response, or raise what stands in its place. The connection is not touched."""
        recorded = self._playback.response
        if recorded.status == 0:
            self._playback.wait_for_end()
            raise self._error_before_response(recorded)
        parsed = http.client.HTTPResponse(
            cast(Any, PlayedSocket(self._wire(minds_length=options.get("enforce_content_length", True)))),
            method=self._wire_request.method,
        )
        parsed.begin()
        headers = HTTPHeaderDict(parsed.getheaders())
        response = _PlayedResponse(
            body=cast(Any, parsed),
            headers=headers,
            status=parsed.status,
            version=parsed.version,
            version_string="HTTP/1.1",
            reason=parsed.reason,
            preload_content=False,
            decode_content=options.get("decode_content", True),
            original_response=cast(Any, parsed),
            request_method=self._wire_request.method,
            request_url=url,
        )
        response.playback = self._playback
        response.headers.extend(framed_headers(self._playback.response)[1])
        response.retries = options.get("retries")
        response._connection = options.get("response_conn")
        response._pool = self._pool
        return loaded(response, options.get("preload_content", True))

    def _wire(self, *, minds_length: bool) -> Iterator[bytes]:
        recorded = self._playback.response
        fields = (*framed_headers(recorded)[0], ("transfer-encoding", "chunked"))
        yield head_of(recorded, fields)
        for piece in self._playback.pieces():
            yield b"%x\r\n%b\r\n" % (len(piece), piece)
        if self._playback.closed:
            raise ProtocolError("the response was closed while it was read")
        if recorded.ended.how == "cancelled":
            raise cut_off(self._wire_request, recorded)
        if recorded.ended.how != "complete" and (minds_length or recorded.ended.error != SHORT):
            raise mark_recorded(self._failure_within_body(recorded_failure(recorded)))
        yield b"0\r\n\r\n"

    def _error_before_response(self, recorded: WireResponse) -> BaseException:
        """Return what urllib3's connection would have raised: pools wrap some of it."""
        if recorded.ended.how == "cancelled":
            return cut_off(self._wire_request, recorded)
        return mark_recorded(self._failure_before_response(recorded_failure(recorded)))

    def _failure_before_response(self, failure: RecordedFailure) -> BaseException:
        text = failure.text.removeprefix(f"{self._conn}: ").removeprefix(f"{self._pool}: ")
        match failure.kind:
            case "ConnectTimeout":
                return ConnectTimeoutError(self._conn, text)
            case "ReadTimeout":
                return ReadTimeoutError(self._pool, self._wire_request.url, text)
            case "ReadError":
                return system_error(errno.ECONNRESET, text)
            case "RemoteProtocolError":
                return disconnected(failure, text)
            case "ConnectError":
                return SSLError(text) if failure.raised_as == "SSLError" else NewConnectionError(self._conn, text)

    def _failure_within_body(self, failure: RecordedFailure) -> BaseException:
        if failure.kind in ("ReadTimeout", "ConnectTimeout"):
            return ReadTimeoutError(self._pool, "", failure.text.removeprefix(f"{self._pool}: "))
        return ProtocolError(failure.text)


class _PlayedResponse(HTTPResponse):
    """A recorded response. Closing it wakes a thread that waits for its next piece."""

    playback: Playback | None = None

    def close(self) -> None:
        if self.playback is not None:
            self.playback.close()
        super().close()

    def shutdown(self) -> None:
        if self.playback is not None:
            self.playback.close()


def loaded(response: HTTPResponse, preload: bool) -> HTTPResponse:
    """Return `response`, read to its end where the caller wanted that: urllib3 itself would before it can be tapped."""
    if preload:
        response._body = response.read(decode_content=response.decode_content)
    return response
