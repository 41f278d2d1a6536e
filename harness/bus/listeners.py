"""Listeners: functions called for every event of a class, whoever emits it and whether or not a session is open."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import Future
from typing import Any, Final

from harness.bus.own_loop import OwnLoop
from harness.errors import RunCancelled
from harness.events import BaseEvent

logger = logging.getLogger("harness")

#: `(source, event)`, sync or async.
Handler = Callable[[Any, Any], Any]
#: Where `aemit` collects the async handlers that it is going to await; None elsewhere.
_collected: contextvars.ContextVar[Collected | None] = contextvars.ContextVar("harness_awaited", default=None)


class Collected(list[Awaitable[None]]):
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

    Sync handlers run in the emitting thread, before `emit` returns. Async ones are awaited by `aemit`; for `emit` they
    run in a loop of the bus's own, so that none ends with the emitter's; `flush` waits for those.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: In the order of registration; replaced as a whole, so that it can be looked at without the lock.
        self.handlers: list[tuple[type[BaseEvent], Handler]] = []
        self._by_class: dict[type[BaseEvent], tuple[Handler, ...]] = {}
        self._loop = OwnLoop()
        self.flush = self._loop.flush

    def add(self, event_class: type[BaseEvent], handler: Handler) -> None:
        """Register a handler; one that is there already is called once all the same."""
        with self._lock:
            self._replace([*self.handlers, (event_class, handler)])

    def remove(self, event_class: type[BaseEvent], handler: Handler) -> None:
        """Take a handler off; one that is not there is no error."""
        with self._lock:
            self._replace([known for known in self.handlers if known != (event_class, handler)])

    @contextlib.contextmanager
    def scoped(self) -> Iterator[None]:
        """Start without handlers, and put back at the end those that were there before."""
        with self._lock:
            before = self.handlers
            self._replace([])
        try:
            yield
        finally:
            with self._lock:
                self._replace(before)

    def _replace(self, handlers: list[tuple[type[BaseEvent], Handler]]) -> None:
        self.handlers = handlers
        self._by_class = {}

    def notify(self, source: Any, event: BaseEvent) -> Future[None] | None:
        """Call every handler of the event's class; what they raise is logged and goes no further.

        Returns what is done when all have ended; None where there are none.
        """
        handlers = self._handlers_of(event.__class__)
        if not handlers:
            return None
        begun: list[Coroutine[Any, Any, None]] = []
        for handler in handlers:
            try:
                outcome = handler(source, event)
                if inspect.isawaitable(outcome):
                    begun.append(_guarded(outcome, event.type))
            except (RunCancelled, KeyboardInterrupt):
                for coroutine in begun:
                    coroutine.close()
                raise
            except BaseException:
                logger.exception("a listener failed on %s", event.type)
        return self._finish(begun) if begun else _DONE

    def has(self, event_class: type[BaseEvent]) -> bool:
        """Whether anybody is told of the events of a class."""
        return bool(self._handlers_of(event_class))

    def _handlers_of(self, cls: type[BaseEvent]) -> tuple[Handler, ...]:
        handlers = self._by_class.get(cls)
        if handlers is None:
            with self._lock:
                found: list[Handler] = []
                for known, handler in self.handlers:
                    # Once, though it may be registered for a class and for one above it.
                    if issubclass(cls, known) and handler not in found:
                        found.append(handler)
                handlers = self._by_class[cls] = tuple(found)
        return handlers

    def _finish(self, begun: list[Coroutine[Any, Any, None]]) -> Future[None]:
        collected = _collected.get()
        if collected is None or not collected.is_open:
            return self._loop.submit(_together(begun))
        future: Future[None] = Future()
        collected.append(_in_order(begun, future))
        return future

    def shutdown(self, wait: bool = True) -> None:
        """Take all handlers off and end the loop of the async ones, which without `wait` are cancelled."""
        with self._lock:
            self._replace([])
        self._loop.shutdown(wait)


@contextlib.contextmanager
def collecting() -> Iterator[Collected]:
    """Collect the async handlers that an emit inside sets going, for the caller to await."""
    outcomes = Collected()
    token = _collected.set(outcomes)
    try:
        yield outcomes
    finally:
        outcomes.is_open = False
        _collected.reset(token)


async def _guarded(outcome: Awaitable[Any], event_type: str) -> None:
    try:
        await outcome
    except (RunCancelled, KeyboardInterrupt, asyncio.CancelledError):
        raise
    except BaseException:
        logger.exception("a listener failed on %s", event_type)


async def _together(begun: list[Coroutine[Any, Any, None]]) -> None:
    # What a handler raises has been logged, and a cancelled run is no failure of whoever waits here.
    await asyncio.gather(*begun, return_exceptions=True)


async def _in_order(begun: list[Coroutine[Any, Any, None]], future: Future[None]) -> None:
    try:
        for coroutine in begun:
            await coroutine
    finally:
        if not future.done():
            future.set_result(None)
