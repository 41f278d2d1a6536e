"""The way of an event: stamped with its links, given to the sinks of its context, then to the listeners.

`emit` is the hot path. It does not wait, but for a session's look-ahead limit; what a sink or a listener raises is
logged and changes nothing for the emitter (clause `error.observer-safe`).
"""

from __future__ import annotations

import contextlib
import itertools
import logging
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final

from harness.bus import scope as scopes
from harness.bus.attribution import remember, scope_of_thread
from harness.bus.listeners import Listeners, collecting
from harness.bus.scope import NO_LIMITS, ROOT, OrderedSink, Run, Scope
from harness.bus.unseen import Unseen, id_of
from harness.errors import RunCancelled
from harness.events import BaseEvent
from harness.events.base import event_id_of
from harness.events.lazy import fields_of
from harness.events.sources import id_text

logger = logging.getLogger("harness")
_sequence = itertools.count(1).__next__
listeners: Final = Listeners()
# Asked for with every event.
_innermost = scopes.current.get
_previous_id, _set_previous_id = scopes.previous_id.get, scopes.previous_id.set
#: An event that is in the timelines, for those who may take their time over it: its source, itself, and its scope.
_Published = tuple[Any, BaseEvent, Scope]


def emit(source: Any, event: BaseEvent) -> Future[None] | None:
    """Publish `event` in the current scope, and return what is done when all its handlers are; None where it has none.

    Sync handlers have ended when it returns. Async ones run in a loop of the bus's own; in a loop, wait for them by
    `asyncio.wrap_future`.

    The event is stamped in place at its first emit; emitting the same instance again publishes a copy with an id of its
    own. A started event opens its scope in the calling context, and what ends it closes the nearest one of its kind.

    Raises:
        RunCancelled: the run that this context works for has been closed.
    """
    scope = _innermost()
    if scope is ROOT or scope.kind == "sink" or not scope.is_open or scope.run.cancelled:
        scope = _scope_for(source, opens=event.opens)
    if event.opens is not None:
        return _open(source, event, scope)
    if event.closes is not None:
        closed = _nearest(scope, event.closes)
        if closed is not None:
            return _close(source, event, closed)
    return _publish(source, event, scope, scope.event_id)


def emit_here(source: Any, kind: type[BaseEvent], fields: dict[str, Any]) -> None:
    """Publish an event that opens and closes nothing, of a source that no session can know yet: by its context alone.

    It is made if anybody sees it.

    Raises:
        RunCancelled: the run that this context works for has been closed.
    """
    scope = scopes.current_scope()
    if scope.run.cancelled:
        raise RunCancelled
    if is_seen(scope, kind):
        _publish(source, kind(**fields), scope, scope.event_id)
    else:
        _set_previous_id(Unseen(kind, fields).number)


async def aemit(source: Any, event: BaseEvent) -> None:
    """Publish `event` as `emit` does, and wait for what `emit` can't: room in a look-ahead, and async listeners."""
    if scopes.current_scope().lookahead:
        await room()
    if not listeners.handlers:
        emit(source, event)
        return
    with collecting() as handlers:
        emit(source, event)
    try:
        for handler in handlers:
            await handler
    finally:
        for handler in handlers:
            handler.close()


async def room() -> None:
    """Wait until every session around has room for one more frame (clause `session.backpressure`)."""
    for lookahead in scopes.current_scope().lookahead:
        await lookahead.room()


def is_seen(scope: Scope, kind: type[BaseEvent] | None = None) -> bool:
    """Whether anybody sees what is published in `scope`, of a kind, or at all: a sink, or a listener."""
    for sink in scope.sinks:
        if sink.sees_all:
            return True
    return bool(listeners.handlers) and (kind is None or listeners.has(kind))


def event_or_unseen(kind: type[BaseEvent], fields: dict[str, Any]) -> BaseEvent | Unseen:
    """Return an event to begin a step in this context with; `Unseen` where nobody would see it."""
    return kind(**fields) if is_seen(scopes.current_scope(), kind) else Unseen(kind, fields)


