"""Saboteurs of the clauses `order.*`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from conformance.proof.frames import ACCEPT, FIELDS, PAYLOAD, fields_with, payload_with, put
from conformance.proof.saboteur import Saboteurs
from harness import StreamFrame
from harness.bus import bus, scope as scopes
from harness.frames.states import State

SABOTEURS: Final = Saboteurs()


#: What breaks the order of frames breaks that of a restored run, too.
_RESTORED: Final = {"flow.checkpoint": "a restored run is held to every clause of the order"}


def _elsewhere(name: str) -> Callable[[Any], Any]:
    return fields_with(lambda frame: {name: "elsewhere"} if frame.channel == "custom" else {})


@SABOTEURS.row("order.seq-gapless", FIELDS, _RESTORED, by=fields_with)
def first_number_twice(frame: StreamFrame) -> dict[str, Any]:
    return {"seq": max(1, frame.seq - 1)}


@SABOTEURS.row(
    "order.delivery",
    FIELDS,
    {"order.seq-gapless": "number 1 is missing where a session was closed after its first frame", **_RESTORED},
    by=fields_with,
)
def first_two_swapped(frame: StreamFrame) -> dict[str, Any]:
    return {"seq": {1: 2, 2: 1}.get(frame.seq, frame.seq)}


SABOTEURS.add("foreign-parent", "order.parent-closed", FIELDS, _elsewhere("parent_id"), _RESTORED)


@SABOTEURS.row(
    "order.scope-nesting",
    PAYLOAD,
    _RESTORED,
    by=payload_with,
    perhaps={
        "replay.equal": "of methods side by side, which end is whose can't be told when they end the other way round"
    },
)
def end_names_no_start(record: Any, payload: Any) -> None:
    if record.type == "method_execution_finished":
        put(payload, "started_event_id", None)


@SABOTEURS.row("order.scope-nesting", "harness.bus.bus:_shut_inside", at="nested/left/*")
def left_scopes_stay_open(shut_inside: Any, scope: Any, published: Any) -> None:
    """End nothing that is still open in a scope which ends."""
    scope.children.clear()


@SABOTEURS.row("order.scope-nesting", "harness.bus.bus:_shut", at="nested/left/*")
def left_scopes_end_late(shut: Any, scope: Any, source: Any, event: Any, published: Any) -> None:
    """End what is still open in a scope once that has ended."""
    children, scope.children = scope.children, {}
    shut(scope, source, event, published)
    scope.children = children
    bus._shut_inside(scope, published)


SABOTEURS.add("foreign-previous", "order.previous-earlier", FIELDS, _elsewhere("previous_id"), _RESTORED)


@SABOTEURS.row("order.previous-earlier", "harness.bus.bus:_scope_for", at="thread/stray/after-others/*")
def previous_of_the_thread(scope_for: Any, source: Any, **options: Any) -> Any:
    """Link what a thread emits to what it has emitted before, for whichever session."""
    before = scopes.previous_id.get()
    scope = scope_for(source, **options)
    scopes.previous_id.set(before)
    return scope


@SABOTEURS.row(
    "order.one-completion",
    ACCEPT,
    {
        "order.scope-nesting": "the second completion closes the call again",
        "envelope.id-unique": "the id of the second completion is no event's",
        "scope.nested": "a flow shows more ends of calls than its crew has made",
        "scope.isolated": "and so does each of two beside each other",
    },
)
def call_completes_twice(accept: Any, timeline: Any, source: Any, event: Any, scope: Any) -> None:
    accept(timeline, source, event, scope)
    if event.type == "llm_call_completed":
        timeline._open.add(scope.event_id)
        accept(timeline, source, event.model_copy(update={"event_id": f"{event.event_id}-again"}), scope)


@SABOTEURS.row(
    "order.terminal-last", "harness.frames.timeline:Timeline._move", at="handler/publishes-at-the-end/turn/sync"
)
def turns_never_sealed(move: Any, timeline: Any, action: str) -> None:
    if action != "seal" or not getattr(timeline.root, "conversational", False):
        move(timeline, action)


@SABOTEURS.row("order.terminal-last", ACCEPT, at="handler/publishes-at-the-end/failing-*/sync")
def unsealed_by_failures(accept: Any, timeline: Any, source: Any, event: Any, scope: Any) -> None:
    root = timeline.root
    if event.type.endswith("_failed"):
        timeline.root = None
    try:
        accept(timeline, source, event, scope)
    finally:
        timeline.root = root


@SABOTEURS.row("order.terminal-last", "harness.bus.bus:_publish")
def late_events_dropped(publish: Any, source: Any, event: Any, scope: Any, *ids: Any, **more: Any) -> Any:
    ended = State.SEALED, State.RETURNED, State.RAISED
    is_late = any(getattr(sink, "state", None) in ended for sink in scope.sinks)
    return None if is_late and event.type == "probe" else publish(source, event, scope, *ids, **more)
