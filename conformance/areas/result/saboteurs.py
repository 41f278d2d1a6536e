"""Saboteurs of the clauses `result.*`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from conformance.proof.saboteur import Saboteurs, making, reading
from harness.frames.states import State

SABOTEURS: Final = Saboteurs()

_RESULT: Final = "harness.session.core:SessionCore.result"


@SABOTEURS.row("result.gated", _RESULT, by=reading, at="result/failed/flow/sync")
def failures_at_once(result: Callable[[Any], Any], session: Any) -> Any:
    timeline = session._timeline
    if timeline.state.value == "raised":
        raise timeline.error
    return result(session)


@SABOTEURS.row(
    "result.gated-after-break",
    "harness.session.session:FrameIterator.__del__",
    {
        "result.states": "is_completed is True of a session that is at no end",
        "cleanup.idempotent": "it says the same of a session that has been closed and was left",
    },
)
def leaving_completes(delete: Any, view: Any) -> None:
    session = view._session
    if view._cursor.position and not session.is_completed:
        session.__class__ = type("Left", (type(session),), {"is_completed": property(lambda left: True)})
    delete(view)


@SABOTEURS.row("result.value", "harness.frames.timeline:Timeline.returned")
def falsy_results_are_none(returned: Any, timeline: Any, value: Any) -> None:
    returned(timeline, value or None)


SABOTEURS.add(
    "tracebacks-grow",
    "result.reraises",
    "harness.frames.timeline:Timeline.error",
    reading(lambda error, timeline: timeline._error),
)


@SABOTEURS.row("result.after-close", _RESULT, by=reading)
def closed_sounds_early(result: Callable[[Any], Any], session: Any) -> Any:
    if session.is_cancelled:
        raise RuntimeError("Streaming has not completed yet.")
    return result(session)


@SABOTEURS.row("result.states", "harness.session.core:SessionCore.is_cancelled", by=reading)
def failed_is_cancelled(is_cancelled: Callable[[Any], Any], session: Any) -> bool:
    return bool(session.is_completed and not session.is_exhausted)


@SABOTEURS.row(
    "result.gated-after-break result.states",
    "harness.session.core:ViewCore.__del__",
    dict.fromkeys(("order.scope-nesting", "order.one-completion"), "what was open when it was left is never closed"),
)
def views_left_close(delete: Any, view: Any) -> None:
    if view._cursor._channels is not None and view._cursor.position and not view._session.is_completed:
        view._session.close()
    delete(view)


@SABOTEURS.row("result.gated", _RESULT, by=reading, at="result/early/*")
def result_once_returned(result: Callable[[Any], Any], session: Any) -> Any:
    timeline = session._timeline
    return timeline.value if timeline.state.value == "returned" else result(session)


@SABOTEURS.row(
    "result.value",
    "harness.frames.timeline:Timeline.returned",
    {"error.frames-first": "no frame tells of the failure", "result.states": "nor was there any"},
    at="result/value/error/sync",
)
def returned_errors_raised(returned: Any, timeline: Any, value: Any) -> None:
    if isinstance(value, LookupError):
        timeline.raised(value)
    else:
        returned(timeline, value)


@SABOTEURS.row(
    "result.after-close result.states", "harness.frames.timeline:LEGAL", by=making, at="result/closed/failed/sync"
)
def closing_keeps_failures(legal: Any) -> Any:
    return {**legal, (State.RAISED, "close"): State.FAILED}
