"""Turns of conversations: answered by a model and by handlers, failing, and waiting for a human."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, Literal

from msgspec.structs import replace

from conformance.areas.catalogue import of_every_run
from conformance.areas.entry.flags import flag
from conformance.areas.scope.marks import STREAM_SETTINGS, made_to
from conformance.areas.turn.conversation import HeldConversation, handler, to_handler, to_model
from conformance.stage.consumer import Consumer, Scenarios
from conformance.stage.programs import (
    Ask,
    ConversationProgram,
    Emit,
    Feedback,
    Give,
    Raise,
    Reply,
    Script,
    Step,
    label_of,
)
from conformance.timeline.evidence import Evidence
from conformance.timeline.expected import Expected

_REPLY: Final = "All boats are home."
_LATER: Final = Script(("It", " rises."))
#: Handlers of every kind, by name: what they do, to come to the reply.
_OWN: Final[dict[str, tuple[Step, ...]]] = {
    "returned": (Emit("answers"), Give(_REPLY)),
    "added": (Reply(_REPLY), Give(_REPLY)),
    "asked": (Ask(Script(("All boats", " are home."))),),
}


def _answered(consumer: Consumer, turns: Literal[1, 2], *, deferred: bool) -> Evidence:
    """Turns with the built-in answer of a model; the frames of the last one are the evidence."""
    conversation = HeldConversation(consumer, ConversationProgram(deferred=deferred))
    first = conversation.answer(to_model(consumer.performance), Script().text, asks=True)
    if turns == 1:
        return first
    message = to_model(consumer.performance, _LATER)
    return conversation.answer(message, _LATER.text, "the second turn", asks=True).beside(first)


def _own(consumer: Consumer, steps: tuple[Step, ...], *, asks: bool) -> Evidence:
    """Two turns with a handler's answer."""
    conversation = HeldConversation(consumer, ConversationProgram((handler(consumer, "answers", *steps),)))
    first = conversation.answer(to_handler("answers"), _REPLY, asks=asks)
    return first.beside(conversation.answer(to_handler("answers"), _REPLY, "the second turn", asks=asks))


def _named(label: str, field: str) -> Script:
    return Script((json.dumps({field: label}),))


def _routed(consumer: Consumer, chooses: Script, *, finds: bool) -> Evidence:
    """A turn whose route a model is asked for: a handler's, or, where it `finds` none, the built-in answer."""
    program = ConversationProgram((handler(consumer, "answers", Give(_REPLY)),), chooses=chooses)
    conversation = HeldConversation(consumer, program)
    return conversation.answer(
        to_model(consumer.performance, _LATER), _REPLY if finds else _LATER.text, asks=not finds, chosen=True
    )


def _classified(consumer: Consumer) -> Evidence:
    """A turn with intents, which a model classifies as the second of them."""
    names = ("other", "answers")
    handlers = (handler(consumer, "other", Give("Something else.")), handler(consumer, "answers", Give(_REPLY)))
    chooses = _named(label_of("answers"), "outcome")
    conversation = HeldConversation(consumer, ConversationProgram(handlers, chooses=chooses, asker="intents"))
    intents = [label_of(name) for name in names]
    return conversation.answer("And the harbour?", _REPLY, chosen=True, intents=intents)


def _remembered(consumer: Consumer) -> Evidence:
    """Two turns: the model that answers from history has nothing to say in the first one, and answers the second."""
    from_history = _named("answer_from_history", "outcome")
    conversation = HeldConversation(consumer, ConversationProgram(chooses=from_history, asker="history"))
    first = conversation.answer(to_model(consumer.performance), Script().text, asks=True)
    # It is asked twice, with one answer: whether it can answer, and for that.
    second = conversation.answer(
        to_model(consumer.performance, _LATER), from_history.text, "the second turn", asks=True, chosen=True
    )
    return second.beside(first)


