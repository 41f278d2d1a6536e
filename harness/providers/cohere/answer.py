"""One answer of Cohere's chat API, version 1, whole or in lines of JSON, to parts.

Source: https://docs.cohere.com/v1/reference/chat-stream (2026-11).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from harness.llm.output.parts import Finish, FinishReason, Part, ResponseStarted, TextDelta, ToolCallDelta
from harness.providers.shared.calls.tool_calls import whole_arguments
from harness.providers.shared.lines import LinesAnswer
from harness.providers.shared.shapes import a_list, a_text, an_id, an_object
from harness.providers.shared.usage import usage

_FINISH: Final[dict[str, FinishReason]] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
    "ERROR_TOXIC": "content_filter",
}


class CohereAnswer(LinesAnswer):
    """One answer as it grows. The last event holds all of it again: what has not come before is taken from there."""

    content_fields = frozenset({"event_type", "generation_id"})
    request_id_headers: ClassVar[tuple[str, ...]] = ("x-debug-trace-id",)

    def __init__(self, provider: str) -> None:
        super().__init__(provider)
        self._named = self._has_text = False
        self._calls = 0

    def event(self, event: Any) -> Iterator[Part]:
        event = an_object(event)
        match event.get("event_type"):
            case "stream-start":
                yield from self._started(event)
            case "text-generation" | "tool-calls-chunk":
                # The second may tell what the model plans; its pieces of calls come again, whole.
                yield from self._text(event)
            case "tool-calls-generation":
                yield from self._called(event)
            case "stream-end":
                answer = an_object(event.get("response"))
                yield from self._ended(
                    {**answer, "finish_reason": event.get("finish_reason", answer.get("finish_reason"))}
                )
            case None if {"text", "tool_calls"} & event.keys():
                # A server that can't stream sends its whole answer.
                yield from self._ended(event)
            case None:
                raise self.malformed(f"an event of no type: {event!r:.200}")

    def _started(self, sent: Mapping[str, Any]) -> Iterator[Part]:
        if not self._named and (answer_id := an_id(sent.get("generation_id"))):
            self._named = True
            yield ResponseStarted(answer_id)

    def _text(self, sent: Mapping[str, Any]) -> Iterator[Part]:
        if text := a_text(sent.get("text")):
            self._has_text = True
            yield TextDelta(text)

    def _called(self, sent: Mapping[str, Any]) -> Iterator[Part]:
        for call in map(an_object, a_list(sent.get("tool_calls"))):
            name = a_text(call.get("name"))
            if not name:
                raise self.malformed(f"tool call {self._calls} has no name")
            # It knows calls by what they say, and has no ids.
            yield ToolCallDelta(self._calls, f"call_{self._calls}", name, whole_arguments(call.get("parameters")))
            self._calls += 1

    def _ended(self, answer: Mapping[str, Any]) -> Iterator[Part]:
        self.done = True
        reason = a_text(answer.get("finish_reason")) or None
        self.refuse_reason(reason)
        yield from self._started(answer)
        if not self._has_text:
            yield from self._text(answer)
        if not self._calls:
            yield from self._called(answer)
        meta = an_object(answer.get("meta"))
        # What is billed leaves out what the host adds to a prompt.
        counted = an_object(meta.get("tokens")) or an_object(meta.get("billed_units"))
        counts = usage(counted, [counted.get("input_tokens")], [counted.get("output_tokens")])
        if counts is not None:
            yield counts
        known = None if reason is None else _FINISH.get(reason, "other")
        # It says that it is complete where it asks for tools, too.
        yield Finish("tool_calls" if self._calls and known == "stop" else known, reason)
