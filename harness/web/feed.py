"""One session, read once for any number of clients, each at a place of its own."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from bisect import bisect_right
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast
from weakref import WeakValueDictionary

from harness.bridges.texts import encodable
from harness.errors import UsageError, error_text
from harness.frames import FrameLike
from harness.respondent import respondent
from harness.web.desk import Desk, QuestionAtDesk

#: So many frames the session is read ahead of the client that is furthest, unless said otherwise.
AHEAD: Final = 256
#: So many frames a client is handed at once.
_BATCH: Final = 64


class ServedFrame(FrameLike, Protocol):
    """What is served of a frame, whichever runtime made it."""

    @property
    def seq(self) -> int: ...


@dataclass(frozen=True)
class FeedEnd:
    """How a run ended, as clients are told."""

    #: `completed`, `failed` or `cancelled`.
    status: str
    #: How many frames there are.
    frames: int
    error: str | None = None
    error_type: str | None = None


class Feed:
    """Reads a session from its first client on, and hands the same frames to each client.

    The session is read as far ahead as `ahead` frames beyond the client that is furthest, so that slow clients hold the
    run back where the session has a look-ahead limit of its own. All clients of a feed are served by one loop.

    A run that has no client is closed after `linger_s` seconds; with None it is not, and is read to its end.

    With `asks`, what the run would ask at the terminal is put to its clients: `questions` has it, `answer` answers it.
    """

    def __init__(self, session: Any, *, ahead: int = AHEAD, linger_s: float | None = 0.0, asks: bool = False) -> None:
        check_pace(ahead, linger_s)
        if not (hasattr(type(session), "__iter__") or hasattr(type(session), "__aiter__")):
            raise UsageError(
                f"expected a session of frames, as flow.stream_events() gives; not {type(session).__name__}"
            )
        self.session = session
        #: Its id in the store that it is kept in.
        self.run: str | None = None
        #: What it is a run of, and the conversation that it is a turn of, to go on where it has paused.
        self.subject: tuple[Any, str | None] = (None, None)
        self.linger_s = linger_s
        #: What has been read, in order; only ever grows.
        self.frames: list[ServedFrame] = []
        #: None until the session has been read to its end, or closed.
        self.end: FeedEnd | None = None
        self._desk = Desk(self._tell) if asks else None
        self._ahead = ahead
        self._room = threading.Condition()
        self._furthest = 0
        self._clients = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed = asyncio.Event()
        self._is_waking = False
        self._roomy: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None
        self._leaving: asyncio.TimerHandle | None = None

    @property
    def has_begun(self) -> bool:
        """Whether a client has asked for frames."""
        return self._loop is not None

    @property
    def is_fresh(self) -> bool:
        """Whether nobody has read anything of the session, here or elsewhere."""
        return not (self.has_begun or self.has_ended or self.session.frames)

    @property
    def has_ended(self) -> bool:
        """Whether no frame will come that is not there yet."""
        return self.end is not None or (not self.has_begun and bool(self.session.is_completed))

    @property
    def last_seq(self) -> int:
        """The `seq` of the latest frame; 0 where there is none."""
        frames = self.frames if self.has_begun else self.session.frames
        return int(frames[-1].seq) if frames else 0

    @property
    def questions(self) -> tuple[QuestionAtDesk, ...]:
        """What the run asks its clients now; another object each time that this changes."""
        return () if self._desk is None else self._desk.questions

    def answer(self, text: str, number: int | None = None) -> bool:
        """Answer a question of the run, or the oldest; False where it is not asked, or not any more."""
        return self._desk is not None and self._desk.answer(text, number)

    async def follow(self, after: int = 0) -> AsyncIterator[list[ServedFrame]]:
        """Yield the frames whose `seq` is above `after` in batches, as they come, to the end of the run.

        A batch counts as taken once the next one is asked for. One without frames tells that `questions` has changed.
        """
        self._join()
        # A client that was away may still show what has been answered since.
        is_first = self._desk is None or self._desk.question_count == 0
        questions: tuple[QuestionAtDesk, ...] | None = () if is_first else None
        try:
            position = 0
            while True:
                position = max(position, bisect_right(self.frames, after, key=lambda frame: frame.seq))
                batch = self.frames[position : position + _BATCH]
                if batch:
                    yield batch
                    position += len(batch)
                elif self.end is not None:
                    return
                elif self.questions is not questions:
                    questions = self.questions
                    yield []
                else:
                    await self._changed.wait()
                self._advance(position)
        finally:
            self._leave()

    def close(self) -> None:
        """End the run unless it has ended. Returns at once; from any thread."""
        if self.has_ended:
            return
        self.session.close()
        if self._desk is not None:
            self._desk.close()
        with self._room:
            if self.end is None and not self.has_begun:
                self.end = FeedEnd("cancelled", 0)
            self._ahead = 1 << 62
            self._room.notify_all()
        self._resume_reading()

    # ── clients ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _join(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is not None and self._loop is not loop and self.end is None:
            raise UsageError("the clients of a session are served by one event loop, and this is another one")
        self._clients += 1
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None
        if self._loop is None and self.end is None:
            self._loop = loop
            self._begin(loop)

    def _advance(self, position: int) -> None:
        with self._room:
            if position > self._furthest:
                self._furthest = position
                self._room.notify_all()
        self._resume_reading()

    def _leave(self) -> None:
        with self._room:
            self._clients -= 1
            self._room.notify_all()
        self._resume_reading()
        if self._clients or self.end is not None or self.linger_s is None or self._loop is None:
            return
        if self.linger_s == 0:
            self.close()
        else:
            self._leaving = self._loop.call_later(self.linger_s, self.close)

    # ── the one reader ───────────────────────────────────────────────────────────────────────────────────────────────

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        context = contextvars.copy_context()
        if self._desk is not None:
            context.run(respondent.set, self._desk)
        if hasattr(type(self.session), "__aiter__"):
            self._roomy = asyncio.Event()
            self._task = loop.create_task(self._read_in_loop(), name="harness-web-reader", context=context)
        else:
            threading.Thread(target=context.run, args=(self._read,), name="harness-web-reader", daemon=True).start()

    def _read(self) -> None:
        error: BaseException | None = None
        try:
            for frame in cast(Iterable[ServedFrame], self.session):
                self._take(frame)
                with self._room:
                    self._room.wait_for(self._has_room)
        except BaseException as raised:
            error = raised
        self._finish(error)

    async def _read_in_loop(self) -> None:
        error: BaseException | None = None
        assert self._roomy is not None
        try:
            async for frame in cast(AsyncIterable[ServedFrame], self.session):
                self._take(frame)
                while not self._has_room():
                    self._roomy.clear()
                    await self._roomy.wait()
        except asyncio.CancelledError as raised:
            # The loop is ending, or the run was closed.
            self.session.close()
            error = None if self.session.is_cancelled else raised
        except BaseException as raised:
            error = raised
        self._finish(error)

    def _has_room(self) -> bool:
        # A run that goes on without clients is held back by none that has left.
        is_free = self._clients == 0 and self.linger_s is None
        return is_free or len(self.frames) - self._furthest < self._ahead

    def _take(self, frame: ServedFrame) -> None:
        if not hasattr(frame, "seq"):
            raise UsageError(
                f"the session gave {type(frame).__name__}, which is no frame; serve what stream_events gives"
            )
        self.frames.append(frame)
        self._tell()

    def _finish(self, error: BaseException | None) -> None:
        count = len(self.frames)
        if self._desk is not None:
            self._desk.close()
        if error is not None:
            self.end = FeedEnd("failed", count, encodable(error_text(error)), type(error).__name__)
        else:
            self.end = FeedEnd("cancelled" if self.session.is_cancelled else "completed", count)
        self._tell()

    def _tell(self) -> None:
        """Wake the clients; once for all that happens until they wake."""
        assert self._loop is not None
        if not self._is_waking:
            self._is_waking = True
            # A loop that is closed serves nobody any more.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._is_waking = False
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def _resume_reading(self) -> None:
        if self._roomy is None or self._loop is None:
            return
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._roomy.set)


def check_pace(ahead: int, linger_s: float | None) -> None:
    """Refuse options of a feed that can't be used. Raises UsageError."""
    if ahead < 1:
        raise UsageError(f"ahead is the number of frames to read before a client takes them, at least 1, not {ahead}")
    if linger_s is not None and not linger_s >= 0:
        raise UsageError(f"linger_s is in seconds, 0 or more, or None to let a run go on; not {linger_s}")


#: The feed of each session that is being served, so that all its clients share one.
_feeds: Final[WeakValueDictionary[int, Feed]] = WeakValueDictionary()
_feeds_lock: Final = threading.Lock()


def feed_of(session: Any, *, ahead: int, linger_s: float | None, asks: bool = False) -> Feed:
    """Return the feed that serves `session` already, or a new one with these options."""
    with _feeds_lock:
        feed = _feeds.get(id(session))
        if feed is None or feed.session is not session:
            feed = _feeds[id(session)] = Feed(session, ahead=ahead, linger_s=linger_s, asks=asks)
        return feed
