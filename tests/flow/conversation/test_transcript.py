"""Claims about transcripts: what is added, what is shown of it, and what states can hold one."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from harness import Flow, listen, start
from harness.conversation import (
    ChatState,
    ConversationMessage,
    ConversationState,
    append_message,
    get_conversation_messages,
    input_history_to_messages,
    normalize_kickoff_inputs,
    prepare_conversational_turn,
    receive_user_message,
    set_state_field,
)
from harness.errors import UsageError
from harness.flow.conversation import transcript
from tests.flow.conversation.talks import Plain, Speaker, routed, said, talk
from tests.flow.graph.graphs import TIMEOUT_S


def test_messages_are_given_to_models_without_what_is_not_set_and_without_notes() -> None:
    flow = talk()
    flow.append_message("user", "hi", name="Ann", metadata={"from": "web"})
    flow.append_message("tool", "3", tool_call_id="c1", unknown="x")
    flow.append_assistant_message("Hello", metadata={"cost": 1})
    # An empty answer, which Anthropic and Bedrock would refuse in every later request.
    flow.append_assistant_message(" ")
    flow.append_message("user", "", files={"log": "log.txt"})
    assert flow.conversation_messages == [
        {"role": "user", "content": "hi", "name": "Ann"},
        {"role": "tool", "content": "3", "tool_call_id": "c1"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "", "files": {"log": "log.txt"}},
    ]
    assert [message.metadata for message in flow.state.messages] == [{"from": "web"}, {}, {"cost": 1}, {}, {}]


def test_a_call_that_a_turn_left_without_its_output_goes_to_no_model() -> None:
    def call(name: str) -> dict[str, Any]:
        return {"id": name, "type": "function", "function": {"name": "tide", "arguments": "{}"}}

    flow = talk()
    flow.append_message("user", "How high?")
    flow.append_message("assistant", None, tool_calls=[call("a"), call("b")])
    flow.append_message("tool", "3", tool_call_id="b")
    flow.append_message("assistant", None, tool_calls=[call("c")])
    # Here the turn was closed.
    flow.append_message("user", "Well?")
    # Of this one the output may still come.
    flow.append_message("assistant", None, tool_calls=[call("d")])
    assert flow.conversation_messages == [
        {"role": "user", "content": "How high?"},
        {"role": "assistant", "tool_calls": [call("b")]},
        {"role": "tool", "content": "3", "tool_call_id": "b"},
        {"role": "user", "content": "Well?"},
        {"role": "assistant", "tool_calls": [call("d")]},
    ]
    assert len(flow.state.messages) == 6


def test_what_is_no_call_is_for_the_model_to_name() -> None:
    flow = talk()
    said = [{"role": "assistant", "content": None, "tool_calls": ["tide()"]}, {"role": "user", "content": "Well?"}]
    flow.state.messages[:] = said
    assert flow.conversation_messages == said


def test_a_state_may_have_messages_of_its_own_kind() -> None:
    class Rated(ConversationMessage):
        stars: int = 0

    class State(ConversationState):
        messages: list[Rated] = Field(default_factory=list)  # type: ignore[assignment]

    class Rating(Flow[State]):
        pass

    flow = talk(Rating, llm=Speaker("Hello there"))
    flow.handle_turn("hi")
    assert flow.state.messages == [Rated(role="user", content="hi"), Rated(role="assistant", content="Hello there")]


class Listens(Flow[Any]):
    @listen("LISTEN")
    def nod(self) -> str:
        return "Mhm."


def test_half_a_character_stays_in_the_transcript_and_goes_to_no_model() -> None:
    answers, routes = Speaker("You're welcome. \ud83d", "Yes."), Speaker('{"intent": "converse"}')
    flow = routed(Listens, routes, answers)
    for message in ("Thanks \ud83d", [{"type": "text", "text": "\ude42"}], "Still there \ud83d\ude42?"):
        flow.handle_turn({"content": message})

    asked = [str(message.content) for request in (*answers.requests, *routes.requests) for message in request.messages]
    assert all(content == content.encode("utf-8", "replace").decode() for content in asked)
    assert answers.asked()[1:3] == [("user", "Thanks \ufffd"), ("assistant", "You're welcome. \ufffd")]
    assert answers.asked()[-1] == ("user", "Still there \U0001f642?")
    assert said(flow)[:2] == ["user: Thanks \ud83d", "assistant: You're welcome. \ud83d"]


def test_each_message_that_is_added_is_a_frame_with_its_place() -> None:
    class Adding(Flow[Any]):
        def converse_turn(self) -> Any:
            self.append_message("system", "note")
            return "Yes."

    session = talk(Adding).stream_turn("hi")
    shown = [(frame.data["role"], frame.data["content"], frame.data["message_index"]) for frame in session.messages]
    assert shown == [("user", "hi", 0), ("system", "note", 1), ("assistant", "Yes.", 2)]


SHOWN: dict[str, tuple[Any, str, list[str]]] = {
    "private": (None, "private", []),
    "public": (None, "public", ["assistant: Three boats."]),
    "named": (["counter"], "private", ["assistant: Three boats."]),
    "another named": (["other"], "private", []),
    "named as part of another": ("bean counter", "private", []),
    "all": ("all", "private", ["assistant: Three boats."]),
}


@pytest.mark.parametrize(("visible", "visibility", "added"), SHOWN.values(), ids=SHOWN.keys())
def test_an_agents_result_is_shown_where_it_is_public_or_the_agent_is_visible(
    visible: Any, visibility: Any, added: list[str]
) -> None:
    class Counting(Flow[Any]):
        def converse_turn(self) -> Any:
            result = "Three boats."
            self.append_agent_result("counter", result, visibility=visibility)
            return result

    flow = talk(Counting, visible_agent_outputs=visible)
    assert flow.handle_turn("hi") == "Three boats."
    assert said(flow) == ["user: hi", *added]
    assert [message.content for message in flow.state.agent_threads["counter"]] == ["Three boats."]
    assert [(event.type, event.agent_name) for event in flow.state.events] == [("agent_result", "counter")]
    assert flow.build_agent_context("counter")[-1] == {"role": "assistant", "content": "Three boats."}


def test_a_private_result_and_another_text_that_is_returned() -> None:
    class Counting(Flow[Any]):
        def converse_turn(self) -> Any:
            self.append_agent_result("counter", "raw data")
            return "Three boats."

    flow = talk(Counting)
    assert flow.handle_turn("hi") == "Three boats."
    assert said(flow)[1:] == ["assistant: Three boats."]


class Bare(BaseModel):
    topic: str = "sea"


class Own(ConversationState):
    topic: str = "sea"


STATES: dict[str, Any] = {
    "a model without messages": Bare,
    "an instance without messages": Bare(topic="sea"),
    "a conversation's model": Own,
    "an instance of one": Own(topic="sea"),
    "a dict": {"topic": "sea"},
    "a smaller state": ChatState,
}


@pytest.mark.parametrize("declared", STATES.values(), ids=STATES.keys())
def test_whatever_state_is_declared_holds_the_conversation_and_keeps_its_own_fields(declared: Any) -> None:
    base = type("Stated", (Flow,), {"initial_state": declared})
    flow = talk(base, llm=Speaker("Hello there"))
    flow.handle_turn("hi", session_id="a")
    assert said(flow) == ["user: hi", "assistant: Hello there"]
    assert flow.state.last_intent == "converse"
    if declared is not ChatState:
        assert flow.state.topic == "sea"


class Begun(BaseModel):
    """Says of some fields of a conversation how they begin."""

    model_config = ConfigDict(extra="allow")

    messages: list[dict[str, Any]] = [{"role": "assistant", "content": "Ahoy."}]
    last_intent: str = "none yet"
    ended: bool = True


@pytest.mark.parametrize("declared", [Begun, Begun(more=1)], ids=["a model", "an instance"])  # type: ignore[call-arg]
def test_a_conversation_begins_as_its_state_says(declared: Any) -> None:
    base = type("Stated", (Flow,), {"initial_state": declared})
    for flow in (talk(base, llm=Speaker("Hello there")) for _ in range(2)):
        assert (flow.state.last_intent, flow.state.ended) == ("none yet", True)
        assert getattr(flow.state, "more", None) == (None if declared is Begun else 1)
        flow.handle_turn("hi", session_id="a")
        assert said(flow) == ["assistant: Ahoy.", "user: hi", "assistant: Hello there"]


class Clashing(BaseModel):
    events: list[str] = ["x"]


@pytest.mark.parametrize("declared", [Clashing, Clashing()], ids=["a model", "an instance"])
def test_a_state_that_begins_with_what_a_conversation_has_no_place_for_is_refused(declared: Any) -> None:
    with pytest.raises(UsageError, match=r"the state Clashing begins .*: events\[0\]: expected an object, not 'x'"):
        talk(type("Stated", (Flow,), {"initial_state": declared}))


def test_a_flow_that_does_not_converse_keeps_a_transcript_of_dicts() -> None:
    class Chatty(Plain):
        initial_state = ChatState

    for flow in (Chatty(), Plain(initial_state={"messages": []}), Plain()):
        append_message(flow, "user", "hi")
        receive_user_message(flow, "there")
        assert get_conversation_messages(flow) == [
            {"role": "user", "content": "hi"},
            {"role": "user", "content": "there"},
        ]
        assert flow.conversation_messages == get_conversation_messages(flow)
    set_state_field(flow, "last_intent", "x")
    assert flow.state["last_intent"] == "x"


@pytest.mark.parametrize(
    ("inputs", "message", "session_id", "expected"),
    [
        (None, None, None, None),
        ({}, None, None, {}),
        ({"a": 1}, "hi", "s", {"a": 1, "id": "s", "user_message": "hi"}),
        (None, {"content": "hi"}, None, {"user_message": {"content": "hi"}}),
    ],
)
def test_inputs_of_a_kickoff_take_in_the_session_and_the_message(
    inputs: Any, message: Any, session_id: Any, expected: Any
) -> None:
    assert normalize_kickoff_inputs(inputs, user_message=message, session_id=session_id) == expected


def test_a_flow_that_drives_its_own_turns_prepares_them_from_its_inputs() -> None:
    class Driven(Flow):
        initial_state = {"messages": []}

        @start()
        def begin(self) -> Any:
            prepare_conversational_turn(self, intents=["A", "B"], intent_llm=Speaker('{"outcome": "B"}'))
            return self.state["last_intent"]

        @listen(begin)
        def done(self, intent: str) -> str:
            return f"{intent}: {self.state['messages'][-1]['content']}"

    assert Driven().kickoff(normalize_kickoff_inputs({}, user_message="hi")) == "B: hi"


def test_what_was_asked_and_answered_becomes_messages() -> None:
    entries = [{"message": "Name?", "response": "Ann"}, {"message": "Age?", "response": None}]
    assert input_history_to_messages(entries) == [
        {"role": "assistant", "content": "Name?"},
        {"role": "user", "content": "Ann"},
        {"role": "assistant", "content": "Age?"},
    ]


# Where a session bounds what is not read.


class Repeating(Flow[Any]):
    """Says the same many times in a thread, and once in the loop."""

    def model_post_init(self, context: Any, /) -> None:
        self.lock_is_held = threading.Event()

    @listen("converse")
    def repeat(self) -> None:
        for _ in range(9):
            self.append_message("tool", "Again.")
            self.lock_is_held.set()

    @listen("converse")
    async def say(self) -> None:
        while not self.lock_is_held.is_set():
            await asyncio.sleep(0)
        self.append_message("tool", "Once.")


def test_a_loop_does_not_wait_for_a_thread_that_waits_for_a_reader_in_it() -> None:
    flow = talk(Repeating)

    async def places() -> list[int]:
        session = flow.astream_turn("hi", look_ahead=1)
        return [frame.data["message_index"] async for frame in session.messages]

    assert in_time(lambda: asyncio.run(places())) == list(range(11))


def test_a_message_that_is_not_added_since_the_turn_was_closed_takes_no_other_with_it() -> None:
    class Closing(list[Any]):
        def append(self, message: Any) -> None:
            super().append(message)
            session.close()

    flow = talk()
    flow.append_message("user", "hi")
    flow.append_message("tool", "Well?")
    flow.state.messages = Closing(flow.state.messages)
    session = flow.stream_turn("hi")
    list(session)
    # Waits until the turn has ended.
    flow.handle_turn(" ")
    assert said(flow) == ["user: hi", "tool: Well?"]


def in_time(function: Any) -> Any:
    """Return what a function returns in a thread that may hang."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(function()), daemon=True)
    thread.start()
    thread.join(TIMEOUT_S)
    assert results
    return results[0]


