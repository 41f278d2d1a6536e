"""What a consumer can do with a session: views, replays, copies, threads, and asking for what is not there."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from conformance.evidence import Evidence
from conformance.observations import (
    ChannelsAsked,
    Drained,
    EditedCopy,
    LazyStart,
    Repeated,
    Surface,
    Used,
    ViewRead,
)
from conformance.programs import (
    Ask,
    Block,
    CallProgram,
    Emit,
    FlowProgram,
    HoldBody,
    Method,
    Program,
    Reach,
    Script,
    Text,
)
from conformance.scenario import Scenario
from conformance.scenarios.driving import Consumer, attempt, both
from conformance.scenarios.reading import read_result
from conformance.scenarios.vocabulary import MESSAGE
from conformance.stage import DEADLINE_S, StageError
from conformance.subjects.subject import Performance, Subject

_FLOW: Final = FlowProgram(
    (
        Method("opens", (Reach("began"), Emit("one"), MESSAGE, Ask(), Emit("two"))),
        Method("waits", (Block("held"), Emit("three"), Ask()), after=("opens",)),
    )
)
_CALL: Final = CallProgram(Ask(Script((Text("Hel"), Text("lo"), HoldBody("held"), Text(" there"), Text(".")))))
#: How many frames of either program come for sure before it is held.
_BEFORE_HOLD: Final = 2
_READERS: Final = 3

#: The views that a session must have, with the channels that each shows; the last two ought to be there.
_VIEWS: Final = {
    "events": None,
    "llm": frozenset({"llm"}),
    "flow": frozenset({"flow"}),
    "tools": frozenset({"tools"}),
    "messages": frozenset({"messages"}),
    "lifecycle": frozenset({"lifecycle"}),
    "custom": frozenset({"custom"}),
}


@dataclass(frozen=True)
class _Setting:
    """A kind of run, so that a runtime of calls alone and one of flows are both put through the same."""

    name: str
    program: Program
    needs: frozenset[str]
    #: Two channels that the run's frames are on.
    busy: tuple[str, str]


_SETTINGS: Final = (
    _Setting("flow", _FLOW, frozenset({"flow", "llm"}), ("flow", "custom")),
    _Setting("call", _CALL, frozenset({"llm"}), ("llm", "flow")),
)


def _unused(setting: _Setting, consumer: Consumer, performance: Performance) -> Evidence:
    threads, tasks = set(threading.enumerate()), consumer.tasks()
    session = consumer.open(setting.program)
    views = [getattr(session, name, None) for name in _VIEWS]
    views.append(session.interleave(["llm", "flow"]))
    seen = LazyStart(
        reached=tuple(point for point in ("began", "held") if performance.stage.has_reached(point)),
        started_threads=tuple(sorted(thread.name for thread in set(threading.enumerate()) - threads)),
        started_tasks=consumer.tasks() - tasks,
    )
    frames = tuple(session.frames)
    consumer.close(session)
    return Evidence(frames, "closed", reads=(read_result(session, "after-close"),), observations=(seen,))


def _read_and_replayed(setting: _Setting, consumer: Consumer, performance: Performance) -> Evidence:
    session = consumer.open(setting.program)
    performance.stage.release("held")
    first = consumer.read(session)
    reads = (read_result(session, "after-exhaustion"),)
    every = tuple(session.frames)
    views = tuple(
        ViewRead(name, "after-end", channels, taken.frames, every, taken.raised)
        for name, channels in _VIEWS.items()
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
            Surface(consumer.kind, _names(session)),
            copied,
            Repeated(performance.stage.times_reached("held")),
        ),
    )


def _names(session: Any) -> frozenset[str]:
    """Return the public names that a session has; that reading one raises something else is another matter."""
    public = (name for name in dir(session) if not name.startswith("_"))
    return frozenset(
        name for name in public if not isinstance(attempt(partial(getattr, session, name)), AttributeError)
    )


def _two_at_once(setting: _Setting, consumer: Consumer, performance: Performance) -> Evidence:
    session = consumer.open(setting.program)
    left, right = consumer.iterate(session.events), consumer.iterate(session.interleave(list(setting.busy)))
    # Both are alive and have read before the run goes on.
    shown, picked = [*consumer.take(left, _BEFORE_HOLD).frames], [*consumer.take(right, 1).frames]
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


def _after_break(setting: _Setting, consumer: Consumer, performance: Performance) -> Evidence:
    session = consumer.open(setting.program)
    before = read_result(session, "before")
    consumer.take(consumer.iterate(session), _BEFORE_HOLD)
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


def _one_projection(setting: _Setting, consumer: Consumer, performance: Performance) -> Evidence:
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


def _bad_channels(setting: _Setting, consumer: Consumer, performance: Performance) -> Evidence:
    session = consumer.open(setting.program)
    asked: tuple[tuple[str, Callable[[], object]], ...] = (
        ("interleave(['tokens'])", lambda: session.interleave(["tokens"])),
        ("interleave(['llm', 'tokens'])", lambda: session.interleave(["llm", "tokens"])),
        ("interleave([])", lambda: session.interleave([])),
        ("interleave('llm')", lambda: session.interleave("llm")),
        ("subscribe(['tokens'])", lambda: session.subscribe(["tokens"])),
    )
    seen = tuple(ChannelsAsked(call, attempt(ask)) for call, ask in asked)
    consumer.close(session)
    return Evidence((), "closed", observations=seen)


def _by_threads(setting: _Setting, consumer: Consumer, performance: Performance) -> Evidence:
    session = consumer.open(setting.program)
    met = threading.Barrier(_READERS)
    taken: list[Any] = []

    def read() -> None:
        iterator = consumer.iterate(session)
        begun = consumer.take(iterator, _BEFORE_HOLD)
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


def _surfaces(setting: _Setting, consumer: Consumer, performance: Performance) -> Evidence:
    """Look at both kinds; use an async session outside of a loop, and close it from another thread."""
    performance.stage.release("held")
    kinds: tuple[tuple[Any, Any], ...] = (("sync", consumer.sync_twin), ("async", consumer.open))
    observations: list[Any] = []
    for kind, make in kinds:
        session = make(setting.program)
        observations.append(Surface(kind, _names(session)))
        consumer.close(session)
    observations.append(_made_outside(setting, consumer))
    read = consumer.open(setting.program)
    taken = consumer.read(read)
    for kind, make in kinds:
        session = make(setting.program)
        raised = _in_thread(partial(_close, session))
        observations.append(_used(f"close() of a {kind} session by another thread", raised, session, cancelled=True))
    return Evidence(taken.frames, "exhausted" if taken.raised is None else "failed", observations=tuple(observations))


def _made_outside(setting: _Setting, consumer: Consumer) -> Used:
    """Make an async session where no loop runs; the consumer's is then the loop of its first iteration."""
    what = "an async session made outside of a loop"
    try:
        session = consumer.open_outside(setting.program)
    except StageError as stopped:
        return Used(what, stopped.__cause__, is_completed=False, is_cancelled=False, cancelled=False)
    taken = consumer.read(session)
    return _used(what, taken.raised, session, cancelled=False)


