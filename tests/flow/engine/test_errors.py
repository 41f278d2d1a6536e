"""Claims about failing runs: frames first, the original exception, siblings ended and told so."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from harness.bus import emit, event_bus
from harness.bus.scope import Run, current_run
from harness.errors import RunCancelled
from harness.events import BaseEvent, MethodExecutionFailedEvent
from harness.flow import Flow, listen, start
from harness.frames.frame import StreamFrame
from tests.flow.graph.graphs import KINDS, TIMEOUT_S, Kind, Node, Note, collected, flow_class, transcript, watched_ends

ERRORS: tuple[type[BaseException], ...] = (
    ValueError,
    SystemExit,
    KeyboardInterrupt,
    GeneratorExit,
    asyncio.CancelledError,
    StopAsyncIteration,
    StopIteration,
    RunCancelled,
)
#: What Python or the session can't pass on as it is.
WRAPPED = (StopIteration, StopAsyncIteration)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Blocks user code until the test is over."""
    event = threading.Event()
    yield event
    event.set()


def failing(error: BaseException, kind: Kind) -> Flow:
    def fail(_value: Any) -> None:
        raise error

    nodes = {"a": Node(start(), fail), "b": Node(listen("a"))}
    with watched_ends() as ends:
        return flow_class(nodes, kind, ends)(name="Failing")


def same(raised: BaseException | None, error: BaseException) -> bool:
    """Return whether it is the error, or the RuntimeError around one that can't be raised as it is."""
    return raised is error or (
        isinstance(error, WRAPPED) and isinstance(raised, RuntimeError) and raised.__cause__ is error
    )


def failed(flow: Flow, way: str) -> tuple[list[StreamFrame], BaseException]:
    """Return the frames that a reader has had, and what it, or who kicked off, has had raised."""
    frames: list[StreamFrame] = []

    async def read() -> None:
        async for frame in flow.astream():
            frames.append(frame)

    with pytest.raises(BaseException) as caught:
        if way == "kickoff":
            flow.kickoff()
        elif way == "astream":
            asyncio.run(read())
        else:
            for frame in flow.stream_events():
                frames.append(frame)
    return frames, caught.value