def open_scope(
    source: Any,
    event: BaseEvent | Unseen,
    *,
    label: str = "",
    own_run: bool = False,
    quiet: bool = False,
    abandon: Callable[[str], BaseEvent | Unseen | None] | None = None,
) -> Scope:
    """Publish a started event and make its scope the current one; the caller promises to close it.

    With `own_run` the work inside can be cancelled apart from what is around it; who closes the scope ends that run.
    A `quiet` scope stands though its started event is not published: what is emitted inside hangs from the scope
    around. Of one that is `Unseen` nothing is published either. `abandon` makes the event that closes this scope when the
    one around it closes first, from an explanation (clause `order.scope-nesting`).
    """
    kind = (event.kind if isinstance(event, Unseen) else event).opens or ""
    around = _scope_for(source, opens=kind)
    if around.sinks and not quiet and isinstance(event, Unseen) and is_seen(around, event.kind):
        # Where the context does not tell of the session that sees it.
        event = event.kind(**event.fields, event_id=event.event_id)
    published = None if quiet or isinstance(event, Unseen) else event
    if published is not None:
        _prepare(published, around)
    with NO_LIMITS if published is None else around.lookahead, around.gate:
        around = scopes.open_from(around)
        if around.run.cancelled:
            raise RunCancelled
        scope = Scope(
            kind,
            around.event_id if quiet else id_of(event),
            around,
            Run(None if around.run is ROOT.run else around.run) if own_run else around.run,
            around.sinks,
            around.lookahead,
        )
        scope.owned = True
        scope.label = label
        scope.source, scope.abandon = source, abandon
        scope.hold()
        if published is not None:
            _stamp(published, around.event_id)
            _give(source, published, around, keeps_order=True)
            _set_previous_id(event_id_of(published))
    if published is not None:
        scope.handled = _tell(source, published, around)
    elif isinstance(event, Unseen) and not quiet:
        _set_previous_id(event.number)
    scopes.begin(scope)
    remember(source, scope)
    return scope


def close_scope(scope: Scope, source: Any, event: BaseEvent | Unseen | None) -> None:
    """Publish what ends `scope`, from any context, after ending what is still open in it. Closing twice does nothing.

    None ends a quiet scope, or any other without a word.

    Raises:
        RunCancelled: the run around has been cancelled, and whoever did that closes this scope too.
    """
    around = scope.parent or ROOT
    published: list[_Published] = []
    try:
        if not scope.is_open:
            return
        if around.run.cancelled:
            raise RunCancelled
        if isinstance(event, BaseEvent):
            _prepare(event, scope)
        try:
            with scope.lookahead if isinstance(event, BaseEvent) else NO_LIMITS, scope.gate:
                _shut(scope, source, event, published)
        finally:
            _tell_all(published)
    finally:
        scopes.leave(scope)


def end_session(base: Scope) -> None:
    """Close the base of a session whose run is over; what that has left open, as a closed one does, has failed.

    The sessions around see it. Where the run around is cancelled too, whoever cancelled that ends it.
    """
    around = base.parent or ROOT
    published: list[_Published] = []
    with base.gate:
        base.is_open = False
        if around.run.cancelled:
            return
        base.let_go()
        if around.sinks:
            _shut_inside(base, published)
    _tell_all(published)


def _shut(scope: Scope, source: Any, event: BaseEvent | Unseen | None, published: list[_Published]) -> None:
    """Close a scope in its timelines, after what is still open in it. Called with the gate held."""
    if not scope.is_open:
        return
    scope.is_open = False
    if scope.children:
        _shut_inside(scope, published)
    scope.let_go()
    # What abandons a scope refers to it, and a circle would be kept until the garbage collector runs.
    scope.source = scope.abandon = None
    if isinstance(event, Unseen):
        _set_previous_id(event.number)
    elif event is not None:
        event = _stamp(event, (scope.parent or ROOT).event_id, scope.event_id)
        published.append((source, event, scope))
        _give(source, event, scope, keeps_order=True)
        _set_previous_id(event_id_of(event))


def _shut_inside(scope: Scope, published: list[_Published]) -> None:
    for child in reversed(list(scope.children)):
        if child.run is not scope.run:
            child.run.cancel()
        if child.sink is not None:
            _shut_inside(child, published)
            child.let_go()
        elif child.abandon is not None:
            # A session that is closed hears no more; those around it do.
            with contextlib.suppress(RunCancelled):
                _shut(child, child.source, child.abandon(f"the {scope.kind} around it ended first"), published)


def _scope_for(source: Any, *, opens: str | None) -> Scope:
    scope = scopes.current_scope()
    if scope.run is ROOT.run and scopes.without_sinks(scope) is ROOT:
        found = scope_of_thread(source, opens=opens)
        if found is not ROOT:
            # What listened around the session is told there already.
            added = [sink for sink in scope.sinks if sink not in found.sinks]
            scope = scopes.sink_scope(*added, around=found) if added else found
    if scope.run.cancelled:
        # This ends the work that it does for this run.
        scopes.leave_source()
        raise RunCancelled
    return scope


def _nearest(scope: Scope, kind: str) -> Scope | None:
    """Return the nearest open scope of `kind` that user code opened: what the runtime opened, the runtime closes."""
    found: Scope | None = scope
    while found is not None and (found.kind != kind or not found.is_open or found.owned):
        if found.sink is not None:
            return None
        found = found.parent
    return found


