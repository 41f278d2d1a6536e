"""Claims about a turn: what it shows, what it returns, and what it adds to the conversation."""

from __future__ import annotations

from typing import Any

import pytest

from harness import Flow, UsageError, listen, router, start
from harness.conversation import ConversationState
from tests.flow.conversation.talks import STREAMED, WAYS, Harbour, Plain, Speaker, Way, said, story, take, talk

TOLD = ["converse_turn started", "call started", "call completed", "assistant: Hello there", "converse_turn finished"]
ROUTED = ["route_conversation started", "to converse", "route_conversation finished"]


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


@pytest.mark.parametrize("silent", [True, False], ids=["whose handler says nothing", "of another handler"])
def test_a_label_of_the_class_is_said_to_nobody(silent: bool) -> None:
    class Sorting(Flow[Any]):
        def route_turn(self, context: dict[str, Any]) -> str:
            return "SORT" if silent else "BOATS"

        @router("SORT")
        def sort(self) -> str:
            return "QUIET"

        @listen("QUIET")
        def keep_quiet(self) -> None:
            self.append_agent_result("clerk", "noted")

        @listen("BOATS")
        def count(self) -> str:
            return "QUIET"

    flow = talk(Sorting)
    assert flow.handle_turn("boats") == (None if silent else "QUIET")
    assert said(flow) == ["user: boats"]


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
@pytest.mark.parametrize("way", ["append_assistant_message", "append_message"])
def test_a_reply_that_the_handler_added_is_not_added_again(
    way: str, appended: list[str], returned: Any, added: list[str], result: str
) -> None:
    class Adding(Harbour):
        def count(self) -> Any:
            for text in appended:
                if way == "append_message":
                    self.append_message("assistant", text)
                else:
                    self.append_assistant_message(text)
            return returned

    flow = talk(Adding)
    assert flow.handle_turn("boats") == result
    assert said(flow)[1:] == [f"assistant: {text}" for text in added]


@pytest.mark.parametrize("option", ["sesion_id", "entry"])
@pytest.mark.parametrize("way", WAYS)
def test_an_option_that_no_turn_has_is_refused_at_the_call(way: Way, option: str) -> None:
    flow = talk(Harbour)
    with pytest.raises(UsageError, match=rf"{way}\(\) has no option '{option}'; there are session_id, intents"):
        take(flow, way, "boats", **{option: "ann"})
    with pytest.raises(UsageError, match="the inputs of Harbour are a dict"):
        take(flow, way, "boats", session_id="ann", inputs=["boats"])
    assert said(flow) == []


@pytest.mark.parametrize("way", WAYS)
def test_a_flow_that_is_not_conversational_refuses_turns_at_the_call(way: Way) -> None:
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


IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("words", [["What is", "this?"], []], ids=["with words", "without"])
def test_a_message_of_content_parts_is_answered_with_all_that_it_has(way: Way, words: list[str]) -> None:
    parts = [*({"type": "text", "text": text} for text in words), IMAGE]
    llm = Speaker("A lighthouse.")

    class Watched(Harbour):
        def route_turn(self, context: dict[str, Any]) -> str | None:
            assert context["current_user_message"] == "\n".join(words)
            return None

    flow = talk(Watched, llm=llm)
    assert take(flow, way, {"role": "user", "content": parts})[0] == "A lighthouse."
    assert [message.content for message in flow.state.messages] == [parts, "A lighthouse."]
    asked: Any = llm.requests[0].messages[-1].content
    assert [part.type for part in asked] == [*("text" for _ in words), "image_url"]


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
