"""One answer of Cohere's chat API, version 1, whole or in lines of JSON, to parts.

Source: https://docs.cohere.com/v1/reference/chat-stream (2026-11).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from harness.llm.output.parts import FinishReason, Part, TextDelta, ToolCallDelta
from harness.providers.shared.calls.begun_calls import BegunCalls
from harness.providers.shared.calls.tool_calls import whole_arguments
from harness.providers.shared.lines import LinesAnswer
from harness.providers.shared.shapes import as_list, as_object, as_text, rest_of
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
        self._texts: list[str] = []
        self._calls = BegunCalls()
        #: The names of the calls that have come, and what they are given.
        self._called: list[tuple[Any, Any]] = []

    def event(self, event: Any) -> Iterator[Part]:
        event = as_object(event)
        match event.get("event_type"):
            case "stream-start":
                yield from self.started(event.get("generation_id"))
            case "text-generation" | "tool-calls-chunk":
                # The second may tell what the model plans; its pieces of calls come again, whole.
                yield from self._text_delta(as_text(event.get("text")))
            case "tool-calls-generation":
                yield from map(self._begun, _calls_of(event))
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

    def _text_delta(self, text: str) -> Iterator[Part]:
        if text:
            self._texts.append(text)
            yield TextDelta(text)

    def _begun(self, call: tuple[Any, Any]) -> ToolCallDelta:
        self._called.append(call)
        name, given = call
        return self._calls.begin(len(self._calls), None, name, given)

    def _rest(self, answer: Mapping[str, Any]) -> Iterator[Part]:
        """Yield what has not come yet of an answer that is whole."""
        yield from self._text_delta(rest_of(as_text(answer.get("text")), "".join(self._texts)))
        # It knows calls by what they say, and has no ids.
        left, rest = list(self._called), []
        for call in _calls_of(answer):
            if call in left:
                left.remove(call)
            else:
                rest.append(call)
        if left and rest:
            raise self.malformed(f"the calls {left!r:.200} in pieces, and {rest!r:.200} as a whole")
        yield from map(self._begun, rest)

    def _ended(self, answer: Mapping[str, Any]) -> Iterator[Part]:
        self.done = True
        reason = as_text(answer.get("finish_reason")) or None
        self.refuse_reason(reason)
        yield from self.started(answer.get("generation_id"))
        yield from self._rest(answer)
        meta = as_object(answer.get("meta"))
        # What is billed leaves out what the host adds to a prompt.
        counted = as_object(meta.get("tokens")) or as_object(meta.get("billed_units"))
        if not (self._texts or self._calls or reason or counted):
            raise self.malformed(f"nothing but an end: {answer!r:.200}")
        yield from usage(counted, [counted.get("input_tokens")], [counted.get("output_tokens")])
        yield self.finish(reason, self._calls)


def _calls_of(sent: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """Return the names of calls, and what they are given."""
    calls = map(as_object, as_list(sent.get("tool_calls")))
    return [(call.get("name"), json.loads(whole_arguments(call.get("parameters")))) for call in calls]
