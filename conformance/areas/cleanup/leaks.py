"""What runs leave behind once everybody has let go of them."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final, Literal

from conformance.areas.cleanup.closers import await_waiting
from conformance.areas.turn.conversation import first_turn
from conformance.stage.census import Census, tasks_left, threads_since
from conformance.stage.consumer import Consumer, Scenarios
from conformance.stage.programs import (
    CUT_CALL,
    FAILING,
    Ask,
    Block,
    CallProgram,
    ConversationProgram,
    CrewProgram,
    Emit,
    Feedback,
    FlowProgram,
    Give,
    Method,
    Nest,
    Program,
    Reach,
    Script,
    ScriptedToolCall,
    Step,
)
from conformance.timeline.expected import Expected

_End = Literal["read", "closed", "dropped", "unread"]


def _left_behind(consumer: Consumer, program: Program | ConversationProgram, end: _End, of: str) -> Iterator[Expected]:
    """Perform a program twice, so that what is made once per process is there, and count after the second time."""
    ids: list[str] = []

    def perform(census: Census | None) -> tuple[str, ...]:
        subject, performance, is_sync = consumer.subject, consumer.performance, consumer.is_sync

        def watch(name: str, thing: Any) -> Any:
            if census is not None:
                census.watch(name, thing)
            return thing

        if isinstance(program, ConversationProgram):
            flow = watch("the flow", subject.conversation(program, performance))
            make = partial(first_turn, consumer.kind, flow, program, performance)
        elif isinstance(program, FlowProgram):
            flow = watch("the flow", consumer.flow(program))
            make = flow.stream_events if is_sync else flow.astream
        else:
            make = partial(subject.session if is_sync else subject.asession, program, performance)
        if is_sync:
            _use(watch("the session", make()), end, ids)
            return ()
        if census is None:
            # What it leaves in its loop ends with that.
            asyncio.run(_ause(make, end, ids))
            return ()
        return asyncio.run(_tasks_of(lambda: watch("the session", make()), end, ids))

    census = Census(consumer.provider.port)
    perform(None)
    # One that was closed may be at its last event still.
    census.threads_left()
    ids.clear()
    census = Census(consumer.provider.port)
    first = len(consumer.stage.noted("emitted"))
    tasks = perform(census)
    threads = census.threads_left()
    ids += consumer.stage.noted("emitted")[first:]
    # What the program raised leads through its traceback to the flow.
    consumer.stage.notes.clear()
    left = (*tasks, *threads, *census.things_left(ids))
    yield Expected("cleanup.no-leaks", f"what is still there after {of}", (), left)


def _waiting_emitter(consumer: Consumer) -> Iterator[Expected]:
    """Close a session while its run waits for a reader, in a thread."""
    census, before = Census(consumer.provider.port), set(threading.enumerate())
    program = FlowProgram((Method("emits", (Reach("begun"), *(Emit(str(n)) for n in range(_LOOK_AHEAD + 2)))),))
    make = partial(consumer.subject.bounded, program, consumer.performance, kind=consumer.kind, look_ahead=_LOOK_AHEAD)
    session = consumer.keep(consumer.in_loop(make))
    consumer.take(consumer.iterate(session), 1)
    consumer.await_reached("begun")
    for thread in threads_since(before):
        await_waiting(thread)
    consumer.close(session)
    aspect = "threads that still wait for a reader of a session that was closed"
    yield Expected("cleanup.no-leaks", aspect, (), census.threads_left())


def _use(session: Any, end: str, ids: list[str]) -> None:
    # A failed run raises here what the program, or the call, raised.
    with contextlib.suppress(Exception):
        for frame in session if end != "unread" else ():
            ids.append(frame.id)
            if end != "read":
                break
    if end == "closed":
        session.close()


async def _tasks_of(make: Callable[[], Any], end: str, ids: list[str]) -> tuple[str, ...]:
    """Use a session, let go of it, and return the tasks that are still in the loop."""
    await _ause(make, end, ids)
    gc.collect()
    return await tasks_left([task for task in [asyncio.current_task()] if task is not None])


async def _ause(make: Callable[[], Any], end: str, ids: list[str]) -> None:
    session = make()
    if end == "unread":
        return
    with contextlib.suppress(Exception):
        async for frame in session:
            ids.append(frame.id)
            if end != "read":
                break
    if end == "closed":
        await session.aclose()


_LOOK_AHEAD: Final = 2
_WORK: Final[tuple[Step, ...]] = (Emit("one"), Ask(), Emit("two"), Give(None))
_ASKS: Final = FlowProgram((Method("first", _WORK), Method("second", (Emit("three"),), after=("first",))))
_WAITS: Final = FlowProgram((Method("waits", (Emit("one"), Block("never"), Emit("two")), is_async=True),))
_ADDS: Final = Ask(Script((ScriptedToolCall("add", ("{}",)),)), functions={"add": 3})
_BUSY: Final = FlowProgram(
    (
        Method("left", (Nest(FlowProgram((Method("inside", _WORK),), name="InnerFlow"), streamed=True),)),
        Method("right", (_ADDS,)),
        Method("joined", (Give(None),), after=("left", "right"), joins="all"),
    )
)
_CREW: Final = FlowProgram((Method("runs", (Nest(CrewProgram()), Give(None))),))
_PAUSES: Final = FlowProgram((Method("asks", (Give("draft"),), feedback=Feedback()),))
# Where there are no async methods, what blocks is a thread, which nobody can end.
_AWAITING: Final = "flow async"
#: What is performed, how it ends, what it needs, and what to call it.
_LEFT: Final[dict[str, tuple[Program | ConversationProgram, _End, str, str]]] = {
    "read": (_ASKS, "read", "flow llm", "a flow that was read to its end"),
    "failed": (FAILING, "read", "flow", "a flow that failed"),
    "closed": (_WAITS, "closed", _AWAITING, "a flow that was closed"),
    "dropped": (_WAITS, "dropped", _AWAITING, "a session that was dropped"),
    "unread": (FAILING, "unread", "flow", "a session that nobody read"),
    "call": (CallProgram(), "read", "llm", "a call that was read"),
    "cut-call": (CUT_CALL, "read", "llm", "a call that was cut"),
    "refused-call": (CallProgram(Ask(Script(status=500))), "read", "llm", "a call that was refused"),
    "turn": (ConversationProgram(), "read", "flow llm turn", "a turn that was read"),
    "busy": (
        _BUSY,
        "read",
        "flow llm tools",
        "methods side by side, of which one reads a flow inside and one has a tool run",
    ),
    "crew": (_CREW, "read", "flow llm crew", "a flow with a crew"),
    "waiting": (_PAUSES, "read", "flow feedback", "a flow that waits"),
}
_LEAKS: Final = frozenset({"cleanup.no-leaks"})

SCENARIOS: Final = Scenarios()
for _name, (_program, _end, _needs, _of) in _LEFT.items():
    SCENARIOS.both(f"left-behind/{_name}", _LEAKS, _needs, _left_behind, _program, _end, _of)
# Executors of a loop keep their threads for as long as it is there, stuck or idle.
SCENARIOS.of_kind("sync", "left-behind/look-ahead/sync", _LEAKS, "flow backpressure", _waiting_emitter)
