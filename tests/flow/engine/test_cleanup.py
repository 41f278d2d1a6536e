"""Claims about runs that are closed early: what stops, what is not waited for, and what is left."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from harness.bus import emit, event_bus
from harness.errors import RunCancelled
from harness.events import BaseEvent, MethodExecutionStartedEvent
from harness.flow import Flow, listen, start
from harness.llm import BaseLLM, Finish, LLMRequest, Part, TextDelta
from tests.flow.graph.graphs import TIMEOUT_S, Note
from tests.programs import run_program
from tests.session.bodies import join_harness_threads


class Blocking(Flow):
    """Blocks in its start until released; notes whether that was stopped and whether its listener began."""

    def __init__(self, *, suppress_flow_events: bool = False) -> None:
        super().__init__(suppress_flow_events=suppress_flow_events)
        self.blocked = threading.Event()
        self.gate = threading.Event()
        self.left = threading.Event()
        self.notes: list[str] = []

    @start()
    def block(self) -> None:
        emit(self, Note())
        self.blocked.set()
        self.gate.wait(TIMEOUT_S)
        try:
            emit(self, Note())
        except RunCancelled:
            self.notes.append("stopped")
            raise
        finally:
            self.left.set()

    @listen(block)
    def never(self) -> None:
        self.notes.append("began")


class Waiting(Flow):
    """Waits in its start for what never comes; notes that it cleaned up."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = threading.Event()
        self.cleaned = threading.Event()

    @start()
    async def wait(self) -> None:
        self.waits.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cleaned.set()


@pytest.fixture
def flow() -> Iterator[Blocking]:
    flow = Blocking()
    yield flow
    flow.gate.set()


@pytest.mark.parametrize("suppressed", [False, True], ids=["with events", "without flow events"])
def test_close_returns_while_a_method_blocks_which_then_stops(suppressed: bool) -> None:
    flow = Blocking(suppress_flow_events=suppressed)
    session = flow.stream_events()
    assert next(iter(session)).type == "flow_started"
    assert flow.blocked.wait(TIMEOUT_S)
    session.close()
    assert not flow.gate.is_set()
    frames = session.frames
    flow.gate.set()
    assert flow.left.wait(TIMEOUT_S)
    join_harness_threads()
    assert (flow.notes, session.frames) == (["stopped"], frames)
    assert session.is_cancelled


@pytest.mark.asyncio
async def test_a_method_that_is_about_to_go_on_is_told_once_that_its_run_is_closed() -> None:
    gate, cleaned = asyncio.Event(), asyncio.Event()

    class Going(Flow):
        @start()
        async def go(self) -> None:
            emit(self, Note())
            try:
                await gate.wait()
                emit(self, Note())
            finally:
                # A second interruption would come here.
                await asyncio.sleep(0)
                cleaned.set()

    session = Going().astream()
    await anext(session.custom)
    gate.set()
    await session.aclose()
    assert cleaned.is_set()


@pytest.mark.asyncio
async def test_a_method_whose_start_was_the_last_that_was_read_never_begins(flow: Blocking) -> None:
    flow.gate.set()
    async with flow.astream() as session:
        async for frame in session:
            if frame.type == "method_execution_started":
                break
    join_harness_threads()
    assert not flow.blocked.is_set()


@pytest.mark.asyncio
async def test_a_flow_in_a_task_of_its_own_ends_where_it_is_closed_before_its_methods_begin() -> None:
    tasks: list[asyncio.Task[Any]] = []

    class Outer(Flow):
        @start()
        async def begin(self) -> None:
            tasks.append(asyncio.create_task(Waiting().kickoff_async()))
            # Which a cancellation does not reach by this.
            await asyncio.wait(tasks)

    async with Outer().astream() as session:
        async for frame in session:
            if frame.type == "method_execution_started" and frame.data["method_name"] == "wait":
                break
    await asyncio.wait(tasks, timeout=TIMEOUT_S)
    assert isinstance(tasks[0].exception(), RunCancelled)


def test_cancelling_the_consuming_task_stops_a_sync_method(flow: Blocking) -> None:
    async def cancel() -> bool:
        async def consume() -> None:
            async for _ in flow.astream():
                pass

        task = asyncio.create_task(consume())
        await asyncio.to_thread(flow.blocked.wait, TIMEOUT_S)
        task.cancel()
        await asyncio.wait({task})
        return task.cancelled()

    assert asyncio.run(cancel())
    flow.gate.set()
    assert flow.left.wait(TIMEOUT_S)
    join_harness_threads()
    assert flow.notes == ["stopped"]


