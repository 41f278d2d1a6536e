"""One answer of Cohere's chat API, version 1, whole or in lines of JSON, to parts.

Source: https://docs.cohere.com/v1/reference/chat-stream (2026-11).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from harness.llm.output.parts import FinishReason, Part, TextDelta
from harness.providers.shared.calls.begun_calls import BegunCalls
from harness.providers.shared.calls.tool_calls import whole_arguments
from harness.providers.shared.lines import LinesAnswer
from harness.providers.shared.shapes import as_list, as_object, as_text
from harness.providers.shared.usage import usage


class CohereAnswer(LinesAnswer):
    """One answer as it grows. The last event holds all of it again: what has not come before is taken from there."""

    content_fields = frozenset({"event_type", "generation_id"})
    request_id_headers = ("x-debug-trace-id",)
    finish_reasons: ClassVar[Mapping[str, FinishReason]] = {
        "complete": "stop",
        "stop_sequence": "stop",
        "max_tokens": "length",
        "tool_call": "tool_calls",
        "error_toxic": "content_filter",
    }
    stops_for_tools = True

    def __init__(self, provider: str) -> None:
        super().__init__(provider)
        self._has_text = False
        self._calls = BegunCalls()

    def event(self, event: Any) -> Iterator[Part]:
        event = as_object(event)
        match event.get("event_type"):
            case "stream-start":
                yield from self.started(event.get("generation_id"))
            case "text-generation" | "tool-calls-chunk":
                # The second may tell what the model plans; its pieces of calls come again, whole.
                yield from self._text(event)
            case "tool-calls-generation":
                yield from self._called(event)
            case "stream-end":
                answer = as_object(event.get("response"))
                yield from self._ended(
                    {**answer, "finish_reason": event.get("finish_reason", answer.get("finish_reason"))}
                )
            case None if {"text", "tool_calls"} & event.keys():
                # A server that can't stream sends its whole answer.
                yield from self._ended(event)
            case None:
                raise self.malformed(f"an event of no type: {event!r:.200}")

    def _text(self, sent: Mapping[str, Any]) -> Iterator[Part]:
        if text := as_text(sent.get("text")):
            self._has_text = True
            yield TextDelta(text)

    def _called(self, sent: Mapping[str, Any]) -> Iterator[Part]:
        for call in map(as_object, as_list(sent.get("tool_calls"))):
            # It knows calls by what they say, and has no ids.
            yield self._calls.begin(len(self._calls), None, call.get("name"), whole_arguments(call.get("parameters")))

    def _ended(self, answer: Mapping[str, Any]) -> Iterator[Part]:
        self.done = True
        reason = as_text(answer.get("finish_reason")) or None
        self.refuse_reason(reason)
        yield from self.started(answer.get("generation_id"))
        if not self._has_text:
            yield from self._text(answer)
        if not self._calls:
            yield from self._called(answer)
        meta = as_object(answer.get("meta"))
        # What is billed leaves out what the host adds to a prompt.
        counted = as_object(meta.get("tokens")) or as_object(meta.get("billed_units"))
        yield from usage(counted, [counted.get("input_tokens")], [counted.get("output_tokens")])
        yield self.finish(reason, self._calls)
