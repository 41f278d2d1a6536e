"""What runs leave behind once everybody has let go of them."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final, Literal

from conformance.areas.turn.conversation import TURN, first_turn
from conformance.stage.census import Census, tasks_left
from conformance.stage.consumer import Consumer, Scenarios
from conformance.stage.programs import (
    Ask,
    Block,
    CallProgram,
    ConversationProgram,
    Emit,
    FlowProgram,
    Give,
    Method,
    Program,
    Raise,
    Script,
    Step,
)
from conformance.stage.scenario import FLOW, FLOW_AND_LLM, LLM
from conformance.timeline.expected import Expected


def _left_behind(
    consumer: Consumer, program: Program | ConversationProgram, end: Literal["read", "closed", "dropped"], of: str
) -> Iterator[Expected]:
    """Perform a program twice, so that what is made once per process is there, and count after the second time."""

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
            _use(watch("the session", make()), end)
            return ()
        return asyncio.run(_tasks_of(lambda: watch("the session", make()), end))

    perform(None)
    census = Census(consumer.provider.port)
    first = len(consumer.stage.noted("emitted"))
    tasks = perform(census)
    threads = census.threads_left()
    ids = consumer.stage.noted("emitted")[first:]
    # What the program raised leads through its traceback to the flow.
    consumer.stage.notes.clear()
    left = (*tasks, *threads, *census.things_left(ids))
    yield Expected("cleanup.no-leaks", f"what is still there after {of}", (), left)


def _use(session: Any, end: str) -> None:
    # A failed run raises here what the program, or the call, raised.
    with contextlib.suppress(Exception):
        for _ in session:
            if end != "read":
                break
    if end == "closed":
        session.close()


async def _tasks_of(make: Callable[[], Any], end: str) -> tuple[str, ...]:
    """Use a session, let go of it, and return the tasks that are still in the loop."""
    await _ause(make, end)
    gc.collect()
    return await tasks_left([task for task in [asyncio.current_task()] if task is not None])


async def _ause(make: Callable[[], Any], end: str) -> None:
    session = make()
    with contextlib.suppress(Exception):
        async for _ in session:
            if end != "read":
                break
    if end == "closed":
        await session.aclose()


_WORK: Final[tuple[Step, ...]] = (Emit("one"), Ask(), Emit("two"), Give(None))
_FAILS: Final = FlowProgram((Method("fails", (Emit("one"), Raise(LookupError))),))
_ASKS: Final = FlowProgram((Method("first", _WORK), Method("second", (Emit("three"),), after=("first",))))
_WAITS: Final = FlowProgram((Method("waits", (Emit("one"), Block("never"), Emit("two")), is_async=True),))
_CUT: Final = CallProgram(Ask(Script(("Half",), ending="cut")))
_REFUSED: Final = CallProgram(Ask(Script(status=500)))
_LEAKS: Final = frozenset({"cleanup.no-leaks"})

SCENARIOS: Final = Scenarios()
SCENARIOS.both("left-behind/read", _LEAKS, FLOW_AND_LLM, _left_behind, _ASKS, "read", "a flow that was read to its end")
SCENARIOS.both("left-behind/failed", _LEAKS, FLOW, _left_behind, _FAILS, "read", "a flow that failed")
SCENARIOS.both("left-behind/closed", _LEAKS, FLOW, _left_behind, _WAITS, "closed", "a flow that was closed")
SCENARIOS.both("left-behind/dropped", _LEAKS, FLOW, _left_behind, _WAITS, "dropped", "a session that was dropped")
SCENARIOS.both("left-behind/call", _LEAKS, LLM, _left_behind, CallProgram(), "read", "a call that was read")
SCENARIOS.both("left-behind/cut-call", _LEAKS, LLM, _left_behind, _CUT, "read", "a call that was cut")
SCENARIOS.both("left-behind/refused-call", _LEAKS, LLM, _left_behind, _REFUSED, "read", "a call that was refused")
_TURN: Final = ConversationProgram()
SCENARIOS.both("left-behind/turn", _LEAKS, FLOW_AND_LLM | TURN, _left_behind, _TURN, "read", "a turn that was read")
