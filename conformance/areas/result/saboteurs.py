"""Saboteurs of the clauses `result.*`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from conformance.proof.saboteur import Saboteur, instead, reading

_RESULT: Final = "harness.session.projections:Projected.result"


@reading
def _once_returned(result: Callable[[Any], Any], session: Any) -> Any:
    timeline = session._timeline
    return timeline.value if timeline.state.value == "returned" else result(session)


@instead
def _left_is_completed(delete: Any, view: Any) -> None:
    session = view._session
    if view._cursor.position and not session.is_completed:
        session.__class__ = type("Left", (type(session),), {"is_completed": property(lambda left: True)})
    delete(view)


@instead
def _falsy_is_none(returned: Any, timeline: Any, value: Any) -> None:
    returned(timeline, value or None)


@reading
def _closed_is_early(result: Callable[[Any], Any], session: Any) -> Any:
    if session.is_cancelled:
        raise RuntimeError("Streaming has not completed yet.")
    return result(session)


@reading
def _failed_is_cancelled(is_cancelled: Callable[[Any], Any], session: Any) -> bool:
    return bool(session.is_completed and not session.is_exhausted)


SABOTEURS: tuple[Saboteur, ...] = (
    Saboteur("result-once-returned", ("result.gated",), _RESULT, _once_returned),
    Saboteur(
        "leaving-completes",
        ("result.gated-after-break",),
        "harness.session.session:FrameIterator.__del__",
        _left_is_completed,
        {
            "result.states": "is_completed is True of a session that is at no end",
            "cleanup.idempotent": "it says the same of a session that has been closed and was left",
        },
    ),
    Saboteur("falsy-results-are-none", ("result.value",), "harness.frames.timeline:Timeline.returned", _falsy_is_none),
    Saboteur(
        "tracebacks-grow",
        ("result.reraises",),
        "harness.frames.timeline:Timeline.error",
        reading(lambda error, timeline: timeline._error),
    ),
    Saboteur("closed-sounds-early", ("result.after-close",), _RESULT, _closed_is_early),
    Saboteur(
        "failed-is-cancelled",
        ("result.states",),
        "harness.session.projections:Projected.is_cancelled",
        _failed_is_cancelled,
    ),
)
