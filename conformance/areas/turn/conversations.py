"""What lies between the turns of a conversation: the way into them, flows that span them, turns beside each other."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final, Literal

from conformance.areas.entry.scenarios import way_in
from conformance.areas.observations import Entered, FlowsCounted, TurnBeside, TurnRefused, TurnTaken
from conformance.areas.turn.conversing import TURN, Conversation, handler, said_to, said_to_model
from conformance.stage.consumer import Consumer, Kind, Observe, attempt, both
from conformance.stage.programs import Block, ConversationProgram, Emit, FlowProgram, Give, Method, Script
from conformance.stage.scenario import Scenario
from conformance.subjects.subject import NotOfferedError, Performance, Subject
from conformance.timeline.evidence import Evidence

_WITH: Final = TURN | {"flow", "llm"}
_PLAIN: Final = FlowProgram((Method("gives", (Emit("one"), Give("value"))),))
_ENTRY: Final[dict[Kind, str]] = {"sync": "stream_turn", "async": "astream_turn"}
_CLAUSE: Final[dict[Kind, str]] = {"sync": "entry.turn", "async": "entry.turn-async"}


def _entered(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
    """Take the way into a turn: plainly, with a session id, and into a flow that is not conversational."""
    call, clause = f"flow.{_ENTRY[consumer.kind]}", _CLAUSE[consumer.kind]
    conversation = Conversation(consumer, subject, performance, ConversationProgram())
    message, text = said_to_model(performance), Script().text
    seen: list[Any] = [way_in(consumer, clause, f"{call}(…)", partial(conversation.enter, message), text)]
    named = Conversation(consumer, subject, performance, ConversationProgram())
    taken = consumer.read(named.ask(message, session_id="harbour"))
    ids = {frame.data.get("session_id") for frame in taken.frames if frame.type == "conversation_turn_started"}
    what = f"the session id of {call}(…, session_id='harbour')"
    seen.append(Entered(clause, what, taken.raised, ids, {"harbour"}))
    if consumer.is_sync:
        plain = subject.flow(_PLAIN, performance)
        seen.append(TurnRefused(f"{call}(…)", attempt(lambda: plain.stream_turn(message))))
    return Evidence((), "exhausted", observations=tuple(seen))


def _counted(*, deferred: bool) -> Observe:
    """Two turns, and the end of the conversation; a listener counts the flows."""

    def observe(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
        conversation = Conversation(consumer, subject, performance, ConversationProgram(deferred=deferred))

        def turn() -> Evidence:
            return conversation.read(conversation.ask(said_to_model(performance)))

        def count(during: Literal["the first turn", "a later turn", "finalisation"], act: Callable[[], Any]) -> Any:
            # By their ids: a listener to a class and to its base may be told of an event twice.
            ids: dict[str, set[str]] = {"flow_started": set(), "flow_finished": set()}
            with subject.listening(lambda _source, event: ids.get(event.type, set()).add(event.event_id)):
                done = act()
            counted.append(FlowsCounted(deferred, during, len(ids["flow_started"]), len(ids["flow_finished"])))
            return done

        counted: list[FlowsCounted] = []
        first: Evidence = count("the first turn", turn)
        count("a later turn", turn)
        count("finalisation", conversation.flow.finalize_session_traces)
        return Evidence(first.frames, first.ended, observations=tuple(counted))

    return observe


def _beside(where: Literal["handler", "start"]) -> Observe:
    """A second turn while the first is held: in its handler, or where its flow starts, before its message is added."""

    def observe(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
        stage = performance.stage
        opens = handler(consumer, "opens", *((Block("held"),) if where == "handler" else ()), Give("First."))
        program = ConversationProgram((opens, handler(consumer, "joins", Give("Second."))))
        conversation = Conversation(consumer, subject, performance, program)

        def hold(_source: Any, event: Any) -> None:
            if where == "start" and event.type == "flow_started" and not stage.has_reached("held"):
                stage.block("held")

        with subject.sinking(hold):
            session = conversation.ask(said_to("opens"))
            iterator = consumer.iterate(session)
            first = consumer.take(iterator, 1)
            consumer.await_reached("held")
            second = _take(consumer, conversation, "the second turn", said_to("joins"), "Second.")
            stage.release("held")
        rest = consumer.take(iterator)
        raised = rest.raised or attempt(lambda: session.result)
        opened = TurnTaken("the open turn", said_to("opens"), "First.", None if raised else session.result, raised)
        refused = second.raised
        if refused is not None:
            second = _take(consumer, conversation, "the second turn, asked for again", said_to("joins"), "Second.")
        held = {"handler": "held in its handler", "start": "held where its flow starts"}[where]
        beside = TurnBeside(held, refused, (opened, second), conversation.transcript)
        ended: Literal["exhausted", "failed"] = "exhausted" if rest.raised is None else "failed"
        return Evidence(first.frames + rest.frames, ended, observations=(beside,))

    return observe


def _take(consumer: Consumer, conversation: Conversation, name: str, message: str, reply: str) -> TurnTaken:
    """Take a turn as far as it is let in."""
    try:
        session = conversation.ask(message)
        raised = consumer.read(session).raised
        result = session.result if raised is None else None
    except NotOfferedError:
        raise
    except BaseException as error:
        return TurnTaken(name, message, reply, None, error)
    return TurnTaken(name, message, reply, result, raised)


_CONCURRENT: Final = frozenset({"scope.concurrent-turns", "order.seq-gapless"})

SCENARIOS: tuple[Scenario, ...] = (
    *both("entry/turn", {kind: frozenset({clause}) for kind, clause in _CLAUSE.items()}, _entered, _WITH),
    *both("turn/deferred", frozenset({"turn.deferred"}), _counted(deferred=True), _WITH),
    *both("turn/not-deferred", frozenset({"turn.deferred"}), _counted(deferred=False), _WITH),
    *both("turn/concurrent/in-handler", _CONCURRENT, _beside("handler"), _WITH),
    # In a loop what holds a turn outside of user code would hold everything.
    *(
        one
        for one in both("turn/concurrent/at-start", _CONCURRENT, _beside("start"), _WITH)
        if "async" not in one.needs
    ),
)
