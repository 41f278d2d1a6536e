"""Claims about several turns: one after the other, side by side, and of several sessions."""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from typing import Any, Final

import pytest

from harness import Flow, RunCancelled, UsageError, listen
from harness.bus import add_stream_sink, reset_stream_sinks
from harness.bus.scope import Run
from harness.conversation import ConversationConfig, ConversationState, TurnOpenError
from harness.events import FlowFinishedEvent, FlowStartedEvent
from harness.flow import SQLiteFlowPersistence, persist
from harness.flow.conversation.dialogue import Turn
from tests.flow.conversation.talks import WAYS, Harbour, Plain, Speaker, Way, said, take, talk
from tests.flow.graph.graphs import TIMEOUT_S, hearing

EVENT_ID: Final = re.compile(r"[0-9a-f]{16}-[0-9a-f]+")


def test_a_second_turn_is_refused_while_one_is_open_and_let_in_after_it() -> None:
    entered, go = threading.Event(), threading.Event()

    class Held(Harbour):
        def count(self) -> Any:
            entered.set()
            assert go.wait(TIMEOUT_S)
            return "First."

    flow = talk(Held, llm=Speaker("Second."))
    replies: list[Any] = []
    thread = threading.Thread(target=lambda: replies.append(flow.handle_turn("boats")))
    thread.start()
    assert entered.wait(TIMEOUT_S)
    for way in WAYS:
        with pytest.raises(TurnOpenError, match="a turn of Held is open"):
            take(flow, way, "hi")
    with pytest.raises(TurnOpenError, match="a turn of Held is open"):
        flow.kickoff()
    go.set()
    thread.join(TIMEOUT_S)

    assert replies == ["First."]
    assert flow.handle_turn("hi") == "Second."
    assert said(flow) == ["user: boats", "assistant: First.", "user: hi", "assistant: Second."]


@pytest.mark.parametrize("way", WAYS)
def test_a_handler_can_not_have_its_message_answered_again(way: Way) -> None:
    asked: list[str] = []

    class Again(Flow[Any]):
        def route_turn(self, context: dict[str, Any]) -> str:
            return "AGAIN"

        @listen("AGAIN")
        def again(self) -> str:
            asked.append(self.state.current_user_message)
            return self.kickoff() if len(asked) == 1 else "answered"

    with pytest.raises(TurnOpenError, match="a turn of Again is open"):
        take(talk(Again), way, "hi")
    assert asked == ["hi"]


