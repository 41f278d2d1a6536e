"""A session as server-sent events: one event per frame, resumed where a client left off."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any, Final

from sse_starlette import EventSourceResponse, ServerSentEvent
from sse_starlette.sse import SendTimeoutError
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from harness.errors import UsageError
from harness.web.feed import AHEAD, Feed, feed_of
from harness.web.formats import EventFormat, format_named
from harness.web.sites import checked_origins, refusal

#: How long a client waits before it comes back, in milliseconds.
RETRY_MS: Final = 1_000
#: How long nothing is sent before a comment is, which keeps proxies and clients from giving up.
HEARTBEAT_S: Final = 15.0
#: How long a client may take nothing of what it is sent.
_STALLED_S: Final = 120.0


def sse(
    session: Any,
    *,
    format: str = "frames",  # noqa: A002 - as in the query of the URL
    origins: Collection[str] = (),
    ahead: int = AHEAD,
    linger_s: float | None = 0.0,
    heartbeat_s: float = HEARTBEAT_S,
    retry_ms: int = RETRY_MS,
) -> SessionResponse:
    """Return a response, for any ASGI app, that streams the frames of a session as they come.

    One event per frame: `id` is its `seq`, `event` its channel, `data` its canonical JSON. After the last one comes an
    event `end` without an id, whose data are `status` (`completed`, `failed`, `cancelled`), `frames`, `error` and
    `error_type`. Any number of clients may read one session; its run begins with the first.

    A request with `Last-Event-ID` is sent what comes after that frame, while the run lasts and after it; with that of the
    last frame of an ended run it is answered 204, at which an `EventSource` stops. For this to work the app hands the
    same session again, as `Runs` does. A session that has not begun can't be gone on with: it is closed, and the answer
    is 204 too, so that a client that reconnects runs nothing twice.

    Args:
        session: a sync or async session, of this runtime or another with its surface.
        format: `frames`, `agui` or `vercel`; see `docs/web.md`.
        origins: other sites whose pages may read it, such as `https://app.example`; none by itself.
        ahead: how many frames are read before the client that is furthest takes them. Beyond that it holds the run
            back, if the session has a look-ahead limit.
        linger_s: how long the run goes on without a client before it is closed; None lets it go on to its end.
        heartbeat_s: how often a comment is sent; 0 sends none.
        retry_ms: how long a client is told to wait before it comes back.

    Raises:
        UsageError: this is no session, or an option can't be used; at the call.
    """
    return SessionResponse(
        feed_of(session, ahead=ahead, linger_s=linger_s),
        format=format_named(format),
        origins=origins,
        heartbeat_s=heartbeat_s,
        retry_ms=retry_ms,
    )


class SessionResponse(Response):
    """What `sse` returns: an ASGI response, also where a framework expects Starlette's."""

    media_type = "text/event-stream"

    def __init__(
        self,
        feed: Feed,
        *,
        format: EventFormat,  # noqa: A002
        origins: Collection[str] = (),
        heartbeat_s: float = HEARTBEAT_S,
        retry_ms: int = RETRY_MS,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Respond with what `feed` has; see `sse`. `headers` are sent besides."""
        super().__init__()
        check_times(heartbeat_s, retry_ms)
        self._feed = feed
        self._format = format
        self._origins = checked_origins(origins)
        self._heartbeat_s = heartbeat_s
        self._retry_ms = retry_ms
        self._more = headers or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = Headers(scope=scope)
        reason = refusal(headers, self._origins)
        if reason is not None:
            response = _refused(403, reason)
        else:
            response = self._head() if scope["method"] == "HEAD" else self._response(headers)
        origin = headers.get("origin")
        if origin is not None and origin.lower() in self._origins:
            response.headers["Access-Control-Allow-Origin"] = origin
        if self._origins:
            response.headers.append("Vary", "Origin")
        # Who has taken nothing for so long is let go, and is no fault of the server's.
        with suppress(SendTimeoutError):
            await response(scope, receive, send)

    def _head(self) -> Response:
        """Say what would be answered; nothing begins by that."""
        fields = {"Cache-Control": "no-store", **self._format.headers, **self._more}
        response = Response(media_type=self.media_type, headers=fields)
        # Its length would be that of what a GET is answered, which nobody knows yet.
        del response.headers["content-length"]
        return response

    def _response(self, headers: Headers) -> Response:
        feed = self._feed
        try:
            seen = self._format.seen(headers.get("last-event-id", ""))
        except UsageError as error:
            return _refused(400, str(error))
        if seen is not None:
            is_fresh = feed.is_fresh
            if is_fresh:
                feed.close()
            if is_fresh or (feed.has_ended and self._format.has_all(seen, feed.last_seq)):
                return Response(status_code=204, headers={"Cache-Control": "no-store"})
            if seen.seq > feed.last_seq:
                return _refused(400, f"Last-Event-ID is {seen.seq}, and the run has come to frame {feed.last_seq} only")
        return EventSourceResponse(
            self._format.body(feed, seen, self._retry_ms),
            headers={**self._format.headers, **self._more},
            sep="\n",
            ping=self._heartbeat_s,
            ping_message_factory=_heartbeat,
            send_timeout=_STALLED_S,
        )


def check_times(heartbeat_s: float, retry_ms: int) -> None:
    """Refuse times that can't be used. Raises UsageError."""
    if retry_ms < 0:
        raise UsageError(f"retry_ms is a whole number of milliseconds, 0 or more, not {retry_ms!r}")
    if not 0 <= heartbeat_s < float("inf"):
        raise UsageError(f"heartbeat_s is a number of seconds, 0 for no heartbeat, not {heartbeat_s!r}")


def _heartbeat() -> ServerSentEvent:
    return ServerSentEvent(comment="", sep="\n")


def _refused(status: int, reason: str) -> Response:
    return JSONResponse({"error": reason}, status, headers={"Cache-Control": "no-store"})