def _close(session: Any) -> None:
    session.close()  # looked up in the thread, since it may be missing


def _used(what: str, raised: BaseException | None, session: Any, *, cancelled: bool) -> Used:
    return Used(what, raised, bool(session.is_completed), bool(session.is_cancelled), cancelled)


def _in_thread(action: Callable[[], object]) -> BaseException | None:
    raised: list[BaseException | None] = []
    thread = threading.Thread(target=lambda: raised.append(attempt(action)), name="closer", daemon=True)
    thread.start()
    thread.join(DEADLINE_S)
    return raised[0] if raised else StageError("it did not come back")


def _in(
    setting: _Setting, observe: Callable[[_Setting, Consumer, Performance], Evidence]
) -> Callable[[Consumer, Subject, Performance], Evidence]:
    return lambda consumer, subject, performance: observe(setting, consumer, performance)


def _scenarios(setting: _Setting) -> tuple[Scenario, ...]:
    def rows(name: str, clauses: set[str], observe: Any) -> tuple[Scenario, ...]:
        return both(f"session/{name}/{setting.name}", frozenset(clauses), _in(setting, observe), setting.needs)

    by_threads = rows("by-threads", {"session.thread-safe"}, _by_threads)
    surfaces = rows("both-kinds", {"session.same-surface", "session.projections"}, _surfaces)
    return (
        *rows("unused", {"session.lazy", "result.after-close"}, _unused),
        *rows(
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
        *rows("two-at-once", {"session.independent-views"}, _two_at_once),
        *rows(
            "after-break",
            {"session.independent-views", "result.gated-after-break", "result.states", "order.seq-gapless"},
            _after_break,
        ),
        *rows("one-projection", {"session.drain"}, _one_projection),
        *rows("bad-channels", {"session.bad-channels"}, _bad_channels),
        # An async session is bound to one loop, so to one thread.
        *(one for one in by_threads if one.id.endswith("/sync")),
        *(one for one in surfaces if one.id.endswith("/async")),
    )


SCENARIOS: tuple[Scenario, ...] = tuple(one for setting in _SETTINGS for one in _scenarios(setting))
