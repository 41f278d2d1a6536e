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
from harness.events import BaseEvent, MethodExecutionFailedEvent, MethodExecutionStartedEvent
from harness.flow import Flow, listen, router, start
from harness.frames.frame import StreamFrame
from harness.session.session import AsyncStreamSession, StreamSession
from tests.flow.graph.graphs import KINDS, TIMEOUT_S, Kind, Node, collected, flow_class, transcript, watched_ends

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


class Note(BaseEvent):
    """Something that user code emits."""

    type: str = "note"


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


FAILED = ["Failing started", "a started p1", "a failed p1", "Failing failed"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error_type", ERRORS)
def test_a_session_yields_the_failure_then_raises_the_original(error_type: type[BaseException], kind: Kind) -> None:
    error = error_type("told")
    session = failing(error, kind).stream_events()
    frames: list[StreamFrame] = []
    with pytest.raises(BaseException) as caught:
        for frame in session:
            frames.append(frame)
    assert same(caught.value, error)
    assert transcript(frames) == FAILED
    with pytest.raises(BaseException) as caught:
        _ = session.result
    assert same(caught.value, error)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error_type", ERRORS)
def test_an_async_session_does_so_too(error_type: type[BaseException], kind: Kind) -> None:
    error = error_type("told")

    async def read() -> tuple[list[str], BaseException | None]:
        session = failing(error, kind).astream()
        frames: list[StreamFrame] = []
        try:
            async for frame in session:
                frames.append(frame)
        except BaseException as raised:
            return transcript(frames), raised
        return transcript(frames), None

    lines, raised = asyncio.run(read())
    assert same(raised, error)
    assert lines == FAILED


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error_type", ERRORS)
def test_a_plain_kickoff_raises_the_original(error_type: type[BaseException], kind: Kind) -> None:
    error = error_type("told")
    with pytest.raises(BaseException) as caught:
        failing(error, kind).kickoff()
    assert same(caught.value, error)


def test_failure_frames_name_the_error_and_its_class() -> None:
    session = failing(LookupError("told"), "sync").stream_events()
    with pytest.raises(LookupError):
        list(session)
    assert [(f.data["error"], f.data["error_type"]) for f in session.frames[-2:]] == [("told", "LookupError")] * 2


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


def test_a_failing_listener_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Fine(Flow):
        @start()
        def a(self) -> str:
            return "fine"

    with event_bus.scoped_handlers():

        @event_bus.on(MethodExecutionStartedEvent)
        def fail(_source: Any, _event: Any) -> None:
            raise LookupError("told")

        assert Fine().kickoff() == "fine"
    assert "a listener failed on method_execution_started" in caplog.text


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


def test_an_error_in_a_router_is_the_flows() -> None:
    class Routed(Flow):
        @start()
        def a(self) -> None: ...

        @router(a)
        def route(self) -> str:
            raise LookupError("told")

        @listen("label")
        def never(self) -> None: ...

    sessions: list[StreamSession[Any] | AsyncStreamSession[Any]] = []

    async def read() -> None:
        session = Routed().astream()
        sessions.append(session)
        await collected(session)

    with pytest.raises(LookupError):
        asyncio.run(read())
    assert transcript(sessions[0].frames)[-2:] == ["route failed p1 t3", "Routed failed"]