def _failing(consumer: Consumer, where: Literal["handler", "model"], *, deferred: bool) -> Evidence:
    """A turn that fails, in its handler or because its model refuses, and the next one."""
    fails = handler(consumer, "fails", Emit("before"), Raise(LookupError))
    conversation = HeldConversation(consumer, ConversationProgram((fails,), deferred=deferred))
    refused = to_model(consumer.performance, Script(status=400))
    failed = conversation.fail(to_handler("fails") if where == "handler" else refused)
    later = conversation.answer_after_failure(to_model(consumer.performance, _LATER), _LATER.text)
    return failed.beside(later)


def _cleared(consumer: Consumer) -> Evidence:
    """A turn that fails, and then a run of the flow that nobody says anything to."""
    program = ConversationProgram((handler(consumer, "fails", Raise(LookupError)),), deferred=False)
    conversation = HeldConversation(consumer, program)
    failed = conversation.fail(to_handler("fails"))
    before = len(conversation.transcript)
    consumer.read(consumer.stream(conversation.flow))
    heard = tuple(text for role, text in conversation.transcript[before:] if role == "user")
    aspect = "messages that a run without one was given after a failed turn"
    return replace(failed, expected=(*failed.expected, Expected("turn.failed", aspect, (), heard)))


def _waiting(consumer: Consumer, turns: Literal[1, 2], *, deferred: bool) -> Evidence:
    """A turn, the first or the second, whose handler asks a human, who does not answer yet."""
    drafts = handler(consumer, "drafts", Give("A draft."), feedback=Feedback())
    conversation = HeldConversation(consumer, ConversationProgram((drafts,), deferred=deferred))
    if turns == 1:
        return conversation.wait(to_handler("drafts"))
    first = conversation.answer(to_model(consumer.performance), Script().text, asks=True)
    return conversation.wait(to_handler("drafts"), "the second turn").beside(first)


def _streamed(consumer: Consumer, stream: bool | None) -> Evidence:
    """A turn whose model says nothing until everyone's flags have been read."""
    script = Script(hold_head="held")
    conversation = HeldConversation(consumer, ConversationProgram(stream=stream))
    flow, llm = conversation.flow, consumer.stage.noted("llm")[0]
    before, flow.stream = llm.stream, True
    loops = consumer.begin([conversation.ask(to_model(consumer.performance, script))])
    consumer.await_reached("held")
    flags = [
        flag("the LLM, while it answers a turn", before, llm.stream),
        flag("the flow, outside of a turn of it while that is on", True, flow.stream),
    ]
    (read,) = consumer.read_held(loops)
    flags.append(flag("the flow, after a turn of it", True, flow.stream))
    streams = consumer.provider.requested_streams()[0]
    chunks = "".join(frame.content for frame in read.frames if frame.type == "llm_stream_chunk")
    clause, made = "turn.streams-answer", made_to(stream)
    return read.evidence(
        *flags,
        Expected(clause, f"whether {made} asked its provider to stream, in a turn", True, streams),
        Expected(clause, f"what a turn shows of the answer of {made}", script.text, chunks),
        Expected(clause, f"stream of {made}, after a turn", before, llm.stream),
    )


def _counted(consumer: Consumer, *, deferred: bool) -> Evidence:
    """Two turns, and the end of the conversation; a listener counts the flows."""
    conversation = HeldConversation(consumer, ConversationProgram(deferred=deferred))
    expected: list[Expected] = []

    def turn() -> Evidence:
        evidence, _ = conversation.read(to_model(consumer.performance))
        return evidence

    def count(during: str, act: Callable[[], Any], due: tuple[int, int]) -> Any:
        # By their ids: a listener to a class and to its base may be told of an event twice.
        ids: dict[str, set[str]] = {"flow_started": set(), "flow_finished": set()}
        with consumer.subject.listening(lambda _source, event: ids.get(event.type, set()).add(event.event_id)):
            value = act()
        aspect = f"flows that started and finished in {during} {'with' if deferred else 'without'} deferred tracing"
        seen = (len(ids["flow_started"]), len(ids["flow_finished"]))
        expected.append(Expected("turn.deferred", aspect, due, seen))
        return value

    first: Evidence = count("the first turn", turn, (1, 0) if deferred else (1, 1))
    count("a later turn", turn, (0, 0) if deferred else (1, 1))
    count("finalisation", conversation.flow.finalize_session_traces, (0, 1) if deferred else (0, 0))
    return Evidence(first.frames, first.ended, expected=tuple(expected))


