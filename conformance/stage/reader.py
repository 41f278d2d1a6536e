"""Reading sessions of both kinds alike: step by step or whole, async ones in a loop that is kept for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from operator import methodcaller
from typing import Any, Final, Literal, Self

from msgspec import Struct

from conformance.stage.patience import ends, unended
from conformance.stage.points import DEADLINE_S, StageError
from conformance.timeline.evidence import AnyFrame, Ended, Evidence, ProgramOutcome, ResultRead, WireFacts
from conformance.timeline.expected import Expected

SessionKind = Literal["sync", "async"]
KINDS: Final[tuple[SessionKind, ...]] = ("sync", "async")
#: How long tasks of a run may take to end once it has nothing left to do, in seconds.
ENDING_S: Final = 1.0


class FramesRead(Struct, frozen=True):
    """Some frames of one view."""

    frames: tuple[AnyFrame, ...] = ()
    #: What came instead of the next frame; None at the end, or where no more were asked for.
    raised: BaseException | None = None

    def then(self, rest: FramesRead) -> FramesRead:
        """Return what was taken in two steps, the second of which was not to be had after an error."""
        return FramesRead(self.frames + rest.frames, self.raised or rest.raised)

    def evidence(self, *expected: Expected, **more: Any) -> Evidence:
        """Return the evidence of a run of which this was read last."""
        ended: Ended = "exhausted" if self.raised is None else "failed"
        return Evidence(self.frames, ended, raised=self.raised, expected=expected, **more)


def iterator_of(kind: SessionKind, session_or_view: Any) -> Any:
    """Return an iterator over a session or one of its views. Raises StageError where it can't be iterated."""
    try:
        return iter(session_or_view) if kind == "sync" else aiter(session_or_view)
    except TypeError as error:
        raise StageError(f"what {kind} code is to read can't be iterated: {error}") from error


