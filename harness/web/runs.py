"""A bounded store of runs by id, so that clients find theirs again while it lasts and after it."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Collection
from functools import partial
from typing import Any, Final

from starlette.responses import JSONResponse, Response

from harness.errors import HarnessError, UsageError
from harness.web.feed import AHEAD, Feed, check_pace, feed_of
from harness.web.formats import format_named
from harness.web.response import HEARTBEAT_S, RETRY_MS, SessionResponse, check_times
from harness.web.sites import checked_origins

_MOST: Final = 1_000
#: Some 400 MB: a frame that has been sent takes 1.6 KB.
_MOST_FRAMES: Final = 250_000
#: Longer than any id that is given out, or should be given.
_LONGEST_ID: Final = 200


class StoreFullError(HarnessError):
    """As many runs are under way as a store may hold; one has to end first."""


class Runs:
    """Sessions by run id. Ids are given out unguessable: who has one may read that run and end it.

    Holds at most `most` runs and, of those that have ended, at most `most_frames` frames; what has ended or has never
    begun makes room first, the oldest before others. A run under way is never put out. From any thread.

    Options are those of `sse`, but that a run goes on for half a minute without a client, who may come back.
    """

    def __init__(
        self,
        *,
        most: int = _MOST,
        most_frames: int = _MOST_FRAMES,
        origins: Collection[str] = (),
        ahead: int = AHEAD,
        linger_s: float | None = 30.0,
        heartbeat_s: float = HEARTBEAT_S,
        retry_ms: int = RETRY_MS,
    ) -> None:
        """Make an empty store. Raises UsageError for an option that can't be used."""
        if most < 1 or most_frames < 1:
            raise UsageError(f"a store holds at least one run and one frame, not {most} and {most_frames}")
        check_pace(ahead, linger_s)
        check_times(heartbeat_s, retry_ms)
        self._most = most
        self._most_frames = most_frames
        self._feed_of = partial(feed_of, ahead=ahead, linger_s=linger_s)
        self._response = partial(
            SessionResponse, origins=checked_origins(origins), heartbeat_s=heartbeat_s, retry_ms=retry_ms
        )
        self._lock = threading.Lock()
        self._feeds: OrderedDict[str, Feed] = OrderedDict()
        #: Ids of runs that were put out, as many as there may be runs, so that they are told from others.
        self._evicted: OrderedDict[str, None] = OrderedDict()

    def add(self, session: Any, run_id: str | None = None, *, asks: bool = False) -> str:
        """Keep a session, and return its run id. The run begins with its first client.

        With `asks`, what the run would ask at the terminal is sent to its clients, in events `ask`, and `answer` answers.

        Raises:
            StoreFullError: as many runs are under way as there may be. The session is left alone.
            UsageError: this is no session, or the id is taken or too long.
        """
        run_id = secrets.token_urlsafe(16) if run_id is None else run_id
        if not 0 < len(run_id) <= _LONGEST_ID:
            raise UsageError(f"a run id has 1 to {_LONGEST_ID} characters, not {len(run_id)}")
        feed = self._feed_of(session, asks=asks)
        with self._lock:
            if run_id in self._feeds:
                raise UsageError(f"there is a run {run_id!r} already")
            self._make_room()
            self._evicted.pop(run_id, None)
            feed.run = run_id
            self._feeds[run_id] = feed
        return run_id

    def get(self, run_id: str) -> Any:
        """Return the session of a run; None where there is none, any more or at all."""
        feed = self.feed(run_id)
        return None if feed is None else feed.session

    def feed(self, run_id: str) -> Feed | None:
        """Return what serves a run, with its frames so far and its end; None as `get`."""
        with self._lock:
            return self._feeds.get(run_id)

    def sse(self, run_id: str, *, format: str = "frames") -> Response:  # noqa: A002
        """Return the response that streams a run; 404 for an id that is unknown, 410 for a run that made room for others.

        Raises:
            UsageError: there is no such format.
        """
        chosen = format_named(format)
        feed = self.feed(run_id)
        return self.missing(run_id) if feed is None else self._response(feed, format=chosen)

    def missing(self, run_id: str) -> Response:
        """Return what a client is told that asks for a run which is not here."""
        with self._lock:
            was_evicted = run_id in self._evicted
        if was_evicted:
            return JSONResponse(
                {"error": "this run has ended, and is not kept any more: it made room for newer ones"}, 410
            )
        reason = "there is no such run here; it may be one of a server that has been restarted since"
        return JSONResponse({"error": reason}, 404)

    def answer(self, run_id: str, text: str, question: int | None = None) -> bool:
        """Answer a question of a run by its number, or the oldest; False where it is not asked, or not any more."""
        feed = self.feed(run_id)
        return feed is not None and feed.answer(text, question)

    def end(self, run_id: str) -> bool:
        """End a run, unless it has ended; what has come of it stays. False where there is no such run."""
        feed = self.feed(run_id)
        if feed is not None:
            feed.close()
        return feed is not None

    def close(self) -> None:
        """End all runs and forget them."""
        with self._lock:
            feeds = list(self._feeds.values())
            self._feeds.clear()
        for feed in feeds:
            feed.close()

    def _make_room(self) -> None:
        idle = [run_id for run_id, feed in self._feeds.items() if feed.has_ended or not feed.has_begun]
        frame_count = sum(len(self._feeds[run_id].frames) for run_id in idle)
        for run_id in idle:
            if len(self._feeds) < self._most and frame_count <= self._most_frames:
                return
            feed = self._feeds.pop(run_id)
            frame_count -= len(feed.frames)
            feed.close()
            self._evicted[run_id] = None
            while len(self._evicted) > self._most:
                self._evicted.popitem(last=False)
        if len(self._feeds) >= self._most:
            raise StoreFullError(
                f"{self._most} runs are under way, as many as there may be; try again when one has ended"
            )
