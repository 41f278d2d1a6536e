"""Claims about routes: who decides, what a router is shown, and what becomes of answers that are no route."""

from __future__ import annotations

import asyncio
import enum
import json
import threading
from collections.abc import Callable
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from harness import Flow, UsageError, listen, router
from harness.conversation import ConversationConfig, RouterConfig
from tests.flow.conversation.talks import WAYS, Speaker, Way, routed, said, story, take, talk


class Desk(Flow[Any]):
    @listen("ORDER")
    def order(self) -> Any:
        """Looks an order up.

        By its number.
        """
        return "Your order is on its way."

    @router("REFUND")
    def refund(self) -> Literal["big", "small"]:
        return "small"

    @listen("small")
    def pay(self) -> Any:
        return "Paid."

    @listen("COMPLAINT")
    def complain(self) -> Any:
        return "Sorry."


def answer(label: Any) -> str:
    return json.dumps({"intent": label})


ROUTED: dict[str, tuple[str | BaseException, str, str]] = {
    "a route": (answer("ORDER"), "ORDER", "Your order is on its way."),
    "another case": (answer("order"), "ORDER", "Your order is on its way."),
    "end": (answer("end"), "end", "Conversation ended."),
    "converse": (answer("converse"), "converse", "Hello there"),
    "no route": (answer("PIZZA"), "COMPLAINT", "Sorry."),
    "a method": (answer("order_lookup"), "COMPLAINT", "Sorry."),
    "another router's label": (answer("small"), "COMPLAINT", "Sorry."),
    "nothing": (answer(""), "converse", "Hello there"),
    "no answer in the form": ("I would say ORDER", "COMPLAINT", "Sorry."),
    "a failure": (ConnectionError("down"), "COMPLAINT", "Sorry."),
}


@pytest.mark.parametrize(("line", "route", "reply"), ROUTED.values(), ids=ROUTED.keys())
def test_a_model_chooses_the_route_and_what_is_none_goes_to_the_fallback(
    line: str | BaseException, route: str, reply: str
) -> None:
    flow = routed(Desk, Speaker(line), Speaker("Hello there"), fallback_intent="COMPLAINT")
    assert flow.handle_turn("Where is it?") == reply
    assert flow.state.last_intent == route
    assert said(flow) == ["user: Where is it?", f"assistant: {reply}"]
    assert flow.state.ended is (route == "end")


def test_the_router_is_shown_every_route_with_what_it_is_for_and_what_was_said() -> None:
    llm = Speaker(answer("converse"))
    flow = routed(
        Desk, llm, Speaker("Hello there"), prompt="This is a shop.", route_descriptions={"COMPLAINT": "Anger."}
    )
    flow.handle_turn("hi")
    flow.handle_turn("Where is it?")

    (_, system), (_, user) = llm.asked()
    lines = system.splitlines()
    assert lines[0] == "This is a shop."
    assert [line.partition(":")[0] for line in lines if line.startswith("- ")] == [
        "- ORDER",
        "- COMPLAINT",
        "- converse",
        "- end",
    ]
    assert {"- ORDER: Looks an order up.", "- COMPLAINT: Anger."} <= set(lines)
    context = json.loads(user)
    assert context["current_user_message"] == "Where is it?"
    assert [message["content"] for message in context["message_history"]] == ["hi", "Hello there", "Where is it?"]
    assert (context["last_intent"], context["available_routes"]) == (
        "converse",
        ["ORDER", "COMPLAINT", "converse", "end"],
    )


def test_who_chooses_is_told_the_words_of_messages_and_no_files() -> None:
    llm, image = (
        Speaker(answer("ORDER")),
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,c2hpcA=="}},
    )
    flow = routed(Desk, llm)
    flow.append_message("user", "See there.", files={"log": b"PLENTY"})
    flow.handle_turn({"content": [{"type": "text", "text": "And here."}, image]})
    flow.classify_intent("Where is it?", ["A", "B"], llm=llm, context=flow.conversation_messages)
    history = json.loads(llm.asked(0)[1][1])["message_history"]
    assert history == [{"role": "user", "content": "See there."}, {"role": "user", "content": "And here."}]
    assert "user: And here.\n" in llm.asked()[0][1]
    assert "c2hpcA" not in str(llm.requests)


@pytest.mark.parametrize("history", ["Ann asked where it is.", ["Where?", 5], None])
def test_what_was_said_is_shown_to_the_router_as_the_class_has_it(history: Any) -> None:
    class Told(Desk):
        def build_router_context(self) -> dict[str, Any]:
            return {"message_history": history}

    llm = Speaker(answer("ORDER"))
    assert routed(Told, llm).handle_turn("Where is it?") == "Your order is on its way."
    assert json.loads(llm.asked(0)[1][1])["message_history"] == history


