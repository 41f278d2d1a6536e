"""Saboteurs of the clauses `session.*`."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Callable
from typing import Any, Final

from conformance.proof.frames import ACCEPT
from conformance.proof.saboteur import Saboteurs, changing, constant, reading, replacing
from harness import ProviderError

SABOTEURS: Final = Saboteurs()

_CURSOR: Final = "harness.frames.timeline:Timeline.cursor"


@reading
def _is_missing(projection: Callable[[Any], Any], session: Any) -> Any:
    raise AttributeError("messages")


def _begun_at(position: Callable[[Any], int], states: tuple[str, ...], *, whole: bool = False) -> Callable[[Any], Any]:
    """Begin views of some channels, or those of the whole too, somewhere else while the timeline is in these states."""

    @replacing
    def cursor(sound: Any, timeline: Any, channels: Any = None) -> Any:
        made = sound(timeline, channels)
        if timeline.state.value in states and (whole or channels is not None):
            made.position = position(timeline)
        return made

    return cursor


def _here(timeline: Any) -> int:
    return int(timeline.length)


_FROM_NOW_ON: Final = _begun_at(_here, ("running", "sealed", "returned"))
_WITHOUT_THE_FIRST: Final = _begun_at(lambda timeline: 1, ("exhausted",))
_EMPTY_ONCE_FAILED: Final = _begun_at(_here, ("failed",), whole=True)


@SABOTEURS.row(
    "session.iterates",
    "harness.session.session:StreamSession.__iter__",
    {
        "order.seq-gapless": "the numbers of what is left out are missing",
        "order.previous-earlier": "links to what is left out lead nowhere",
        "session.independent-views": "it is left out after a break",
        "session.replay": "it is left out again",
        "session.replay-failed": "and again of a turn that failed",
        "session.thread-safe": "it is left out for each thread",
        "turn.sequence": "and so are the messages of a turn",
    },
)
def iteration_without_messages(iterate: Any, session: Any) -> Any:
    return session.subscribe(["llm", "flow", "tools", "lifecycle", "custom"])


SABOTEURS.add("no-messages", "session.projections", "harness.session.core:SessionCore.messages", _is_missing)
SABOTEURS.add("no-lifecycle", "session.more-projections", "harness.session.core:SessionCore.lifecycle", _is_missing)


@SABOTEURS.row("session.iterates", ACCEPT, at="flow/many-events/sync")
def keeps_a_thousand(accept: Any, timeline: Any, source: Any, event: Any, scope: Any) -> None:
    if timeline.length < 1_000 or event.type != "probe":
        accept(timeline, source, event, scope)


_AFTER_BREAK: Final = "session/after-break/flow/sync"
SABOTEURS.add("views-from-now-on", "session.independent-views", _CURSOR, _FROM_NOW_ON, at=_AFTER_BREAK)


@SABOTEURS.row("session.independent-views", "harness.session.core:ViewCore.__init__", at="session/of-nobody/plain/sync")
def views_hold_no_session(init: Any, view: Any, session: Any, cursor: Any) -> None:
    init(view, weakref.proxy(session), cursor)


@SABOTEURS.row(
    "session.projections session.independent-views",
    "harness.session.session:FrameIterator.__next__",
    {
        "session.more-projections": "those of the other channels begin at 1, too",
        "session.replay": "and so they do when they are read again",
        "session.replay-failed": "after a failure as well",
    },
    at="session/read-and-replayed/flow/sync",
)
def views_numbered_anew(following: Any, view: Any) -> Any:
    frame = following(view)
    if view._cursor._channels is None:
        return frame
    view.count = getattr(view, "count", 0) + 1
    return frame.model_copy(update={"seq": view.count})


SABOTEURS.add(
    "replay-from-the-second",
    "session.replay",
    _CURSOR,
    _WITHOUT_THE_FIRST,
    {"session.projections": "it is missing among the frames of all channels"},
)
SABOTEURS.add("failed-replay-is-empty", "session.replay-failed", _CURSOR, _EMPTY_ONCE_FAILED)


@SABOTEURS.row("session.frames-copy", "harness.session.core:SessionCore.frames", by=reading)
def frames_are_the_log(frames: Callable[[Any], Any], session: Any) -> Any:
    every = frames(session)
    log, known = session.__dict__.setdefault("_log", ([], []))
    log.extend(every[len(known) :])
    known[:] = every
    return log


SABOTEURS.add("channels-unchecked", "session.bad-channels", "harness.session.core:_checked", lambda checked: list)


@SABOTEURS.row("session.thread-safe", "harness.session.session:StreamSession.__iter__")
def threads_share_a_view(iterate: Any, session: Any) -> Any:
    if threading.current_thread() is threading.main_thread():
        return iterate(session)
    return session.__dict__.setdefault("_shared", iterate(session))


SABOTEURS.add("room-for-all", "session.backpressure", "harness.session.look_ahead:FrameLimit._has_room", constant(True))


@SABOTEURS.row("session.same-surface", "harness.session.session:AsyncStreamSession.__init__")
def async_only_in_a_loop(init: Any, session: Any, *args: Any, **options: Any) -> None:
    asyncio.get_running_loop()
    init(session, *args, **options)


@SABOTEURS.row(
    "session.lazy",
    "harness.session.session:StreamSession.__enter__",
    {"cleanup.close-before-start": "a session whose unused block was left has begun"},
)
def starts_at_its_block(enter: Any, session: Any) -> Any:
    session._start()
    return enter(session)


@reading
def _starting(read: Callable[[Any], Any], session: Any) -> Any:
    if session._timeline.state.value == "new" and hasattr(type(session), "__iter__"):
        session._start()
    return read(session)


for _name in ("result", "frames"):
    SABOTEURS.add(f"starts-at-its-{_name}", "session.lazy", f"harness.session.core:SessionCore.{_name}", _starting)


@SABOTEURS.row(
    "session.thread-safe", "harness.frames.timeline:Timeline.close", at="session/closed-before-threads/plain/sync"
)
def closing_wakes_one(close: Any, timeline: Any) -> bool:
    del timeline._wakers[1:]
    return bool(close(timeline))


@SABOTEURS.row("session.same-surface", "harness.session.core:SessionCore.close", at="session/closed-by-its-run/sync")
def closed_from_outside_alone(close: Any, session: Any) -> None:
    close(session)
    if threading.current_thread().name.startswith("harness-"):
        raise RuntimeError("cannot join current thread")


@SABOTEURS.row(
    "session.backpressure", "harness.frames.timeline:Timeline._next", at="session/look-ahead/beside-another/sync"
)
def emitters_wait_for_the_slowest(following: Any, timeline: Any, cursor: Any) -> Any:
    """Bound what the slowest view has not read."""
    seen = timeline.__dict__.setdefault("_seen", [])
    if cursor not in seen:
        seen.append(cursor)
    record = following(timeline, cursor)
    timeline._furthest = min(each.position for each in seen)
    return record


@SABOTEURS.row(
    "session.drain",
    "harness.session.session:FrameIterator._end",
    dict.fromkeys(
        ("session.replay-failed", "error.original", "error.base-exception"), "they end so where the run has failed, too"
    ),
)
def busy_views_end_alone(end: Any, view: Any) -> None:
    """End a view of a channel that has frames without ending the session."""
    if view._cursor._channels is not None and view._cursor._channels & {"llm", "flow"}:
        raise StopIteration
    end(view)


SABOTEURS.add(
    "interleaves-two",
    "session.projections",
    "harness.session.core:_checked",
    changing(lambda channels: channels[:2]),
)


@SABOTEURS.row("error.original", "harness.session.core:ViewCore._next_nowait")
def open_views_end_well(following: Any, view: Any) -> Any:
    """Have a failure raised by the view that meets it first, and by those that are begun after it."""
    view.__dict__.setdefault("_was_open", not view._session.is_completed)
    frame = following(view)
    if frame is None and view._was_open and view._cursor.timeline.state.value == "failed":
        raise StopIteration if hasattr(view, "__next__") else StopAsyncIteration
    return frame


@SABOTEURS.row("session.replay-failed", "harness.session.core:ViewCore._end", at="call/truncated/*")
def failed_calls_replay_well(end: Any, view: Any) -> None:
    has_failed = view._cursor.timeline.state.value == "failed"
    try:
        end(view)
    except ProviderError:
        if not has_failed:
            raise
