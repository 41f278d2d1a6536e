"""Conversations with one thing broken in each, and the clauses by which that is caught."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness import StreamSession, events
from harness.events.messages import ConversationMessageAddedEvent
from tests.conformance.standins.turns import Conversation, Conversing, Message, Waits


class ShowsNoRouting(Conversation):
    def route(self, to: str) -> None:
        """Route, and tell nobody."""


class HearsSilently(Conversation):
    def hear(self, message: str) -> None:
        self.state.messages.append(Message("user", message))


class CompletesEarly(Conversation):
    def append_assistant_message(self, text: str) -> None:
        self.complete()
        super().append_assistant_message(text)

    def turn(self, message: str) -> Any:
        self.emit(events.ConversationTurnStartedEvent, session_id=self.state.id)
        return self.run(message)


class RepliesAgain(Conversation):
    def append_assistant_message(self, text: str) -> None:
        super().append_assistant_message(text)
        self.has_replied = False


class ForgetsItsReply(Conversation):
    def add(self, role: str, content: str) -> None:
        if role == "user":
            super().add(role, content)
        else:
            self.emit(ConversationMessageAddedEvent, session_id=self.state.id, role=role, content=content)


class GivesNoReply(Conversation):
    def turn(self, message: str) -> Any:
        value = super().turn(message)
        return value if isinstance(value, Waits) else None


class CompletesAWait(Conversation):
    def wait(self, name: str) -> Any:
        waits = super().wait(name)
        self.complete()
        return waits


class GivesADraft(Conversation):
    def turn(self, message: str) -> Any:
        value = super().turn(message)
        return "A draft." if isinstance(value, Waits) else value


class FailsSilently(Conversation):
    def fail(self, error: Exception) -> None:
        """Fail, and tell nobody."""


class FailsForGood(Conversation):
    has_failed = False

    def fail(self, error: Exception) -> None:
        super().fail(error)
        self.has_failed = True

    def hear(self, message: str) -> None:
        if self.has_failed:
            raise RuntimeError("this conversation has failed")
        super().hear(message)


class KeepsTheMessage(Conversation):
    pending: str | None = None

    def turn(self, message: str) -> Any:
        self.pending = message
        value = super().turn(message)
        self.pending = None
        return value

    def run_plainly(self) -> None:
        if self.pending is not None:
            self.hear(self.pending)


class AnswersTheLastMessage(KeepsTheMessage):
    def hear(self, message: str) -> None:
        if self.pending not in (None, message):
            super().hear(str(self.pending))
        super().hear(message)

    def turn(self, message: str) -> Any:
        self.pending = self.pending or message
        value = Conversation.turn(self, message)
        self.pending = None
        return value


class AsksAsTold(Conversation):
    def converse(self) -> str:
        messages = [{"role": one.role, "content": one.content} for one in self.state.messages]
        reply = str(self.llm.call(messages))
        self.append_assistant_message(reply)
        return reply


class ChangesTheFlag(Conversation):
    def converse(self) -> str:
        self.llm.stream = True
        return super().converse()


class StartsEveryTime(Conversation):
    def end(self) -> None:
        self.is_started = False
        super().end()


class NeverFinishes(Conversation):
    def finalize_session_traces(self) -> None:
        """Leave the flow as it is."""


class LetsIn(Conversation):
    def begin(self) -> bool:
        return True

    def end(self) -> None:
        """Let the next one in, as all the others."""


class ForgetsTheSession(Conversation):
    def named(self, session_id: str | None) -> str:
        return self.state.id


class GivesNoSession(Conversation):
    def stream_turn(self, message: str, *, session_id: str | None = None) -> Any:
        return iter(super().stream_turn(message, session_id=session_id))


class HasNoAsyncTurns(Conversation):
    @property
    def astream_turn(self) -> Any:
        raise AttributeError("astream_turn")


class LetsAnyFlowConverse(Conversing):
    def refuse(self, message: str) -> Any:
        return StreamSession(lambda: None)


@dataclass(frozen=True)
class Broken:
    """A stand-in with one thing broken, and the clauses by which that is caught."""

    how: type[Conversation | Conversing]
    clause: str
    #: What the same fault breaks beside it, in the scenarios of that clause.
    also: frozenset[str]

    def __str__(self) -> str:
        return f"{self.clause}-{self.how.__name__}"

    @property
    def subject(self) -> Conversing:
        return self.how() if issubclass(self.how, Conversing) else Conversing(self.how)


def broken(how: type[Conversation | Conversing], clause: str, *also: str) -> Broken:
    return Broken(how, clause, frozenset(also))


BROKEN = (
    broken(ShowsNoRouting, "turn.sequence"),
    broken(HearsSilently, "turn.sequence"),
    broken(CompletesEarly, "turn.sequence", "order.scope-nesting", "order.terminal-last", "order.parent-closed"),
    broken(RepliesAgain, "turn.result", "turn.sequence"),
    broken(ForgetsItsReply, "turn.result"),
    broken(GivesNoReply, "turn.result", "result.value"),
    broken(CompletesAWait, "turn.pending"),
    broken(GivesADraft, "turn.pending"),
    broken(FailsSilently, "turn.failed", "error.frames-first", "order.scope-nesting"),
    broken(FailsForGood, "turn.failed"),
    broken(KeepsTheMessage, "turn.failed"),
    broken(AnswersTheLastMessage, "turn.failed"),
    broken(AsksAsTold, "turn.streams-answer"),
    broken(ChangesTheFlag, "turn.streams-answer", "entry.flag-restored"),
    broken(StartsEveryTime, "turn.deferred"),
    broken(NeverFinishes, "turn.deferred"),
    broken(LetsIn, "scope.concurrent-turns"),
    broken(ForgetsTheSession, "entry.turn"),
    broken(GivesNoSession, "entry.turn"),
    broken(LetsAnyFlowConverse, "entry.turn"),
    broken(HasNoAsyncTurns, "entry.turn-async"),
)
