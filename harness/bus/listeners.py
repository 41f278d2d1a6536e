"""Listeners: functions called for every event of a class, whoever emits it and whether or not a session is open."""

from __future__ import annotations

import contextlib
import contextvars
import inspect
import logging
import threading
import weakref
from collections.abc import Awaitable, Generator, Hashable, Iterable
from concurrent.futures import Future
from typing import Any, Final

from harness.blocks import block
from harness.bus.order import CircularDependencyError, Depends, Handler, identity_of, in_stages
from harness.bus.own_loop import OwnLoop
from harness.bus.running_loop import cancelled_errors, is_loop_running, running_task
from harness.errors import RunCancelled, UsageError
from harness.events import BaseEvent
from harness.fork import freed_by_fork

logger = logging.getLogger("harness")

#: Where `aemit` collects the async handlers that it is going to await; None elsewhere.
_collected: contextvars.ContextVar[Collected | None] = contextvars.ContextVar("harness_awaited", default=None)


class Collected(list["Pending"]):
    """What async handlers an emit set going. Tasks that it started keep it in their context, and must not add later."""

    is_open = True


def _done() -> Future[None]:
    future: Future[None] = Future()
    future.set_result(None)
    return future


#: What an emit gives to wait for where all handlers have ended before it returns; the same for all.
_DONE: Final = _done()


class Listeners:
    """Handlers by event class. A handler of a class is called for its subclasses too, in the order of registration.

    One that depends on others is called when those have ended, in the bus's loop where one of them is async.
    Sync handlers run in the emitting thread, before `emit` returns. Async ones are awaited by `aemit`; for `emit` they
    run in a loop of the bus's own, so that none ends with the emitter's; `flush` waits for those.
    """

    def __init__(self) -> None:
        # Reentrant: the garbage collector may end a step that was left, and publish that, in the middle of this.
        self._lock = freed_by_fork(threading.RLock())
        #: Each with its class, and with what it depends on, in the order of registration; replaced as a whole, so that it
        #: can be looked at without the lock.
        self.handlers: list[tuple[type[BaseEvent], Handler, tuple[Handler, ...]]] = []
        #: The handlers of each class in stages, nearly always in one.
        self._by_class = _stages_by_class()
        self._loop = OwnLoop()
        self.flush = self._loop.flush

    def add(
        self, event_class: type[BaseEvent], handler: Handler, depends_on: Depends | Iterable[Depends] | None = None
    ) -> None:
        """Register a handler; one that is there already is called once all the same."""
        several = depends_on if isinstance(depends_on, Iterable) else () if depends_on is None else (depends_on,)
        prerequisites = tuple(_dependency(prerequisite) for prerequisite in several)
        with self._lock:
            self._replace([*self.handlers, (event_class, handler, prerequisites)])

    def remove(self, event_class: type[BaseEvent], handler: Handler) -> None:
        """Take a handler off; one that is not there is no error."""
        removed = event_class, identity_of(handler)
        with self._lock:
            self._replace([row for row in self.handlers if (row[0], identity_of(row[1])) != removed])

    @block
    def scoped(self) -> Generator[None]:
        """Start without handlers, and put back at the end those that were there before."""
        with self._lock:
            before = self.handlers
            self._replace([])
        try:
            yield
        finally:
            with self._lock:
                self._replace(before)

    def _replace(self, handlers: list[tuple[type[BaseEvent], Handler, tuple[Handler, ...]]]) -> None:
        self.handlers = handlers
        self._by_class = _stages_by_class()

    def notify(self, source: Any, event: BaseEvent) -> Future[None] | None:
        """Call every handler of the event's class; what they raise is logged and goes no further.

        Returns what is done when all have ended; None where there are none.
        """
        stages = self._stages_of(event.__class__)
        if not stages:
            return None
        for number, stage in enumerate(stages, start=1):
            begun = _begin(stage, source, event)
            if begun:
                return self._finish(Pending(begun, stages[number:], source, event))
        return _DONE

    def is_handling(self) -> bool:
        """Whether this context is that of a handler that the bus's loop, or an `aemit`, is to come back from."""
        collected = _collected.get()
        return self._loop.is_inside() or (collected is not None and collected.is_open)

    def has(self, event_class: type[BaseEvent]) -> bool:
        """Whether anybody is told of the events of a class."""
        return bool(self._stages_of(event_class))

    def check_dependencies(self) -> None:
        """Raise CircularDependencyError where handlers of an event depend on each other."""
        with self._lock:
            for event_class in dict.fromkeys(known for known, *_ in self.handlers):
                self._staged_handlers(event_class)

    def _stages_of(self, cls: type[BaseEvent]) -> tuple[tuple[Handler, ...], ...]:
        stages = self._by_class.get(cls)
        if stages is None:
            with self._lock:
                try:
                    stages = self._staged_handlers(cls)
                except CircularDependencyError as error:
                    logger.error("%s. They are called in the order of their registration", error)  # noqa: TRY400 - its text says it all
                    stages = (tuple(self._handlers_of(cls).values()),)
                self._by_class[cls] = stages
        return stages

    def _staged_handlers(self, cls: type[BaseEvent]) -> tuple[tuple[Handler, ...], ...]:
        handlers = self._handlers_of(cls)
        # What it was told last counts, of each class.
        latest = {(known, identity_of(handler)): on for known, handler, on in self.handlers if on}
        depends_on: dict[Hashable, tuple[Handler, ...]] = {}
        for (known, identity), prerequisites in latest.items():
            if issubclass(cls, known):
                depends_on[identity] = (*depends_on.get(identity, ()), *prerequisites)
        return in_stages(handlers, depends_on, cls.__name__)

    def _handlers_of(self, cls: type[BaseEvent]) -> dict[Hashable, Handler]:
        # Once, though one may be registered for a class and for one above it.
        return {identity_of(handler): handler for known, handler, _ in self.handlers if issubclass(cls, known)}

    def _finish(self, pending: Pending) -> Future[None]:
        collected = _collected.get()
        if collected is None or not collected.is_open:
            return self._loop.submit(pending.apart())
        collected.append(pending)
        return pending.handled

    def shutdown(self, wait: bool = True) -> None:
        """Take all handlers off and end the loop of the async ones, which without `wait` are cancelled."""
        with self._lock:
            self._replace([])
        self._loop.shutdown(wait)