def test_a_blocked_method_does_not_block_the_loop(flow: Blocking) -> None:
    async def release() -> str:
        session = flow.astream()
        async for frame in session:
            if frame.type == "note":
                flow.gate.set()
        return session.frames[-1].type

    assert asyncio.run(release()) == "flow_finished"


def test_a_run_that_is_closed_before_it_has_its_loop_ends_where_it_began(monkeypatch: pytest.MonkeyPatch) -> None:
    class Awaits(Flow):
        @start()
        async def never(self) -> None: ...

    unraisable: list[Any] = []
    monkeypatch.setattr("sys.unraisablehook", lambda told: unraisable.append(told.exc_value))
    session = Awaits().stream_events()
    with event_bus.scoped_handlers():
        event_bus.register_handler(MethodExecutionStartedEvent, lambda source, event: session.close())
        list(session)
    join_harness_threads()
    gc.collect()
    assert (session.is_cancelled, unraisable) == (True, [])


def test_closing_an_outer_session_stops_an_inner_flow() -> None:
    inner = Waiting()

    class Outer(Flow):
        @start()
        def nests(self) -> None:
            inner.kickoff()

    with Outer().stream_events() as session:
        next(iter(session))
        assert inner.waits.wait(TIMEOUT_S)
    assert inner.cleaned.wait(TIMEOUT_S)
    join_harness_threads()


def test_a_closed_session_and_its_flow_are_collected(flow: Blocking) -> None:
    def close_early() -> tuple[weakref.ref[Any], weakref.ref[Any]]:
        own = Blocking()
        session = own.stream_events()
        next(iter(session))
        assert own.blocked.wait(TIMEOUT_S)
        session.close()
        own.gate.set()
        return weakref.ref(own), weakref.ref(session)

    refs = close_early()
    join_harness_threads()
    gc.collect()
    assert [ref() for ref in refs] == [None, None]


@pytest.mark.parametrize("is_heard", [False, True], ids=["unheard", "heard"])
def test_classes_that_are_made_inside_of_a_function_go_with_what_they_know_of_it(is_heard: bool) -> None:
    def run() -> list[weakref.ref[Any]]:
        class Known(BaseEvent):
            type: str = "known"
            values: list[int] = []

            def session(self) -> Any:
                return session

        class Model(BaseLLM):
            def generate(self, request: LLMRequest) -> Iterator[Part]:
                emit(None, Known(values=[len(session.frames)]))
                yield TextDelta("a")
                yield Finish("stop")

        class Local(Flow):
            words: int = 3

            @start()
            def works(self) -> Any:
                emit(self, Known())
                return Model("local-1").call(str(session.is_completed))

        session = Local(words=4).stream_events()
        assert [frame.data for frame in session]
        assert session.result == "a"
        return [weakref.ref(each) for each in (session, Known, Model, Local)]

    with event_bus.scoped_handlers():
        if is_heard:
            event_bus.register_handler(BaseEvent, lambda source, event: None)
        refs = run()
        join_harness_threads()
        gc.collect()
        assert [ref() for ref in refs] == [None] * 4


@pytest.mark.asyncio
async def test_a_task_keeps_no_run_that_it_has_awaited() -> None:
    class Plain(Flow):
        @start()
        async def a(self) -> str:
            return "A"

    async def run() -> weakref.ref[Any]:
        flow = Plain()
        assert await flow.kickoff_async() == "A"
        return weakref.ref(flow)

    ref = await run()
    gc.collect()
    assert ref() is None


def test_the_interpreter_exits_while_a_method_blocks() -> None:
    program = """
import threading
from harness.flow import Flow, start
blocked = threading.Event()
class Stuck(Flow):
    @start()
    def block(self):
        blocked.set()
        threading.Event().wait()
session = Stuck().stream_events()
next(iter(session))
blocked.wait()
print("left")
"""
    assert run_program(program) == (0, "left\n", "")


def test_a_loop_ends_though_nobody_reads_on_in_a_session_with_a_limit() -> None:
    flow = Waiting()
    session = flow.astream(look_ahead=1)

    async def leave() -> None:
        await anext(aiter(session))
        await asyncio.to_thread(flow.waits.wait, TIMEOUT_S)

    # In a thread, so that a loop that hangs fails this test instead of holding it up.
    thread = threading.Thread(target=asyncio.run, args=(leave(),), daemon=True)
    thread.start()
    thread.join(TIMEOUT_S)
    assert not thread.is_alive()
    assert flow.cleaned.is_set()
    assert [frame.type for frame in session.frames][-2:] == ["method_execution_failed", "flow_failed"]
