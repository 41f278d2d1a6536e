"""A consumer in conversation with a flow: turns asked for, read to their end, and held to what was due."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Any, Final

from msgspec.structs import replace

from conformance.stage.consumer import Consumer
from conformance.stage.programs import GREETING, ConversationProgram, Method, Program, Script, Step, route_to
from conformance.stage.reader import SessionKind
from conformance.subjects.subject import Performance, offered
from conformance.timeline.evidence import AnyFrame, Evidence, ProgramOutcome
from conformance.timeline.expected import NOTHING, Expected, Raised, Same, comes_to
from conformance.timeline.vocabulary import CHANNEL_OF

#: What streams a turn, and the clause of that.
TURN_ENTRIES: Final[dict[SessionKind, tuple[str, str]]] = {
    "sync": ("stream_turn", "entry.turn"),
    "async": ("astream_turn", "entry.turn-async"),
}
#: A role and what it said.
Utterance = tuple[str, str]

_STARTED: Final = "conversation_turn_started"
_COMPLETED: Final = "conversation_turn_completed"
_FAILED: Final = "conversation_turn_failed"
_ROUTED: Final = "conversation_route_selected"
#: The only part of a turn that may have several frames.
_CALL: Final = "call of its model"


class HeldConversation:
    """One conversational flow object, and the consumer that says things to it."""

    def __init__(self, consumer: Consumer, program: ConversationProgram) -> None:
        self._consumer = consumer
        self.flow = consumer.subject.conversation(program, consumer.performance)

    @property
    def enter(self) -> Any:
        """What gives sessions of the consumer's kind. Raises NotOfferedError where the runtime has no such entry."""
        return _entry(self.flow, self._consumer.kind)

    def ask(self, message: str, **options: Any) -> Any:
        enter = self.enter
        return self._consumer.keep(self._consumer.in_loop(lambda: enter(message, **options)))

    @property
    def transcript(self) -> tuple[Utterance, ...]:
        return tuple((str(message.role), str(message.content)) for message in self.flow.state.messages)

    def read(self, message: str, **options: Any) -> tuple[Evidence, tuple[Utterance, ...]]:
        """Take a turn to its end; return what was seen, and what it added to the transcript."""
        before = len(self.transcript)
        session = self.ask(message, **options)
        evidence = self._consumer.read_whole(lambda: session)
        return evidence, self.transcript[before:]

    def answer(
        self,
        message: str,
        reply: str,
        turn: str = "the first turn",
        *,
        asks: bool = False,
        chosen: bool = False,
        **options: Any,
    ) -> Evidence:
        """Take a turn that is due a reply, from a model where it `asks` one, by a route that a model has `chosen`."""
        evidence, added = self.read(message, **options)
        expected = (
            *answered(turn, message, reply, evidence.frames, asks=asks, chosen=chosen),
            *replied(turn, message, reply, evidence, added),
        )
        outcome = ProgramOutcome(reply) if evidence.reads[-1].raised is None else evidence.outcome
        return replace(evidence, outcome=outcome, expected=expected)

    def answer_after_failure(self, message: str, reply: str) -> Evidence:
        evidence, added = self.read(message)
        rows = replied("the turn after a failed turn", message, reply, evidence, added)
        return replace(evidence, expected=tuple(replace(row, clause="turn.failed") for row in rows))

    def fail(self, message: str) -> Evidence:
        """Take a turn that is due an error: its handler's own, or one that the runtime makes of what its model did."""
        evidence, _ = self.read(message)
        noted = self._consumer.stage.noted("raised")
        error = noted[0] if noted else None
        ends = [frame.type for frame in evidence.frames if frame.type in (_FAILED, _COMPLETED)]
        raised = evidence.reads[-1].raised
        relation = Raised(BaseException) if error is None else Same(error)
        expected = (
            Expected("turn.failed", "how a turn that fails is told to end", [_FAILED], ends),
            Expected("turn.failed", "what a turn that fails raised", relation, raised),
        )
        outcome = evidence.outcome if error is None else ProgramOutcome(error=error)
        return replace(evidence, outcome=outcome, expected=expected)

    def wait(self, message: str, turn: str = "the first turn") -> Evidence:
        """Take a turn that is due to wait for a human."""
        evidence, _ = self.read(message)
        read, aspect = evidence.reads[-1], f"{turn}, which waits for a human,"
        ends = tuple(
            frame.type for frame in evidence.frames if frame.type == _COMPLETED or frame.type.endswith("_failed")
        )
        expected = [
            Expected("turn.pending", aspect, NOTHING, read.raised),
            Expected("turn.pending", f"frames of an end that {aspect} shows", (), ends),
        ]
        if read.raised is None:
            pending = self._consumer.subject.is_pending(read.value)
            expected.append(Expected("turn.pending", f"whether {aspect} came to the pending object", True, pending))
        return replace(evidence, expected=tuple(expected))