def test_the_router_is_asked_in_its_form_and_its_tokens_are_no_part_of_the_turn() -> None:
    llm = Speaker(answer("ORDER"), stream=True)
    session = routed(Desk, llm).stream_turn("Where is it?")
    frames = list(session)
    form = llm.requests[0].response_format
    assert isinstance(form, type)
    assert list(form.model_fields) == ["intent"]
    assert "".join(frame.content for frame in frames) == ""
    assert story(frames)[3:8] == [
        "route_conversation started",
        "call started",
        "call completed",
        "to ORDER",
        "route_conversation finished",
    ]


def test_a_form_and_a_field_of_ones_own_are_asked_for_and_read() -> None:
    class Choice(BaseModel):
        goes_to: str
        why: str = ""

    llm = Speaker('{"goes_to": "ORDER", "why": "it is about one"}')
    flow = routed(Desk, llm, response_format=Choice, intent_field="goes_to")
    assert flow.handle_turn("Where is it?") == "Your order is on its way."
    assert llm.requests[0].response_format is Choice


@pytest.mark.parametrize("kind", ["Open", "Named", "Passing"])
def test_a_model_that_is_no_base_llm_is_asked_by_the_name_that_it_knows(kind: str) -> None:
    class Foreign:
        stream = False
        given: Any = None

    class Named(Foreign):
        def call(self, messages: Any, response_model: Any = None) -> Any:
            self.given = {"response_model": response_model}
            return {"intent": "ORDER"}

    class Open(Foreign):
        def call(self, messages: Any, **options: Any) -> Any:
            self.given = options
            return {"intent": "ORDER"}

    class Passing(Named):
        """Its signature tells nothing."""

        def call(self, messages: Any, *given: Any, **options: Any) -> Any:
            return super().call(messages, *given, **options)

    llm = {"Open": Open, "Named": Named, "Passing": Passing}[kind]()
    assert routed(Desk, llm).handle_turn("Where is it?") == "Your order is on its way."
    assert list(llm.given) == ["response_format" if kind == "Open" else "response_model"]


ASKED: dict[str, tuple[Callable[[Any], ConversationConfig], type[Flow[Any]], int]] = {
    "handlers and a model": (lambda llm: ConversationConfig(llm=llm), Desk, 1),
    "no handlers": (lambda llm: ConversationConfig(llm=llm), Flow, 0),
    "default intents": (
        lambda llm: ConversationConfig(intent_llm=llm, llm=llm, default_intents=["ORDER", "COMPLAINT"]),
        Desk,
        0,
    ),
    "no handlers, and told to": (lambda llm: ConversationConfig(llm=llm, router=RouterConfig()), Flow, 1),
}


@pytest.mark.parametrize(("config", "base", "routers"), ASKED.values(), ids=ASKED.keys())
def test_a_router_is_asked_by_itself_where_there_is_something_to_choose(
    config: Callable[[Any], ConversationConfig], base: type[Flow[Any]], routers: int
) -> None:
    llm = Speaker(answer("converse"))
    config(llm)(type("Made", (base,), {}))().handle_turn("hi")
    forms = [request.response_format for request in llm.requests]
    assert sum(getattr(form, "__name__", "") == "ConversationRoute" for form in forms) == routers


def test_without_a_model_the_router_takes_its_default() -> None:
    class Silent(Desk):
        conversational = True
        conversational_config = ConversationConfig(router=RouterConfig(default_intent="ORDER"))

    assert Silent().handle_turn("hi") == "Your order is on its way."


INTENTS: dict[str, tuple[tuple[str | BaseException, ...], str]] = {
    "in the form": (('{"outcome": "COMPLAINT"}',), "COMPLAINT"),
    "none of them, then in words": (('{"outcome": "PIZZA"}', "It is a COMPLAINT."), "COMPLAINT"),
    "a failure, then in words": ((ConnectionError("down"), "complaint"), "COMPLAINT"),
    "none of them twice": (('{"outcome": "PIZZA"}', "PIZZA"), "ORDER"),
}


@pytest.mark.parametrize(("lines", "intent"), INTENTS.values(), ids=INTENTS.keys())
def test_a_turn_with_intents_goes_where_the_message_is_classified_to(
    lines: tuple[str | BaseException, ...], intent: str
) -> None:
    classifier = Speaker(*lines)
    flow = talk(Desk, llm=Speaker("Hello there"))
    reply = flow.handle_turn("It broke.", intents=["ORDER", "COMPLAINT"], intent_llm=classifier)
    assert reply == {"ORDER": "Your order is on its way.", "COMPLAINT": "Sorry."}[intent]
    assert "ORDER, COMPLAINT" in classifier.asked()[0][1]
    assert flow.state.last_intent == intent


