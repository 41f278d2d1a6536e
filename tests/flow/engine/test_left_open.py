"""Claims about what a method leaves open: it ends before the method does, whoever began it and wherever it hangs."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from conformance.areas.order.checks import CHECKS
from conformance.timeline.evidence import Evidence
from harness import BaseLLM, Crew, Flow, Task, listen, start
from harness.bus import add_stream_sink, emit, event_bus, reset_stream_sinks
from harness.events import BaseEvent, ToolUsageStartedEvent
from harness.frames.frame import StreamFrame
from harness.llm import Finish, LLMRequest, Part, TextDelta
from tests.agents.scripted import agent
from tests.flow.graph.graphs import TIMEOUT_S, Note
from tests.session.bodies import harness_threads, join_harness_threads


class Slow(BaseLLM):
    """Says a word, and blocks until it is released; no closing reaches it."""

    def __init__(self) -> None:
        super().__init__("slow-1")
        self.asked = threading.Event()
        self.gate = threading.Event()

    def generate(self, request: LLMRequest) -> Iterator[Part]:
        yield TextDelta("word")
        self.asked.set()
        self.gate.wait(TIMEOUT_S)
        yield Finish("stop")


@pytest.fixture
def llm() -> Iterator[Slow]:
    slow = Slow()
    yield slow
    slow.gate.set()
    join_harness_threads()


def asked_in_thread(llm: Slow) -> None:
    """Leave a thread behind that asks."""
    threading.Thread(target=contextvars.copy_context().run, args=(llm.call, "?"), daemon=True).start()
    assert llm.asked.wait(TIMEOUT_S)


async def closes_early(flow: Flow, llm: Slow) -> None:
    with llm.stream_events("?") as session:
        next(frame for frame in session.llm if frame.content)


async def closes_early_awaited(flow: Flow, llm: Slow) -> None:
    async with llm.astream("?") as session:
        await anext(frame async for frame in session.llm if frame.content)


async def drops(flow: Flow, llm: Slow) -> None:
    next(frame for frame in llm.stream_events("?").llm if frame.content)


async def keeps_half_read(flow: Any, llm: Slow) -> None:
    flow.kept = llm.stream_events("?")
    next(frame for frame in flow.kept.llm if frame.content)


async def closes_a_flow(flow: Flow, llm: Slow) -> None:
    class Inner(Flow):
        @start()
        def call(self) -> Any:
            return llm.call("?")

    with Inner().stream_events() as session:
        next(frame for frame in session.llm if frame.content)


async def closes_a_crew(flow: Flow, llm: Slow) -> None:
    pilot = agent(llm=llm)
    crew = Crew(agents=[pilot], tasks=[Task(description="d", expected_output="e", agent=pilot)], stream=True)
    chunks = await asyncio.to_thread(crew.kickoff)
    with chunks:
        next(iter(chunks))


async def closes_one_in_another(flow: Flow, llm: Slow) -> None:
    class Inner(Flow):
        @start()
        async def nests(self) -> None:
            await keeps_half_read(self, llm)
            llm.gate.wait(TIMEOUT_S)

    with Inner().stream_events() as session:
        next(frame for frame in session.llm if frame.content)


async def leaves_a_thread_under_a_sink(flow: Flow, llm: Slow) -> None:
    token = add_stream_sink(lambda source, event: None)
    asked_in_thread(llm)
    reset_stream_sinks(token)


async def leaves_a_task_under_a_sink(flow: Any, llm: Slow) -> None:
    token = add_stream_sink(lambda source, event: None)
    flow.kept = asyncio.create_task(llm.acall("?"))
    await asyncio.to_thread(llm.asked.wait, TIMEOUT_S)
    reset_stream_sinks(token)


LEAVES: dict[str, Callable[[Any, Slow], Any]] = {
    "a session closed early": closes_early,
    "an async session closed early": closes_early_awaited,
    "a session dropped": drops,
    "a session half-read": keeps_half_read,
    "a session of a flow": closes_a_flow,
    "a session of a crew": closes_a_crew,
    "a session in a session": closes_one_in_another,
    "a thread under a sink": leaves_a_thread_under_a_sink,
    "a task under a sink": leaves_a_task_under_a_sink,
}


def breaches(frames: list[StreamFrame]) -> list[str]:
    evidence = Evidence(tuple(frames), "exhausted")
    return [str(violation) for check in CHECKS for violation in check(evidence)]


def kinds(frames: list[StreamFrame]) -> list[str]:
    return [frame.type for frame in frames]


@pytest.mark.parametrize("leave", LEAVES.values(), ids=LEAVES.keys())
def test_what_a_method_leaves_open_ends_before_it(leave: Callable[[Any, Slow], Any], llm: Slow) -> None:
    class Leaves(Flow):
        @start()
        async def leave(self) -> None:
            await leave(self, llm)

        @listen(leave)
        def go_on(self) -> str:
            return "went on"

    session = Leaves().stream_events()
    frames = list(session)
    assert (breaches(frames), session.result) == ([], "went on")
    assert kinds(frames).count("llm_call_failed") == 1
    assert kinds(frames).index("llm_call_failed") < kinds(frames).index("method_execution_finished")


def test_a_call_left_in_what_a_user_opened_ends_with_the_method(llm: Slow) -> None:
    class Leaves(Flow):
        @start()
        def leave(self) -> None:
            emit(self, ToolUsageStartedEvent(tool_name="mine", tool_args={}))
            asked_in_thread(llm)

    assert kinds(list(Leaves().stream_events()))[-3:] == [
        "llm_call_failed",
        "method_execution_finished",
        "flow_finished",
    ]


def test_a_session_that_ends_with_the_method_is_closed() -> None:
    class Keeps(Flow):
        @start()
        def keep(self) -> None:
            self.kept = slow.stream_events("?")
            next(iter(self.kept))

    slow, flow = Slow(), Keeps()
    flow.kickoff()
    assert [frame.type for frame in flow.kept][:1] == ["llm_call_started"]
    assert flow.kept.is_cancelled
    slow.gate.set()
    join_harness_threads()


def test_what_was_closed_early_ends_as_soon_as_it_notices(llm: Slow) -> None:
    class Goes(Flow):
        @start()
        def go_on(self) -> None:
            before = harness_threads()
            with llm.stream_events("?") as session:
                next(frame for frame in session.llm if frame.content)
                begun = [thread for thread in harness_threads() if thread not in before]
            llm.gate.set()
            for thread in begun:
                thread.join(TIMEOUT_S)
            emit(self, Note())

    frames = list(Goes().stream_events())
    assert breaches(frames) == []
    assert kinds(frames)[-4:] == ["llm_call_failed", "note", "method_execution_finished", "flow_finished"]


# Another method fails meanwhile.


class Races(Flow):
    """Asks in one method, and fails in another one as soon as `reached` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()
        self.read = threading.Event()

    def hold(self) -> None:
        """Have the flow fail, and return when all frames have been read."""
        self.reached.set()
        assert self.read.wait(TIMEOUT_S)

    @start()
    def call(self) -> Any:
        slow = Slow()
        slow.gate.set()
        return slow.call("?")

    @start()
    def fail(self) -> None:
        assert self.reached.wait(TIMEOUT_S)
        raise ValueError("no")


def frames_of_failed(flow: Races) -> list[StreamFrame]:
    session = flow.stream_events()
    with pytest.raises(ValueError, match="no"):
        list(session)
    flow.read.set()
    join_harness_threads()
    return session.frames


@pytest.mark.parametrize("event_type", ["llm_call_started", "llm_call_completed"])
@pytest.mark.parametrize("by", ["a listener", "a sink"])
def test_a_call_that_begins_or_ends_while_a_sibling_fails_ends_once(by: str, event_type: str) -> None:
    flow = Races()

    def slow(_source: Any, event: BaseEvent) -> None:
        if event.type == event_type and not flow.read.is_set():
            flow.hold()

    def run() -> list[StreamFrame]:
        if by == "a sink":
            add_stream_sink(slow)
        else:
            event_bus.register_handler(BaseEvent, slow)
        return frames_of_failed(flow)

    with event_bus.scoped_handlers():
        frames = contextvars.copy_context().run(run)
    ended = "llm_call_failed" if event_type == "llm_call_started" else event_type
    assert breaches(frames) == []
    assert [kind for kind in kinds(frames) if kind in {"llm_call_failed", "llm_call_completed"}] == [ended]
