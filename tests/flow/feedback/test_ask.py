"""Claims about `ask`: who is asked, what comes back, and what the run shows of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from harness.bus import emit
from harness.events import BaseEvent
from harness.flow import Flow, InputProvider, InputResponse, flow_config, start
from tests.flow.graph.graphs import KINDS, TIMEOUT_S, Kind
from tests.flow.persistence.memory import Memory


class Typist:
    """Gives an answer, or raises it, and keeps what it was asked."""

    def __init__(self, answer: Any = "7") -> None:
        self._answer = answer
        self.asked: list[tuple[str, Any, Any]] = []

    def request_input(self, message: str, flow: Any, metadata: Any = None) -> Any:
        self.asked.append((message, flow, metadata))
        if isinstance(self._answer, BaseException):
            raise self._answer
        return self._answer


class AsyncTypist(Typist):
    async def request_input(self, message: str, flow: Any, metadata: Any = None) -> Any:
        return super().request_input(message, flow, metadata)


class Emptied(Typist):
    def __len__(self) -> int:
        return 0


def asking(kind: Kind, **options: Any) -> type[Flow]:
    class Sync(Flow):
        @start()
        def depth(self) -> str | None:
            return self.ask("How deep?", **options)

    class Async(Flow):
        @start()
        async def depth(self) -> str | None:
            return self.ask("How deep?", **options)

    return Sync if kind == "sync" else Async


@pytest.fixture
def without_config() -> Iterator[None]:
    yield
    flow_config.input_provider = None


@pytest.mark.parametrize("typist", [Typist, AsyncTypist], ids=["a plain provider", "an async provider"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_provider_of_the_flow_is_asked_and_the_run_shows_it(kind: Kind, typist: type[Typist]) -> None:
    person = typist()
    flow = asking(kind, metadata={"unit": "m"})(input_provider=person)
    session = flow.stream_events()
    frames = list(session)
    assert session.result == "7"
    assert person.asked == [("How deep?", flow, {"unit": "m"})]
    requested, received = (frame for frame in frames if frame.type.startswith("flow_input"))
    started = next(frame for frame in frames if frame.type == "method_execution_started")
    assert {requested.parent_id, received.parent_id} == {started.id}
    for frame in (requested, received):
        assert (frame.data["method_name"], frame.data["message"]) == ("depth", "How deep?")
        assert frame.data["metadata"] == {"unit": "m"}
    assert received.data["response"] == "7"


@pytest.mark.parametrize(
    ("answer", "text"),
    [("", ""), (None, None), (LookupError("no line"), None), (InputResponse("5", {"by": "post"}), "5"), (5, "5")],
    ids=["an empty answer", "no answer", "a failure", "a response", "a number"],
)
def test_an_answer_is_text_and_none_is_no_answer(answer: Any, text: str | None) -> None:
    flow = asking("sync")(input_provider=Typist(answer))
    assert flow.kickoff() == text
    (entry,) = flow._input_history
    assert (entry["message"], entry["response"], entry["method_name"]) == ("How deep?", text, "depth")
    assert entry["response_metadata"] == ({"by": "post"} if text == "5" and answer != 5 else None)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(2)], ids=["an interrupt", "an exit"])
def test_an_exit_of_the_provider_passes(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught:
        asking("sync")(input_provider=Typist(error)).kickoff()
    assert caught.value is error


class Noting:
    def request_input(self, message: str, flow: Any, metadata: Any = None) -> str:
        for _ in range(3):
            emit(flow, BaseEvent(type="note"))
        return "7"


def test_what_a_provider_publishes_waits_for_no_reader_in_the_loop_that_waits_for_its_answer() -> None:
    async def read() -> Any:
        session = asking("async", timeout=TIMEOUT_S)(input_provider=Noting()).astream(look_ahead=1)
        assert [frame.type async for frame in session].count("note") == 3
        return session.result

    assert asyncio.run(read()) == "7"


class Blocked:
    def __init__(self) -> None:
        self.asked = threading.Event()
        self.free = threading.Event()
        self.done = threading.Event()

    def request_input(self, message: str, flow: Any, metadata: Any = None) -> str:
        self.asked.set()
        assert self.free.wait(TIMEOUT_S)
        self.done.set()
        return "late"


@pytest.mark.parametrize("kind", KINDS)
def test_no_answer_in_time_is_none_and_the_provider_is_left_behind(kind: Kind) -> None:
    person = Blocked()
    flow = asking(kind, timeout=0.02)(input_provider=person)
    session = flow.stream_events()
    frames = list(session)
    assert session.result is None
    (received,) = (frame for frame in frames if frame.type == "flow_input_received")
    assert received.data["response"] is None
    person.free.set()
    assert person.done.wait(TIMEOUT_S)


@pytest.mark.parametrize("kind", KINDS)
def test_closing_a_run_ends_the_wait_for_an_answer(kind: Kind) -> None:
    person, after = Blocked(), threading.Event()

    class Asking(Flow):
        def wait(self) -> None:
            try:
                self.ask("How deep?")
            finally:
                after.set()

        @start()
        def sync(self) -> None:
            if kind == "sync":
                self.wait()

        @start()
        async def coroutine(self) -> None:
            if kind == "async":
                self.wait()

    with Asking(input_provider=person).stream_events() as session:
        for frame in session:
            if frame.type == "flow_input_requested":
                break
        assert person.asked.wait(TIMEOUT_S)
    assert after.wait(TIMEOUT_S)
    assert not person.done.is_set()
    person.free.set()
    assert person.done.wait(TIMEOUT_S)


@pytest.mark.usefixtures("without_config")
def test_the_provider_of_the_flow_comes_before_the_one_of_all_flows_and_that_before_the_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("builtins.input", lambda prompt: "typed")
    assert asking("sync")().kickoff() == "typed"
    flow_config.input_provider = Typist("everyone's")
    assert asking("sync")().kickoff() == "everyone's"

    class Own(asking("sync")):  # type: ignore[misc]
        input_provider: InputProvider | None = Typist("the class's")

    assert Own().kickoff() == "the class's"
    assert Own(input_provider=Typist("own")).kickoff() == "own"
    # As a list of answers whose last one is being given.
    assert Own(input_provider=Emptied("falsy")).kickoff() == "falsy"


def test_the_state_is_saved_before_somebody_is_asked() -> None:
    place = Memory()

    class Looks(Typist):
        def request_input(self, message: str, flow: Any, metadata: Any = None) -> Any:
            assert len(place.saved) == 1
            return super().request_input(message, flow, metadata)

    flow = asking("sync")(input_provider=Looks(), persistence=place)
    assert flow.kickoff({"topic": "tides"}) == "7"
    assert place.saved[0] == (flow.flow_id, "_ask_checkpoint", {"id": flow.flow_id, "topic": "tides"})


def test_who_goes_on_with_a_state_that_was_saved_to_ask_begins_where_that_run_has_ended() -> None:
    class Counts(Flow):
        @start()
        def depth(self) -> int:
            self.ask("How deep?")
            self.state["asked"] = self.state.get("asked", 0) + 1
            return int(self.state["asked"])

    place = Memory()
    flow = Counts(input_provider=Typist(), persistence=place)
    assert flow.kickoff() == 1
    assert flow.kickoff({"id": flow.flow_id}) == 2
    assert Counts(input_provider=Typist(), persistence=place).kickoff({"id": flow.flow_id}) == 3
