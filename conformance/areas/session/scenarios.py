"""What a consumer sees when it reads a session: once or again, by one view or several, in one thread or several."""

from __future__ import annotations

import threading
from typing import Any, Final

from conformance.areas.observations import Drained, EditedCopy, Repeated, Surface, ViewRead
from conformance.areas.session.settings import BEFORE_HOLD, SETTINGS, VIEWS, Setting, names_of, rows
from conformance.stage.consumer import Consumer, attempt
from conformance.stage.points import DEADLINE_S, StageError
from conformance.stage.reading import read_result
from conformance.stage.scenario import Scenario
from conformance.subjects.subject import Performance
from conformance.timeline.evidence import Evidence

#: How many threads read one session at once.
_READERS: Final = 3


def _read_and_replayed(setting: Setting, consumer: Consumer, performance: Performance) -> Evidence:
    session = consumer.open(setting.program)
    performance.stage.release("held")
    first = consumer.read(session)
    reads = (read_result(session, "after-exhaustion"),)
    every = tuple(session.frames)
    views = tuple(
        ViewRead(name, "after-end", channels, taken.frames, every, taken.raised)
        for name, channels in VIEWS.items()
        if hasattr(session, name)
        for taken in [consumer.read(getattr(session, name))]
    )
    again = consumer.read(session)
    mixed = consumer.read(session.interleave(list(setting.busy)))
    picked = consumer.read(session.subscribe([setting.busy[0]]))
    # Last, since where it is no copy nothing is left.
    listed = session.frames
    before = len(listed)
    attempt(listed.clear)
    copied = EditedCopy(before, len(session.frames))
    return Evidence(
        first.frames,
        "exhausted" if first.raised is None else "failed",
        replayed=again.frames,
        reads=reads,
        observations=(
            ViewRead("iteration", "first", None, first.frames, every, first.raised),
            ViewRead("iteration", "after-end", None, again.frames, every, again.raised),
            *views,
            ViewRead("interleave", "after-end", frozenset(setting.busy), mixed.frames, every, mixed.raised),
            ViewRead("subscribe", "after-end", frozenset(setting.busy[:1]), picked.frames, every, picked.raised),
            Surface(consumer.kind, names_of(session)),
            copied,
            Repeated(performance.stage.times_reached("held")),
        ),
    )


def _two_at_once(setting: Setting, consumer: Consumer, performance: Performance) -> Evidence:
    session = consumer.open(setting.program)
    left, right = consumer.iterate(session.events), consumer.iterate(session.interleave(list(setting.busy)))
    # Both are alive and have read before the run goes on.
    shown, picked = [*consumer.take(left, BEFORE_HOLD).frames], [*consumer.take(right, 1).frames]
    performance.stage.release("held")
    while (step := consumer.take(left, 1)).frames:
        shown += step.frames
        if len(picked) < sum(frame.channel in setting.busy for frame in shown):
            picked += consumer.take(right, 1).frames
    rest = consumer.take(right)
    picked += rest.frames
    every = tuple(session.frames)
    return Evidence(
        every,
        "exhausted" if session.is_exhausted else "failed",
        observations=(
            ViewRead("events", "beside-another", None, shown, every, step.raised),
            ViewRead("interleave", "beside-another", frozenset(setting.busy), picked, every, rest.raised),
        ),
    )


def _after_break(setting: Setting, consumer: Consumer, performance: Performance) -> Evidence:
    session = consumer.open(setting.program)
    before = read_result(session, "before")
    consumer.take(consumer.iterate(session), BEFORE_HOLD)
    left = read_result(session, "after-break")
    performance.stage.release("held")
    view = consumer.read(session.interleave(list(setting.busy)))
    again = consumer.read(session)
    every = tuple(session.frames)
    return Evidence(
        again.frames,
        "exhausted" if again.raised is None else "failed",
        reads=(before, left, read_result(session, "after-exhaustion")),
        observations=(
            ViewRead("interleave", "after-break", frozenset(setting.busy), view.frames, every, view.raised),
            ViewRead("iteration", "after-break", None, again.frames, every, again.raised),
        ),
    )


def _one_projection(setting: Setting, consumer: Consumer, performance: Performance) -> Evidence:
    session = consumer.open(setting.program)
    performance.stage.release("held")
    consumer.read(session.tools)
    frames, completed = tuple(session.frames), bool(session.is_completed)
    every = consumer.read(session.events)
    return Evidence(
        every.frames,
        "exhausted" if every.raised is None else "failed",
        observations=(Drained("tools", completed, frames, every.frames),),
    )


def _by_threads(setting: Setting, consumer: Consumer, performance: Performance) -> Evidence:
    session = consumer.open(setting.program)
    met = threading.Barrier(_READERS)
    taken: list[Any] = []

    def read() -> None:
        iterator = consumer.iterate(session)
        begun = consumer.take(iterator, BEFORE_HOLD)
        # Where one reader shuts the others out, nobody waits for them.
        attempt(lambda: met.wait(DEADLINE_S / 10))
        performance.stage.release("held")
        rest = consumer.take(iterator) if begun.raised is None else begun
        taken.append((begun.frames + (rest.frames if begun.raised is None else ()), rest.raised))

    readers = [threading.Thread(target=read, name=f"reader-{n}", daemon=True) for n in range(_READERS)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(DEADLINE_S)
    if len(taken) < _READERS:
        raise StageError(f"{_READERS - len(taken)} of {_READERS} threads that iterated one session did not come back")
    every = tuple(session.frames)
    views = tuple(ViewRead("iteration", "in-a-thread", None, frames, every, raised) for frames, raised in taken)
    return Evidence(every, "exhausted" if session.is_exhausted else "failed", observations=views)


def _scenarios(setting: Setting) -> tuple[Scenario, ...]:
    by_threads = rows(setting, "by-threads", {"session.thread-safe"}, _by_threads)
    return (
        *rows(
            setting,
            "read-and-replayed",
            {
                "session.iterates",
                "session.projections",
                "session.more-projections",
                "session.replay",
                "session.frames-copy",
                "order.seq-gapless",
                "envelope.immutable",
            },
            _read_and_replayed,
        ),
        *rows(setting, "two-at-once", {"session.independent-views"}, _two_at_once),
        *rows(
            setting,
            "after-break",
            {"session.independent-views", "result.gated-after-break", "result.states", "order.seq-gapless"},
            _after_break,
        ),
        *rows(setting, "one-projection", {"session.drain"}, _one_projection),
        # An async session is bound to one loop, so to one thread.
        *(one for one in by_threads if one.id.endswith("/sync")),
    )


SCENARIOS: tuple[Scenario, ...] = tuple(one for setting in SETTINGS for one in _scenarios(setting))
