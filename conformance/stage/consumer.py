"""One consumer for both kinds of session: it reads them step by step, async ones in a loop that it keeps."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Final, Literal, Self

from conformance.stage.points import DEADLINE_S, StageError
from conformance.stage.programs import Program
from conformance.stage.scenario import Scenario
from conformance.subjects.subject import NotOfferedError, Performance, Subject
from conformance.timeline.evidence import Evidence
from conformance.timeline.frame_like import FrameLike

Kind = Literal["sync", "async"]
KINDS: Final[tuple[Kind, ...]] = ("sync", "async")
#: How long threads of a run may take to end once it has nothing left to do, in seconds.
_ENDING_S: Final = 1.0
#: Threads of the scripted provider stay as long as a client keeps its connection.
_PROVIDERS_OWN: Final = "process_request_thread"


@dataclass(frozen=True)
class Taken:
    """Some frames of one view."""

    frames: tuple[FrameLike, ...] = ()
    #: What came instead of the next frame; None at the end, or where no more were asked for.
    raised: BaseException | None = None


class Consumer:
    """Opens and reads sessions of one kind. What is still open when it leaves is closed."""

    def __init__(self, kind: Kind, subject: Subject, performance: Performance) -> None:
        self.kind = kind
        self._subject = subject
        self._performance = performance
        self._sessions: list[Any] = []
        self._threads = set(threading.enumerate())
        self._loop = asyncio.new_event_loop() if kind == "async" else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._performance.stage.release_all()
        for session in self._sessions:
            attempt(partial(self.close, session))
        if self._loop is not None:
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            if tasks:
                attempt(lambda: self._until(asyncio.wait(tasks, timeout=_ENDING_S)))
            self._loop.close()

    @property
    def is_sync(self) -> bool:
        return self.kind == "sync"

    def open(self, program: Program) -> Any:
        """Return a session that performs `program`. Raises StageError, from what the subject raised instead."""
        if self.is_sync:
            return self.sync_twin(program)
        return self.in_loop(lambda: self.open_outside(program))

    def in_loop(self, make: Callable[[], Any]) -> Any:
        """Return what `make()` gives: for async sessions in the loop, since making one outside is a matter of its own."""
        if self.is_sync:
            return make()

        async def made() -> Any:
            return make()

        return self._until(made())

    def open_outside(self, program: Program) -> Any:
        """Return an async session that is made here, where no loop need run."""
        return self._kept(lambda: self._subject.asession(program, self._performance))

    def sync_twin(self, program: Program) -> Any:
        """Return a sync session that performs `program`, to be held against one of this kind."""
        return self._kept(lambda: self._subject.session(program, self._performance))

    def _kept(self, make: Callable[[], Any]) -> Any:
        try:
            return self.keep(make())
        except NotOfferedError:
            raise
        except BaseException as error:
            raise StageError(f"there was no session to be had: {type(error).__name__}: {error}") from error

    def keep(self, session: Any) -> Any:
        """Have `session` closed in the end."""
        self._sessions.append(session)
        return session

    def iterate(self, session_or_view: Any) -> Any:
        """Return an iterator over a session or one of its views, for `take`."""
        return iter(session_or_view) if self.is_sync else aiter(session_or_view)

    def take(self, iterator: Any, count: int | None = None) -> Taken:
        """Return the next `count` frames, or all up to the end and whatever is raised there."""
        frames: list[FrameLike] = []
        while count is None or len(frames) < count:
            try:
                frames.append(self._next(iterator))
            except (StopIteration, StopAsyncIteration):
                break
            except StageError:
                raise
            except BaseException as error:
                return Taken(tuple(frames), error)
        return Taken(tuple(frames))

    def read(self, session_or_view: Any) -> Taken:
        """Return all frames of a session or view, in a loop of its own."""
        try:
            iterator = self.iterate(session_or_view)
        except Exception as error:
            return Taken(raised=error)
        return self.take(iterator)

    def close(self, session: Any) -> None:
        """Close a session by `close()`, or, where that is missing, by `aclose()`."""
        if self.is_sync or hasattr(session, "close"):
            session.close()
        else:
            self.complete(session.aclose())

    def begin(self, sessions: Iterable[Any]) -> Begun:
        """Take the first frame of each session, by a loop of its own that goes on in `Begun.read_on`."""
        iterators = [self.iterate(session) for session in sessions]
        return Begun(self, tuple((iterator, self.take(iterator, 1)) for iterator in iterators))

    def await_reached(self, point: str, times: int = 1) -> None:
        """Wait for the run to come to `point`, while the loop of an async one goes on."""
        if self.is_sync:
            self._performance.stage.await_reached(point, times)
        else:
            self.complete(self._performance.stage.aawait_reached(point, times))

    def complete(self, awaitable: Any) -> Any:
        """Return what `awaitable` gives, in the consumer's loop. Raises whatever it raises."""
        return self._until(awaitable)

    def _next(self, iterator: Any) -> Any:
        if self._loop is None:
            return next(iterator)
        outcome = self._until(_caught(iterator))
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def _until(self, awaitable: Any) -> Any:
        assert self._loop is not None
        return self._loop.run_until_complete(asyncio.wait_for(awaitable, DEADLINE_S))

    def let_finish(self) -> None:
        """Let the runs go as far as they go without being read: their threads or tasks end, or wait for a reader."""
        if self._loop is not None:
            tasks = asyncio.all_tasks(self._loop)
            if tasks:
                self._until(asyncio.wait(tasks, timeout=_ENDING_S))
            return  # an executor's threads stay when their work is done
        for thread in threading.enumerate():
            if thread not in self._threads and _PROVIDERS_OWN not in thread.name:
                thread.join(_ENDING_S)

    def tasks(self) -> int:
        """Return how many tasks the consumer's loop has, once it has turned over a few times."""
        if self._loop is None:
            return 0
        for _ in range(3):
            self._until(asyncio.sleep(0))
        return len(asyncio.all_tasks(self._loop))


