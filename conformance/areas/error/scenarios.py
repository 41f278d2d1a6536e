"""Runs that fail in every way that Python knows, and observers that fail while a run does not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, Final

from msgspec.structs import replace

from conformance.areas.session.views import VIEWS, read_again
from conformance.areas.turn.conversation import opened
from conformance.stage.consumer import Consumer, Scenarios
from conformance.stage.payloads import FailsToPrintError
from conformance.stage.points import StageError
from conformance.stage.programs import (
    FAILING,
    Ask,
    CallProgram,
    ConversationProgram,
    CrewProgram,
    Emit,
    FlowProgram,
    Give,
    Method,
    Nest,
    Raise,
    Script,
    ScriptedToolCall,
    TaskProgram,
    ToolProgram,
)
from conformance.stage.reader import FramesRead, read_result
from conformance.timeline.evidence import AnyFrame, Evidence, ProgramOutcome, ResultRead
from conformance.timeline.expected import NOTHING, Expected, Raised, Same, shown

_ERRORS: Final[tuple[type[BaseException], ...]] = (LookupError, FailsToPrintError, StopIteration, StopAsyncIteration)
#: What no `except Exception` catches.
_BASE_EXCEPTIONS: Final = (SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError)
#: What Python can't pass through an iterator.
_UNPASSABLE: Final = (StopIteration, StopAsyncIteration)
_ALWAYS: Final = frozenset({"error.frames-first", "session.replay-failed", "result.states"})


def _failing(consumer: Consumer, error: type[BaseException], *, in_async: bool) -> Evidence:
    program = FlowProgram(
        (
            Method("begins", (Emit("one"),)),
            Method("fails", (Emit("two"), Raise(error)), after=("begins",), is_async=in_async),
        )
    )
    session = consumer.open(program)
    first = consumer.read(session)
    every = tuple(session.frames)
    reads = tuple(read_result(session, "after-failure") for _ in range(2))
    again = {name: consumer.read(getattr(session, name)) for name in VIEWS if hasattr(session, name)}
    noted: list[BaseException] = consumer.stage.noted("raised")
    if not noted:
        raise _unfailed(first.raised)
    # Python lets no iterator raise these: what came of them is what the result goes on raising.
    own = first.raised if isinstance(noted[0], _UNPASSABLE) else noted[0]
    failed = tuple(frame.data.get("method_name") for frame in first.frames if frame.type == "method_execution_failed")
    alone = consumer.open(program)
    by_flow = consumer.read(alone.flow)
    expected = (
        Expected("error.frames-first", "methods that are shown as failed", ("fails",), failed),
        *surfaced(noted[0], first, every),
        *surfaced(consumer.stage.noted("raised")[-1], by_flow, tuple(alone.frames), "`flow` alone of a run"),
        *_results(noted[0], reads),
        *read_again(first, again),
    )
    return first.evidence(*expected, reads=reads, outcome=ProgramOutcome(error=own))


def surfaced(
    error: BaseException, read: FramesRead, every: tuple[AnyFrame, ...], what: str = "a run"
) -> Iterator[Expected]:
    """Hold the first reading of a run that raised `error` to what must surface; `every` is what `frames` had then."""
    if read.raised is not None:
        known = {frame.id for frame in every}
        lost = tuple(frame.type for frame in read.frames if frame.id not in known)
        yield Expected("error.frames-first", "shown frames that are not in `frames` after the failure", (), lost)
    aspect = f"reading {what} that raised {type(error).__name__}"
    if isinstance(error, _BASE_EXCEPTIONS):
        yield Expected("error.base-exception", aspect, Same(error), read.raised)
    elif isinstance(error, _UNPASSABLE):
        yield Expected("error.original", aspect, Raised(RuntimeError, cause=error), read.raised)
    else:
        yield Expected("error.original", aspect, Same(error), read.raised)


def _raised_inside(consumer: Consumer, program: FlowProgram | CallProgram | ConversationProgram) -> Evidence:
    """Read a run that fails by what a part of it raises: a tool of a call, a handler, or a flow inside."""
    session = opened(consumer, program)
    evidence = consumer.read_whole(lambda: session)
    noted: list[BaseException] = consumer.stage.noted("raised")
    if not noted:
        raise _unfailed(evidence.raised)
    rows = surfaced(noted[0], FramesRead(tuple(evidence.frames), evidence.raised), tuple(session.frames))
    return replace(evidence, outcome=ProgramOutcome(error=noted[0]), expected=tuple(rows))


def _unfailed(raised: BaseException | None) -> StageError:
    instead = "nothing" if raised is None else shown(raised)
    return StageError(f"the run never came to the part of it that fails; it raised {instead}")


def _results(error: BaseException, reads: tuple[ResultRead, ...]) -> Iterator[Expected]:
    if isinstance(error, _BASE_EXCEPTIONS):
        aspect = f"what the result of a run that raised {type(error).__name__} raised"
        yield from (Expected("error.base-exception", aspect, Same(error), read.raised) for read in reads)


_PLAIN: Final = FlowProgram(
    (Method("first", (Emit("one"),)), Method("second", (Emit("two"), Give(7)), after=("first",)))
)
_AWAITING: Final = FlowProgram((Method("awaits", (Emit("one", awaited=True), Give(7)), is_async=True),))
_ADD: Final = ScriptedToolCall("add", ('{"a"', ": 1}"))
_EXITING_TOOL: Final = CallProgram(Ask(Script((_ADD,)), functions={"add": Raise(SystemExit)}))
#: Observers, and what of a subject gives a block in which one is called for every event.
_OBSERVERS: Final = {"listener": "listening", "sink": "sinking"}


#: A call whose answer is a tool that is run, and a turn: what their frames are made by is not what flows' are.
_CALLS: Final = CallProgram(Ask(Script((_ADD,)), functions={"add": 3}))


def _disturbed(
    consumer: Consumer,
    observer: str,
    error: type[BaseException],
    program: FlowProgram | CallProgram | ConversationProgram = _PLAIN,
    *,
    is_async: bool = False,
) -> Evidence:
    """Read the same program twice: left alone, and while an observer of it raises `error` at every event."""
    calls: list[str] = []

    def fail(source: Any, event: Any) -> None:
        calls.append(event.type)
        raise error("the observer failed")

    async def afail(source: Any, event: Any) -> None:
        fail(source, event)

    alone = opened(consumer, program)
    undisturbed = consumer.read(alone)
    session, read = None, FramesRead()
    with getattr(consumer.subject, _OBSERVERS[observer])(afail if is_async else fail):
        try:
            session = opened(consumer, program)
            read = consumer.read(session)
        except StageError as stopped:  # making a flow may publish something, too
            read = FramesRead(raised=stopped.__cause__ or stopped)
    by = f"a {observer} that raises {error.__name__}"
    clause, noted = "error.observer-safe", consumer.stage.noted("raised")
    if noted and undisturbed.raised is not None:
        own = [Expected(clause, f"a run that fails, disturbed by {by},", Same(noted[-1]), read.raised)]
    else:
        value = None if read.raised is not None else _value(session)
        own = [
            Expected(clause, f"a run that was disturbed by {by}", NOTHING, read.raised),
            Expected(clause, f"the result, by {by}", _value(alone), value),
        ]
    return read.evidence(
        Expected(clause, f"whether {by} was called", True, bool(calls)),
        *own,
        Expected(clause, f"the frames, by {by}", _types(undisturbed), _types(read)),
    )


def _value(session: Any) -> object:
    read = read_result(session, "after-exhaustion")
    return read.value if read.raised is None else read.raised


def _types(read: FramesRead) -> tuple[str, ...]:
    return tuple(frame.type for frame in read.frames)


_SAFE: Final = frozenset({"error.observer-safe"})

SCENARIOS: Final = Scenarios()
for _error in (*_ERRORS, *_BASE_EXCEPTIONS):
    _clause = "error.base-exception" if _error in _BASE_EXCEPTIONS else "error.original"
    for _method, _in_async in (("sync-method", False), ("async-method", True)):
        _name = f"error/{_error.__name__}/{_method}"
        SCENARIOS.both(_name, _ALWAYS | {_clause}, "flow", _failing, _error, in_async=_in_async)
for _observer in _OBSERVERS:
    for _error in (ValueError, SystemExit):
        SCENARIOS.both(f"error/observer/{_observer}/{_error.__name__}", _SAFE, "flow", _disturbed, _observer, _error)
    SCENARIOS.both(f"error/observer/{_observer}/of-failure", _SAFE, "flow", _disturbed, _observer, ValueError, FAILING)
    _needs = "llm tools"
    SCENARIOS.both(f"error/observer/{_observer}/of-call", _SAFE, _needs, _disturbed, _observer, ValueError, _CALLS)
    _needs = "flow llm turn"
    SCENARIOS.both(
        f"error/observer/{_observer}/of-turn", _SAFE, _needs, _disturbed, _observer, ValueError, ConversationProgram()
    )
for _error in (ValueError, asyncio.CancelledError):
    _name = f"error/observer/async-listener/{_error.__name__}"
    SCENARIOS.both(_name, _SAFE, "flow async", _disturbed, "listener", _error, _AWAITING, is_async=True)
_CALL_FAILS: Final = _ALWAYS | {"error.base-exception", "result.reraises"}
SCENARIOS.both("error/SystemExit/tool", _CALL_FAILS, "llm tools", _raised_inside, _EXITING_TOOL)
_HANDLER: Final = ConversationProgram((Method("exits", (Raise(SystemExit),)),))
SCENARIOS.both("error/SystemExit/turn", _CALL_FAILS, "flow llm turn", _raised_inside, _HANDLER)
_EXITING: Final = TaskProgram("ask", tool=ToolProgram("get_tide", "Bergen", "no tide", fails=SystemExit))
_CREW: Final = FlowProgram((Method("runs", (Nest(CrewProgram((_EXITING,))),)),))
SCENARIOS.both("error/SystemExit/crew-tool", _CALL_FAILS, "flow llm crew tools", _raised_inside, _CREW)
_NESTED: Final = FlowProgram((Method("runs", (Nest(FlowProgram(FAILING.methods, name="InnerFlow")),)),))
SCENARIOS.both("error/LookupError/inner-flow", _ALWAYS | {"error.original"}, "flow", _raised_inside, _NESTED)
