"""What follows what in a run: plain generators over the bookkeeping, which know no loop, thread or event.

Each yields batches of calls. The next batch is asked for once all calls of the last one, and everything that these have
set going in turn, are through.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from harness.flow.definition import Method
from harness.flow.labels import label_of
from harness.flow.progress import Progress


@dataclass(slots=True)
class Call:
    """One call of one method; its output is filled in when the method has returned."""

    method: Method
    args: tuple[Any, ...] = ()
    #: Whether it is called as a start, at kickoff or by the start's own condition.
    as_start: bool = False
    #: The id of the event that told of the end of what triggered this.
    triggered_by: str | None = None
    output: Any = None
    #: The id of the event that told of this call's end.
    finished_id: str | None = None


@dataclass(frozen=True, slots=True)
class Happening:
    """A name that has happened: a method's that has finished, or a label that a router has returned."""

    name: str
    #: What listeners get.
    value: Any
    #: The id of the event that told of it.
    event_id: str | None


Batches = Iterator[list[Call]]


def at_kickoff(progress: Progress) -> Batches:
    """Yield the calls with which a run begins."""
    yield [Call(method, as_start=True) for method in progress.definition.entries]


def after(call: Call, progress: Progress) -> Batches:
    """Yield what a finished `call` sets going: for its method's name, then, for a start that is a router, its label.

    The label of any other router is followed up by what had triggered it, in `_wave`.
    """
    yield from _wave(Happening(call.method.name, call.output, call.finished_id), progress)
    label = _label(call) if call.as_start else None
    if label is not None:
        yield from _wave(label, progress)


def _wave(happening: Happening, progress: Progress) -> Batches:
    """Yield first the routers, one by one, those of their labels included; then, for the name and each label, listeners."""
    happenings = [happening]
    ran: dict[str, set[str]] = {}
    unrouted = deque(happenings)
    while unrouted:
        current = unrouted.popleft()
        for router in progress.triggered(current.name, routers=True):
            ran.setdefault(current.name, set()).add(router.name)
            # A router that listens to a label is told what the method before the routers returned.
            routed = _listener_call(router, happening.value, current.event_id)
            yield [routed]
            label = _label(routed)
            if label is not None:
                happenings.append(label)
                unrouted.append(label)
    rearmable = progress.fired()
    for current in happenings:
        if current is not happening:
            progress.rearm(current.name, rearmable)
        listeners = progress.triggered(current.name, routers=False)
        if listeners:
            yield [_listener_call(listener, current.value, current.event_id) for listener in listeners]
        already = ran.get(current.name, set()) | {listener.name for listener in listeners}
        for method in progress.restarted(current.name):
            if method.name not in already:
                yield [Call(method, as_start=True, triggered_by=current.event_id)]


def _listener_call(method: Method, value: Any, event_id: str | None) -> Call:
    return Call(method, (value,) if method.takes_result else (), triggered_by=event_id)


def _label(call: Call) -> Happening | None:
    label = label_of(call.output) if call.method.role.is_router else None
    return None if label is None else Happening(label, label, call.finished_id)