def answered(
    turn: str, message: str, reply: str, frames: Sequence[AnyFrame], *, asks: bool, chosen: bool = False
) -> Iterator[Expected]:
    """Hold the frames of a turn that was answered to the order that is due."""
    before, after = ([_CALL] if chosen else []), ([_CALL] if asks else [])
    due = (_STARTED, "message of the user", *before, _ROUTED, *after, "message of the assistant", _COMPLETED)
    parts = (part for part in map(_part, frames) if part is not None and (asks or chosen or part != _CALL))
    shows = tuple(part for part, same in groupby(parts) for _ in (same if part != _CALL else (part,)))
    yield Expected("turn.sequence", f"what {turn} shows, in order", due, shows)
    ends = (frames[0].type, frames[-1].type) if frames else ()
    yield Expected("turn.sequence", f"the first and the last frame of {turn}", (_STARTED, _COMPLETED), ends)
    for clause, role, text in (("turn.sequence", "user", message), ("turn.result", "assistant", reply)):
        for frame in frames:
            if _part(frame) == f"message of the {role}":
                aspect = f"the message of the {role} that {turn} shows"
                yield Expected(clause, aspect, text, frame.data.get("content"), frame.seq)


def _part(frame: AnyFrame) -> str | None:
    """Return the part of a turn that a frame is; None for one that may stand anywhere."""
    role = frame.data.get("role")
    if frame.type == "conversation_message_added" and role in ("user", "assistant"):
        return f"message of the {role}"
    if frame.type in (_STARTED, _ROUTED, _COMPLETED):
        return frame.type
    return _CALL if CHANNEL_OF.get(frame.type) == "llm" else None


def replied(
    turn: str, message: str, reply: str, evidence: Evidence, added: tuple[Utterance, ...]
) -> Iterator[Expected]:
    """Hold what a turn came to to the reply, which was added as the assistant's last message, once."""
    read = evidence.reads[-1]
    yield from comes_to("turn.result", turn, reply, read.value, read.raised, "the result of {}")
    due = (("user", message), ("assistant", reply))
    yield Expected("turn.result", f"what {turn} added to the transcript", due, added)


def first_turn(
    kind: SessionKind, flow: Any, program: ConversationProgram, performance: Performance, script: Script = GREETING
) -> Any:
    """Return a session of a flow's first turn: of its first handler, or a model with `script`. Raises as `offered`."""
    enter = _entry(flow, kind)
    return enter(to_handler(program.handlers[0].name) if program.handlers else to_model(performance, script))


def opened(consumer: Consumer, program: Program | ConversationProgram) -> Any:
    """Return a session of any program: of a conversation, of its first turn."""
    if not isinstance(program, ConversationProgram):
        return consumer.open(program)
    flow = consumer.subject.conversation(program, consumer.performance)
    make = partial(first_turn, consumer.kind, flow, program, consumer.performance)
    return consumer.keep(consumer.in_loop(make))


def _entry(flow: Any, kind: SessionKind) -> Any:
    return offered(flow, *TURN_ENTRIES[kind])


def to_model(performance: Performance, script: Script = GREETING) -> str:
    return f"How is the tide? {performance.provider.prompt_for(script)}"


def to_handler(name: str) -> str:
    return f"And the harbour? {route_to(name)}"


def handler(consumer: Consumer, name: str, *steps: Step, **more: Any) -> Method:
    """Return a handler, which in an async conversation is an async method."""
    return Method(name, steps, is_async=not consumer.is_sync, **more)
