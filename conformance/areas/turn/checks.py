"""Checks of the clauses `turn.*`: what a turn of a conversation shows, and what it comes to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from conformance.areas.observations import AnswerStreamed, FlowsCounted, MessageLeft, Turned
from conformance.timeline.check import Check, Finding, saw, seen, shown
from conformance.timeline.evidence import Evidence
from conformance.timeline.frame_like import FrameLike
from conformance.timeline.vocabulary import CHANNEL_OF

_STARTED: Final = "conversation_turn_started"
_COMPLETED: Final = "conversation_turn_completed"
_FAILED: Final = "conversation_turn_failed"
_MESSAGE: Final = "conversation_message_added"
_ROUTED: Final = "conversation_route_selected"
#: The only part of a turn that may have several frames.
_CALL: Final = "call of its model"
#: Whether the flow is deferred, and what is going on → how many flows start and finish meanwhile.
_FLOWS: Final[Mapping[tuple[bool, str], tuple[int, int]]] = MappingProxyType(
    {
        (True, "the first turn"): (1, 0),
        (True, "a later turn"): (0, 0),
        (True, "finalisation"): (0, 1),
        (False, "the first turn"): (1, 1),
        (False, "a later turn"): (1, 1),
        (False, "finalisation"): (0, 0),
    }
)


def sequence(evidence: Evidence) -> Iterator[Finding]:
    """Turn started, user message, routing, the answer's calls, assistant message, turn completed; each where it is due."""
    for turn in _answered(evidence):
        frames, parts = turn.frames, _parts(turn)
        for what, places in parts.items():
            if not places:
                yield None, f"{turn.name} shows no {what}"
            elif what != _CALL:
                yield from ((frames[place].seq, f"{turn.name} shows {what} again") for place in places[1:])
        for (earlier, before), (later, after) in pairwise((what, places) for what, places in parts.items() if places):
            if after[0] < before[-1]:
                yield frames[after[0]].seq, f"{turn.name} shows {later} before {earlier}"
        for frame in frames:
            if _is_message(frame, "user") and frame.data.get("content") != turn.message:
                said = frame.data.get("content")
                yield frame.seq, f"{turn.name} shows {said!r} as the user's message, not {turn.message!r}"
        if frames and frames[0].type != _STARTED:
            yield frames[0].seq, f"{turn.name} starts with {frames[0].type}, not with {_STARTED}"
        if frames and frames[-1].type != _COMPLETED:
            yield frames[-1].seq, f"{turn.name} ends with {frames[-1].type}, not with {_COMPLETED}"


def _parts(turn: Turned) -> dict[str, list[int]]:
    """Return the parts of a turn that was answered, in the order that is due, each with the places of its frames."""

    def places(holds: Callable[[FrameLike], bool]) -> list[int]:
        return [place for place, frame in enumerate(turn.frames) if holds(frame)]

    parts = {
        _STARTED: places(lambda frame: frame.type == _STARTED),
        "message of the user": places(lambda frame: _is_message(frame, "user")),
        _ROUTED: places(lambda frame: frame.type == _ROUTED),
        _CALL: places(lambda frame: CHANNEL_OF.get(frame.type) == "llm"),
        "message of the assistant": places(lambda frame: _is_message(frame, "assistant")),
        _COMPLETED: places(lambda frame: frame.type == _COMPLETED),
    }
    return parts if turn.asks else {what: found for what, found in parts.items() if what != _CALL}


def _is_message(frame: FrameLike, role: str) -> bool:
    return frame.type == _MESSAGE and frame.data.get("role") == role


def result(evidence: Evidence) -> Iterator[Finding]:
    """The result is the reply, which was added as the assistant's last message, once."""
    for turn in _answered(evidence):
        yield from _reply(turn)
        for frame in turn.frames:
            if _is_message(frame, "assistant") and frame.data.get("content") != turn.reply:
                said = frame.data.get("content")
                yield frame.seq, f"{turn.name} shows {said!r} as the assistant's message, not {turn.reply!r}"


def _reply(turn: Turned) -> Iterator[Finding]:
    if turn.raised is not None:
        yield None, f"{turn.name} raised {shown(turn.raised)}, and was to be answered with {turn.reply!r}"
    elif turn.result != turn.reply:
        yield None, f"the result of {turn.name} is {shown(turn.result)}, not the reply {turn.reply!r}"
    due = (("user", turn.message), ("assistant", turn.reply))
    if turn.added != due:
        yield None, f"{turn.name} added {turn.added} to the transcript, not {due}"