def test_intents_of_the_class_classify_each_turn_anew() -> None:
    llm = Speaker('{"outcome": "COMPLAINT"}', '{"outcome": "ORDER"}')
    flow = talk(Desk, default_intents=["ORDER", "COMPLAINT"], intent_llm=llm)
    assert [flow.handle_turn("one"), flow.handle_turn("two")] == ["Sorry.", "Your order is on its way."]


def test_an_intent_that_no_handler_listens_to_is_not_answered_and_the_log_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    flow = talk(Desk, default_intents=["ORDER", "PIZZA"], intent_llm=Speaker('{"outcome": "PIZZA"}'))
    flow.handle_turn("one")
    assert said(flow) == ["user: one"]
    assert "the message was found to be 'PIZZA', which no handler listens to: it is not answered" in caplog.text


def test_intents_need_a_model() -> None:
    with pytest.raises(UsageError, match="intent_llm is required when intents are provided"):
        talk(Desk).stream_turn("hi", intents=["ORDER"])


class Plain:
    def __init__(self, answer: str) -> None:
        self.answer = answer

    def call(self, messages: Any, **options: Any) -> str:
        return self.answer


@pytest.mark.parametrize(("said_by_model", "outcome"), [("B", "B"), ("b", "B"), (" B \n", "B"), ("neither", "A")])
def test_a_text_is_classified_by_what_the_model_names_or_as_the_first(said_by_model: str, outcome: str) -> None:
    assert talk().classify_intent("text", ["A", "B"], llm=Plain(said_by_model)) == outcome


def test_an_intent_that_is_given_alone_is_one_and_not_its_letters() -> None:
    classifier = Speaker('{"outcome": "ORDER"}')
    flow = talk(Desk, default_intents="ORDER", intent_llm=classifier)
    assert flow.handle_turn("hi") == flow.handle_turn("hi", intents="ORDER") == "Your order is on its way."
    assert flow.classify_intent("hi", "ORDER", llm=classifier) == "ORDER"


def test_a_route_of_an_earlier_turn_is_not_taken_again() -> None:
    class Once(Desk):
        def route_turn(self, context: dict[str, Any]) -> str | None:
            return "ORDER" if context["last_intent"] is None else None

    flow = talk(Once, llm=Speaker("Hello there"))
    assert [flow.handle_turn("one"), flow.handle_turn("two")] == ["Your order is on its way.", "Hello there"]


def test_a_route_that_blocks_does_not_block_the_loop_of_its_turn() -> None:
    turning, looked_up = threading.Event(), threading.Event()

    class Slow(Flow[Any]):
        def route_turn(self, context: dict[str, Any]) -> str | None:
            turning.set()
            return None if looked_up.wait(5.0) else "nowhere"

    async def turn() -> Any:
        session = talk(Slow, llm=Speaker("Hello there")).astream_turn("one")
        reading = asyncio.create_task(anext(session.messages))
        while not turning.is_set():
            await asyncio.sleep(0)
        looked_up.set()
        await reading
        _ = [frame async for frame in session]
        return session.result

    assert asyncio.run(turn()) == "Hello there"


class Label(str, enum.Enum):  # noqa: UP042 - the str() of its members is not their value
    ORDER = "ORDER"
    COMPLAINT = "COMPLAINT"


def test_a_route_and_an_intent_may_be_members_of_an_enum() -> None:
    class Labelled(Desk):
        def route_turn(self, context: dict[str, Any]) -> Any:
            return Label.ORDER if context["current_user_message"] == "one" else None

    flow = talk(Labelled, default_intents=list(Label), intent_llm=Speaker('{"outcome": "COMPLAINT"}'))
    assert [flow.handle_turn("one"), flow.handle_turn("two")] == ["Your order is on its way.", "Sorry."]


def test_a_route_that_nothing_listens_to_fails_the_turn_and_says_which_there_are() -> None:
    class Lost(Desk):
        def route_turn(self, context: dict[str, Any]) -> str | None:
            return "ORDERS"

    with pytest.raises(
        UsageError, match=r"'ORDERS', which no handler listens to; there are COMPLAINT, ORDER, converse"
    ):
        talk(Lost).handle_turn("hi")


HISTORY = {"yes": ("answer_from_history", "As I said."), "no": ("route_to_flow", "Hello there")}


