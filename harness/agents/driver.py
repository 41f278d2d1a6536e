"""How the one body of an agent's or a crew's run waits: in a thread, or in a loop.

The body is written once, as coroutines. In a thread none of them ever suspends, so that they run to their end like plain
calls, LLMs and tools are called in the caller's own thread, and no loop is needed; in a loop they await.
"""

from __future__ import annotations

import asyncio
import inspect
import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from time import monotonic
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

from harness.bus import bus
from harness.bus.running_loop import canceller
from harness.bus.scope import on_cancel, placed_context
from harness.bus.step import Step, StepEnds
from harness.errors import RunCancelled
from harness.events import (
    AgentExecutionCompletedEvent,
    AgentExecutionErrorEvent,
    AgentExecutionStartedEvent,
    BaseEvent,
)
from harness.waits import take
from harness.workers import (
    GRACE_S,
    Outcome,
    asettled,
    attempt,
    in_thread,
    outcome_of,
    outcome_unless_cancelled,
    settled,
)

T = TypeVar("T")
Body = Callable[[], Coroutine[Any, Any, T]]
#: The same of a body that calls what it is given once it has begun: its announcement.
AnnouncedBody = Callable[[Callable[[], None]], Coroutine[Any, Any, T]]
#: A scope that nobody sees, and that ends what is in it.
_UNSEEN: Final = StepEnds(completed=AgentExecutionCompletedEvent, failed=AgentExecutionErrorEvent)


class RunningBody(ABC, Generic[T]):
    """A body that works beside the one that started it, in a copy of its context."""

    @abstractmethod
    async def outcome(self, within_s: float | None = None) -> Outcome[T]:
        """Return how it ended, once it has. Raises TimeoutError where that takes longer than `within_s` seconds."""

    @abstractmethod
    async def ended(self, within_s: float) -> None:
        """Return once it has ended, or so many seconds have passed, although the run around is cancelled."""

    @abstractmethod
    def cancel(self) -> None:
        """Have it stop at its next await, where it has any. From any thread."""


class Driver(ABC):
    """One way to wait."""

    @abstractmethod
    def step(self, step: Step) -> AbstractAsyncContextManager[Step]:
        """Return the block that a step is."""

    @abstractmethod
    async def either(self, call: Callable[[], T], acall: Callable[[], Awaitable[T]]) -> T:
        """Return what the one form of a call gives that fits here: it may block, or is awaited."""

    @abstractmethod
    async def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Return what a function of the user's gives, which may be async, and may block."""

    @abstractmethod
    async def emit(self, source: Any, event: BaseEvent) -> None:
        """Publish an event."""

    @abstractmethod
    async def wait(self, seconds: float) -> None:
        """Let time pass. Raises RunCancelled when the run around is cancelled meanwhile."""

    @abstractmethod
    def start(self, make: Body[T]) -> RunningBody[T]:
        """Have a body work beside this one."""

    @abstractmethod
    def signal(self) -> asyncio.Event | _BlockingSignal:
        """Return a signal that a body which works beside this one may set, and this one waits for."""

    async def side_by_side(self, makes: Sequence[AnnouncedBody[T]]) -> list[T]:
        """Return what bodies give that work side by side, each begun after the one before it has.

        Where one fails the others stop, at their next event, await or provider byte.

        Raises:
            BaseException: what failed first.
        """
        failures: list[Outcome[T]] = []

        async def work(make: AnnouncedBody[T], begun: asyncio.Event | _BlockingSignal) -> T:
            try:
                return await make(begun.set)
            except BaseException as error:
                # Those before it may take long, or wait for ever.
                if not together.is_cancelled:
                    failures.append(Outcome(error=error))
                    together.cancel()
                raise
            finally:
                begun.set()

        async with Beside(self) as together:
            started: list[RunningBody[T]] = []
            for make in makes:
                if failures:
                    break
                begun = self.signal()
                started.append(together.start(partial(work, make, begun)))
                await begun.wait()
            values: list[T] = []
            for body in started:
                outcome = await body.outcome()
                if failures:
                    failures[0].unwrap()
                values.append(outcome.unwrap())
            return values

    async def within(self, seconds: float | None, make: Body[T], late: str) -> T:
        """Return what a body gives, unless it takes longer.

        Raises:
            TimeoutError: it does, which `late` says; it stops at its next event, await or provider byte, and what it had open has ended.
        """
        if seconds is None:
            return await make()
        async with Beside(self) as limited:
            try:
                outcome = await limited.start(make).outcome(seconds)
            except TimeoutError:
                raise TimeoutError(late) from None
            return outcome.unwrap()


