"""Runs that fail in every way that Python knows, and observers that fail while a run does not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final

from conformance.areas.observations import Disturbed, FailedRead
from conformance.stage.consumer import Consumer, Observe, Taken, both
from conformance.stage.payloads import PAYLOADS, FailsToPrintError
from conformance.stage.points import StageError
from conformance.stage.programs import Emit, EmitPayload, FlowProgram, Give, Method, Raise
from conformance.stage.reading import read_result
from conformance.stage.scenario import Scenario
from conformance.subjects.subject import Performance, Subject
from conformance.timeline.evidence import Evidence, Outcome

_FLOW: Final = frozenset({"flow"})
_ERRORS: Final[tuple[type[BaseException], ...]] = (LookupError, FailsToPrintError, StopIteration, StopAsyncIteration)
_BASE_EXCEPTIONS: Final[tuple[type[BaseException], ...]] = (
    SystemExit,
    KeyboardInterrupt,
    GeneratorExit,
    asyncio.CancelledError,
)
_ALWAYS: Final = frozenset({"error.frames-first", "session.replay-failed", "result.states"})


def _failing(error: type[BaseException], *, in_async: bool) -> Observe:
    program = FlowProgram(
        (
            Method("begins", (Emit("one"),)),
            Method("fails", (Emit("two"), Raise(error)), after=("begins",), is_async=in_async),
        )
    )

    def observe(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
        session = consumer.open(program)
        first = consumer.read(session)
        every = tuple(session.frames)
        reads = tuple(read_result(session, "after-failure") for _ in range(2))
        again = consumer.read(session.events)
        noted: list[BaseException] = performance.stage.noted("raised")
        if not noted:
            raise StageError("the run never came to its failing method")
        seen = (
            FailedRead("first", noted[0], first.frames, first.raised, every),
            FailedRead("after-end", noted[0], again.frames, again.raised, every),
        )
        # Python lets no iterator raise these: what came of them is what the result goes on raising.
        own = first.raised if isinstance(noted[0], StopIteration | StopAsyncIteration) else noted[0]
        ended: Any = "failed" if first.raised is not None else "exhausted"
        return Evidence(first.frames, ended, reads=reads, outcome=Outcome(error=own), observations=seen)

    return observe


_PLAIN: Final = FlowProgram(
    (Method("first", (Emit("one"),)), Method("second", (Emit("two"), Give(7)), after=("first",)))
)


def _disturbed(
    by: str, disturbing: Callable[[Subject, Callable[[Any, Any], None]], AbstractContextManager[None]], error: Any
) -> Observe:
    """Read the same program twice: left alone, and while an observer of it raises `error` at every event."""

    def observe(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
        calls: list[str] = []

        def fail(source: Any, event: Any) -> None:
            calls.append(event.type)
            raise error("the observer failed")

        alone = consumer.open(_PLAIN)
        undisturbed = consumer.read(alone)
        opened, taken = None, Taken()
        with disturbing(subject, fail):
            try:
                opened = consumer.open(_PLAIN)
                taken = consumer.read(opened)
            except StageError as stopped:  # making a flow may publish something, too
                taken = Taken(raised=stopped.__cause__ or stopped)
        seen = Disturbed(
            f"{by} that raises {error.__name__}",
            bool(calls),
            taken.raised,
            None if opened is None else _value(opened),
            _types(taken),
            _value(alone),
            _types(undisturbed),
        )
        ended: Any = "exhausted" if taken.raised is None else "failed"
        return Evidence(taken.frames, ended, observations=(seen,))

    return observe


def _carried(name: str) -> Observe:
    """Read a run that publishes something hard to encode, and one that publishes something plain."""

    def carrying(payload: str) -> FlowProgram:
        return FlowProgram((Method("carries", (EmitPayload(payload), Emit("after"), Give(7))),))

    def observe(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
        plain = consumer.open(carrying("plain"))
        undisturbed = consumer.read(plain)
        session = consumer.open(carrying(name))
        taken = consumer.read(session)
        seen = Disturbed(
            f"the payload {name!r}",
            was_called=True,
            raised=taken.raised,
            value=_value(session),
            types=_types(taken),
            undisturbed_value=_value(plain),
            undisturbed_types=_types(undisturbed),
        )
        ended: Any = "exhausted" if taken.raised is None else "failed"
        return Evidence(taken.frames, ended, observations=(seen,))

    return observe


def _value(session: Any) -> object:
    read = read_result(session, "after-exhaustion")
    return read.value if read.raised is None else read.raised


def _types(taken: Taken) -> tuple[str, ...]:
    return tuple(frame.type for frame in taken.frames)


def _listening(subject: Subject, observer: Callable[[Any, Any], None]) -> AbstractContextManager[None]:
    return subject.listening(observer)


def _sinking(subject: Subject, observer: Callable[[Any, Any], None]) -> AbstractContextManager[None]:
    return subject.sinking(observer)


def _failures() -> tuple[Scenario, ...]:
    rows: list[Scenario] = []
    for error in (*_ERRORS, *_BASE_EXCEPTIONS):
        clauses = _ALWAYS | {"error.base-exception" if error in _BASE_EXCEPTIONS else "error.original"}
        for in_async in (False, True):
            method = "async-method" if in_async else "sync-method"
            name = f"error/{error.__name__}/{method}"
            rows.extend(both(name, clauses, _failing(error, in_async=in_async), _FLOW))
    return tuple(rows)


SCENARIOS: tuple[Scenario, ...] = (
    *_failures(),
    *(
        one
        for by, disturbing in (("a listener", _listening), ("a sink", _sinking))
        for error in (ValueError, SystemExit)
        for one in both(
            f"error/observer/{by.split()[-1]}/{error.__name__}",
            frozenset({"error.observer-safe"}),
            _disturbed(by, disturbing, error),
            _FLOW,
        )
    ),
    *(
        one
        for payload in PAYLOADS
        for one in both(
            f"error/observer/encoder/{payload}", frozenset({"error.observer-safe"}), _carried(payload), _FLOW
        )
    ),
)