def _open(source: Any, event: BaseEvent, around: Scope) -> Future[None] | None:
    event = _unpublished(event)
    handled = _publish(source, event, around, around.event_id)
    scopes.begin(Scope(event.opens or "", event_id_of(event), around, around.run, around.sinks, around.lookahead))
    return handled


def _close(source: Any, event: BaseEvent, scope: Scope) -> Future[None] | None:
    with scope.gate:
        closes, scope.is_open = scope.is_open, False
    if not closes:
        # Another thread has closed it meanwhile.
        return emit(source, event)
    try:
        return _publish(source, event, scope, (scope.parent or ROOT).event_id, started_id=scope.event_id)
    finally:
        scopes.leave(scope)


def _publish(
    source: Any, event: BaseEvent, scope: Scope, parent_id: str | None, started_id: str | None = None
) -> Future[None] | None:
    lookahead = scope.lookahead
    if lookahead:
        lookahead.take()
        if started_id is None and not scope.is_open:
            # It has ended while this waited.
            scope = scopes.open_from(scope)
            parent_id = scope.event_id
    # As `_stamp` does, which as a call for every chunk could be measured.
    record = getattr(event, "_lazy_record", None)
    if record is None or record.emission_sequence is not None or started_id is not None:
        event = _stamp(event, parent_id, started_id)
    else:
        record.parent_event_id = parent_id
        record.previous_event_id = _previous_id()
        record.emission_sequence = _sequence()
    try:
        for sink in scope.sinks:
            try:
                sink.accept(source, event, scope)
            except (RunCancelled, KeyboardInterrupt):
                raise
            except BaseException:
                logger.exception("a stream sink failed on %s", event.type)
    finally:
        if lookahead:
            lookahead.settle()
    # Only now: what a sink publishes in turn may come before this in a timeline.
    _set_previous_id(event_id_of(event) if record is None else record.event_id)
    return _notify(source, event) if listeners.handlers else None


def _prepare(event: BaseEvent, scope: Scope) -> None:
    """Have what keeps order make of an event what it will keep, before the gate is held."""
    for sink in scope.sinks:
        if sink.keeps_order:
            ordered: OrderedSink = sink  # type: ignore[assignment]  # those that keep order are
            ordered.prepare(event)
            return


def _tell(source: Any, event: BaseEvent, scope: Scope) -> Future[None] | None:
    """Give an event that opens or closes a scope to what does not keep order, and to listeners, once the gate is free."""
    _give(source, event, scope, keeps_order=False)
    return _notify(source, event) if listeners.handlers else None


def _tell_all(published: list[_Published]) -> None:
    for source, event, scope in published:
        try:
            scope.handled = _tell(source, event, scope)
        except RunCancelled:
            # What a listener publishes in turn may be too late.
            continue


def _give(source: Any, event: BaseEvent, scope: Scope, *, keeps_order: bool) -> None:
    for sink in scope.sinks:
        if sink.keeps_order is not keeps_order:
            continue
        try:
            sink.accept(source, event, scope)
        except (RunCancelled, KeyboardInterrupt):
            raise
        except BaseException:
            logger.exception("a stream sink failed on %s", event.type)


def _notify(source: Any, event: BaseEvent) -> Future[None] | None:
    scope = _innermost()
    try:
        return listeners.notify(source, event)
    finally:
        stay_in(scope)


def stay_in(scope: Scope) -> None:
    """Come back from what others were called for: a scope that they opened and left open is not the emitter's.

    A sink that they added is.
    """
    inner: Scope | None = _innermost()
    while inner is not None and inner is not scope and inner.sink is not None:
        inner = inner.parent
    if inner is not scope:
        scopes.enter(scope)


def _unpublished(event: BaseEvent) -> BaseEvent:
    """Return the event, or a copy of one that was emitted before."""
    record = getattr(event, "_lazy_record", None)
    return event if (event if record is None else record).emission_sequence is None else event.reissued()


def _stamp(event: BaseEvent, parent_id: str | None, started_id: str | None = None) -> BaseEvent:
    """Stamp an event with its links, or a copy of one that was emitted before; return which.

    Events are frozen to their users; the links are stamped here and nowhere else, while nobody has seen the event.
    """
    record = getattr(event, "_lazy_record", None)
    if record is not None and record.emission_sequence is None:
        record.parent_event_id = parent_id
        record.previous_event_id = _previous_id()
        record.emission_sequence = _sequence()
        if started_id is not None:
            record.started_event_id = started_id
        return event
    event = _unpublished(event)
    fields = fields_of(event)
    previous_id = _previous_id()
    fields["parent_event_id"] = parent_id
    fields["previous_event_id"] = None if previous_id is None else id_text(previous_id)
    fields["emission_sequence"] = _sequence()
    if started_id is not None:
        fields["started_event_id"] = started_id
    return event
