"""What a consumer sees when it reads a session: once or again, by one view or several, in one thread or several."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from functools import partial
from operator import delitem
from typing import Final

from conformance.areas.cleanup.closers import await_waiting
from conformance.areas.result.scenarios import AFTER_BREAK
from conformance.areas.session import look_ahead, surfaces
from conformance.areas.session.settings import BEFORE_HOLD, SETTINGS, Setting
from conformance.areas.session.surfaces import surface
from conformance.areas.session.views import MORE_VIEWS, VIEWS, AllFrames, OnlyItsOwn
from conformance.stage.consumer import Consumer, Scenarios
from conformance.stage.patience import becomes_true
from conformance.stage.points import DEADLINE_S, StageError
from conformance.stage.programs import Block, Emit, FlowProgram, Method, Raise
from conformance.stage.reader import ENDING_S, FramesRead, attempt, read_result
from conformance.timeline.evidence import AnyFrame, Evidence
from conformance.timeline.expected import NOTHING, Expected, Same
from conformance.timeline.vocabulary import CHANNELS

#: How many threads read one session at once.
_READERS: Final = 3


def _read_and_replayed(consumer: Consumer, setting: Setting) -> Evidence:
    session = consumer.open(setting.program)
    consumer.stage.release("held")
    first = consumer.read(session)
    reads = (read_result(session, "after-exhaustion"),)
    every = tuple(session.frames)
    busy = frozenset(setting.busy)
    views = {
        name: (channels, consumer.read(getattr(session, name)))
        for name, channels in {**VIEWS, **MORE_VIEWS}.items()
        if hasattr(session, name)
    }
    again = consumer.read(session)
    views["interleave"] = busy, consumer.read(session.interleave(list(setting.busy)))
    views["subscribe"] = frozenset(setting.busy[:1]), consumer.read(session.subscribe([setting.busy[0]]))
    of_all = consumer.read(session.interleave(sorted(CHANNELS)))
    expected = [
        Expected("session.iterates", "iteration", AllFrames(every), first),
        Expected("session.projections", "interleave of all channels", AllFrames(every), of_all),
        Expected("session.replay", "iteration after the end", AllFrames(every), again),
        Expected("session.replay", "how often the run began", 1, consumer.stage.times_reached("held")),
        *surface(consumer.kind, session),
    ]
    for name, (channels, view) in views.items():
        if name in MORE_VIEWS:
            expected.append(Expected("session.more-projections", name, AllFrames(every, channels), view))
            continue
        expected.append(Expected("session.projections", name, OnlyItsOwn(every, channels), view))
        expected.append(Expected("session.replay", f"{name} after the end", AllFrames(every, channels), view))
    # Last, since where it is no copy nothing is left.
    listed = session.frames
    before = len(listed)
    attempt(partial(delitem, listed, slice(None)))
    aspect = "how many frames a session has once the list that `frames` gave has been emptied"
    expected.append(Expected("session.frames-copy", aspect, before, len(session.frames)))
    return first.evidence(*expected, replayed=again.frames, replay_raised=again.raised, reads=reads)


def _two_at_once(consumer: Consumer, setting: Setting) -> Evidence:
    session = consumer.open(setting.program)
    left, right = consumer.iterate(session.events), consumer.iterate(session.interleave(list(setting.busy)))
    # Both are alive and have read before the run goes on.
    seen, picked = [*consumer.take(left, BEFORE_HOLD).frames], [*consumer.take(right, 1).frames]
    consumer.stage.release("held")
    while (step := consumer.take(left, 1)).frames:
        seen += step.frames
        if len(picked) < sum(frame.channel in setting.busy for frame in seen):
            picked += consumer.take(right, 1).frames
    rest = consumer.take(right)
    every = tuple(session.frames)
    whole, part = FramesRead(tuple(seen), step.raised), FramesRead((*picked, *rest.frames), rest.raised)
    expected = tuple(_independent("beside another", setting, every, events=whole, interleave=part))
    return Evidence(every, "exhausted" if session.is_exhausted else "failed", expected=expected)


def _after_break(consumer: Consumer, setting: Setting) -> Evidence:
    session = consumer.open(setting.program)
    before = read_result(session, "before")
    consumer.take(consumer.iterate(session), BEFORE_HOLD)
    consumer.take(consumer.iterate(session.interleave(list(setting.busy))), 1)
    left = read_result(session, "after-break")
    consumer.stage.release("held")
    view = consumer.read(session.interleave(list(setting.busy)))
    again = consumer.read(session)
    expected = _independent("after a break", setting, tuple(session.frames), iteration=again, interleave=view)
    return again.evidence(*expected, reads=(before, left, read_result(session, "after-exhaustion")))


def _of_nobody(consumer: Consumer, setting: Setting) -> Iterator[Expected]:
    """Read a view to its end whose session nobody else holds, as in `for frame in flow.stream_events().llm`."""
    consumer.stage.release("held")
    held = consumer.read_session(setting.program)
    make = consumer.subject.session if consumer.is_sync else consumer.subject.asession
    view = consumer.in_loop(lambda: make(setting.program, consumer.performance).events)
    gc.collect()
    read = consumer.read(view)
    aspect = "events of a session that nobody else holds"
    yield Expected("session.independent-views", f"reading {aspect}", NOTHING, read.raised)
    last, due = ([frame.type for frame in each.frames[-1:]] for each in (read, held))
    yield Expected("session.independent-views", f"the last of the {aspect}", due, last)


def _independent(when: str, setting: Setting, every: tuple[AnyFrame, ...], **views: FramesRead) -> Iterator[Expected]:
    for name, view in views.items():
        channels = frozenset(setting.busy) if name == "interleave" else None
        yield Expected("session.independent-views", f"{name} begun {when}", AllFrames(every, channels), view)


def _single_projection(consumer: Consumer, setting: Setting) -> Evidence:
    """Read one projection to its end: one that is likely to show nothing, one that shows something, or of several channels."""
    consumer.stage.release("held")
    expected: list[Expected] = []
    every = FramesRead()
    for name in ("tools", setting.busy[0], "interleave"):
        session = consumer.open(setting.program)
        view = getattr(session, name)
        consumer.read(view(list(setting.busy)) if name == "interleave" else view)
        frames, read = len(session.frames), read_result(session, "after-exhaustion")
        every = consumer.read(session.events)
        when = f"after `{name}` was read to its end"
        expected += (
            Expected("session.drain", f"is_completed {when}", True, read.is_completed),
            Expected("session.drain", f"what reading the result {when}", NOTHING, read.raised),
            Expected("session.drain", f"how many frames there were {when}", len(every.frames), frames),
        )
    return every.evidence(*expected)


def _failing_beside(consumer: Consumer) -> Evidence:
    """Two views that are open when the run fails: each shows all of its frames, and raises the error."""
    session = consumer.open(_FAILING)
    loops = consumer.begin([session.events, session.flow])
    consumer.stage.release("held")
    every, of_flow = (begun.then(consumer.take(iterator)) for iterator, begun in loops)
    (error,) = consumer.stage.noted("raised")
    views = {"events": (None, every), "flow": (frozenset({"flow"}), of_flow)}
    expected = []
    for name, (channels, view) in views.items():
        aspect = f"{name}, open beside another when the run failed,"
        whole = AllFrames(every.frames, channels)
        expected.append(Expected("session.independent-views", aspect, whole, FramesRead(view.frames)))
        expected.append(Expected("error.original", f"reading {aspect}", Same(error), view.raised))
    return every.evidence(*expected)


def _by_threads(consumer: Consumer, setting: Setting) -> Evidence:
    session = consumer.open(setting.program)
    met = threading.Barrier(_READERS)
    reads: list[FramesRead] = []

    def read() -> None:
        iterator = consumer.iterate(session)
        begun = consumer.take(iterator, BEFORE_HOLD)
        # Where one reader shuts the others out, nobody waits for them.
        attempt(lambda: met.wait(DEADLINE_S / 10))
        consumer.stage.release("held")
        reads.append(begun if begun.raised is not None else begun.then(consumer.take(iterator)))

    readers = [threading.Thread(target=read, name=f"reader-{n}", daemon=True) for n in range(_READERS)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(DEADLINE_S)
    if len(reads) < _READERS:
        raise StageError(f"{_READERS - len(reads)} of {_READERS} threads that iterated one session did not come back")
    every = tuple(session.frames)
    expected = tuple(Expected("session.thread-safe", "iteration in a thread", AllFrames(every), view) for view in reads)
    return Evidence(every, "exhausted" if session.is_exhausted else "failed", expected=expected)


def _closed_before_threads(consumer: Consumer, setting: Setting) -> Iterator[Expected]:
    """Close a session whose frames several threads wait for: each comes back."""
    session = consumer.open(setting.program)
    readers = [
        threading.Thread(target=attempt, args=(partial(list, session),), name=f"reader-{n}", daemon=True)
        for n in range(_READERS)
    ]
    for reader in readers:
        reader.start()
    consumer.await_reached("held")
    for reader in readers:
        await_waiting(reader)
    consumer.close(session)
    consumer.stage.release("held")
    becomes_true(lambda: not any(reader.is_alive() for reader in readers), ENDING_S)
    left = tuple(reader.name for reader in readers if reader.is_alive())
    yield Expected("session.thread-safe", "threads that wait for frames of a session that was closed", (), left)


_READ: Final = frozenset(
    {
        "session.iterates",
        "session.projections",
        "session.more-projections",
        "session.replay",
        "session.frames-copy",
        "order.seq-gapless",
        "envelope.immutable",
    }
)
_VIEWS: Final = frozenset({"session.independent-views"})
_FAILING: Final = FlowProgram((Method("fails", (Emit("one"), Block("held"), Raise(LookupError))),))

SCENARIOS: Final = Scenarios()
SCENARIOS.extend(surfaces.SCENARIOS)
for _setting in SETTINGS:
    _name, _needs = _setting.name, _setting.needs
    SCENARIOS.both(f"session/read-and-replayed/{_name}", _READ, _needs, _read_and_replayed, _setting)
    SCENARIOS.both(f"session/two-at-once/{_name}", _VIEWS, _needs, _two_at_once, _setting)
    SCENARIOS.both(f"session/of-nobody/{_name}", _VIEWS, _needs, _of_nobody, _setting)
    _left = _VIEWS | AFTER_BREAK | {"order.seq-gapless"}
    SCENARIOS.both(f"session/after-break/{_name}", _left, _needs, _after_break, _setting)
    SCENARIOS.both(f"session/one-projection/{_name}", {"session.drain"}, _needs, _single_projection, _setting)
    # An async session is bound to one loop, so to one thread.
    for _read, _observe in (("by-threads", _by_threads), ("closed-before-threads", _closed_before_threads)):
        _id = f"session/{_read}/{_name}/sync"
        SCENARIOS.of_kind("sync", _id, {"session.thread-safe"}, _needs, _observe, _setting)
SCENARIOS.both("session/two-at-once/failing", _VIEWS | {"error.original"}, "flow", _failing_beside)
SCENARIOS.extend(look_ahead.SCENARIOS)
