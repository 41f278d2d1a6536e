"""A second turn of a conversation while one is open."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final, Literal

from conformance.areas.turn.conversation import HeldConversation, handler, to_handler
from conformance.stage.consumer import Consumer, Scenarios
from conformance.stage.patience import ends, unended
from conformance.stage.points import DEADLINE_S
from conformance.stage.programs import Block, ConversationProgram, Give
from conformance.stage.reader import FramesRead, attempt
from conformance.subjects.subject import NotOfferedError
from conformance.timeline.evidence import Evidence
from conformance.timeline.expected import Expected, Raised, comes_to

#: How long a second turn may take to be refused; only one that is not is waited for so long.
_QUEUED_S: Final = 1.0
_CLAUSE: Final = "scope.concurrent-turns"
_OUTCOME: Final = "what {} came to"


def _beside(consumer: Consumer, where: Literal["handler", "start"]) -> Evidence:
    """A second turn while the first is held: in its handler, or where its flow starts, before its message is added."""
    held = {"handler": "held in its handler", "start": "held where its flow starts"}[where]
    stage = consumer.stage
    opens = handler(consumer, "opens", *((Block("held"),) if where == "handler" else ()), Give("First."))
    conversation = HeldConversation(consumer, ConversationProgram((opens, handler(consumer, "joins", Give("Second.")))))

    def hold(_source: Any, event: Any) -> None:
        if where == "start" and event.type == "flow_started" and not stage.has_reached("held"):
            stage.block("held")

    with consumer.subject.sinking(hold):
        session = conversation.ask(to_handler("opens"))
        iterator = consumer.iterate(session)
        first = consumer.take(iterator, 1)
        consumer.await_reached("held")
        await_outcome = _aside(consumer, conversation) if consumer.is_sync else _aside_in_loop(consumer, conversation)
        # One that is queued behind the open turn comes to its end only once that does.
        was_queued = await_outcome(_QUEUED_S) is None
        stage.release("held")
        reply, refused = await_outcome(DEADLINE_S) or (None, None)
    rest = consumer.take(iterator)
    raised = rest.raised or attempt(lambda: session.result)
    second = f"the second turn ({held}){', which was queued behind it,' if was_queued else ''}"
    expected = [Expected(_CLAUSE, second, Raised(Exception, words=("turn",)), refused)]
    # Once the first has ended, a refused one is let in.
    if refused is not None:
        reply, refused = _take(consumer, conversation)
        second = f"the second turn ({held}), asked for again,"
    opened = None if raised else session.result
    expected += comes_to(_CLAUSE, f"the open turn ({held})", "First.", opened, raised, _OUTCOME)
    expected += comes_to(_CLAUSE, second, "Second.", reply, refused, _OUTCOME)
    expected += _transcript(held, conversation)
    return first.then(rest).evidence(*expected)


#: What a turn came to, and what it raised, once that is known within so many seconds.
_Outcome = Callable[[float], tuple[object, BaseException | None] | None]


def _aside(consumer: Consumer, conversation: HeldConversation) -> _Outcome:
    """Take the second turn in a thread of its own."""
    outcomes: list[tuple[object, BaseException | None]] = []
    thread = threading.Thread(
        target=lambda: outcomes.append(_take(consumer, conversation)), name="second-turn", daemon=True
    )
    thread.start()

    def await_outcome(within_s: float) -> tuple[object, BaseException | None] | None:
        ends(thread, within_s)
        return outcomes[0] if outcomes else None

    return await_outcome


def _aside_in_loop(consumer: Consumer, conversation: HeldConversation) -> _Outcome:
    """Take the second turn in a task of its own."""

    async def take() -> tuple[object, BaseException | None]:
        try:
            session = conversation.enter(to_handler("joins"))
            async for _ in session:
                pass
        except BaseException as error:
            return None, error
        return session.result, None

    async def start() -> asyncio.Task[tuple[object, BaseException | None]]:
        return asyncio.create_task(take())

    task: asyncio.Task[tuple[object, BaseException | None]] = consumer.complete(start())

    def await_outcome(within_s: float) -> tuple[object, BaseException | None] | None:
        return None if consumer.complete(unended({task}, within_s)) else task.result()

    return await_outcome


def _transcript(held: str, conversation: HeldConversation) -> Iterator[Expected]:
    """Every message and every reply is in the transcript, once."""
    times = Counter(conversation.transcript)
    for name, reply in (("opens", "First."), ("joins", "Second.")):
        for utterance in (("user", to_handler(name)), ("assistant", reply)):
            aspect = f"how often {utterance} is in the transcript (the first turn {held})"
            yield Expected(_CLAUSE, aspect, 1, times[utterance])


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


def _after_close(consumer: Consumer, *, begun: bool) -> Evidence:
    """A turn after one that was closed in its handler, or before anybody read it: that one is not open any more."""
    opens = handler(consumer, "opens", Block("held"), Give("First."))
    conversation = HeldConversation(consumer, ConversationProgram((opens, handler(consumer, "joins", Give("Second.")))))
    session = conversation.ask(to_handler("opens"))
    closed = FramesRead()
    if begun:
        closed = consumer.take(consumer.iterate(session), 1)
        consumer.await_reached("held")
    consumer.close(session)
    consumer.stage.release("held")
    # A handler that nobody can stop goes on for as long as it takes.
    consumer.let_finish()
    reply, refused = _take(consumer, conversation)
    expected = comes_to(_CLAUSE, "a turn after one that was closed", "Second.", reply, refused, _OUTCOME)
    return Evidence(closed.frames, "closed", expected=tuple(expected))


_CONCURRENT: Final = frozenset({"scope.concurrent-turns", "order.seq-gapless"})
_WITH: Final = "flow llm turn"

SCENARIOS: Final = Scenarios()
SCENARIOS.both("turn/concurrent/in-handler", _CONCURRENT, _WITH, _beside, "handler")
SCENARIOS.both("turn/concurrent/after-close", _CONCURRENT, _WITH, _after_close, begun=True)
SCENARIOS.both("turn/concurrent/after-unread", {_CLAUSE}, _WITH, _after_close, begun=False)
# In a loop what holds a turn outside of user code would hold everything.
SCENARIOS.of_kind("sync", "turn/concurrent/at-start/sync", _CONCURRENT, _WITH, _beside, "start")
