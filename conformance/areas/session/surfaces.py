"""What a session offers before anybody reads it, and what it refuses."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from conformance.areas.session.settings import SETTINGS, Setting
from conformance.areas.session.views import MORE_VIEWS, PROJECTIONS, VIEWS
from conformance.stage.consumer import Consumer, Scenarios
from conformance.stage.patience import becomes_true
from conformance.stage.points import DEADLINE_S, StageError
from conformance.stage.programs import Block, Emit, FlowProgram, Method, Reach
from conformance.stage.reader import ENDING_S, SessionKind, attempt, close_session, in_thread, read_result
from conformance.timeline.evidence import Evidence
from conformance.timeline.expected import NOTHING, Expected, Raised
from conformance.timeline.vocabulary import CHANNELS

_PROPERTIES: Final = ("frames", "result", "is_completed", "is_exhausted", "is_cancelled", "close")


def _unused(consumer: Consumer, setting: Setting) -> Evidence:
    # What a runtime starts once, when the first flow or LLM is made, is not this session's.
    consumer.open(setting.program)
    threads, tasks = set(threading.enumerate()), consumer.tasks()
    session = consumer.open(setting.program)
    consumer.enter(session)
    views = [getattr(session, name, None) for name in (*VIEWS, *MORE_VIEWS)]
    views.append(session.interleave(["llm", "flow"]))
    begun = [consumer.iterate(view) for view in (session, *views) if view is not None]
    before, frames = read_result(session, "before"), tuple(session.frames)
    reached = tuple(point for point in ("began", "held") if consumer.stage.has_reached(point))
    started = tuple(sorted(thread.name for thread in set(threading.enumerate()) - threads))
    expected = (
        Expected("session.lazy", "points that the run came to before the first frame was asked for", (), reached),
        Expected("session.lazy", "threads that an unused session started", (), started),
        Expected("session.lazy", "how many tasks an unused session started", 0, consumer.tasks() - tasks),
    )
    del begun
    consumer.close(session)
    return Evidence(frames, "closed", reads=(before, read_result(session, "after-close")), expected=expected)


def _bad_channels(consumer: Consumer, setting: Setting) -> Iterator[Expected]:
    session = consumer.open(setting.program)
    calls: dict[str, Callable[[], object]] = {
        "interleave(['tokens'])": lambda: session.interleave(["tokens"]),
        "interleave(['llm', 'tokens'])": lambda: session.interleave(["llm", "tokens"]),
        "interleave([])": lambda: session.interleave([]),
        "interleave('llm')": lambda: session.interleave("llm"),
        "subscribe(['tokens'])": lambda: session.subscribe(["tokens"]),
    }
    refused = Raised(ValueError, words=tuple(sorted(CHANNELS)))
    for call, make in calls.items():
        yield Expected("session.bad-channels", call, refused, attempt(make))
    consumer.close(session)


def _surfaces(consumer: Consumer, setting: Setting) -> Evidence:
    """Look at both kinds; use an async session outside of a loop, and close it from another thread."""
    consumer.stage.release("held")
    kinds: dict[SessionKind, Callable[..., Any]] = {"sync": consumer.sync_twin, "async": consumer.open}
    expected: list[Expected] = []
    views = []
    for kind, make in kinds.items():
        session = make(setting.program)
        names = _names_of(session)
        lacks = tuple(name for name in _PROPERTIES if name not in names)
        expected += surface(kind, session)
        expected.append(Expected("session.same-surface", f"what the {kind} session lacks", (), lacks))
        views.append(names & {*PROJECTIONS, *MORE_VIEWS})
        consumer.close(session)
    alone = tuple(sorted(views[0] ^ views[1]))
    expected.append(Expected("session.same-surface", "views that one kind of session alone has", (), alone))
    expected += _made_outside(consumer, setting)
    read = consumer.read_session(setting.program)
    for kind, make in kinds.items():
        session = make(setting.program)
        returned, raised = in_thread(partial(close_session, session), DEADLINE_S)
        raised = raised if returned else StageError("it did not come back")
        expected += _used(f"close() of a {kind} session by another thread", raised, session, cancelled=True)
    return read.evidence(*expected)


def _closed_by_its_run(consumer: Consumer) -> Iterator[Expected]:
    """Close a session inside its run, as a listener does that has heard enough."""
    clause, aspect = "session.same-surface", "close() inside the run"
    session = consumer.open(_EMITS)
    raised: list[BaseException | None] = []

    def close(_source: Any, event: Any) -> None:
        if event.type == "probe" and not raised:
            raised.append(attempt(partial(close_session, session)))
            consumer.stage.release("held")

    with consumer.subject.listening(close):
        consumer.read(session)
        # A reader may be told of the end before close() has come back.
        becomes_true(lambda: bool(raised), ENDING_S)
    consumer.let_finish()
    yield Expected(clause, f"what {aspect} raised", [None], raised)
    yield Expected(clause, f"is_cancelled after {aspect}", True, bool(session.is_cancelled))
    yield Expected(
        "cleanup.work-stops", f"whether the run went on after {aspect}", False, consumer.stage.has_reached("on")
    )


def surface(kind: SessionKind, session: Any) -> Iterator[Expected]:
    """Look at what a session has of the views that it must have, and of those that it ought to have."""
    names = _names_of(session)
    for clause, wanted in (("session.projections", PROJECTIONS), ("session.more-projections", (*MORE_VIEWS,))):
        missing = tuple(name for name in wanted if name not in names)
        yield Expected(clause, f"what the {kind} session lacks", (), missing)


def _names_of(session: Any) -> frozenset[str]:
    """Return the public names that a session has; that reading one raises something else is another matter."""
    public = (name for name in dir(session) if not name.startswith("_"))
    return frozenset(
        name for name in public if not isinstance(attempt(partial(getattr, session, name)), AttributeError)
    )


def _made_outside(consumer: Consumer, setting: Setting) -> Iterator[Expected]:
    """Make an async session where no loop runs; the consumer's is then the loop of its first iteration."""
    aspect = "an async session made outside of a loop"
    try:
        session = consumer.open_outside(setting.program)
    except StageError as stopped:
        yield Expected("session.same-surface", aspect, NOTHING, stopped.__cause__)
        return
    read = consumer.read(session)
    yield from _used(aspect, read.raised, session, cancelled=False)


def _used(aspect: str, raised: BaseException | None, session: Any, *, cancelled: bool) -> Iterator[Expected]:
    yield Expected("session.same-surface", aspect, NOTHING, raised)
    state = (bool(session.is_completed), bool(session.is_cancelled))
    yield Expected("session.same-surface", f"is_completed and is_cancelled after {aspect}", (True, cancelled), state)


_EMITS: Final = FlowProgram((Method("emits", (Emit("one"), Block("held"), Emit("two"), Reach("on"))),))
_SAME: Final = frozenset({"session.same-surface", "session.projections"})

SCENARIOS: Final = Scenarios()
for _setting in SETTINGS:
    _name, _needs = _setting.name, _setting.needs
    SCENARIOS.both(f"session/unused/{_name}", {"session.lazy", "result.after-close"}, _needs, _unused, _setting)
    SCENARIOS.both(f"session/bad-channels/{_name}", {"session.bad-channels"}, _needs, _bad_channels, _setting)
    SCENARIOS.of_kind("async", f"session/both-kinds/{_name}/async", _SAME, _needs, _surfaces, _setting)
_INSIDE: Final = frozenset({"session.same-surface", "cleanup.work-stops"})
SCENARIOS.both("session/closed-by-its-run", _INSIDE, "flow", _closed_by_its_run)
