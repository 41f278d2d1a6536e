"""Claims about turns that go on later: after a human has answered, from a checkpoint, in another process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness import Flow, UsageError, human_feedback, listen, persist, start
from harness.conversation import ConversationConfig
from harness.flow import CheckpointConfig, HumanFeedbackPending, SQLiteFlowPersistence
from tests.flow.conversation.talks import Speaker, said, story, take, talk
from tests.flow.feedback.people import Later


class Office(Flow[Any]):
    def route_turn(self, context: dict[str, Any]) -> str | None:
        return "LETTER" if "letter" in context["current_user_message"] else None

    @listen("LETTER")
    @human_feedback(message="Send it?", emit=["yes", "no"], llm=Speaker('{"outcome": "yes"}'), provider=Later())
    def write(self) -> Any:
        return "Dear Sir"

    @listen("yes")
    def send(self) -> Any:
        return f"Sent, as to {self.state.current_user_message!r}."


ENDED = ["user: a letter", "assistant: Sent, as to 'a letter'."]


@pytest.mark.parametrize("deferred", [True, False])
@pytest.mark.parametrize("elsewhere", [True, False])
def test_the_answer_of_a_human_takes_the_turn_up_and_ends_it(tmp_path: Path, deferred: bool, elsewhere: bool) -> None:
    place = SQLiteFlowPersistence(tmp_path / "states.db")
    config = ConversationConfig(llm=Speaker("Hello there"), defer_trace_finalization=deferred)
    flow_class: Any = config(type("Waiting", (Office,), {}))
    flow = flow_class(persistence=place)
    pending, frames = take(flow, "stream_turn", "a letter", session_id="a")
    assert isinstance(pending, HumanFeedbackPending)
    assert story(frames)[-2:] == ["method execution paused", "flow paused"]
    assert said(flow) == ["user: a letter"]

    if elsewhere:
        flow = flow_class.from_pending("a", place)
    flow.stream = True
    session = flow.resume("Yes, please.")
    frames = list(session)

    lines = story(frames)
    assert lines[0] == "turn started"
    assert lines[-3 if deferred else -4 :] == [
        "send finished",
        ENDED[1],
        *([] if deferred else ["flow finished"]),
        "turn completed",
    ]
    assert said(flow) == ENDED
    assert flow.state.current_user_message is None
    turns = ["user: hi", "assistant: Hello there"]
    for count in (1, 2):
        assert flow.handle_turn("hi", session_id="a") == "Hello there"
        assert said(flow) == ENDED + turns * count
    flow = flow_class(persistence=place)
    for count in (3, 4):
        flow.handle_turn("hi", session_id="a")
        assert said(flow) == ENDED + turns * count


@pytest.mark.parametrize("session_id", ["a", "b"])
@pytest.mark.parametrize("taken_by", ["itself", "another", "all others"])
def test_turns_taken_while_one_waits_leave_it_its_message_and_its_transcript(
    tmp_path: Path, taken_by: str, session_id: str
) -> None:
    place = SQLiteFlowPersistence(tmp_path / "states.db")
    flow_class: Any = ConversationConfig(llm=Speaker("Hello there"))(type("Waiting", (Office,), {}))
    flow = flow_class(persistence=place)
    flow.handle_turn("a letter", session_id="a")
    another = flow if taken_by == "itself" else flow_class(persistence=place)
    assert another.handle_turn("hi", session_id=session_id) == "Hello there"

    if taken_by == "all others":
        flow = flow_class.from_pending("a", place)
    assert flow.resume("Yes, please.") == "Sent, as to 'a letter'."
    meanwhile = ["user: hi", "assistant: Hello there"] if session_id == "a" else []
    assert said(flow) == [ENDED[0], *meanwhile, ENDED[1]]


def test_a_turn_whose_handler_comes_to_what_another_flow_waits_with_has_ended(tmp_path: Path) -> None:
    place = SQLiteFlowPersistence(tmp_path / "states.db")

    class Approved(Flow[Any]):
        @start()
        @human_feedback(message="Send it?", provider=Later())
        def write(self) -> str:
            return "Dear Sir"

    @persist(place)
    class Passing(Flow[Any]):
        @listen("converse")
        def pass_on(self) -> Any:
            self.append_assistant_message("It is looked at.")
            return Approved(persistence=place).kickoff()

    pending, frames = take(talk(Passing), "stream_turn", "a letter", session_id="a")
    assert isinstance(pending, HumanFeedbackPending)
    assert story(frames)[-2:] == ["pass_on finished", "turn completed"]
    kept = place.load_state("a")
    assert kept is not None
    assert (kept["current_user_message"], len(kept["messages"])) == (None, 2)


def test_a_resumed_turn_that_fails_is_a_turn_when_it_is_resumed_again(tmp_path: Path) -> None:
    class Stuck(Office):
        failures = [ConnectionError("no post")]

        @listen("yes")
        def send(self) -> Any:
            if self.failures:
                raise self.failures.pop()
            return super().send()

    place = SQLiteFlowPersistence(tmp_path / "states.db")
    flow_class: Any = ConversationConfig()(Stuck)
    flow_class(persistence=place).handle_turn("a letter", session_id="a")
    flow = flow_class.from_pending("a", place)
    with pytest.raises(ConnectionError):
        flow.resume("Yes, please.")
    assert flow.resume("Yes, please.") == "Sent, as to 'a letter'."
    assert said(flow) == ENDED


def test_what_is_said_in_turns_that_ask_somebody_stays_said(tmp_path: Path) -> None:
    class Asks(Flow[Any]):
        @listen("converse")
        def answer(self) -> Any:
            return f"You like {self.ask('Which colour?')}."

    class Typist:
        def request_input(self, message: str, flow: Any, metadata: Any = None) -> str:
            return "blue"

    flow_class: Any = ConversationConfig()(Asks)
    flow = flow_class(persistence=SQLiteFlowPersistence(tmp_path / "states.db"), input_provider=Typist())
    for message in ("one", "two"):
        flow.handle_turn(message, session_id="a")
    assert said(flow) == ["user: one", "assistant: You like blue.", "user: two", "assistant: You like blue."]


def test_a_turn_that_was_cut_off_goes_on_from_its_checkpoint_without_being_said_again(tmp_path: Path) -> None:
    ran: list[str] = []

    class Cut(Flow[Any]):
        @listen("converse")
        def draft(self) -> Any:
            ran.append("draft")
            return "draft"

        @listen(draft)
        def finish(self, text: str) -> Any:
            ran.append("finish")
            if ran.count("finish") == 1:
                raise ConnectionError("cut off")
            return f"{text}, done"

    config = CheckpointConfig(location=str(tmp_path), on_events=["method_execution_finished"])
    base = type("Written", (Cut,), {"checkpoint": config})
    with pytest.raises(ConnectionError):
        talk(base).handle_turn("hi", session_id="a")

    flow = talk(base)
    with pytest.raises(UsageError, match="goes on with the turn of 'hi', which leaves 'more' unanswered"):
        flow.handle_turn("more", session_id="a", resume=True)
    assert said(flow) == []
    assert flow.handle_turn("hi", session_id="a", resume=True) == "draft, done"
    assert said(flow) == ["user: hi", "assistant: draft, done"]
    assert ran == ["draft", "finish", "finish"]
    assert flow.handle_turn("more") == "draft, done"
    assert said(flow)[2:] == ["user: more", "assistant: draft, done"]


def test_a_turn_whose_message_a_handler_had_put_in_other_words_goes_on_with_it(tmp_path: Path) -> None:
    class Rewords(Flow[Any]):
        checkpoint = CheckpointConfig(location=str(tmp_path), on_events=["method_execution_finished"])
        cuts = [ConnectionError("cut off")]

        @listen("converse")
        def reword(self) -> None:
            self.state.current_user_message = "hello"

        @listen(reword)
        def reply(self) -> str:
            if self.cuts:
                raise self.cuts.pop()
            return f"{self.state.current_user_message}!"

    with pytest.raises(ConnectionError):
        talk(Rewords).handle_turn("HELLO", session_id="a")
    assert talk(Rewords).handle_turn("HELLO", session_id="a", resume=True) == "hello!"


def test_a_turn_that_was_cut_off_before_its_route_was_known_is_not_said_again(tmp_path: Path) -> None:
    class Cut(Flow[Any]):
        checkpoint = CheckpointConfig(location=str(tmp_path), on_events=["*"])
        cuts = [ConnectionError("cut off")]

        def route_turn(self, context: dict[str, Any]) -> str | None:
            if self.cuts:
                raise self.cuts.pop()
            return None

    with pytest.raises(ConnectionError):
        talk(Cut).handle_turn("hi", session_id="a")
    flow = talk(Cut, llm=Speaker("Hello there"))
    assert flow.handle_turn("hi", session_id="a", resume=True) == "Hello there"
    assert said(flow) == ["user: hi", "assistant: Hello there"]


def test_a_turn_that_was_cut_off_after_its_reply_does_not_say_it_again(tmp_path: Path) -> None:
    class Replies(Flow[Any]):
        checkpoint = CheckpointConfig(location=str(tmp_path), on_events=["conversation_message_added"])

        @listen("converse")
        def reply(self) -> str:
            return "Yes."

    talk(Replies).handle_turn("hi", session_id="a")
    flow = talk(Replies)
    assert flow.handle_turn("hi", session_id="a", resume=True) == "Yes."
    assert said(flow) == ["user: hi", "assistant: Yes."]
