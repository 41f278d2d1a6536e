"""Saboteurs of the clauses `order.*`."""

from __future__ import annotations

from typing import Any, Final

from conformance.proof.frames import ACCEPT, FIELDS, PAYLOAD, fields_with, payload_with, put
from conformance.proof.saboteur import Saboteur, instead
from harness import StreamFrame


def _first_number_twice(frame: StreamFrame) -> dict[str, Any]:
    return {"seq": max(1, frame.seq - 1)}


def _first_two_swapped(frame: StreamFrame) -> dict[str, Any]:
    return {"seq": {1: 2, 2: 1}.get(frame.seq, frame.seq)}


def _foreign_parent(frame: StreamFrame) -> dict[str, Any]:
    return {"parent_id": "elsewhere"} if frame.channel == "custom" else {}


def _foreign_previous(frame: StreamFrame) -> dict[str, Any]:
    return {"previous_id": "elsewhere"} if frame.channel == "custom" else {}


def _names_no_start(record: Any, payload: Any) -> None:
    if record.type == "method_execution_finished":
        put(payload, "started_event_id", None)


@instead
def _completes_twice(accept: Any, timeline: Any, source: Any, event: Any, scope: Any) -> None:
    accept(timeline, source, event, scope)
    if event.type == "llm_call_completed":
        accept(timeline, source, event.model_copy(update={"event_id": f"{event.event_id}-again"}), scope)


@instead
def _never_sealed(move: Any, timeline: Any, action: str) -> None:
    if action != "seal":
        move(timeline, action)


#: What breaks the order of frames breaks that of a restored run, too.
_RESTORED: Final = {"flow.checkpoint": "a restored run is held to every clause of the order"}

SABOTEURS: tuple[Saboteur, ...] = (
    Saboteur("first-number-twice", ("order.seq-gapless",), FIELDS, fields_with(_first_number_twice), _RESTORED),
    Saboteur(
        "first-two-swapped",
        ("order.delivery",),
        FIELDS,
        fields_with(_first_two_swapped),
        {"order.seq-gapless": "number 1 is missing where a session was closed after its first frame", **_RESTORED},
    ),
    Saboteur("foreign-parent", ("order.parent-closed",), FIELDS, fields_with(_foreign_parent), _RESTORED),
    Saboteur(
        "end-names-no-start",
        ("order.scope-nesting",),
        PAYLOAD,
        payload_with(_names_no_start),
        _RESTORED,
        perhaps={
            "replay.equal": "of methods side by side, which end is whose can't be told when they end the other way round"
        },
    ),
    Saboteur("foreign-previous", ("order.previous-earlier",), FIELDS, fields_with(_foreign_previous), _RESTORED),
    Saboteur(
        "call-completes-twice",
        ("order.one-completion",),
        ACCEPT,
        _completes_twice,
        {
            "order.scope-nesting": "the second completion closes the call again",
            "envelope.id-unique": "the id of the second completion is no event's",
            "scope.nested": "a flow shows more ends of calls than its crew has made",
            "scope.isolated": "and so does each of two beside each other",
        },
    ),
    Saboteur("never-sealed", ("order.terminal-last",), "harness.frames.timeline:Timeline._move", _never_sealed),
)
