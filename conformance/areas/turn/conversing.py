"""A consumer in conversation with a flow: turns asked for, read to their end, and held against what was due."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from conformance.areas.observations import Turned
from conformance.areas.turn.observations import Said
from conformance.stage.consumer import Consumer, Kind
from conformance.stage.programs import ConversationProgram, Method, Script, Step, route_to
from conformance.stage.programs.script import GREETING
from conformance.stage.reading import aread_whole, read_whole
from conformance.subjects.subject import Performance, Subject, offered
from conformance.timeline.evidence import Evidence, Outcome

TURN: Final = frozenset({"turn"})


class Conversation:
    """One conversational flow object, and the consumer that says things to it."""

    def __init__(
        self, consumer: Consumer, subject: Subject, performance: Performance, program: ConversationProgram
    ) -> None:
        self._consumer = consumer
        self._subject = subject
        self._performance = performance
        self.flow = subject.conversation(program, performance)

    @property
    def enter(self) -> Any:
        """What gives sessions of the consumer's kind. Raises NotOfferedError where the runtime has no such entry."""
        return _entry(self.flow, self._consumer.kind)

    def ask(self, message: str, **options: Any) -> Any:
        """Return the session of a turn, of the consumer's kind."""
        enter = self.enter
        return self._consumer.keep(self._consumer.in_loop(lambda: enter(message, **options)))

    def read(self, session: Any) -> Evidence:
        """Read a session to its end, then its result and its events again."""
        if self._consumer.is_sync:
            return read_whole(session)
        evidence: Evidence = self._consumer.complete(aread_whole(session))
        return evidence

    @property
    def transcript(self) -> tuple[Said, ...]:
        """What has been said, by role."""
        return tuple((str(one.role), str(one.content)) for one in self.flow.state.messages)

    def answer(
        self,
        message: str,
        reply: str,
        after: Literal["nothing", "a turn", "a failed turn"] = "nothing",
        *,
        asks: bool = False,
    ) -> Evidence:
        """Take a turn that is due a reply, from a model where it `asks` one."""
        evidence, turned = self._take(Turned(after, "reply", message, (), None, None, (), reply, asks))
        outcome = Outcome(reply) if turned.raised is None else evidence.outcome
        return replace(evidence, outcome=outcome, observations=(turned,))

    def fail(self, message: str) -> Evidence:
        """Take a turn that is due an error: its handler's own, or one that the runtime makes of what its model did."""
        evidence, turned = self._take(Turned("nothing", "error", message, (), None, None, ()))
        raised = self._performance.stage.noted("raised")
        error = raised[0] if raised else None
        outcome = evidence.outcome if error is None else Outcome(error=error)
        return replace(evidence, outcome=outcome, observations=(replace(turned, error=error),))

    def wait(self, message: str, after: Literal["nothing", "a turn"] = "nothing") -> Evidence:
        """Take a turn that is due to wait for a human."""
        evidence, turned = self._take(Turned(after, "pending", message, (), None, None, ()))
        waits = turned.raised is None and self._subject.is_pending(turned.result)
        return replace(evidence, observations=(replace(turned, is_pending=waits),))

    def _take(self, turned: Turned) -> tuple[Evidence, Turned]:
        before = len(self.transcript)
        evidence = self.read(self.ask(turned.message))
        last = evidence.reads[-1]
        added = self.transcript[before:]
        return evidence, replace(turned, frames=evidence.frames, result=last.value, raised=last.raised, added=added)


@dataclass(frozen=True)
class FirstTurn:
    """The first turn of a conversation, as a run that sessions of either kind are had of."""

    program: ConversationProgram
    #: What the model of the built-in answer says; None gives the turn to the first handler.
    script: Script | None = None

    def session(self, kind: Kind, subject: Subject, performance: Performance) -> Any:
        """Return a session. Raises NotOfferedError where there is no such entry."""
        enter = _entry(subject.conversation(self.program, performance), kind)
        if self.script is None:
            return enter(said_to(self.program.handlers[0].name))
        return enter(said_to_model(performance, self.script))


def _entry(flow: Any, kind: Kind) -> Any:
    entry, clause = ("stream_turn", "entry.turn") if kind == "sync" else ("astream_turn", "entry.turn-async")
    return offered(flow, entry, clause)


def said_to_model(performance: Performance, script: Script = GREETING) -> str:
    """Return a message that the built-in answer answers, its model playing `script`."""
    return f"How is the tide? {performance.provider.prompt_for(script)}"


def said_to(handler: str) -> str:
    """Return a message that the handler of that name answers."""
    return f"And the harbour? {route_to(handler)}"


def handler(consumer: Consumer, name: str, *steps: Step, **more: Any) -> Method:
    """Return a handler, which in an async conversation is an async method."""
    return Method(name, steps, is_async=not consumer.is_sync, **more)