@pytest.mark.parametrize("way", WAYS)
def test_a_turn_that_was_closed_and_has_not_noticed_yet_is_waited_for(way: Way) -> None:
    flow = talk(Harbour, llm=Speaker("Hello there"))
    first = Turn("boats", (), None)
    opened = flow._flow_dialogue.opened(first, "Harbour")
    opened.__enter__()
    first.run = Run()
    first.run.cancel()

    class Ending(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            opened.__exit__(None, None, None)
            return True

    first.over = Ending()
    assert take(flow, way, "hi")[0] == "Hello there"


def test_a_task_begins_a_turn_as_soon_as_it_has_closed_another() -> None:
    flow = talk(Harbour, llm=Speaker("Hello there"))

    async def talks() -> str:
        session = flow.astream_turn("boats")
        await anext(session.events)
        session.close()
        return str(await flow.ahandle_turn("hi"))

    assert asyncio.run(talks()) == "Hello there"


def test_a_turn_that_is_closed_in_the_middle_adds_nothing_more_and_lets_the_next_one_in() -> None:
    entered, go, over = threading.Event(), threading.Event(), threading.Event()
    raised: list[BaseException] = []

    class Held(Harbour):
        def count(self) -> Any:
            entered.set()
            assert go.wait(TIMEOUT_S)
            try:
                self.append_assistant_message("too late")
            except BaseException as error:
                raised.append(error)
                raise
            finally:
                over.set()

    flow = talk(Held, llm=Speaker("Hello there"))
    session = flow.stream_turn("boats")
    frames = iter(session)
    next(frames)
    assert entered.wait(TIMEOUT_S) or list(frames)
    session.close()
    list(frames)
    assert flow.handle_turn("hi") == "Hello there"
    go.set()
    assert over.wait(TIMEOUT_S)

    assert [type(error) for error in raised] == [RunCancelled]
    assert said(flow) == ["user: boats", "user: hi", "assistant: Hello there"]
    assert flow.state.current_user_message is None


class Slow(Flow[ConversationState]):
    """Takes its time over the first message, in the handler or over the route, and is closed meanwhile."""

    def model_post_init(self, context: Any, /) -> None:
        self.entered, self.go, self.over = (threading.Event() for _ in range(3))
        self.takes_time_over = ""

    def wait(self, where: str) -> None:
        if self.takes_time_over == where and self.state.current_user_message == "one":
            self.entered.set()
            assert self.go.wait(TIMEOUT_S)

    def route_turn(self, context: dict[str, Any]) -> str | None:
        first = self.state.current_user_message == "one"
        self.wait("route")
        return "FIRST" if first else "SECOND"

    @listen("FIRST")
    def first(self) -> None:
        try:
            self.wait("handler")
            self.append_agent_result("clerk", "what Ann may know")
        finally:
            self.over.set()

    @listen("SECOND")
    def second(self) -> str:
        self.go.set()
        assert self.takes_time_over == "route" or self.over.wait(TIMEOUT_S)
        for thread in threading.enumerate():
            if thread.name == "harness-worker" and thread is not threading.current_thread():
                thread.join(TIMEOUT_S)
        return str(self.state.last_intent)


@pytest.mark.parametrize(("takes_time_over", "session_id"), [("handler", "bob"), ("route", None)])
def test_what_a_closed_turn_still_does_is_kept_in_no_state(takes_time_over: str, session_id: str | None) -> None:
    flow: Any = talk(Slow)
    flow.takes_time_over = takes_time_over
    session = flow.stream_turn("one")
    next(iter(session))
    assert flow.entered.wait(TIMEOUT_S)
    session.close()
    assert flow.handle_turn("two", session_id=session_id) == "SECOND"
    assert (flow.state.agent_threads, flow.state.events) == ({}, [])


def test_a_blank_message_does_not_have_one_answered_whose_turn_was_closed_in_another_process(tmp_path: Any) -> None:
    states = SQLiteFlowPersistence(tmp_path / "states.db")

    @persist(states)
    class Held(Slow):
        pass

    flow: Any = talk(Held)
    flow.takes_time_over = "handler"
    session = flow.stream_turn("one", session_id="ann")
    next(iter(session))
    assert flow.entered.wait(TIMEOUT_S)
    session.close()
    flow.go.set()

    another = talk(Held)
    assert another.handle_turn(" ", session_id="ann") is None
    assert (said(another), another.state.events) == (["user: one"], [])


def test_the_flow_of_all_turns_is_finished_once_and_the_next_turn_starts_another() -> None:
    flow = talk(llm=Speaker("Hello there"))

    def note(event: Any) -> str:
        return f"{event.type} {event.started_event_id is not None}"

    with hearing(FlowStartedEvent, FlowFinishedEvent, note=note) as seen:
        flow.handle_turn("hi")
        flow.handle_turn("hi")
        flow.finalize_session_traces()
        flow.finalize_session_traces()
        flow.handle_turn("hi")
        flow.finalize_session_traces(discard=True)
    assert seen == ["flow_started False", "flow_finished True", "flow_started False"]


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_the_flow_of_all_turns_is_finished_once_the_turn_has_ended_that_says_so(way: Way, fails: bool) -> None:
    class Leaves(Flow[Any]):
        def route_turn(self, context: dict[str, Any]) -> str | None:
            return "LEAVE" if context["current_user_message"] == "bye" else None

        @listen("LEAVE")
        def leave(self) -> str:
            self.finalize_session_traces()
            if fails:
                raise LookupError("no way out")
            return "Bye."

    seen: list[str] = []
    flow = talk(Leaves, llm=Speaker("Hello there"))
    token = add_stream_sink(lambda source, event: seen.append(event.type))
    try:
        take(flow, way, "hi")
        with pytest.raises(LookupError) if fails else contextlib.nullcontext():
            _, frames = take(flow, way, "bye")
            assert "flow_finished" not in [frame.type for frame in frames]
    finally:
        reset_stream_sinks(token)
    assert [kind for kind in seen if kind.startswith(("conversation_turn", "flow"))] == [
        "conversation_turn_started",
        "flow_started",
        "conversation_turn_completed",
        "conversation_turn_started",
        "conversation_turn_failed" if fails else "conversation_turn_completed",
        "flow_finished",
    ]


def test_deferring_is_for_conversations() -> None:
    with pytest.raises(UsageError, match="Plain sets defer_trace_finalization"):
        Plain(defer_trace_finalization=True)


def test_an_empty_session_id_is_nobodys(tmp_path: Any) -> None:
    base = persist(SQLiteFlowPersistence(tmp_path / "states.db"))(type("Kept", (Harbour,), {}))
    talk(base).handle_turn("boats", session_id="")
    flow = talk(base)
    flow.handle_turn("boats", session_id="")
    assert said(flow) == ["user: boats", "assistant: All boats are home."]


@pytest.mark.parametrize("way", WAYS)
def test_another_session_is_another_conversation(way: Way) -> None:
    flow = talk(llm=Speaker("Hello there"))
    take(flow, way, "hi", session_id="a")
    take(flow, way, "secret", session_id="a")
    take(flow, way, "who?", session_id="b")
    assert flow.state.id == "b"
    assert said(flow) == ["user: who?", "assistant: Hello there"]


def test_a_conversation_goes_on_in_another_object_from_where_its_state_is_kept(tmp_path: Any) -> None:
    place = SQLiteFlowPersistence(tmp_path / "states.db")

    @ConversationConfig(llm=Speaker("Hello there"))
    @persist(place)
    class Kept(Harbour):
        pass

    one, other = Kept(), Kept()
    one.handle_turn("boats", session_id="a")
    with pytest.raises(LookupError):
        one.handle_turn("fail", session_id="a")
    one.handle_turn("hi", session_id="b")
    other.handle_turn("hi", session_id="a")

    assert said(other) == [
        "user: boats",
        "assistant: All boats are home.",
        "user: fail",
        "user: hi",
        "assistant: Hello there",
    ]
    one.handle_turn("and?", session_id="a")
    assert said(one)[:-2] == said(other)
    kept = place.load_state("a")
    assert kept is not None
    assert kept["current_user_message"] is None


def test_a_turn_takes_the_options_of_a_kickoff() -> None:
    class Typed(ConversationState):
        topic: str = "sea"

    class Topical(Harbour):
        initial_state = Typed

        def count(self) -> Any:
            return self.state.topic

    flow = talk(Topical)
    assert flow.handle_turn("boats", session_id="a", inputs={"topic": "land"}) == "land"
    assert flow.state.id == "a"
    with pytest.raises(UsageError, match="topic"):
        flow.stream_turn("boats", inputs={"topic": 3})


def test_turns_of_several_objects_of_one_class_run_side_by_side() -> None:
    llm = Speaker("Hello there")
    flows = [talk(llm=llm) for _ in range(8)]

    async def together() -> list[Any]:
        return await asyncio.gather(*(flow.ahandle_turn(f"hi {number}") for number, flow in enumerate(flows)))

    assert asyncio.run(together()) == ["Hello there"] * 8
    assert [said(flow)[0] for flow in flows] == [f"user: hi {number}" for number in range(8)]


def test_the_frames_of_a_turn_show_its_own_messages_and_grow_with_no_other() -> None:
    flow = talk(Harbour)
    sizes = []
    for number in range(30):
        session = flow.stream_turn(f"boats {number:02}")
        frames = list(session)
        states = [frame.data["state"]["messages"] for frame in frames if frame.data.get("state") is not None]
        assert [message["content"] for message in states[-1]] == [f"boats {number:02}"]
        # Ids are counted in the process, and get longer with what ran in it before.
        texts = [EVENT_ID.sub("", frame.model_dump_json()) for frame in frames if frame.type != "flow_started"]
        sizes.append(sum(map(len, texts)))
    assert len(flow.state.messages) == 60
    # But for the numbers of messages and frames.
    assert max(sizes[1:]) - min(sizes[1:]) < 20