class Reader:
    """Reads sessions of one kind. Tasks that are still in its loop when it leaves are cancelled."""

    def __init__(self, kind: SessionKind) -> None:
        self.kind = kind
        self._loop = asyncio.new_event_loop() if kind == "async" else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        if self._loop is None:
            return
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        attempt(lambda: self.complete(unended(tasks, ENDING_S)))
        attempt(partial(self.complete, self._loop.shutdown_asyncgens()))
        self._loop.close()

    @property
    def is_sync(self) -> bool:
        return self.kind == "sync"

    def iterate(self, session_or_view: Any) -> Any:
        return iterator_of(self.kind, session_or_view)

    def take(self, iterator: Any, count: int | None = None) -> FramesRead:
        """Return the next `count` frames, or all up to the end and whatever is raised there."""
        frames: list[AnyFrame] = []
        while count is None or len(frames) < count:
            try:
                frames.append(self._next(iterator))
            except (StopIteration, StopAsyncIteration):
                break
            except StageError:
                raise
            except BaseException as error:
                return FramesRead(tuple(frames), error)
        return FramesRead(tuple(frames))

    def read(self, session_or_view: Any) -> FramesRead:
        """Return all frames of a session or view, taken one by one."""
        try:
            iterator = self.iterate(session_or_view)
        except Exception as error:
            return FramesRead(raised=error)
        return self.take(iterator)

    def read_whole(self, *makes: Callable[[], Any], wire: tuple[WireFacts | None, ...] = ()) -> Evidence:
        """Make sessions and read each to its end, in one task; return the evidence of the last."""

        async def read() -> Evidence:
            *_, last = [await self._whole(make, wire) for make in makes]
            return last

        if self._loop is not None:
            return self._loop.run_until_complete(read())
        # Of sync sessions nothing is awaited: the first step is the whole.
        try:
            read().send(None)
        except StopIteration as done:
            evidence: Evidence = done.value
            return evidence
        raise AssertionError("a sync session was awaited")

    async def _whole(self, make: Callable[[], Any], wire: tuple[WireFacts | None, ...]) -> Evidence:
        session = make()
        before = read_result(session, "before")
        first = await self._all(session)
        again = await self._all(session.events)
        when: Literal["after-failure", "after-exhaustion"] = "after-failure" if first.raised else "after-exhaustion"
        return first.evidence(
            replayed=again.frames,
            replay_raised=again.raised,
            reads=(before, read_result(session, when), read_result(session, when)),
            # Whatever ended the loop is what the result must go on raising.
            outcome=None if first.raised is None else ProgramOutcome(error=first.raised),
            wire=wire,
        )

    async def _all(self, session_or_view: Any) -> FramesRead:
        frames: list[AnyFrame] = []
        # As a value: a loop treats SystemExit and KeyboardInterrupt in a way of its own.
        try:
            if self.is_sync:
                for frame in session_or_view:
                    frames.append(frame)
            else:
                async for frame in session_or_view:
                    frames.append(frame)
        except BaseException as error:
            return FramesRead(tuple(frames), error)
        return FramesRead(tuple(frames))

    def close(self, session: Any) -> None:
        """Close a session by `close()`, or, where that is missing, by `aclose()`."""
        if self.is_sync or hasattr(session, "close"):
            session.close()
        else:
            self.complete(session.aclose())

    def enter(self, session: Any) -> None:
        """Begin the block of a session."""
        if self.is_sync:
            session.__enter__()
        else:
            self.complete(session.__aenter__())

    def in_loop(self, make: Callable[[], Any]) -> Any:
        """Return what `make()` gives: for async sessions in the loop, since making one outside is a matter of its own."""
        return self.made(make, awaits=False)

    def made(self, make: Callable[[], Any], *, awaits: bool = True) -> Any:
        """Do as `in_loop`, and await what is to be awaited."""
        if self.is_sync:
            return make()

        async def made() -> Any:
            value = make()
            return await value if awaits and hasattr(value, "__await__") else value

        return self.complete(made())

    def tried(self, make: Callable[[], Any]) -> tuple[Any, BaseException | None]:
        """Return what `made` gives and None, or None and what it raises."""
        try:
            return self.made(make), None
        except BaseException as error:
            return None, error

    def _next(self, iterator: Any) -> Any:
        if self._loop is None:
            return next(iterator)
        outcome = self.complete(_caught(iterator))
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def complete(self, awaitable: Any) -> Any:
        """Return what `awaitable` gives, in the reader's loop. Raises whatever it raises."""
        assert self._loop is not None
        return self._loop.run_until_complete(asyncio.wait_for(awaitable, DEADLINE_S))


def read_result(session: Any, when: Any) -> ResultRead:
    """Read the result once; tell what came of it, and what the session says of itself then."""
    value, raised, depth = None, None, 0
    try:
        value = session.result
    except BaseException as error:
        raised = error
        depth = _depth(error)
    return ResultRead(
        when, raised, value, bool(session.is_completed), bool(session.is_exhausted), bool(session.is_cancelled), depth
    )


#: Closes a session, in whatever thread; `close` is looked up there, since it may be missing.
close_session: Final = methodcaller("close")


def attempt(action: Callable[[], object]) -> BaseException | None:
    """Return what `action()` raises, or None."""
    try:
        action()
    except BaseException as error:
        return error
    return None


def in_thread(action: Callable[[], object], within_s: float) -> tuple[bool, BaseException | None]:
    """Have a thread of its own do something; return whether that came back in time, and what it raised."""
    raised: list[BaseException | None] = []
    thread = threading.Thread(target=lambda: raised.append(attempt(action)), name="closer", daemon=True)
    thread.start()
    ends(thread, within_s)
    return bool(raised), raised[0] if raised else None


async def _caught(iterator: Any) -> Any:
    # As a value: a task treats cancellations, and a loop SystemExit and KeyboardInterrupt, in ways of their own.
    try:
        return await anext(iterator)
    except BaseException as error:
        task = asyncio.current_task()
        if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
            raise StageError(f"no frame came within {DEADLINE_S} s") from None
        return error


def _depth(error: BaseException) -> int:
    depth, entry = 0, error.__traceback__
    while entry is not None:
        depth, entry = depth + 1, entry.tb_next
    return depth
