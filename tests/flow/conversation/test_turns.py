"""Claims about turns: what each shows, gives and leaves behind, whichever way it is taken."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from harness import Flow, RunCancelled, UsageError, event_bus, listen, router, start
from harness.conversation import ConversationConfig, ConversationState, TurnOpenError
from harness.events import FlowFinishedEvent, FlowStartedEvent
from harness.flow import SQLiteFlowPersistence, persist
from tests.flow.conversation.talks import STREAMED, WAYS, Speaker, Way, said, story, take, talk
from tests.flow.graphs import TIMEOUT_S

TOLD = ["converse_turn started", "call started", "call completed", "assistant: Hello there", "converse_turn finished"]
ROUTED = ["route_conversation started", "to converse", "route_conversation finished"]


class Harbour(Flow[Any]):
    """Answers what is said of boats itself."""

    def route_turn(self, context: dict[str, Any]) -> str | None:
        return next((label for label in ("BOATS", "FAIL") if label.lower() in context["current_user_message"]), None)

    @listen("BOATS")
    def count(self) -> Any:
        return "All boats are home."

    @listen("FAIL")
    def fail(self) -> Any:
        raise LookupError("no such boat")


@pytest.mark.parametrize("way", STREAMED)
@pytest.mark.parametrize("deferred", [True, False])
def test_a_turn_shows_its_parts_in_order_and_only_the_first_starts_a_deferred_flow(way: Way, deferred: bool) -> None:
    flow = talk(Harbour, llm=Speaker("Hello there"), defer_trace_finalization=deferred)

    first = take(flow, way, "hi")
    second = take(flow, way, "and now?")

    for number, (result, frames) in enumerate((first, second)):
        ends = ["flow finished"] if not deferred else []
        begins = ["flow started"] if number == 0 or not deferred else []
        asked = f"user: {'and now?' if number else 'hi'}"
        assert story(frames) == ["turn started", *begins, asked, *ROUTED, *TOLD, *ends, "turn completed"]
        assert result == "Hello there"
        assert "".join(frame.content for frame in frames if frame.type == "llm_stream_chunk") == "Hello there"


@pytest.mark.parametrize("way", WAYS)
def test_each_way_gives_the_reply_and_leaves_the_same_transcript(way: Way) -> None:
    llm = Speaker("Hello there", stream=False)
    flow = talk(Harbour, llm=llm)
    flow.stream = True

    replies = [take(flow, way, message)[0] for message in ("hi", "where are the boats?")]

    assert replies == ["Hello there", "All boats are home."]
    assert said(flow) == [
        "user: hi",
        "assistant: Hello there",
        "user: where are the boats?",
        "assistant: All boats are home.",
    ]
    assert (flow.stream, llm.stream) == (True, False)
    assert flow.state.current_user_message is None
    assert (flow.state.last_user_message, flow.state.last_intent) == ("where are the boats?", "BOATS")


def test_the_model_of_the_built_in_answer_is_given_the_prompt_and_all_that_was_said() -> None:
    llm = Speaker("Hello there")
    flow = talk(llm=llm, system_prompt="Speak of the sea.")
    flow.handle_turn("hi")
    flow.handle_turn("and now?")

    assert llm.asked() == [
        ("system", "Speak of the sea."),
        ("user", "hi"),
        ("assistant", "Hello there"),
        ("user", "and now?"),
    ]


@pytest.mark.parametrize(("prompt", "roles"), [(None, ["system", "user"]), ("", ["user"])])
def test_no_system_prompt_is_one_of_ours_and_an_empty_one_is_none(prompt: str | None, roles: list[str]) -> None:
    llm = Speaker("Hello there")
    talk(llm=llm, system_prompt=prompt).handle_turn("hi")
    assert [role for role, _ in llm.asked()] == roles


@pytest.mark.parametrize("way", WAYS)
def test_a_failing_turn_raises_what_was_raised_and_the_next_one_works(way: Way) -> None:
    flow = talk(Harbour, llm=Speaker("Hello there"))

    with pytest.raises(LookupError, match="no such boat"):
        take(flow, way, "fail")
    assert flow.state.current_user_message is None

    assert take(flow, way, "hi")[0] == "Hello there"
    assert said(flow) == ["user: fail", "user: hi", "assistant: Hello there"]


def test_a_failing_turn_shows_that_it_failed() -> None:
    session = talk(Harbour, defer_trace_finalization=False).stream_turn("fail")
    with pytest.raises(LookupError):
        list(session)
    assert story(session.frames)[-3:] == ["fail failed", "flow failed", "turn failed"]


RETURNED: dict[str, tuple[Any, list[str], Any]] = {
    "text": ("Yes.", ["assistant: Yes."], "Yes."),
    "nothing": (None, [], None),
    "a number": (7, [], 7),
    "the route": ("BOATS", [], "BOATS"),
    "a built-in route": ("converse", [], "converse"),
    "empty text": ("", ["assistant: "], ""),
}


@pytest.mark.parametrize(("value", "added", "result"), RETURNED.values(), ids=RETURNED.keys())
def test_what_a_handler_returns_is_added_where_it_is_something_to_say(
    value: Any, added: list[str], result: Any
) -> None:
    class Returning(Harbour):
        def count(self) -> Any:
            return value

    flow = talk(Returning)
    assert flow.handle_turn("boats") == result
    assert said(flow) == ["user: boats", *added]


def test_the_text_of_an_object_with_raw_is_added_and_the_object_is_the_result() -> None:
    class Report:
        raw = "Three boats."

    report = Report()

    class Reporting(Harbour):
        def count(self) -> Any:
            return report

    flow = talk(Reporting)
    assert flow.handle_turn("boats") is report
    assert said(flow)[1:] == ["assistant: Three boats."]


@pytest.mark.parametrize(
    ("appended", "returned", "added", "result"),
    [
        (["Yes."], "Yes.", ["Yes."], "Yes."),
        (["Wait."], "Yes.", ["Wait.", "Yes."], "Yes."),
        (["Wait.", "Yes."], None, ["Wait.", "Yes."], "Yes."),
    ],
)
def test_a_reply_that_the_handler_added_is_not_added_again(
    appended: list[str], returned: Any, added: list[str], result: str
) -> None:
    class Adding(Harbour):
        def count(self) -> Any:
            for text in appended:
                self.append_assistant_message(text)
            return returned

    flow = talk(Adding)
    assert flow.handle_turn("boats") == result
    assert said(flow)[1:] == [f"assistant: {text}" for text in added]


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
    go.set()
    thread.join(TIMEOUT_S)

    assert replies == ["First."]
    assert flow.handle_turn("hi") == "Second."
    assert said(flow) == ["user: boats", "assistant: First.", "user: hi", "assistant: Second."]


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
    # The run comes to its end in its own thread.
    thread = next(thread for thread in threading.enumerate() if thread.name == "harness-run")
    thread.join(TIMEOUT_S)
    assert flow.handle_turn("hi") == "Hello there"
    go.set()
    assert over.wait(TIMEOUT_S)

    assert [type(error) for error in raised] == [RunCancelled]
    assert said(flow) == ["user: boats", "user: hi", "assistant: Hello there"]
    assert flow.state.current_user_message is None


@pytest.mark.parametrize("way", WAYS)
def test_a_flow_that_is_not_conversational_refuses_turns_at_the_call(way: Way) -> None:
    class Plain(Flow[Any]):
        @start()
        def begin(self) -> None:
            """Do nothing."""

    message = rf"Flow\.{way}\(\) is only available on conversational flows"
    with pytest.raises(UsageError, match=message):
        take(Plain(), way, "hi")


def test_nothing_runs_before_a_session_is_read() -> None:
    flow = talk(llm=Speaker("Hello there"))
    flow.stream_turn("hi")
    flow.astream_turn("hi")
    assert said(flow) == []


def test_a_flow_becomes_conversational_by_its_attribute_alone() -> None:
    class Quiet(Flow[Any]):
        conversational = True

    flow = Quiet()
    assert isinstance(flow.state, ConversationState)
    assert flow.handle_turn("hi") == "I can continue the conversation once an LLM is configured."


@pytest.mark.parametrize("blank", ["", "  \n"])
def test_a_blank_message_is_not_added_and_not_answered(blank: str) -> None:
    llm = Speaker("Hello there")
    flow = talk(llm=llm)
    assert flow.handle_turn(blank) is None
    assert (said(flow), llm.requests) == ([], [])


def test_a_message_may_be_given_as_a_message() -> None:
    flow = talk(llm=Speaker("Hello there"))
    flow.handle_turn({"role": "user", "content": "hi"})
    assert said(flow)[0] == "user: hi"


def test_the_starts_of_the_class_run_one_after_the_other_before_the_route_is_chosen() -> None:
    order: list[str] = []

    class Prepared(Harbour):
        def conversation_start(self) -> Any:
            order.append(f"conversation_start {self.state.current_user_message}")

        @start()
        def first(self) -> None:
            order.append("first")

        @start()
        @router()
        def second(self) -> str:
            order.append("second")
            return "checked"

        @listen("checked")
        def aside(self) -> None:
            order.append("aside")

        def route_turn(self, context: dict[str, Any]) -> str | None:
            order.append("route")
            return "BOATS"

    assert talk(Prepared).handle_turn("hi") == "All boats are home."
    assert order[:3] == ["conversation_start hi", "first", "second"]
    assert sorted(order[3:]) == ["aside", "route"]


def test_a_run_without_a_message_answers_nobody() -> None:
    llm = Speaker("Hello there")
    flow = talk(llm=llm)
    flow.handle_turn("hi")
    assert flow.kickoff() is None
    assert len(llm.requests) == 1
    assert said(flow) == ["user: hi", "assistant: Hello there"]


def test_the_flow_of_all_turns_is_finished_once_and_the_next_turn_starts_another() -> None:
    seen: list[str] = []
    flow = talk(llm=Speaker("Hello there"))
    with event_bus.scoped_handlers():
        event_bus.on(FlowStartedEvent, FlowFinishedEvent)(
            lambda source, event: seen.append(f"{event.type} {event.started_event_id is not None}")
        )
        flow.handle_turn("hi")
        flow.handle_turn("hi")
        flow.finalize_session_traces()
        flow.finalize_session_traces()
        flow.handle_turn("hi")
        flow.finalize_session_traces(discard=True)
    assert seen == ["flow_started False", "flow_finished True", "flow_started False"]


def test_deferring_is_for_conversations() -> None:
    class Plain(Flow[Any]):
        @start()
        def begin(self) -> None:
            """Do nothing."""

    with pytest.raises(UsageError, match="Plain sets defer_trace_finalization"):
        Plain(defer_trace_finalization=True)


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
        sizes.append(sum(len(frame.model_dump_json()) for frame in frames if frame.type != "flow_started"))
    assert len(flow.state.messages) == 60
    # But for the numbers of messages and frames.
    assert max(sizes[1:]) - min(sizes[1:]) < 20