@dataclass(frozen=True)
class Begun:
    """Sessions in the middle of their runs, each read by one loop: a second view of one is a matter of its own."""

    consumer: Consumer
    #: Each loop, and what it was given so far.
    loops: tuple[tuple[Any, Taken], ...]

    def read_on(self) -> list[Taken]:
        """Return all that each loop is given, to the end."""
        return [self._whole(iterator, first) for iterator, first in self.loops]

    def _whole(self, iterator: Any, first: Taken) -> Taken:
        if first.raised is not None:
            return first
        rest = self.consumer.take(iterator)
        return Taken((*first.frames, *rest.frames), rest.raised)


async def _caught(iterator: Any) -> Any:
    # As a value: a task treats cancellations, and a loop SystemExit and KeyboardInterrupt, in ways of their own.
    try:
        return await anext(iterator)
    except BaseException as error:
        task = asyncio.current_task()
        if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
            raise StageError(f"no frame came within {DEADLINE_S} s") from None
        return error


def attempt(action: Callable[[], object]) -> BaseException | None:
    """Return what `action()` raises, or None."""
    try:
        action()
    except BaseException as error:
        return error
    return None


Observe = Callable[[Consumer, Subject, Performance], Evidence]


def both(
    name: str, clauses: Mapping[Kind, frozenset[str]] | frozenset[str], observe: Observe, needs: frozenset[str]
) -> tuple[Scenario, ...]:
    """Return the scenario for sync and for async sessions; `name` and the kind are their ids."""

    def of(kind: Kind) -> Scenario:
        def observed(subject: Subject, performance: Performance) -> Evidence:
            with Consumer(kind, subject, performance) as consumer:
                return observe(consumer, subject, performance)

        decides = clauses if isinstance(clauses, frozenset) else clauses[kind]
        return Scenario(f"{name}/{kind}", decides, observed, needs | ({"async"} if kind == "async" else frozenset()))

    return tuple(of(kind) for kind in KINDS)
