"""A recorded response as it is played: piece by piece, at once or at its recorded pace."""

from __future__ import annotations

import asyncio
import math
import queue
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress

from msgspec.structs import replace

from harness.bus.scope import current_run
from harness.errors import RecordingError, RunCancelled, TransportFault, UsageError
from harness.recording.redact.content_coding import is_text, opened_if_possible
from harness.recording.wire import Chunk, Headers, WireRequest, WireResponse
from harness.recording.words.advice import with_mode
from harness.recording.words.request_line import request_line

#: How the bodies of a content coding begin (RFC 1952, RFC 8878).
_MAGIC = {"gzip": b"\x1f\x8b", "x-gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}
#: Header fields that say how long to wait before the next attempt.
_PAUSES = frozenset({"retry-after", "retry-after-ms"})
#: How long a client that is to leave is waited for: beyond the time after which it left, and of that at most; in seconds.
_GRACE_S = 1.0
_PATIENCE_S = 30.0


def check_speed(speed: float | None) -> None:
    """Refuse a speed that is none. Raises UsageError."""
    if speed is not None and not 0 < speed < math.inf:
        raise UsageError(f"speed is {speed}; it must be above zero: 1.0 is as recorded, 2.0 twice as fast")


class Playback:
    """One playing of a response; its clock starts when it is made.

    A transport iterates `pieces` or `apieces`, each once, and then raises or returns as `response.ended` says.
    """

    def __init__(
        self, response: WireResponse, speed: float | None, on_end: Callable[[Playback], object] | None = None
    ) -> None:
        #: Its body is plain where it can be: libraries differ in the codings that they undo, and in how many gzip members
        #: they read, and a body that one of them recorded is to reach the users of each.
        self.response = opened_if_possible(response)
        self._speed = speed
        self._began = time.monotonic()
        #: Has something once nobody is to wait any more. A queue, since a run is closed in the middle of anything: unlike an
        #: event it has no lock that the thread which closes it might hold.
        self._stop: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._run = current_run()
        #: Called once it has been read to its end, or is closed; perhaps for both.
        self._on_end = on_end
        #: Whether `close` came before the end.
        self.closed = False
        #: Whether somebody waits for a piece that no reader lives to see.
        self.is_stalled = False

    def pieces(self) -> Iterator[bytes]:
        """Yield each recorded chunk when it is due, then return when the end is due, or at once after `close`.

        Raises:
            RunCancelled: the run around the request was cancelled, also while waiting for a chunk.
        """
        forget = self._run.on_cancel(self._stop_waiting) if self._run is not None else None
        try:
            for chunk in self.response.chunks:
                self._wait(self._due_in(chunk.at_ms))
                if self.closed:
                    return
                yield self.response.body[chunk.offset : chunk.offset + chunk.length]
            self._wait(self._end_due_in())
            self._ended()
        finally:
            if forget is not None:
                forget()

    async def apieces(self) -> AsyncIterator[bytes]:
        """Yield as `pieces` does; waits on the loop, so that cancelling the task ends it."""
        for chunk in self.response.chunks:
            await self.await_due(chunk)
            if self.closed:
                return
            yield self.response.body[chunk.offset : chunk.offset + chunk.length]
        await self.await_due(None)

    def close(self) -> None:
        """End the playing; wakes a thread that waits for a piece. May be called from any thread and any time."""
        self.closed = True
        self._stop_waiting()
        self._ended()

    def wait_for_end(self) -> None:
        """Return when the end is due; for a response of which nothing came."""
        for _ in self.pieces():
            pass

    async def await_end(self) -> None:
        """Return when the end is due, as `wait_for_end`."""
        async for _ in self.apieces():
            pass

    async def await_due(self, chunk: Chunk | None) -> None:
        """Return when `chunk` is due, or, for None, the end."""
        due = self._end_due_in() if chunk is None else self._due_in(chunk.at_ms)
        self.is_stalled = due == math.inf
        if due > 0:
            await asyncio.sleep(due)
        self._check()
        if chunk is None:
            self._ended()

    def _stop_waiting(self) -> None:
        self._stop.put(None)

    def _ended(self) -> None:
        if self._on_end is not None:
            self._on_end(self)

    def _wait(self, due: float) -> None:
        self.is_stalled = due == math.inf
        if due > 0:
            with suppress(queue.Empty):
                self._stop.get(timeout=None if due == math.inf else due)
                # For whoever waits next.
                self._stop_waiting()
        self._check()

    def _due_in(self, at_ms: float) -> float:
        if at_ms == math.inf:
            # A stall has no end at any speed; it is waited out by whoever cancels or closes.
            return math.inf
        if self._speed is None:
            return 0.0
        return self._began + at_ms / 1000 / self._speed - time.monotonic()

    def _end_due_in(self) -> float:
        ended = self.response.ended
        if ended.how != "cancelled" or ended.at_ms == math.inf:
            return self._due_in(ended.at_ms)
        # Who left it then may be about to leave it now: its time is nearly up, or another task is about to win, or to fail.
        after_s = ended.at_ms / 1000 / self._speed if self._speed else min(ended.at_ms / 1000, _PATIENCE_S)
        return self._began + after_s + _GRACE_S - time.monotonic()

    def _check(self) -> None:
        if self._run is not None and self._run.cancelled:
            raise RunCancelled("the run was cancelled while its recorded response was played")


def playable_headers(response: WireResponse) -> Headers:
    """Return the headers to play: without a content coding, or a length, that the body does not have.

    Recorders that decode bodies leave `content-encoding` and the old length behind; a client would then fail to decode
    plain text. The length of a body that broke off, or was not sent at all, stays.
    """
    plain = not _is_encoded(response.header("content-encoding") or "", response.body)
    dropped = {"transfer-encoding"} | ({"content-encoding"} if plain else set())
    if response.body and response.ended.how == "complete":
        dropped |= {"content-length"} if response.header("content-length") != str(len(response.body)) else set()
    return tuple((name, value) for name, value in response.headers if name.lower() not in dropped)


def framed_headers(response: WireResponse) -> tuple[Headers, Headers]:
    """Return the headers to play as bytes, framed by chunks, and those that a client is shown beside them: the length.

    A message with both a length and chunks is refused by parsers (RFC 9112, 6.3).
    """
    playable = playable_headers(response)
    length = tuple(field for field in playable if field[0].lower() == "content-length")
    return tuple(field for field in playable if field not in length), length


def head_of(response: WireResponse, fields: Headers) -> bytes:
    """Return the status line and `fields` as bytes that http.client reads so: Latin-1, and UTF-8 where a line has more."""
    lines = [f"HTTP/1.1 {response.status} {response.reason}", *(f"{name}: {value}" for name, value in fields)]
    return b"".join(written(line) + b"\r\n" for line in [*lines, ""])


def written(text: str) -> bytes:
    """Return a header field as bytes: Latin-1, or UTF-8 where it has more."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode(errors="replace")


def without_pause(response: WireResponse) -> WireResponse:
    """Return a response that was answered by another attempt, so that the client does not wait for that once more.

    What it was told to wait for is over; only clients that count in milliseconds take 0 for nothing said.
    """
    if all(name.lower() not in _PAUSES for name, _ in response.headers):
        return response
    headers = tuple(field for field in response.headers if field[0].lower() not in _PAUSES)
    return replace(response, headers=(*headers, ("retry-after", "0"), ("retry-after-ms", "1")))


def cut_off(request: WireRequest, response: WireResponse) -> TransportFault:
    """Return what is raised where a recording ends because its client stopped reading, and this one has not."""
    return TransportFault(
        RecordingError(
            f"the recording of {request_line(request.method, request.url)} ends here, after "
            f"{len(response.body)} bytes: the run that was recorded was cancelled, and this one reads on; "
            f"record it again with {with_mode('all')}"
        )
    )


def error_name(response: WireResponse) -> tuple[str, str]:
    """Return class name and text of the error with which `response` ended; both empty where none was recorded."""
    name, _, text = (response.ended.error or "").partition(": ")
    return name, text


def _is_encoded(coding: str, body: bytes) -> bool:
    coding = coding.strip().lower()
    if coding in _MAGIC:
        return body.startswith(_MAGIC[coding])
    if coding == "deflate":
        with suppress(zlib.error):
            zlib.decompressobj().decompress(body[:64])
            return True
    # Other codings have no magic number, but compressed bytes that happen to be text are next to impossible.
    return not is_text(body)
