"""Vercel's AI SDK: a timeline as a UI message stream, version 1, which `useChat` and its like read.

One assistant message is one timeline. A step of it lasts while any call to a model is open, so that parallel calls share
one. What the stream has no part for is a data part: those of a scope have the scope's id, so that its end takes the place of
its start.
Source: https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol (npm `ai` 7, 2026-11).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import MappingProxyType
from typing import Any, Final

import orjson

from harness.bridges.outcome import RunOutcome, counts_of
from harness.bridges.scopes import FrameStep, OpenScopes, PlacedFrame, PlacedScope
from harness.bridges.speech import Piece, Speech, is_reply
from harness.bridges.texts import name_in, text_of
from harness.frames.stored import FrameLike

#: The header fields by which a client knows the stream.
VERCEL_HEADERS: Final = MappingProxyType(
    {
        "content-type": "text/event-stream",
        "cache-control": "no-cache",
        "x-vercel-ai-ui-message-stream": "v1",
        "x-accel-buffering": "no",
    }
)
#: What ends the stream, after the last event.
VERCEL_DONE: Final = "[DONE]"
_REASONS: Final = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool-calls",
    "content_filter": "content-filter",
}
#: What a data part tells of a call to a model: not what it was asked, which is no page's business.
_OF_CALLS: Final = ("model", "finish_reason", "usage", "error", "error_type")

Event = dict[str, Any]


class VercelTranslator:
    """Takes the frames of a timeline one by one, and gives the parts of one message; `end` gives what is left to say.

    Total: any frames in any order give a stream that the SDK reads without an error of its own.
    """

    def __init__(self, *, message_id: str | None = None, questions: Iterable[str] = ()) -> None:
        """Translate for a message of this id; without one it is the id of the first frame.

        `questions` are what an earlier part of the message has asked a person, which this goes on with.
        """
        self._message_id = message_id
        self._scopes = OpenScopes()
        self._speech = Speech()
        self._outcome = RunOutcome()
        self._calls: set[PlacedScope] = set()
        self._questions: set[str] = set(questions)
        self._has_begun = False

    def feed(self, frame: FrameLike) -> list[Event]:
        """Return the parts of the next frame."""
        step = self._scopes.take(frame)
        events: list[Event] = []
        if not self._has_begun:
            self._has_begun = True
            events.append({"type": "start", "messageId": self._message_id or step.frame.unique_id})
        elif step.frame.begins:
            events += self._closed_all()
        self._outcome.take(step)
        if step.opened is not None and step.opened.kind == "call":
            if not self._calls:
                events.append({"type": "start-step"})
            self._calls.add(step.opened)
        pieces = self._speech.take(step)
        events += [event for piece in pieces for event in _speech_events(piece)]
        events += self._step_events(step, spoken=bool(pieces))
        ended = {*step.left, *([] if step.closed is None else [step.closed])} & self._calls
        if ended:
            self._calls -= ended
            if not self._calls:
                events.append({"type": "finish-step"})
        return events

    def end(self, error: str | None = None, error_type: str | None = None) -> list[Event]:
        """Return the parts that end the message. `error` is for what ended the run and was told by no frame."""
        events: list[Event] = [] if self._has_begun else [{"type": "start"}]
        if error is not None:
            self._outcome.fail(error, error_type)
        events += self._closed_all()
        outcome = self._outcome
        verdict = outcome.verdict()
        totals = outcome.totals()
        if verdict == "cancelled":
            return [*events, {"type": "abort", "reason": "the run was left before its end"}]
        reason = "error"
        if verdict == "failed":
            events.append({"type": "error", "errorText": outcome.error or "the run failed"})
        elif verdict == "paused":
            # Its person is to answer, as a tool's use is to be approved; "interrupted" would keep the answer from being sent.
            reason = "tool-calls"
        else:
            reason = _REASONS.get(outcome.finish_reason or "stop", "other")
        metadata = {"messageMetadata": {"usage": totals}} if totals else {}
        return [*events, {"type": "finish", "finishReason": reason, **metadata}]

    def _closed_all(self) -> list[Event]:
        events = [event for piece in self._speech.rest() for event in _speech_events(piece)]
        if self._calls:
            self._calls.clear()
            events.append({"type": "finish-step"})
        return events

    def _step_events(self, step: FrameStep, *, spoken: bool) -> Iterator[Event]:
        frame = step.frame
        tool = self._speech.used(step)
        scope = step.opened or step.closed
        request = name_in(frame.payload.get("request_id"))
        if step.closed is not None and tool is not None:
            yield _result(tool.id, step)
        if frame.type == "human_feedback_requested":
            request = request or frame.unique_id
            self._questions.add(request)
            yield from _question(frame, request)
        elif frame.type == "human_feedback_received" and request in self._questions:
            answer = {name: value for name, value in frame.details().items() if name in ("feedback", "outcome")}
            yield {"type": "tool-output-available", "toolCallId": request, "output": answer}
        elif scope is not None:
            yield _of_scope(scope, step)
        elif not spoken or is_reply(frame):
            yield _data(frame.type, frame.unique_id, frame.details())


def vercel_events(frames: Iterable[FrameLike], **options: Any) -> Iterator[Event]:
    """Yield the parts of a whole timeline; `options` are those of `VercelTranslator`."""
    translator = VercelTranslator(**options)
    for frame in frames:
        yield from translator.feed(frame)
    yield from translator.end()


def _speech_events(piece: Piece) -> list[Event]:
    if piece.kind != "tool":
        kind = {"text": "text", "thought": "reasoning"}[piece.kind]
        delta = {"delta": piece.text} if piece.part == "delta" else {}
        return [{"type": f"{kind}-{piece.part}", "id": piece.id, **delta}]
    if piece.part == "delta":
        return [{"type": "tool-input-delta", "toolCallId": piece.id, "inputTextDelta": piece.text}]
    named = {"toolCallId": piece.id, "toolName": piece.name}
    if piece.part == "start":
        return [{"type": "tool-input-start", **named}]
    try:
        available = {"type": "tool-input-available", **named, "input": orjson.loads(piece.text or "{}")}
        # What is read may be nested deeper than what can be written.
        orjson.dumps(available)
    except ValueError as error:
        text = f"the arguments are no JSON: {error}"
    except TypeError as error:
        text = f"the arguments can't be sent: {error}"
    else:
        return [available]
    return [{"type": "tool-input-error", **named, "input": piece.text, "errorText": text}]


def _result(tool_id: str, step: FrameStep) -> Event:
    payload = step.frame.payload
    if step.ending == "failed":
        return {"type": "tool-output-error", "toolCallId": tool_id, "errorText": text_of(payload.get("error"))}
    return {"type": "tool-output-available", "toolCallId": tool_id, "output": payload.get("output")}


def _question(frame: PlacedFrame, request: str) -> Iterator[Event]:
    """Yield what asks a person, as a tool whose use is to be approved: that is what the SDK has for it."""
    details = {name: value for name, value in frame.details().items() if name in ("message", "output", "emit")}
    yield {"type": "tool-input-available", "toolCallId": request, "toolName": "human_feedback", "input": details}
    yield {"type": "tool-approval-request", "approvalId": request, "toolCallId": request}


def _of_scope(scope: PlacedScope, step: FrameStep) -> Event:
    payload = step.frame.payload
    if scope.kind == "call":
        details = {name: payload[name] for name in _OF_CALLS if payload.get(name) is not None}
        if "usage" in details:
            details["usage"] = counts_of(details["usage"])
    else:
        # What a tool was given and returned is told in its own part.
        skipped = ("tool_args", "output") if scope.kind == "tool" else ()
        details = {name: value for name, value in step.frame.details().items() if name not in skipped}
    status = "started" if step.opened is not None else step.ending
    return _data(scope.kind, scope.id, {"status": status, "name": scope.name, **details})


def _data(kind: str, part_id: str, details: dict[str, Any]) -> Event:
    return {"type": f"data-{kind}", "id": part_id, "data": details}
