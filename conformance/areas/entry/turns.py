"""The way into a turn of a conversation."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from conformance.areas.entry.ways import way_in
from conformance.areas.turn.conversation import TURN, HeldConversation, to_model
from conformance.stage.consumer import Consumer, both
from conformance.stage.programs import ConversationProgram, Emit, FlowProgram, Give, Method, Script
from conformance.stage.reader import SessionKind, attempt
from conformance.stage.scenario import Scenario
from conformance.timeline.expected import NOTHING, Expected, Raised

_PLAIN: Final = FlowProgram((Method("gives", (Emit("one"), Give("value"))),))
_ENTRY: Final[dict[SessionKind, str]] = {"sync": "stream_turn", "async": "astream_turn"}
_CLAUSE: Final[dict[SessionKind, str]] = {"sync": "entry.turn", "async": "entry.turn-async"}


def _entered(consumer: Consumer) -> Iterator[Expected]:
    """Take the way into a turn: plainly, with a session id, and into a flow that is not conversational."""
    call, clause = f"flow.{_ENTRY[consumer.kind]}", _CLAUSE[consumer.kind]
    conversation = HeldConversation(consumer, ConversationProgram())
    message = to_model(consumer.performance)
    yield from way_in(consumer, clause, f"{call}(…)", partial(conversation.enter, message), Script().text)
    named = HeldConversation(consumer, ConversationProgram())
    read = consumer.read(named.ask(message, session_id="harbour"))
    ids = {frame.data.get("session_id") for frame in read.frames if frame.type == "conversation_turn_started"}
    yield Expected(clause, f"{call}(…, session_id='harbour')", NOTHING, read.raised)
    yield Expected(clause, f"the session ids of {call}(…, session_id='harbour')", {"harbour"}, ids)
    if consumer.is_sync:
        plain = consumer.subject.flow(_PLAIN, consumer.performance)
        refused = attempt(lambda: plain.stream_turn(message))
        yield Expected(clause, f"{call}(…) of a flow that does not converse", Raised(ValueError), refused)


SCENARIOS: tuple[Scenario, ...] = both(
    "entry/turn", {kind: frozenset({clause}) for kind, clause in _CLAUSE.items()}, _entered, TURN | {"flow", "llm"}
)
