"""Claims about the ways to run a flow: what each returns, what is refused, and who reads `stream` as what."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from harness.bus import emit
from harness.bus.scope import current_path
from harness.errors import UsageError
from harness.events import FlowCreatedEvent
from harness.flow import Flow, SQLiteFlowPersistence, and_, listen, start
from harness.session.session import AsyncStreamSession, StreamSession
from tests.flow.graph.graphs import TIMEOUT_S, Note, collected, hearing, transcript


class Plain(Flow):
    @start()
    def a(self) -> Any:
        return self.state.get("topic", "none")


class Streamed(Plain):
    """Streams, and says inside what it reads of itself."""

    stream = True

    @start()
    def reads(self) -> bool:
        return self.stream


LINES = ["Plain started", "a started p1", "a finished p1", "Plain finished"]


def test_kickoff_returns_the_value_or_with_stream_a_session() -> None:
    assert Plain().kickoff({"topic": "rain"}) == "rain"
    session = Plain(stream=True).kickoff({"topic": "rain"})
    assert isinstance(session, StreamSession)
    assert (transcript(session), session.result) == (LINES, "rain")


@pytest.mark.parametrize("entry", ["kickoff_async", "akickoff"])
def test_an_async_kickoff_returns_the_value_or_with_stream_a_session(entry: str) -> None:
    async def both() -> tuple[Any, Any]:
        value = await getattr(Plain(), entry)({"topic": "rain"})
        session = await getattr(Plain(stream=True), entry)({"topic": "rain"})
        assert isinstance(session, AsyncStreamSession)
        await collected(session)
        return value, session.result

    assert asyncio.run(both()) == ("rain", "rain")


@pytest.mark.asyncio
async def test_a_sync_kickoff_works_inside_a_running_loop() -> None:
    assert Plain().kickoff({"topic": "rain"}) == "rain"


class SideBySide(Flow[Any]):
    @start()
    async def left(self) -> None: ...

    @start()
    async def middle(self) -> None: ...

    @start()
    async def right(self) -> None: ...

    @listen(and_(left, middle, right))
    async def joined(self) -> None: ...


@pytest.mark.asyncio
async def test_a_flow_in_a_loop_is_no_further_ahead_of_its_reader_than_it_may_be() -> None:
    session, ahead = SideBySide().astream(look_ahead=1), []
    async for frame in session:
        # As far as it goes by itself.
        for _ in range(50):
            await asyncio.sleep(0)
        ahead.append(len(session.frames) - frame.seq)
    assert (len(ahead), max(ahead)) == (10, 1)


# The stream attribute.


def test_the_class_and_its_flows_read_what_was_set() -> None:
    assert (Plain.stream, Streamed.stream) == (False, True)
    assert (Plain().stream, Streamed().stream, Streamed(stream=False).stream) == (False, True, False)
    flow = Plain()
    flow.stream = True
    assert (flow.stream, Plain.stream) == (True, False)


def test_a_flow_reads_as_not_streaming_inside_its_run_alone() -> None:
    inside, release = threading.Event(), threading.Event()
    seen: list[bool] = []

    class Held(Flow):
        stream = True

        @start()
        def hold(self) -> None:
            seen.append(self.stream)
            inside.set()
            release.wait(TIMEOUT_S)

    flow = Held()
    session = flow.stream_events()
    next(iter(session))
    assert inside.wait(TIMEOUT_S)
    assert (seen, flow.stream) == ([False], True)
    release.set()
    list(session)
    assert flow.stream is True


def test_overlapping_runs_leave_the_flag_as_it_was() -> None:
    flow = Streamed()
    first, second = flow.kickoff(), flow.kickoff()
    next(iter(first))
    list(second)
    assert flow.stream is True
    first.close()
    assert flow.stream is True


def test_another_flow_of_the_class_streams_inside_a_run() -> None:
    class Outer(Flow):
        stream = True

        @start()
        def nests(self) -> list[str]:
            session = Streamed().kickoff()
            assert isinstance(session, StreamSession)
            return transcript(session)

    session = Outer().kickoff()
    list(session)
    assert session.result[0] == "Streamed started"


# What belongs to whom.


def test_overlapping_runs_of_one_flow_keep_their_bookkeeping_apart() -> None:
    both = threading.Barrier(2)

    class Shared(Flow):
        @start()
        def a(self) -> str:
            both.wait(TIMEOUT_S)
            return "A"

        @listen(a)
        def b(self, value: str) -> list[Any]:
            both.wait(TIMEOUT_S)
            return self.method_outputs

    flow = Shared()
    results: list[Any] = []
    threads = [threading.Thread(target=lambda: results.append(flow.kickoff())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT_S)
    assert results == [["A"], ["A"]]
    assert flow.method_outputs == ["A", ["A"]]


def test_a_path_names_the_flow_and_the_method() -> None:
    class Paths(Flow):
        name = "Plan"

        @start()
        def outline(self) -> tuple[str, ...]:
            return current_path()

    assert Paths().kickoff() == ("Plan", "outline")


def test_input_files_reach_the_run_unchanged() -> None:
    files = {"page": object()}

    class Reads(Flow):
        @start()
        def reads(self) -> Any:
            return self.input_files

    flow = Reads()
    session = flow.stream_events(None, files)
    list(session)
    assert (session.result, flow.input_files) == (files, {})


def test_without_flow_events_methods_are_not_told_of_and_the_flow_is() -> None:
    class Quiet(Flow):
        suppress_flow_events = True

        @start()
        def a(self) -> None:
            emit(self, Note())

        @listen(a)
        async def b(self) -> str:
            emit(self, Note())
            Plain().kickoff()
            return "B"

    session = Quiet().stream_events()
    frames = list(session)
    assert [(frame.type, frame.parent_id == frames[0].id) for frame in frames[1:3]] == [("note", True), ("note", True)]
    assert transcript([frames[0], *frames[4:]]) == [
        "Quiet started",
        "Plain started p1",
        "a started p5",
        "a finished p5",
        "Plain finished p1",
        "Quiet finished",
    ]
    assert session.result == "B"


def test_making_a_flow_is_announced() -> None:
    with hearing(FlowCreatedEvent, note=lambda event: event.flow_name) as seen:
        Plain(name="Rain")
        Plain(suppress_flow_events=True)
    assert seen == ["Rain"]


def test_a_sync_method_may_return_a_coroutine_which_is_awaited() -> None:
    async def later() -> str:
        return "later"

    class Lazy(Flow):
        @start()
        def a(self) -> Any:
            return later()

    assert Lazy().kickoff() == "later"


def test_a_frame_keeps_the_state_of_its_moment() -> None:
    class Grows(Flow):
        initial_state = {"items": []}

        @start()
        def a(self) -> None:
            self.state["items"].append("a")

        @listen(a)
        def b(self) -> None:
            self.state["items"].append("b")

    states = [frame.data["state"]["items"] for frame in Grows().stream_events() if "state" in frame.data]
    assert states == [[], ["a"], ["a"], ["a", "b"], ["a", "b"]]


# What is refused at the call.


class AsyncPlace(SQLiteFlowPersistence):
    async def load_state(self, flow_uuid: str) -> Any: ...  # type: ignore[override]


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "both restore options": (
        lambda: Plain().stream_events(from_checkpoint=object(), restore_from_state_id="x"),  # type: ignore[arg-type]
        "Cannot combine `from_checkpoint` and `restore_from_state_id`",
    ),
    "inputs that are no dict": (lambda: Plain().kickoff(["topic"]), "are a dict"),  # type: ignore[arg-type]
    "inputs without names": (lambda: Plain().kickoff({1: "one"}), "names of its state's fields"),  # type: ignore[dict-item]
    "an unknown option": (lambda: Plain(strem=True), "no option 'strem'; did you mean 'stream'"),
    "an option for later": (lambda: Plain(tracing=True), "sets tracing, but flows do not support"),
    "no calls at all": (lambda: Plain(max_method_calls=0), "at least 1, not 0"),
    "a name of another kind": (lambda: Plain(name=5), "name of Plain: expected text, not 5"),  # type: ignore[arg-type]
    "text for a flag": (
        lambda: Plain(stream="false"),  # type: ignore[arg-type]
        "stream of Plain: expected true or false, not 'false'",
    ),
    "a path for a persistence": (
        lambda: Plain(persistence="states.db"),  # type: ignore[arg-type]
        "persistence of Plain: expected a FlowPersistence, such as .* not 'states.db'",
    ),
    "a persistence that works in coroutines": (
        lambda: Plain(persistence=AsyncPlace()),
        "persistence of Plain: load_state of AsyncPlace is a coroutine function, which nobody awaits",
    ),
    "an input provider that can't be asked": (
        lambda: Plain(input_provider=object()),  # type: ignore[arg-type]
        r"input_provider of Plain: expected an object with request_input\(message",
    ),
    "no look-ahead at all": (lambda: Plain().stream_events(look_ahead=0), "at least 1, not 0"),
}


@pytest.mark.parametrize(("call", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_can_not_be_done_is_refused_at_the_call(call: Callable[[], object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        call()


def test_a_step_may_be_called_name() -> None:
    class Asking(Flow[dict[str, Any]]):
        @start()
        def name(self) -> str:  # type: ignore[override]
            return "Ann"

    with Asking().stream_events() as stream:
        frames = list(stream)
    assert stream.result == "Ann"
    assert {frame.data["flow_name"] for frame in frames} == {"Asking"}