def _stages_by_class() -> weakref.WeakKeyDictionary[type[BaseEvent], tuple[tuple[Handler, ...], ...]]:
    # A class may be one that a method makes for itself.
    return weakref.WeakKeyDictionary()


@block
def collecting() -> Generator[Collected]:
    """Collect the async handlers that an emit inside sets going, for the caller to await."""
    outcomes = Collected()
    token = _collected.set(outcomes)
    try:
        yield outcomes
    finally:
        outcomes.is_open = False
        _collected.reset(token)


def _dependency(dependency: Any) -> Handler:
    if isinstance(dependency, Depends):
        return dependency.handler
    raise UsageError(f"depends_on holds {dependency!r}; expected Depends(handler)")


def _begin(handlers: tuple[Handler, ...], source: Any, event: BaseEvent) -> list[_Guarded]:
    """Call handlers; return what is still to be awaited of those that are async."""
    begun: list[_Guarded] = []
    for handler in handlers:
        try:
            outcome = handler(source, event)
            if outcome is not None and inspect.isawaitable(outcome):
                begun.append(_Guarded(outcome, event.type))
        except (RunCancelled, KeyboardInterrupt):
            _close(begun)
            raise
        except BaseException:
            logger.exception("a listener failed on %s", event.type)
    return begun


class _Guarded:
    """What is still to be done of an async handler; what it raises is logged."""

    def __init__(self, outcome: Awaitable[Any], event_type: str) -> None:
        self._outcome = outcome
        self._event_type = event_type

    def __await__(self) -> Generator[Any, Any, None]:
        try:
            # A generator may be made awaitable by `types.coroutine`.
            outcome: Any = self._outcome
            yield from outcome if inspect.isgenerator(outcome) else outcome.__await__()
        except (RunCancelled, KeyboardInterrupt):
            raise
        except BaseException as error:
            # One that nobody asked this task for is the handler's own failure, as where it waited for a cancelled task.
            if isinstance(error, cancelled_errors()) and _is_being_cancelled():
                raise
            logger.exception("a listener failed on %s", self._event_type)

    def close(self) -> None:
        if inspect.iscoroutine(self._outcome):
            self._outcome.close()


def _is_being_cancelled() -> bool:
    task = running_task() if is_loop_running() else None
    return task is not None and task.cancelling() > 0


class Pending:
    """The async handlers of an event that have begun, and the stages that depend on them.

    Awaited, they work one after the other, but those of an event that has stages together. Closed, those that are not
    awaited yet never are.
    """

    def __init__(
        self, begun: list[_Guarded], rest: tuple[tuple[Handler, ...], ...], source: Any, event: BaseEvent
    ) -> None:
        self._begun = begun
        self._rest = rest
        self._source = source
        self._event = event
        #: What is done once nothing more comes of them.
        self.handled: Future[None] = Future()

    def __await__(self) -> Generator[Any, Any, None]:
        if self._rest:
            yield from self.together().__await__()
        else:
            for handler in self._begun:
                yield from handler.__await__()
        self.close()

    async def apart(self) -> None:
        """Work where none of the run waits for them, and its being cancelled is no failure of theirs."""
        with contextlib.suppress(RunCancelled):
            await self.together()

    async def together(self) -> None:
        """Have those of each stage work side by side."""
        import asyncio

        for stage in (*self._rest, ()):
            # What a handler raises has been logged, and a cancelled run is no failure of whoever waits here.
            await asyncio.gather(*self._begun, return_exceptions=True)
            self._begun = _begin(stage, self._source, self._event)

    def close(self) -> None:
        """Note that nothing more comes of them."""
        _close(self._begun)
        if not self.handled.done():
            self.handled.set_result(None)


def _close(begun: list[_Guarded]) -> None:
    for handler in begun:
        handler.close()
