"""Saboteurs of the clauses `session.*`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection
from typing import Any, Final

from conformance.proof.saboteur import Saboteur

_CURSOR: Final = "harness.frames.timeline:Timeline.cursor"


def _eager(init: Callable[..., None]) -> Callable[..., None]:
    def broken(session: Any, *args: Any, **options: Any) -> None:
        init(session, *args, **options)
        session._start()

    return broken


def _without_messages(iterate: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda session: session.subscribe(["llm", "flow", "tools", "lifecycle", "custom"])


def _is_missing(projection: property) -> property:
    def missing(session: Any) -> Any:
        raise AttributeError("messages")

    return property(missing)


def _from_now_on(cursor: Callable[..., Any]) -> Callable[..., Any]:
    """Begin a view of some channels where the timeline stands, once the run is on."""

    def broken(timeline: Any, channels: Collection[str] | None = None) -> Any:
        made = cursor(timeline, channels)
        if channels is not None and timeline.state.value in ("running", "sealed", "returned"):
            made.position = timeline.length
        return made

    return broken


def _own_end(end: Callable[[Any], None]) -> Callable[[Any], None]:
    """End a view of some channels without ending the session."""

    def broken(view: Any) -> None:
        if view._cursor._channels is not None:
            raise StopIteration
        end(view)

    return broken


def _without_the_first(cursor: Callable[..., Any]) -> Callable[..., Any]:
    """Begin a view of some channels at the second frame, once the session is exhausted."""

    def broken(timeline: Any, channels: Collection[str] | None = None) -> Any:
        made = cursor(timeline, channels)
        if channels is not None and timeline.state.value == "exhausted":
            made.position = 1
        return made

    return broken


def _empty_once_failed(cursor: Callable[..., Any]) -> Callable[..., Any]:
    def broken(timeline: Any, channels: Collection[str] | None = None) -> Any:
        made = cursor(timeline, channels)
        if timeline.state.value == "failed":
            made.position = timeline.length
        return made

    return broken


def _the_log_itself(frames: property) -> property:
    def broken(session: Any) -> Any:
        every = frames.__get__(session)
        log, known = session.__dict__.setdefault("_log", ([], []))
        log.extend(every[len(known) :])
        known[:] = every
        return log

    return property(broken)


def _unchecked(checked: Callable[[Any], Collection[str]]) -> Callable[[Any], Collection[str]]:
    return list


def _shared_view(iterate: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def broken(session: Any) -> Any:
        if threading.current_thread() is threading.main_thread():
            return iterate(session)
        return session.__dict__.setdefault("_shared", iterate(session))

    return broken


def _made_in_a_loop(init: Callable[..., None]) -> Callable[..., None]:
    def broken(session: Any, *args: Any, **options: Any) -> None:
        asyncio.get_running_loop()
        init(session, *args, **options)

    return broken


def _room_for_all(has_room: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda limit: True


SABOTEURS: tuple[Saboteur, ...] = (
    Saboteur(
        "eager",
        ("session.lazy",),
        "harness.session.session:StreamSession.__init__",
        _eager,
        perhaps={"cleanup.close-before-start": "it has run when it is closed, where its thread was quick enough"},
    ),
    Saboteur(
        "iteration-without-messages",
        ("session.iterates",),
        "harness.session.session:StreamSession.__iter__",
        _without_messages,
        {
            "order.seq-gapless": "the numbers of what is left out are missing",
            "order.previous-earlier": "links to what is left out lead nowhere",
            "session.independent-views": "it is left out after a break",
            "session.replay": "it is left out again",
            "session.thread-safe": "it is left out for each thread",
        },
    ),
    Saboteur("no-messages", ("session.projections",), "harness.session.projections:Projected.messages", _is_missing),
    Saboteur(
        "no-lifecycle", ("session.more-projections",), "harness.session.projections:Projected.lifecycle", _is_missing
    ),
    Saboteur("views-from-now-on", ("session.independent-views",), _CURSOR, _from_now_on),
    Saboteur("views-end-alone", ("session.drain",), "harness.session.session:FrameIterator._end", _own_end),
    Saboteur("replay-from-the-second", ("session.replay",), _CURSOR, _without_the_first),
    Saboteur("failed-replay-is-empty", ("session.replay-failed",), _CURSOR, _empty_once_failed),
    Saboteur(
        "frames-are-the-log", ("session.frames-copy",), "harness.session.projections:Projected.frames", _the_log_itself
    ),
    Saboteur("channels-unchecked", ("session.bad-channels",), "harness.session.projections:_checked", _unchecked),
    Saboteur(
        "threads-share-a-view",
        ("session.thread-safe",),
        "harness.session.session:StreamSession.__iter__",
        _shared_view,
    ),
    Saboteur(
        "room-for-all", ("session.backpressure",), "harness.session.look_ahead:FrameLimit._has_room", _room_for_all
    ),
    Saboteur(
        "async-only-in-a-loop",
        ("session.same-surface",),
        "harness.session.session:AsyncStreamSession.__init__",
        _made_in_a_loop,
    ),
)