_SHOWN: Final = of_every_run() | {"channel.flow", "channel.messages"}
_REPLIED: Final = _SHOWN | {"turn.sequence", "turn.result", "result.value"}
_MODEL_CALL: Final = frozenset({"channel.llm", "order.one-completion", "llm.sequence"})
_FAILED: Final = _SHOWN | {
    "turn.failed",
    "error.frames-first",
    "envelope.error-class",
    "result.reraises",
    "session.replay-failed",
}
#: A turn that waits is left open, and has no last frame.
_PENDING: Final = (_SHOWN | {"turn.pending"}) - {"order.terminal-last"}
_STREAMED: Final = frozenset({"turn.streams-answer", "entry.flag-restored"})
_WITH: Final = "flow llm turn"
#: Whether one flow runs through the conversation, or one in each turn.
_FLOWS: Final = {"one-flow": True, "own-flow": False}

#: What a model answers that is asked for a route, and whether that finds the handler.
_CHOICES: Final = {
    "right": (_named(label_of("answers"), "intent"), True),
    "nonsensical": (_named("nowhere", "intent"), False),
    "wordy": (Script(("I would ask the harbour master.",)), False),
    "failing": (Script(status=400), False),
}

SCENARIOS: Final = Scenarios()
for _name, _deferred in _FLOWS.items():
    _clauses, _asking, _waits = _REPLIED | _MODEL_CALL, _FAILED | _MODEL_CALL, "flow llm turn feedback"
    SCENARIOS.both(f"turn/first/{_name}", _clauses, _WITH, _answered, 1, deferred=_deferred)
    SCENARIOS.both(f"turn/second/{_name}", _clauses, _WITH, _answered, 2, deferred=_deferred)
    SCENARIOS.both(f"turn/failing-handler/{_name}", _FAILED, _WITH, _failing, "handler", deferred=_deferred)
    SCENARIOS.both(f"turn/failing-model/{_name}", _asking, _WITH, _failing, "model", deferred=_deferred)
    SCENARIOS.both(f"turn/pending/{_name}", _PENDING, _waits, _waiting, 1, deferred=_deferred)
    SCENARIOS.both(f"turn/pending-later/{_name}", _PENDING, _waits, _waiting, 2, deferred=_deferred)
for _name, _steps in _OWN.items():
    SCENARIOS.both(f"turn/own-answer/{_name}", _REPLIED, _WITH, _own, _steps, asks=_name == "asked")
for _name, (_chooses, _finds) in _CHOICES.items():
    SCENARIOS.both(f"turn/router/{_name}", _REPLIED | _MODEL_CALL, _WITH, _routed, _chooses, finds=_finds)
SCENARIOS.both("turn/intents", _REPLIED | _MODEL_CALL, _WITH, _classified)
SCENARIOS.both("turn/from-history", _REPLIED | _MODEL_CALL, _WITH, _remembered)
SCENARIOS.both("turn/failing-cleared", {"turn.failed"}, _WITH, _cleared)
for _name, _stream in STREAM_SETTINGS.items():
    SCENARIOS.both(f"turn/streams-answer/told-{_name}", _STREAMED, _WITH, _streamed, _stream)
SCENARIOS.both("turn/deferred", {"turn.deferred"}, _WITH, _counted, deferred=True)
SCENARIOS.both("turn/not-deferred", {"turn.deferred"}, _WITH, _counted, deferred=False)
