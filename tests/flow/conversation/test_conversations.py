"""Random conversations against a model of them: the transcript, the frames and the result agree after every turn."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from harness import Flow, human_feedback, listen
from harness.conversation import ConversationConfig
from harness.flow import HumanFeedbackPending, persist
from tests.flow.conversation.talks import WAYS, Speaker, Way, said, story, take
from tests.flow.feedback.people import Later
from tests.flow.graph.graphs import TIMEOUT_S
from tests.flow.persistence.memory import Memory

HELLO = "Hello there"


class Talk(Flow[Any]):
    """Does what the message says."""

    held: ClassVar[threading.Event]
    go: ClassVar[threading.Event]

    def route_turn(self, context: dict[str, Any]) -> str | None:
        word = context["current_user_message"].split()[0]
        return word if word in ("ECHO", "FAIL", "HOLD", "ASK") else None

    @listen("ECHO")
    def echo(self) -> Any:
        return f"You said {self.state.current_user_message}."

    @listen("FAIL")
    def fail(self) -> Any:
        raise LookupError("as asked")

    @listen("HOLD")
    def hold(self) -> Any:
        self.held.set()
        assert self.go.wait(TIMEOUT_S)
        return "too late"

    @listen("ASK")
    @human_feedback(message="Yes?", emit=["ok"], llm="never/asked", provider=Later())
    def ask_human(self) -> Any:
        return "A draft."

    @listen("ok")
    def approved(self) -> Any:
        return "Approved."


class Conversations(RuleBasedStateMachine):
    """A conversation and what should have become of it."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Memory()
        self.flow_class: Any = ConversationConfig(llm=Speaker(HELLO))(
            persist(self.place)(type("Talk", (Talk,), {"held": threading.Event(), "go": threading.Event()}))
        )
        self.flow = self.flow_class(persistence=self.place)
        self.lines: list[str] = []
        self.waits = False
        self.has_started = False

    def hold(self, way: Way, frames: list[Any], *, message: str, reply: str | None, end: str) -> None:
        """Hold what a turn has shown to what it was due, where it was streamed."""
        if way in ("stream_turn", "astream_turn"):
            lines = story(frames)
            starts = [] if self.has_started else ["flow started"]
            assert lines[: 2 + len(starts)] == ["turn started", *starts, f"user: {message}"]
            assert [line for line in lines if line.startswith("assistant")] == (
                [f"assistant: {reply}"] if reply else []
            )
            assert lines[-1] == end
            assert [frame.seq for frame in frames] == list(range(1, len(frames) + 1))
        self.has_started = True

    @precondition(lambda self: not self.waits)
    @rule(way=st.sampled_from(WAYS), message=st.sampled_from(["hi", "ECHO this", "ECHO that"]))
    def speak(self, way: Way, message: str) -> None:
        reply = HELLO if message == "hi" else f"You said {message}."
        result, frames = take(self.flow, way, message, session_id="s")
        assert result == reply
        self.lines += [f"user: {message}", f"assistant: {reply}"]
        self.hold(way, frames, message=message, reply=reply, end="turn completed")

    @precondition(lambda self: not self.waits)
    @rule(way=st.sampled_from(WAYS))
    def fail(self, way: Way) -> None:
        with pytest.raises(LookupError):
            take(self.flow, way, "FAIL now", session_id="s")
        self.lines.append("user: FAIL now")
        self.has_started = True

    @precondition(lambda self: not self.waits)
    @rule()
    def close_in_the_middle(self) -> None:
        self.flow_class.held.clear()
        self.flow_class.go.clear()
        # What other tests have started may never end, such as the loop of listeners.
        before = set(threading.enumerate())
        session = self.flow.stream_turn("HOLD on", session_id="s")
        next(iter(session))
        assert self.flow_class.held.wait(TIMEOUT_S)
        runs = [thread for thread in threading.enumerate() if thread not in before]
        session.close()
        self.flow_class.go.set()
        for thread in runs:
            thread.join(TIMEOUT_S)
        self.lines.append("user: HOLD on")
        self.has_started = True

    @precondition(lambda self: not self.waits)
    @rule(way=st.sampled_from(WAYS))
    def wait(self, way: Way) -> None:
        result, frames = take(self.flow, way, "ASK first", session_id="s")
        assert isinstance(result, HumanFeedbackPending)
        self.lines.append("user: ASK first")
        self.hold(way, frames, message="ASK first", reply=None, end="flow paused")
        self.waits = True

    @precondition(lambda self: self.waits)
    @rule(elsewhere=st.booleans())
    def answer(self, elsewhere: bool) -> None:
        if elsewhere:
            self.flow = self.flow_class.from_pending("s", self.place)
            self.has_started = False
        assert self.flow.resume("") == "Approved."
        self.lines.append("assistant: Approved.")
        self.waits = False
        self.has_started = True

    @precondition(lambda self: self.lines and not self.waits)
    @rule()
    def restore(self) -> None:
        self.flow = self.flow_class(persistence=self.place)
        self.has_started = False
        assert take(self.flow, "handle_turn", "hi", session_id="s")[0] == HELLO
        self.lines += ["user: hi", f"assistant: {HELLO}"]
        self.has_started = True

    @rule()
    def finalize(self) -> None:
        self.flow.finalize_session_traces()
        self.has_started = False

    @invariant()
    def the_transcript_is_what_was_said(self) -> None:
        assert said(self.flow) == self.lines
        assert (self.flow.state.current_user_message is not None) is self.waits


TestConversations = Conversations.TestCase
TestConversations.settings = settings(max_examples=12, stateful_step_count=12, deadline=None)