@pytest.mark.parametrize("way", ["kickoff", "stream_events", "astream"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error_type", ERRORS)
def test_a_run_yields_the_failure_then_raises_the_original(
    error_type: type[BaseException], kind: Kind, way: str
) -> None:
    error = error_type("told")
    frames, raised = failed(failing(error, kind), way)
    assert same(raised, error)
    if way != "kickoff":
        assert transcript(frames) == ["Failing started", "a started p1", "a failed p1", "Failing failed"]
        # Of a StopIteration Python makes another error as soon as a coroutine raises it.
        if error_type is not StopIteration:
            ends = [(frame.data["error"], frame.data["error_type"]) for frame in frames[-2:]]
            assert ends == [("told", error_type.__name__)] * 2


def test_a_sync_sibling_of_a_failing_method_is_ended_and_stops_at_its_next_event(gate: threading.Event) -> None:
    begun, stopped = threading.Event(), threading.Event()

    class Siblings(Flow):
        @start()
        def blocked(self) -> None:
            begun.set()
            gate.wait(TIMEOUT_S)
            try:
                emit(self, Note())
            except RunCancelled:
                stopped.set()

        @start()
        def fails(self) -> None:
            begun.wait(TIMEOUT_S)
            raise LookupError("told")

        @listen(blocked)
        def never(self) -> None: ...

    session = Siblings().stream_events()
    with pytest.raises(LookupError):
        list(session)
    assert transcript(session.frames) == [
        "Siblings started",
        "blocked started p1",
        "fails started p1",
        "fails failed p1",
        "blocked failed p1",
        "Siblings failed",
    ]
    failed = session.frames[-2]
    assert failed.data["error_type"] == "RunCancelled"
    assert "LookupError" in failed.data["error"]
    assert failed.data["started_event_id"] == session.frames[1].id
    gate.set()
    assert stopped.wait(TIMEOUT_S)


def test_an_async_sibling_of_a_failing_method_is_cancelled_and_cleans_up() -> None:
    cleaned: list[str] = []

    class Siblings(Flow):
        @start()
        async def waits(self) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                cleaned.append("cleaned up")

        @start()
        async def fails(self) -> None:
            raise LookupError("told")

    async def read() -> tuple[list[str], list[str]]:
        session = Siblings().astream()
        with pytest.raises(LookupError):
            await collected(session)
        return transcript(session.frames)[-3:], list(cleaned)

    assert asyncio.run(read()) == (["fails failed p1", "waits failed p1", "Siblings failed"], ["cleaned up"])


def test_siblings_that_had_ended_when_a_method_failed_end_as_they_did() -> None:
    class Siblings(Flow):
        @start()
        async def fails(self) -> None:
            raise LookupError("told")

        @start()
        async def waits(self) -> None:
            await asyncio.Event().wait()

        @start()
        async def returned(self) -> str:
            return "done"

        @start()
        async def failed_too(self) -> None:
            raise ValueError("of its own")

        @listen(returned)
        def never(self) -> None: ...

    session = Siblings().stream_events()
    with pytest.raises(LookupError):
        list(session)
    assert transcript(session.frames)[5:] == [
        "fails failed p1",
        "returned finished p1",
        "failed_too failed p1",
        "waits failed p1",
        "Siblings failed",
    ]
    told = [(frame.data.get("result"), frame.data.get("error_type")) for frame in session.frames[5:-1]]
    assert told == [(None, "LookupError"), ("done", None), (None, "ValueError"), (None, "RunCancelled")]


def test_siblings_are_stopped_before_the_failure_is_told(gate: threading.Event) -> None:
    runs: list[Run | None] = []
    begun = threading.Event()
    stopped: list[tuple[str, bool]] = []

    class Siblings(Flow):
        @start()
        def blocked(self) -> None:
            runs.append(current_run())
            begun.set()
            gate.wait(TIMEOUT_S)

        @start()
        def fails(self) -> None:
            begun.wait(TIMEOUT_S)
            raise LookupError("told")

    with event_bus.scoped_handlers():

        @event_bus.on(MethodExecutionFailedEvent)
        def look(_source: Any, event: MethodExecutionFailedEvent) -> None:
            stopped.extend((event.method_name, run.cancelled) for run in runs if run is not None)

        with pytest.raises(LookupError):
            Siblings().kickoff()
    assert stopped == [("fails", True), ("blocked", True)]


@pytest.mark.parametrize("suppressed", [False, True], ids=["with events", "without flow events"])
def test_an_inner_flow_of_a_cancelled_sibling_is_closed_before_it(gate: threading.Event, suppressed: bool) -> None:
    inside = threading.Event()

    class Inner(Flow):
        @start()
        def blocked(self) -> None:
            inside.set()
            gate.wait(TIMEOUT_S)

    inner = Inner()

    class Outer(Flow):
        @start()
        def nests(self) -> None:
            inner.kickoff()

        @start()
        def fails(self) -> None:
            inside.wait(TIMEOUT_S)
            raise LookupError("told")

    session = Outer(suppress_flow_events=suppressed).stream_events()
    with pytest.raises(LookupError):
        list(session)
    if suppressed:
        assert transcript(session.frames) == [
            "Outer started",
            "Inner started p1",
            "blocked started p2",
            "blocked failed p2",
            "Inner failed p1",
            "Outer failed",
        ]
    else:
        assert transcript(session.frames) == [
            "Outer started",
            "nests started p1",
            "fails started p1",
            "Inner started p2",
            "blocked started p4",
            "fails failed p1",
            "blocked failed p4",
            "Inner failed p2",
            "nests failed p1",
            "Outer failed",
        ]


def test_an_error_that_a_method_handles_is_none() -> None:
    class Careful(Flow):
        @start()
        def tries(self) -> str:
            try:
                failing(LookupError("told"), "sync").kickoff()
            except LookupError:
                return "handled"
            return "not raised"

    session = Careful().stream_events()
    assert transcript(session)[-3:] == ["Failing failed p2", "tries finished p1", "Careful finished"]
    assert session.result == "handled"


def test_the_next_run_of_a_flow_that_failed_works() -> None:
    class Once(Flow):
        @start()
        def fails_first(self) -> str:
            if self.state.setdefault("failed", False):
                return "fine"
            self.state["failed"] = True
            raise LookupError("told")

    flow = Once()
    with pytest.raises(LookupError):
        flow.kickoff()
    assert (flow.kickoff(), flow.method_outputs) == ("fine", ["fine"])


def test_a_cancelled_kickoff_task_ends_its_flow_and_stays_cancelled() -> None:
    seen: list[str] = []

    class Waits(Flow):
        @start()
        async def forever(self) -> None:
            await asyncio.Event().wait()

    async def cancel() -> bool:
        started = asyncio.Event()
        with event_bus.scoped_handlers():

            @event_bus.on(BaseEvent)
            def note(_source: Any, event: BaseEvent) -> None:
                seen.append(event.type)
                if event.type == "method_execution_started":
                    started.set()

            task = asyncio.create_task(Waits().kickoff_async())
            await started.wait()
            task.cancel()
            await asyncio.wait({task})
        return task.cancelled()

    assert asyncio.run(cancel())
    assert seen[-2:] == ["method_execution_failed", "flow_failed"]
