"""In which order the handlers of an event are called: that of registration, but each after those that it depends on."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from types import BuiltinMethodType, MethodType
from typing import Any

from msgspec import Struct

from harness.errors import UsageError

#: `(source, event)`, sync or async.
Handler = Callable[[Any, Any], Any]


class CircularDependencyError(UsageError):
    """Handlers of an event depend on each other, each on the next, and the last on the first."""

    def __init__(self, handlers: Sequence[Handler], event_name: str) -> None:
        names = " → ".join(getattr(handler, "__qualname__", repr(handler)) for handler in handlers)
        super().__init__(f"handlers of {event_name} depend on each other: {names}; take one of these dependencies off")
        #: The handlers, each before one that depends on it.
        self.handlers = tuple(handlers)


class Depends(Struct, frozen=True):
    """Names a handler that is to have ended before another one begins: `on(E, depends_on=[Depends(h)])`."""

    handler: Handler


#: What each handler of one event, by its identity, depends on.
Dependencies = Mapping[Hashable, Iterable[Handler]]


def identity_of(handler: Handler) -> Hashable:
    """Return what tells a handler from others, whatever it says of being equal to them: a method is one with its object."""
    if type(handler) is MethodType:
        return id(handler.__self__), id(handler.__func__)
    return handler if type(handler) is BuiltinMethodType else id(handler)


def in_stages(
    handlers: Mapping[Hashable, Handler], depends_on: Dependencies, event_name: str
) -> tuple[tuple[Handler, ...], ...]:
    """Return handlers, by their identity, in stages, each of which begins when the one before it has ended.

    Inside of one they are in the order in which they were given.

    A dependency on what is no handler of this event says nothing.

    Raises:
        CircularDependencyError: handlers depend on each other.
    """
    sorter = TopologicalSorter(
        {
            identity: [on for on in map(identity_of, depends_on.get(identity, ())) if on in handlers]
            for identity in handlers
        }
    )
    try:
        sorter.prepare()
    except CycleError as error:
        raise CircularDependencyError([handlers[identity] for identity in error.args[1]], event_name) from None
    place = {identity: number for number, identity in enumerate(handlers)}
    stages = []
    while sorter.is_active():
        ready = sorter.get_ready()
        stages.append(tuple(handlers[identity] for identity in sorted(ready, key=place.__getitem__)))
        sorter.done(*ready)
    return tuple(stages)