@pytest.mark.parametrize(("verdict", "reply"), HISTORY.values(), ids=HISTORY.keys())
def test_history_answers_where_its_model_says_that_it_can(verdict: str, reply: str) -> None:
    history = Speaker(json.dumps({"outcome": verdict}), "As I said.")
    flow = talk(llm=Speaker("Hello there"), answer_from_history_llm=history, answer_from_history_prompt="Look back.")
    assert flow.handle_turn("hi") == "Hello there"
    assert history.requests == []
    assert flow.handle_turn("what did you say?") == reply
    if reply == "As I said.":
        assert history.asked()[0] == ("system", "Look back.")
        assert flow.state.last_intent == "answer_from_history"


OVERRIDES: dict[str, tuple[dict[str, Any], str]] = {
    "by its name": ({"converse_turn": lambda self: "Mine."}, "converse"),
    "by its label": ({"mine": listen("converse")(lambda self: "Mine.")}, "converse"),
    "the end by its name": ({"end_conversation": lambda self: "Mine."}, "end"),
    "the end by its label": ({"mine": listen("end")(lambda self: "Mine.")}, "end"),
    "history by its name": ({"answer_from_history_turn": lambda self: "Mine."}, "answer_from_history"),
    "history by its label": ({"mine": listen("answer_from_history")(lambda self: "Mine.")}, "answer_from_history"),
    "the router": ({"route_conversation": lambda self: "mine", "own": listen("mine")(lambda self: "Mine.")}, "mine"),
}


@pytest.mark.parametrize(("body", "label"), OVERRIDES.values(), ids=OVERRIDES.keys())
def test_every_built_in_method_can_be_overridden(body: dict[str, Any], label: str) -> None:
    for name, value in body.items():
        value.__name__ = name
    base = type("Own", (Flow,), {"route_turn": lambda self, context: label, **body})
    flow = talk(base, llm=Speaker("Hello there"))
    assert flow.handle_turn("hi") == "Mine."
    assert said(flow) == ["user: hi", "assistant: Mine."]


@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
def test_what_decides_on_routes_may_be_overridden_by_coroutines(is_async: bool) -> None:
    class Deciding(Desk):
        async def build_router_context(self) -> Any:  # type: ignore[override]
            return {"said": self.state.current_user_message}

        async def route_turn(self, context: dict[str, Any]) -> Any:  # type: ignore[override]
            await asyncio.sleep(0)
            return "ORDER" if context["said"] == "order" else None

        async def can_answer_from_history(self, context: dict[str, Any]) -> Any:  # type: ignore[override]
            return False

    def reply(message: str) -> Any:
        flow = talk(Deciding, llm=Speaker("Hello there"))
        return asyncio.run(flow.ahandle_turn(message)) if is_async else flow.handle_turn(message)

    assert [reply("order"), reply("hi")] == ["Your order is on its way.", "Hello there"]


def test_an_override_can_call_the_built_in_answer() -> None:
    class Loud(Flow[Any]):
        def converse_turn(self) -> Any:
            return str(super().converse_turn()).upper()

    assert talk(Loud, llm=Speaker("Hello there")).handle_turn("hi") == "HELLO THERE"


def test_a_handler_that_is_named_as_its_label_is_refused_when_the_flow_is_built() -> None:
    base = type("Named", (Flow,), {"order": listen("order")(lambda self: None)})
    with pytest.raises(UsageError, match="'order', which is itself"):
        talk(base)


@pytest.mark.parametrize("option", ["routes", "route_descriptions", "default_intent", "fallback_intent"])
def test_labels_of_a_router_that_nothing_listens_to_are_refused_when_the_flow_is_built(option: str) -> None:
    value: Any = {"routes": ["ORDERS"], "route_descriptions": {"ORDERS": "x"}}.get(option, "ORDERS")
    with pytest.raises(UsageError, match=rf"the router of Desk has 'ORDERS' as {option}"):
        routed(Desk, Speaker("x"), **{option: value})


class Later:
    async def call(self, messages: Any, response_model: Any = None) -> Any:
        return "Later." if response_model is None else '{"intent": "ORDER"}'


@pytest.mark.parametrize("way", WAYS)
def test_a_model_may_answer_by_a_coroutine(way: Way) -> None:
    assert take(talk(llm=Later()), way, "When?")[0] == "Later."
    assert take(routed(Desk, Later()), way, "Where is it?")[0] == "Your order is on its way."


def test_a_model_is_given_by_name_settings_or_as_an_object() -> None:
    dialogue = talk()._flow_dialogue
    named = dialogue.model("openai/gpt-4o-mini")
    assert named.model == "gpt-4o-mini"
    assert dialogue.model("openai/gpt-4o-mini") is named
    assert dialogue.model({"model": "openai/gpt-4o-mini", "temperature": 0.5}).temperature == 0.5
    with pytest.raises(UsageError, match="an llm is 'provider/model'"):
        dialogue.model(3)