def pending(evidence: Evidence) -> Iterator[Finding]:
    """A turn that waits has the pending object as its result, and has neither failed nor completed."""
    for turn in _due(evidence, "pending"):
        if turn.raised is not None:
            yield None, f"{turn.name} raised {shown(turn.raised)}, and was to wait for a human"
        elif not turn.is_pending:
            yield None, f"the result of {turn.name}, which waits for a human, is {shown(turn.result)}"
        for frame in turn.frames:
            if frame.type in (_FAILED, _COMPLETED) or frame.type.endswith("_failed"):
                yield frame.seq, f"{turn.name}, which waits for a human, shows {frame.type}"


def failed(evidence: Evidence) -> Iterator[Finding]:
    """A failing turn says so and raises; nothing of it is left for the next one, which works."""
    for turn in _due(evidence, "error"):
        yield from _failing(turn)
    for turn in _after_failures(evidence):
        yield from _reply(turn)
    for left in seen(evidence, MessageLeft):
        for role, content in left.added:
            if role == "user":
                yield None, f"a run without a message, after a failed turn, was given {content!r}"


def _failing(turn: Turned) -> Iterator[Finding]:
    shows = [frame for frame in turn.frames if frame.type in (_FAILED, _COMPLETED)]
    if [frame.type for frame in shows] != [_FAILED]:
        types = ", ".join(frame.type for frame in shows) or "neither"
        yield None, f"{turn.name}, which fails, shows {types}, not one {_FAILED}"
    if turn.raised is None:
        yield None, f"{turn.name}, which fails, raised nothing"
    elif turn.error is not None and turn.raised is not turn.error:
        yield None, f"{turn.name} raised {shown(turn.raised)}, not the error of its handler: {shown(turn.error)}"


def streams_answer(evidence: Evidence) -> Iterator[Finding]:
    """The built-in answer comes in tokens, whatever the LLM was told, and leaves that as it was."""
    for answer in seen(evidence, AnswerStreamed):
        told = {None: "told nothing of streaming", True: "told to stream", False: "told not to stream"}[answer.told]
        if not answer.asked:
            yield None, f"in a turn, an LLM that was {told} asked its provider not to stream"
        if "".join(answer.chunks) != answer.text:
            yield None, f"the turn shows {answer.chunks} of an answer that said {answer.text!r} (an LLM {told})"
        if answer.flag_after is not answer.flag_before:
            was = f"{answer.flag_before!r} before the turn"
            yield None, f"stream of an LLM that was {told} was {was} and is {answer.flag_after!r} after it"


def deferred(evidence: Evidence) -> Iterator[Finding]:
    """With deferred tracing one flow starts in the first turn and finishes at finalisation; else every turn has its own."""
    for counted in seen(evidence, FlowsCounted):
        due = _FLOWS[counted.deferred, counted.during]
        for what, count, ought in zip(("started", "finished"), (counted.started, counted.finished), due, strict=True):
            if count != ought:
                kind = "with" if counted.deferred else "without"
                yield None, f"{count} flows {what} in {counted.during} {kind} deferred tracing, not {ought}"


def _due(evidence: Evidence, due: str) -> list[Turned]:
    return [turn for turn in seen(evidence, Turned) if turn.due == due]


def _answered(evidence: Evidence) -> list[Turned]:
    # Of the turn after a failed one, `turn.failed` speaks.
    return [turn for turn in _due(evidence, "reply") if turn.after != "a failed turn"]


def _after_failures(evidence: Evidence) -> list[Turned]:
    return [turn for turn in _due(evidence, "reply") if turn.after == "a failed turn"]


def _of_failures(evidence: Evidence) -> bool:
    return bool(_due(evidence, "error") or _after_failures(evidence) or seen(evidence, MessageLeft))


CHECKS = (
    Check("turn.sequence", sequence, lambda evidence: bool(_answered(evidence))),
    Check("turn.result", result, lambda evidence: bool(_answered(evidence))),
    Check("turn.pending", pending, lambda evidence: bool(_due(evidence, "pending"))),
    Check("turn.failed", failed, _of_failures),
    Check("turn.streams-answer", streams_answer, saw(AnswerStreamed)),
    Check("turn.deferred", deferred, saw(FlowsCounted)),
)
