"""What follows something that has happened in a run, in plain values: which calls, and in which order.

First the routers that it triggers, one after the other, those that their labels trigger included. Then, for the name
itself and for each label, the listeners side by side, and after them, one after the other, the starts that it sets going
again. The next of these is due once all calls of the last one, and everything that these have set going, are through.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field

from harness.flow.graph.definition import FlowGraph
from harness.flow.plan.progress import Progress


class Happening(Struct):
    """A name that has happened: a method's that has finished, or a label that a router has returned."""

    name: str
    #: The place, among the values of the plan, of what listeners get.
    value: int
    #: The id of the event that told of it.
    event_id: str | None
    #: Whether it is a label that brings a value of its own, as what a human has said.
    brings: bool = False


class Due(Struct, frozen=True):
    """Methods that are to be called now, side by side, with what triggered them."""

    methods: Sequence[str]
    as_start: bool
    #: Whose value the methods get, and whose event is said to have triggered them.
    gives: Happening
    after: Happening


class Wave(Struct):
    """One of them, as far as it has come."""

    id: int
    #: The wave that waits for this one.
    parent: int | None
    #: What has happened: first what began it, then the labels of its routers.
    happened: list[Happening]
    #: What is to be followed up in waves of their own once this one is through.
    after: list[Happening] = field(default_factory=list)
    #: How many calls of those that were due last are not through.
    open: int = 0
    #: For how many happenings routers have been asked for, those that are still to be called for the last of them, and
    #: all of them by what triggered them.
    routed: int = 0
    routers: list[str] = field(default_factory=list)
    ran: dict[str, list[str]] = field(default_factory=dict)
    #: What the router that was called last has returned.
    label: Happening | None = None
    #: The `or_` listeners that had fired when the routers were through.
    rearmable: list[str] | None = None
    #: For how many happenings listeners and restarts are through; for the next one, the listeners that were called, and
    #: the starts that are still to be.
    served: int = 0
    listeners: list[str] | None = None
    restarts: list[str] | None = None

    def next(self, definition: FlowGraph, progress: Progress) -> Due | None:
        """Return what is due now; None where this wave is through."""
        return self._next_router(definition, progress) or self._next_listeners(definition, progress)

    def is_waiting_only(self, definition: FlowGraph) -> bool:
        """Whether nothing can follow in this wave but the end of the calls that are open."""
        return (
            self.served == len(self.happened) - 1
            and self.listeners is not None
            # Of a listener that is a router by now.
            and self.label is None
            and not (self.after or self.restarts)
            and (self.restarts is not None or self.happened[-1].name not in definition.restarts)
        )

    def _next_router(self, definition: FlowGraph, progress: Progress) -> Due | None:
        if self.label is not None:
            self.happened.append(self.label)
            self.label = None
        while not self.routers:
            if self.routed == len(self.happened):
                return None
            name = self.happened[self.routed].name
            self.routed += 1
            self.routers = progress.routers(definition.routers.get(name, ()), name)
            self.ran.setdefault(name, []).extend(self.routers)
        after = self.happened[self.routed - 1]
        # A router that listens to a mere label gets what the method before the routers returned.
        return Due(
            [self.routers.pop(0)], as_start=False, gives=after if after.brings else self.happened[0], after=after
        )

    def _next_listeners(self, definition: FlowGraph, progress: Progress) -> Due | None:
        if self.rearmable is None:
            self.rearmable = list(progress.fired)
        while self.served < len(self.happened):
            current = self.happened[self.served]
            if self.listeners is None:
                waiting = definition.listeners.get(current.name, ())
                if self.served:
                    progress.rearm((listener for listener, _ in waiting), self.rearmable)
                self.listeners = progress.listeners(waiting, current.name)
                if self.listeners:
                    return Due(self.listeners, as_start=False, gives=current, after=current)
            if self.restarts is None:
                done = {*self.ran.get(current.name, ()), *self.listeners}
                restarts = progress.restarts(definition.restarts.get(current.name, ()), current.name)
                self.restarts = [start for start in restarts if start not in done]
            if self.restarts:
                return Due([self.restarts.pop(0)], as_start=True, gives=current, after=current)
            self.served += 1
            self.listeners = self.restarts = None
        return None
