"""A recorded response as http.client reads one: as bytes, by its own parser."""

from __future__ import annotations

import errno
import io
from collections.abc import Iterator
from contextlib import closing
from http.client import BadStatusLine, HTTPResponse, RemoteDisconnected
from typing import Any, cast

from harness.recording.files.bounds import whole_number
from harness.recording.tape.playback import Playback, cut_off, framed_headers, head_of
from harness.recording.transports.failures import RecordedFailure, mark_recorded, recorded_failure, system_error
from harness.recording.wire import WireRequest, WireResponse


class Played:
    """One request that is answered from a tape."""

    def __init__(self, wire_request: WireRequest, playback: Playback) -> None:
        self._request = wire_request
        self._playback = playback
        self._recorded = playback.response
        framed, length = framed_headers(self._recorded)
        is_counted = _is_counted(self._recorded)
        framing = length if is_counted else (("transfer-encoding", "chunked"),)
        self._is_chunked = not is_counted
        self._fields = (*framed, *framing, ("connection", "close"))
        #: What a client is shown beside them.
        self._shown = () if is_counted else length

    def refuse_connection(self) -> None:
        """Raise what is recorded in place of a connection, before which no request is sent."""
        if self._recorded.status == 0:
            self._playback.wait_for_end()
            if self._recorded.ended.how == "cancelled":
                raise cut_off(self._request, self._recorded)
            failure = recorded_failure(self._recorded)
            if failure.kind == "ConnectTimeout":
                raise mark_recorded(TimeoutError(failure.text))
            if failure.kind == "ConnectError":
                raise mark_recorded(system_error(errno.ECONNREFUSED, failure.text))

    def response(self) -> HTTPResponse:
        """Return the played response, or raise what stands in its place."""
        if self._recorded.status == 0:
            raise mark_recorded(_failure_before_response(recorded_failure(self._recorded)))
        response: Any = HTTPResponse(cast(Any, PlayedSocket(self._script())), method=self._request.method)
        response.begin()
        for name, value in self._shown:
            response.headers[name] = value
        return cast(HTTPResponse, response)

    def _script(self) -> Iterator[bytes]:
        recorded = self._recorded
        yield head_of(recorded, self._fields)
        with closing(self._playback):
            for piece in self._playback.pieces():
                yield b"%x\r\n%b\r\n" % (len(piece), piece) if self._is_chunked else piece
        if recorded.ended.how == "cancelled":
            raise cut_off(self._request, recorded)
        if recorded.ended.how == "cut":
            return  # http.client itself says that the body is incomplete, or does not, as it did live
        if recorded.ended.how != "complete":
            raise mark_recorded(_failure_within_body(recorded_failure(recorded)))
        if self._is_chunked:
            yield b"0\r\n\r\n"


class PlayedSocket(io.RawIOBase):
    """What http.client reads a response from: each piece of the script is one read, none is asked for before its turn."""

    def __init__(self, script: Iterator[bytes]) -> None:
        super().__init__()
        self._script = script
        self._rest = b""

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._rest = self._rest or next(self._script, b"")
        count = min(len(self._rest), len(buffer))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


def _is_counted(response: WireResponse) -> bool:
    """Whether the recorded length says where the body ends, or that more was to come."""
    length = whole_number(response.header("content-length"))
    if length is None:
        return False
    missing = length - len(response.body)
    return missing == 0 if response.ended.how == "complete" else missing > 0


def _failure_before_response(failure: RecordedFailure) -> Exception:
    if failure.kind == "ReadTimeout":
        return TimeoutError(failure.text)
    if failure.kind == "RemoteProtocolError":
        return disconnected(failure, failure.text)
    return system_error(errno.ECONNRESET, failure.text)


def disconnected(failure: RecordedFailure, text: str) -> BadStatusLine:
    """Return the error of a server that closed too early, which is one of the connection, too, or was no HTTP server."""
    return BadStatusLine(text) if failure.raised_as == "BadStatusLine" else RemoteDisconnected(text)


def _failure_within_body(failure: RecordedFailure) -> Exception:
    if failure.kind in ("ReadTimeout", "ConnectTimeout"):
        return TimeoutError(failure.text)
    return system_error(errno.ECONNRESET, failure.text)
