"""Listeners: functions called for every event of a class, whoever emits it and whether or not a session is open."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import contextvars
import inspect
import logging
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

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


class Listeners:
    """Handlers by event class. A handler of a class is called for its subclasses too, in the order of registration.

    Sync handlers run in the emitting thread, before `emit` returns. Async ones are awaited by `aemit`; for `emit` they
    run in the emitter's loop, or in a loop of their own where none runs; `flush` waits for those.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: In the order of registration; replaced as a whole, so that it can be looked at without the lock.
        self.handlers: list[tuple[type[BaseEvent], Handler]] = []
        self._by_class: dict[type[BaseEvent], tuple[Handler, ...]] = {}
        self._pending: set[asyncio.Future[None] | concurrent.futures.Future[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def add(self, event_class: type[BaseEvent], handler: Handler) -> None:
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

    def notify(self, source: Any, event: BaseEvent) -> None:
        """Call every handler of the event's class; what they raise is logged and goes no further."""
        cls = event.__class__
        handlers = self._by_class.get(cls)
        if handlers is None:
            with self._lock:
                handlers = tuple(handler for known, handler in self.handlers if issubclass(cls, known))
                self._by_class[cls] = handlers
        for handler in handlers:
            try:
                outcome = handler(source, event)
                if inspect.isawaitable(outcome):
                    self._run_async(_guarded(outcome, event.type))
            except (RunCancelled, KeyboardInterrupt):
                raise
            except BaseException:
                logger.exception("a listener failed on %s", event.type)

    def _run_async(self, outcome: Awaitable[None]) -> None:
        collected = _collected.get()
        if collected is not None and collected.is_open:
            collected.append(outcome)
            return
        future: asyncio.Future[None] | concurrent.futures.Future[None]
        try:
            future = asyncio.ensure_future(outcome, loop=asyncio.get_running_loop())
        except RuntimeError:
            future = asyncio.run_coroutine_threadsafe(_as_coroutine(outcome), self._own_loop())
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)

    def _own_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="harness-listeners", daemon=True).start()
            return self._loop

    def flush(self, timeout: float | None = None) -> bool:
        """Wait for the async handlers that `emit` set going elsewhere; True when all ended within `timeout` seconds.

        Handlers that run in the calling thread's own loop can't be waited for from inside it and are left out.
        """
        waitable = [future for future in list(self._pending) if isinstance(future, concurrent.futures.Future)]
        return not concurrent.futures.wait(waitable, timeout).not_done


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


async def _as_coroutine(outcome: Awaitable[None]) -> None:
    await outcome
