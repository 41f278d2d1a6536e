"""One response being recorded: filled by a transport piece by piece while its client reads it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from harness.bus.scope import current_run
from harness.recording.boundaries import end_was_seen
from harness.recording.wire import Chunk, Ending, Headers, How, WireRequest, WireResponse, header_of

if TYPE_CHECKING:
    from harness.bus.scope import Run


class Take:
    """What is known of one response so far. Safe to use from several threads.

    It costs the client nothing but a copy of a reference per piece: no piece is held back, joined or parsed before
    the end.
    """

    def __init__(
        self,
        request: WireRequest,
        scope: tuple[str, ...],
        clock: Callable[[], float],
        finished: Callable[[Take], None],
    ) -> None:
        #: The request as it was made, credentials and all; the tape cleans it, and the response, before anything is built
        #: for a file.
        self.request = request
        self._scope = scope
        self._clock = clock
        self._finished = finished
        self._began = clock()
        self._run: Run | None = current_run()
        # Reentrant: the one who ends the response asks for it, and a tape that closes waits until it has been taken down.
        self._lock = threading.RLock()
        self._status = 0
        self._reason = ""
        self._headers: Headers = ()
        self._pieces: list[bytes] = []
        self._chunks: list[Chunk] = []
        self._length = 0
        self._ended: Ending | None = None

    def responded(self, status: int, reason: str, headers: Headers) -> None:
        """Take down the status line and the header fields."""
        with self._lock:
            self._status, self._reason, self._headers = status, reason, headers

    def chunk(self, piece: bytes) -> None:
        """Take down one piece of the body, before the client sees it. An empty one says nothing."""
        at_ms = self._now_ms()
        with self._lock:
            if piece and self._ended is None:
                self._chunks.append(Chunk(self._length, len(piece), at_ms))
                self._pieces.append(piece)
                self._length += len(piece)

    def ended(self, how: How, error: str | None = None) -> None:
        """Take down how the response ended; only the first call counts.

        A client that stops reading after its provider's end mark has read it all: that is `complete`. A connection
        that broke because the run around it was cancelled is `cancelled`.
        """
        with self._lock:
            if self._ended is not None:
                return
            if how != "complete" and self._run is not None and self._run.cancelled:
                how, error = "cancelled", None
            if how == "cancelled" and end_was_seen(
                header_of(self._headers, "content-type") or "", b"".join(self._pieces)
            ):
                how = "complete"
            self._ended = Ending(how, error, self._now_ms())
            self._finished(self)

    def response(self) -> WireResponse:
        """Return the response. Ask after the end."""
        with self._lock:
            return WireResponse(
                status=self._status,
                reason=self._reason,
                headers=self._headers,
                body=b"".join(self._pieces),
                chunks=tuple(self._chunks),
                ended=self._ended or Ending("cancelled", None, self._now_ms()),
                scope=self._scope,
            )

    def _now_ms(self) -> float:
        # A tenth is finer than any network, and keeps files short.
        return round((self._clock() - self._began) * 1000, 1)
