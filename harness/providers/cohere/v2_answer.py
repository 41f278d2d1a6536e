"""One answer of Cohere's chat API, version 2, whole or in events, to parts.

Source: https://docs.cohere.com/reference/chat-stream (2026-11).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.llm.output.parts import Part, TextDelta, ThinkingDelta
from harness.llm.request import LLMRequest
from harness.providers.cohere.answer import CohereAnswer
from harness.providers.shared.answer import SSEAnswer
from harness.providers.shared.calls.tool_calls import ToolCallFragments
from harness.providers.shared.failure import failure_in
from harness.providers.shared.reasoning.fields import Reasoning
from harness.providers.shared.shapes import as_id, as_list, as_number, as_object, as_text
from harness.providers.shared.usage import usage


class CohereV2Answer(SSEAnswer):
    """One answer as it grows. Citations say nothing to it."""

    content_fields = frozenset({"type", "delta", "finish_reason"})
    request_id_headers = ("x-debug-trace-id",)
    finish_reasons = CohereAnswer.finish_reasons

    def __init__(self, provider: str, request: LLMRequest) -> None:
        super().__init__(provider)
        self._calls = ToolCallFragments([tool.function.name for tool in request.tools], self.malformed)
        self._reason: str | None = None
        self._has_text = False
        #: Whether the message has ended; what some servers send behind it says nothing.
        self._is_whole = False
        #: What the model thinks, and as `reasoning` what it plans before it asks for tools.
        self.reasoning = Reasoning()

    @property
    def call_ids(self) -> list[str]:
        return self._calls.ids

    @property
    def is_over(self) -> bool:
        return self.done or self._is_whole

    @property
    def has_ended(self) -> bool:
        return self._is_whole

    def event(self, event: Any) -> Iterator[Part]:
        event = as_object(event)
        delta = as_object(event.get("delta"))
        message = as_object(delta.get("message"))
        match event.get("type"):
            case "message-start":
                yield from self.started(event.get("id"))
            case "content-start" | "content-delta":
                yield from self._content(message.get("content"))
            case "tool-plan-delta":
                yield from self._planned(message)
            case "tool-call-start":
                yield from self._calls.begin(as_number(event.get("index")), *_call(message.get("tool_calls")))
            case "tool-call-delta":
                yield from self._calls.take(as_number(event.get("index")), *_call(message.get("tool_calls")))
            case "message-end":
                yield from self._ended(delta)
            case None if "finish_reason" in event:
                # A server that can't stream sends its whole answer.
                yield from self._message(event)

    def closing(self, last: bytes) -> Iterator[Part]:
        if self._is_whole:
            yield from self._finished()

    def answer(self, answer: Any) -> Iterator[Part]:
        yield from self._message(as_object(answer))
        yield from self._finished()

    def _message(self, answer: Mapping[str, Any]) -> Iterator[Part]:
        message = as_object(answer.get("message"))
        yield from self.started(answer.get("id"))
        yield from self._planned(message)
        yield from self._content(message.get("content"))
        for place, call in enumerate(as_list(message.get("tool_calls"))):
            yield from self._calls.begin(place, *_call(call))
        yield from self._ended(answer)
        if "message" not in answer:
            raise self.malformed(f"an answer without a message: {answer!r:.200}")

    def _content(self, content: Any) -> Iterator[Part]:
        """Yield the parts of a block or of several; hosts send a text for one."""
        for sent in content if isinstance(content, list) else [content]:
            block = {"text": sent} if isinstance(sent, str) else as_object(sent)
            if thinking := self.reasoning.take({"reasoning_content": block.get("thinking")}):
                yield ThinkingDelta(thinking)
            if text := as_text(block.get("text")):
                self._has_text = True
                yield TextDelta(text)

    def _planned(self, message: Mapping[str, Any]) -> Iterator[Part]:
        if plan := self.reasoning.take({"reasoning": message.get("tool_plan")}):
            yield ThinkingDelta(plan)

    def _ended(self, sent: Mapping[str, Any]) -> Iterator[Part]:
        if sent.get("error"):
            raise self.reported(failure_in(sent["error"]))
        self._reason = as_text(sent.get("finish_reason")) or None
        self.refuse_reason(self._reason)
        self._is_whole = True
        raw = as_object(sent.get("usage"))
        # What is billed leaves out what the host adds to a prompt.
        counted = as_object(raw.get("tokens")) or as_object(raw.get("billed_units"))
        has_content = self._has_text or self._calls.number >= 0 or self.reasoning.fields()
        if not (has_content or self._reason or counted):
            raise self.empty(f"nothing but an end: {sent!r:.200}")
        read, written = [counted.get("input_tokens")], [counted.get("output_tokens")]
        yield from usage(raw, read, written, cached=raw.get("cached_tokens"))

    def _finished(self) -> Iterator[Part]:
        yield from self._calls.end()
        yield self.finish(self._reason, self.call_ids)


def _call(sent: Any) -> tuple[str | None, str, Any]:
    """Return the id of a call, its name and its arguments, or what there is of them."""
    call = as_object(sent)
    function = as_object(call.get("function"))
    return as_id(call.get("id")), as_text(function.get("name")), function.get("arguments")
