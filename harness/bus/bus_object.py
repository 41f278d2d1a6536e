"""The bus as one object, for those who pass it on, and what users add to it: sinks of a context, listeners of all events."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any, TypeVar

from harness.bus import bus, scope as scopes
from harness.bus.bus import listeners, stay_in
from harness.bus.order import Depends, Handler
from harness.bus.replay import is_replaying, replaying
from harness.bus.scope import Scope
from harness.errors import UsageError
from harness.events import BaseEvent

H = TypeVar("H", bound=Handler)


class FunctionSink:
    """A sink made of a function `(source, event)`."""

    sees_all = True
    keeps_order = False

    def __init__(self, function: Callable[[Any, BaseEvent], None]) -> None:
        self._function = function

    def accept(self, source: Any, event: BaseEvent, scope: Scope) -> None:
        around = scopes.current.get()
        try:
            self._function(source, event)
        finally:
            stay_in(around)


SinkToken = contextvars.Token[Scope]


def add_stream_sink(sink: Callable[[Any, BaseEvent], None]) -> SinkToken:
    """Have `sink(source, event)` called for every event of this context from now on; for `reset_stream_sinks`.

    Raises:
        UsageError: it can't be called.
    """
    if not callable(sink):
        raise UsageError(f"a sink is a function (source, event), not {sink!r}")
    return scopes.enter(scopes.sink_scope(FunctionSink(sink)))


def reset_stream_sinks(token: SinkToken) -> None:
    """Take back the sink that `add_stream_sink` answered with `token`, in the context in which it was added."""
    scopes.reset(token)


class EventBus:
    """The bus as one object, for those who pass it on; `event_bus` is the only one of a process."""

    def emit(self, source: Any, event: BaseEvent) -> Future[None] | None:
        """See `harness.bus.bus.emit`. Raises UsageError for what is no event."""
        if not isinstance(event, BaseEvent):
            raise _no_event(event)
        return bus.emit(source, event)

    async def aemit(self, source: Any, event: BaseEvent) -> None:
        """See `harness.bus.bus.aemit`. Raises UsageError for what is no event."""
        if not isinstance(event, BaseEvent):
            raise _no_event(event)
        await bus.aemit(source, event)

    def replay(self, source: Any, event: BaseEvent) -> Future[None] | None:
        """Give an event of an earlier run to the handlers as it is: it is stamped no more, and is no frame of any session.

        While they are called `is_replaying()` is true, in async handlers too. Returns what `emit` does.
        """
        with replaying():
            return listeners.notify(source, event)

    def is_replaying(self) -> bool:
        """See `harness.bus.replay.is_replaying`."""
        return is_replaying()

    def on(
        self, *event_classes: type[BaseEvent], depends_on: Depends | Iterable[Depends] | None = None
    ) -> Callable[[H], H]:
        """Return a decorator that registers a handler `(source, event)`, sync or async, for these classes.

        With `depends_on=[Depends(other)]`, or one alone, it is called when `other` has ended, where that is a handler of
        the event too.

        Raises:
            UsageError: `depends_on` holds something else, one of the classes is no event's, or there is none; the handler
                can't be called.
        """
        for event_class in event_classes or (None,):
            if not _is_event_class(event_class):
                raise UsageError(f"on() takes classes of events, as on(FlowFinishedEvent), not {event_class!r}")

        def register(handler: H) -> H:
            for event_class in event_classes:
                self.register_handler(event_class, handler, depends_on)
            return handler

        return register

    def register_handler(
        self, event_class: type[BaseEvent], handler: Handler, depends_on: Depends | Iterable[Depends] | None = None
    ) -> None:
        """Register `handler` for a class and its subclasses; see `on`."""
        if not (_is_event_class(event_class) and callable(handler)):
            raise UsageError(
                f"a class of events and a function (source, event) are registered, not {event_class!r} and {handler!r}"
            )
        listeners.add(event_class, handler, depends_on)

    def validate_dependencies(self) -> None:
        """Raise CircularDependencyError where handlers of an event depend on each other.

        Without this check they are called in the order of registration, and the log says so.
        """
        listeners.check_dependencies()

    def off(self, event_class: type[BaseEvent], handler: Handler) -> None:
        """Take a handler off; one that is not there is no error."""
        listeners.remove(event_class, handler)

    def scoped_handlers(self) -> contextlib.AbstractContextManager[None]:
        """Return a context in which only handlers registered inside it are called; the others come back after it."""
        return listeners.scoped()

    def flush(self, timeout: float | None = 30.0) -> bool:
        """Wait for async handlers set going by `emit`; True when all of them ended within `timeout` seconds."""
        return listeners.flush(timeout)

    def shutdown(self, wait: bool = True) -> None:
        """Take all handlers off and end the thread of the async ones: once they are done, or, without `wait`, cancelled.

        Handlers that are registered later are called again.
        """
        listeners.shutdown(wait)


def _no_event(given: object) -> UsageError:
    return UsageError(f"an event is an instance of a subclass of BaseEvent, not {given!r}")


def _is_event_class(given: object) -> bool:
    return isinstance(given, type) and issubclass(given, BaseEvent)


event_bus = EventBus()


class BaseEventListener:
    """Registers a group of handlers when it is made: subclass it and implement `setup_listeners`."""

    def __init__(self) -> None:
        self.setup_listeners(event_bus)

    def setup_listeners(self, bus: EventBus) -> None:
        """Register the handlers with `bus.on(…)`."""
        raise UsageError(f"{type(self).__name__} has no setup_listeners(bus): implement it to register its handlers")