def test_a_message_of_content_parts_is_kept() -> None:
    message = ConversationMessage(role="user", content=[{"type": "text", "text": "hi"}])
    assert ConversationMessage.model_validate_json(message.model_dump_json()) == message


# What routes are chosen by.


class Chosen(Flow[Any]):
    def route_turn(self, context: dict[str, Any]) -> str:
        self.told.append([message["content"] for message in context["message_history"]])
        return "converse"

    def converse_turn(self) -> str:
        return "Yes."

    def model_post_init(self, context: Any, /) -> None:
        self.told: list[list[str]] = []


def _edited(flow: Any) -> None:
    flow.state.messages[0].content = "hello"


def _removed(flow: Any) -> None:
    del flow.state.messages[0]


def _replaced(flow: Any) -> None:
    flow.state.messages[0] = ConversationMessage(role="user", content="ahoy")


def _emptied(flow: Any) -> None:
    flow.state.messages = []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda flow: None, ["hi", "Yes.", "you?"]),
        (_edited, ["hello", "Yes.", "you?"]),
        (_removed, ["Yes.", "you?"]),
        (_replaced, ["ahoy", "Yes.", "you?"]),
        (_emptied, ["you?"]),
    ],
    ids=["nothing", "edited", "removed", "replaced", "emptied"],
)
def test_a_route_is_chosen_by_the_transcript_as_it_is_now(change: Any, told: list[str]) -> None:
    flow: Any = talk(Chosen)
    flow.handle_turn("hi")
    change(flow)
    flow.handle_turn("you?")
    assert flow.told == [["hi"], told]
    assert [message["content"] for message in flow.conversation_messages] == [*told, "Yes."]


def test_what_a_late_turn_is_routed_by_is_read_no_more_often_than_an_early_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    flow: Any = talk(Chosen)
    read: list[Any] = []
    plain = transcript.model_message

    def reading(message: Any) -> dict[str, Any]:
        read.append(message)
        return plain(message)

    monkeypatch.setattr(transcript, "model_message", reading)
    counts = []
    for number in range(30):
        read.clear()
        flow.handle_turn(f"Is it {number}?")
        counts.append(len(read))
    assert counts == [1, *[2] * 29]
    assert len(flow.told[-1]) == 59