class Beside(AbstractAsyncContextManager["Beside"]):
    """A block and bodies that work beside it, which are a run of their own.

    Where it is left by an exception they stop, at their next event, await or provider byte, and have a moment for that; what
    they have open ends with it. No frame shows it; in recordings the requests made inside come from `label`.
    """

    def __init__(self, driver: Driver, label: str = "") -> None:
        self._driver = driver
        self._bodies: list[RunningBody[Any]] = []
        self._step = Step(driver, AgentExecutionStartedEvent(), _UNSEEN, label=label, own_run=True, quiet=True)

    def start(self, make: Body[T]) -> RunningBody[T]:
        """Have a body work."""
        body = self._driver.start(make)
        # With the run, and not after it: what its next event has ended may be cleaning up by then.
        self._step.run.on_cancel(body.cancel)
        self._bodies.append(body)
        return body

    def cancel(self) -> None:
        """Have the bodies stop."""
        self._step.run.cancel()

    @property
    def is_cancelled(self) -> bool:
        """Whether they are to."""
        return self._step.run.cancelled

    async def __aenter__(self) -> Self:
        self._step.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is not None:
                self.cancel()
                until = monotonic() + GRACE_S
                for body in self._bodies:
                    await body.ended(max(0.0, until - monotonic()))
        finally:
            # What a body was stopped by refers to it, and a circle would be kept until the garbage collector runs.
            self._bodies.clear()
            # Where the run around has been cancelled, the next event says so.
            with suppress(RunCancelled):
                self._step.leave()


def run_unsuspended(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return what a body gives that never suspends: one that `ThreadDriver` drives."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    coroutine.close()
    raise RuntimeError("a body that is driven by a thread has awaited something that only a loop can give")


class ThreadDriver(Driver):
    """Waits by blocking the thread that calls."""

    def step(self, step: Step) -> AbstractAsyncContextManager[Step]:
        return _BlockingStep(step)

    async def either(self, call: Callable[[], T], acall: Callable[[], Awaitable[T]]) -> T:
        return call()

    async def call(self, function: Callable[..., Any], *args: Any) -> Any:
        return settled(function(*args))

    async def emit(self, source: Any, event: BaseEvent) -> None:
        bus.emit(source, event)

    async def wait(self, seconds: float) -> None:
        cancelled: queue.SimpleQueue[None] = queue.SimpleQueue()
        with suppress(queue.Empty), on_cancel(lambda: cancelled.put(None)):
            take(cancelled, seconds)
            raise RunCancelled

    def start(self, make: Body[T]) -> RunningBody[T]:
        return _ThreadBody(make)

    def signal(self) -> _BlockingSignal:
        return _BlockingSignal()


class _BlockingSignal:
    """An event that a thread waits for, and Ctrl-C ends that. Set more than once is set once."""

    def __init__(self) -> None:
        self._sent: queue.SimpleQueue[None] = queue.SimpleQueue()

    def set(self) -> None:
        self._sent.put(None)

    async def wait(self) -> Any:
        take(self._sent)


class _BlockingStep(AbstractAsyncContextManager[Step]):
    """A step's plain with-block, for a body that never suspends."""

    def __init__(self, step: Step) -> None:
        self._step = step

    async def __aenter__(self) -> Step:
        return self._step.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._step.__exit__(kind, error, traceback)


class _ThreadBody(RunningBody[T]):
    def __init__(self, make: Body[T]) -> None:
        ended: queue.SimpleQueue[Outcome[T]] = queue.SimpleQueue()
        self._ended = ended
        context = placed_context()

        def work() -> None:
            ended.put(attempt(lambda: context.run(lambda: run_unsuspended(make()))))

        self._thread = threading.Thread(target=work, name="harness-task", daemon=True)
        self._thread.start()

    async def outcome(self, within_s: float | None = None) -> Outcome[T]:
        try:
            # Whoever waits for a body that blocks is let go when the run around is cancelled.
            return outcome_unless_cancelled(self._ended, within_s)
        except queue.Empty:
            raise TimeoutError from None

    async def ended(self, within_s: float) -> None:
        self._thread.join(within_s)

    def cancel(self) -> None:
        return


class LoopDriver(Driver):
    """Waits by awaiting; what blocks works in threads of its own."""

    def step(self, step: Step) -> AbstractAsyncContextManager[Step]:
        return step

    async def either(self, call: Callable[[], T], acall: Callable[[], Awaitable[T]]) -> T:
        return await acall()

    async def call(self, function: Callable[..., Any], *args: Any) -> Any:
        if inspect.iscoroutinefunction(function):
            return await function(*args)
        return await asettled(await in_thread(lambda: function(*args)))

    async def emit(self, source: Any, event: BaseEvent) -> None:
        await bus.aemit(source, event)

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def start(self, make: Body[T]) -> RunningBody[T]:
        return _TaskBody(make)

    def signal(self) -> asyncio.Event:
        return asyncio.Event()


class _TaskBody(RunningBody[T]):
    def __init__(self, make: Body[T]) -> None:
        self._task = asyncio.get_running_loop().create_task(outcome_of(make), name="harness-task")
        self._cancel = canceller(self._task)

    async def outcome(self, within_s: float | None = None) -> Outcome[T]:
        done, _ = await asyncio.wait({self._task}, timeout=within_s)
        if not done:
            raise TimeoutError
        return Outcome(error=asyncio.CancelledError()) if self._task.cancelled() else self._task.result()

    async def ended(self, within_s: float) -> None:
        await asyncio.wait({self._task}, timeout=within_s)

    def cancel(self) -> None:
        self._cancel()
