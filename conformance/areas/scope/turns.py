"""A second turn of a conversation while one is open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, Literal

from conformance.areas.turn.conversation import TURN, HeldConversation, handler, to_handler
from conformance.stage.consumer import Consumer, Observe, both
from conformance.stage.programs import Block, ConversationProgram, Give
from conformance.stage.reader import Taken, attempt
from conformance.stage.scenario import Scenario
from conformance.subjects.subject import NotOfferedError
from conformance.timeline.evidence import Evidence
from conformance.timeline.expected import NOTHING, Expected, Raised

_CLAUSE: Final = "scope.concurrent-turns"


def _beside(where: Literal["handler", "start"]) -> Observe:
    """A second turn while the first is held: in its handler, or where its flow starts, before its message is added."""
    held = {"handler": "held in its handler", "start": "held where its flow starts"}[where]

    def observe(consumer: Consumer) -> Evidence:
        stage = consumer.stage
        opens = handler(consumer, "opens", *((Block("held"),) if where == "handler" else ()), Give("First."))
        conversation = HeldConversation(
            consumer, ConversationProgram((opens, handler(consumer, "joins", Give("Second."))))
        )

        def hold(_source: Any, event: Any) -> None:
            if where == "start" and event.type == "flow_started" and not stage.has_reached("held"):
                stage.block("held")

        with consumer.subject.sinking(hold):
            session = conversation.ask(to_handler("opens"))
            iterator = consumer.iterate(session)
            first = consumer.take(iterator, 1)
            consumer.await_reached("held")
            reply, refused = _take(consumer, conversation)
            stage.release("held")
        rest = consumer.take(iterator)
        raised = rest.raised or attempt(lambda: session.result)
        second = f"the second turn ({held})"
        expected = [Expected(_CLAUSE, second, Raised(Exception, words=("turn",)), refused)]
        # Once the first has ended, a refused one is let in.
        if refused is not None:
            reply, refused = _take(consumer, conversation)
            second = f"the second turn ({held}), asked for again,"
        opened = None if raised else session.result
        expected += _replied(f"the open turn ({held})", "First.", opened, raised)
        expected += _replied(second, "Second.", reply, refused)
        expected += _transcript(held, conversation)
        return Taken(first.frames + rest.frames, rest.raised).evidence(*expected)

    return observe


def _replied(turn: str, due: str, reply: object, raised: BaseException | None) -> Iterator[Expected]:
    yield Expected(_CLAUSE, turn, NOTHING, raised)
    if raised is None:
        yield Expected(_CLAUSE, f"what {turn} came to", due, reply)


def _transcript(held: str, conversation: HeldConversation) -> Iterator[Expected]:
    """Every message and every reply is in the transcript, once."""
    times = Counter(conversation.transcript)
    for name, reply in (("opens", "First."), ("joins", "Second.")):
        for utterance in (("user", to_handler(name)), ("assistant", reply)):
            what = f"how often {utterance} is in the transcript (the first turn {held})"
            yield Expected(_CLAUSE, what, 1, times[utterance])


def _take(consumer: Consumer, conversation: HeldConversation) -> tuple[object, BaseException | None]:
    """Take the second turn as far as it is let in; return what it came to, and what it raised."""
    try:
        session = conversation.ask(to_handler("joins"))
    except NotOfferedError:
        raise
    except BaseException as error:
        return None, error
    raised = consumer.read(session).raised or attempt(lambda: session.result)
    return None if raised is not None else session.result, raised


_CONCURRENT: Final = frozenset({"scope.concurrent-turns", "order.seq-gapless"})
_WITH: Final = TURN | {"flow", "llm"}

SCENARIOS: tuple[Scenario, ...] = (
    *both("turn/concurrent/in-handler", _CONCURRENT, _beside("handler"), _WITH),
    # In a loop what holds a turn outside of user code would hold everything.
    both("turn/concurrent/at-start", _CONCURRENT, _beside("start"), _WITH)[0],
)
