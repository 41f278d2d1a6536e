"""Turns of conversations: answered by a model and by handlers, failing, and waiting for a human."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final, Literal

from conformance.areas.observations import AnswerStreamed, FlagRead, MessageLeft
from conformance.areas.order.scenarios import FRAMES
from conformance.areas.turn.conversing import TURN, Conversation, handler, said_to, said_to_model
from conformance.stage.consumer import Consumer, Observe, both
from conformance.stage.programs import Ask, ConversationProgram, Emit, Feedback, Give, Raise, Reply, Script, Step, Text
from conformance.stage.scenario import Scenario
from conformance.subjects.subject import Performance, Subject
from conformance.timeline.evidence import Evidence

_REPLY: Final = "All boats are home."
_LATER: Final = Script((Text("It"), Text(" rises.")))
#: Handlers of every kind, by name: what they do, to come to the reply.
_OWN: Final[dict[str, tuple[Step, ...]]] = {
    "returned": (Emit("answers"), Give(_REPLY)),
    "added": (Reply(_REPLY), Give(_REPLY)),
    "asked": (Ask(Script((Text("All boats"), Text(" are home.")))),),
}


def _answered(turns: Literal[1, 2], *, deferred: bool) -> Observe:
    """Turns with the built-in answer of a model; the frames of the last one are the evidence."""

    def observe(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
        conversation = Conversation(consumer, subject, performance, ConversationProgram(deferred=deferred))
        first = conversation.answer(said_to_model(performance), Script().text, asks=True)
        if turns == 1:
            return first
        later = conversation.answer(said_to_model(performance, _LATER), _LATER.text, "a turn", asks=True)
        return replace(later, observations=(*first.observations, *later.observations))

    return observe


def _own(steps: tuple[Step, ...], *, asks: bool) -> Observe:
    """Two turns with a handler's answer."""

    def observe(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
        program = ConversationProgram((handler(consumer, "answers", *steps),))
        conversation = Conversation(consumer, subject, performance, program)
        first = conversation.answer(said_to("answers"), _REPLY, asks=asks)
        later = conversation.answer(said_to("answers"), _REPLY, "a turn", asks=asks)
        return replace(first, observations=(*first.observations, *later.observations))

    return observe


def _failing(where: Literal["handler", "model"], *, deferred: bool) -> Observe:
    """A turn that fails, in its handler or because its model refuses, and the next one."""

    def observe(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
        fails = handler(consumer, "fails", Emit("before"), Raise(LookupError))
        conversation = Conversation(consumer, subject, performance, ConversationProgram((fails,), deferred=deferred))
        refused = Script(status=400)
        message = said_to("fails") if where == "handler" else said_to_model(performance, refused)
        failed = conversation.fail(message)
        later = conversation.answer(said_to_model(performance, _LATER), _LATER.text, "a failed turn", asks=True)
        return replace(failed, observations=(*failed.observations, *later.observations))

    return observe


def _cleared(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
    """A turn that fails, and then a run of the flow that nobody says anything to."""
    program = ConversationProgram((handler(consumer, "fails", Raise(LookupError)),), deferred=False)
    conversation = Conversation(consumer, subject, performance, program)
    failed = conversation.fail(said_to("fails"))
    before = len(conversation.transcript)
    flow = conversation.flow
    consumer.read(consumer.keep(consumer.in_loop(flow.stream_events if consumer.is_sync else flow.astream)))
    return replace(failed, observations=(*failed.observations, MessageLeft(conversation.transcript[before:])))


def _waiting(turns: Literal[1, 2], *, deferred: bool) -> Observe:
    """A turn, the first or the second, whose handler asks a human, who does not answer yet."""

    def observe(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
        drafts = handler(consumer, "drafts", Give("A draft."), feedback=Feedback())
        conversation = Conversation(consumer, subject, performance, ConversationProgram((drafts,), deferred=deferred))
        if turns == 1:
            return conversation.wait(said_to("drafts"))
        first = conversation.answer(said_to_model(performance), Script().text, asks=True)
        later = conversation.wait(said_to("drafts"), "a turn")
        return replace(later, observations=(*first.observations, *later.observations))

    return observe


def _streamed(told: bool | None) -> Observe:
    """A turn whose model says nothing until everyone's flags have been read."""
    script = Script(hold_head="held")

    def observe(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
        conversation = Conversation(consumer, subject, performance, ConversationProgram(stream=told))
        flow, llm = conversation.flow, performance.stage.noted("llm")[0]
        before, flow.stream = llm.stream, True
        iterator = consumer.iterate(conversation.ask(said_to_model(performance, script)))
        first = consumer.take(iterator, 1)
        consumer.await_reached("held")
        flags: list[Any] = [
            FlagRead("the LLM's, while it answers a turn", before, llm.stream),
            FlagRead("the flow's, outside of a turn of it while that is on", True, flow.stream),
        ]
        performance.stage.release("held")
        rest = consumer.take(iterator)
        flags.append(FlagRead("the flow's, after a turn of it", True, flow.stream))
        with performance.provider.lock:
            asked = bool(performance.provider.log.requests[0].get("stream"))
        frames = first.frames + rest.frames
        chunks = tuple(frame.content for frame in frames if frame.type == "llm_stream_chunk")
        answer = AnswerStreamed(told, before, llm.stream, chunks, script.text, asked)
        return Evidence(frames, "exhausted" if rest.raised is None else "failed", observations=(answer, *flags))

    return observe


_SHOWN: Final = FRAMES | {"channel.flow", "channel.messages"}
_REPLIED: Final = _SHOWN | {"turn.sequence", "turn.result", "result.value"}
_ASKED: Final = frozenset({"channel.llm", "order.one-completion", "llm.sequence"})
_FAILED: Final = _SHOWN | {"turn.failed", "error.frames-first", "envelope.error-class", "result.reraises"}
#: A turn that waits is left open, and has no last frame.
_PENDING: Final = (_SHOWN | {"turn.pending"}) - {"order.terminal-last"}
_STREAMED: Final = frozenset({"turn.streams-answer", "entry.flag-restored"})
_WITH: Final = TURN | {"flow", "llm"}
#: Whether one flow runs through the conversation, or one in each turn.
_FLOWS: Final = {"one-flow": True, "own-flow": False}

SCENARIOS: tuple[Scenario, ...] = (
    *(
        one
        for name, deferred in _FLOWS.items()
        for one in (
            *both(f"turn/first/{name}", _REPLIED | _ASKED, _answered(1, deferred=deferred), _WITH),
            *both(f"turn/second/{name}", _REPLIED | _ASKED, _answered(2, deferred=deferred), _WITH),
            *both(f"turn/failing-handler/{name}", _FAILED, _failing("handler", deferred=deferred), _WITH),
            *both(f"turn/failing-model/{name}", _FAILED | _ASKED, _failing("model", deferred=deferred), _WITH),
            *both(f"turn/pending/{name}", _PENDING, _waiting(1, deferred=deferred), _WITH | {"feedback"}),
            *both(f"turn/pending-later/{name}", _PENDING, _waiting(2, deferred=deferred), _WITH | {"feedback"}),
        )
    ),
    *(
        one
        for name, steps in _OWN.items()
        for one in both(f"turn/own-answer/{name}", _REPLIED, _own(steps, asks=name == "asked"), _WITH)
    ),
    *both("turn/failing-cleared", frozenset({"turn.failed"}), _cleared, _WITH),
    *(
        one
        for name, told in {"nothing": None, "to-stream": True, "not-to-stream": False}.items()
        for one in both(f"turn/streams-answer/told-{name}", _STREAMED, _streamed(told), _WITH)
    ),
)
