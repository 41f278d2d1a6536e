"""One answer of Gemini, from its JSON to parts.

Source: https://ai.google.dev/api/generate-content#generatecontentresponse (2026-11).
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from harness.llm.parts import (
    Finish,
    Part,
    ResponseStarted,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    Usage,
)
from harness.providers.gemini.calls import Signatures, own_id
from harness.providers.gemini.reasons import FINISH, block_reason, finish_reason
from harness.providers.shared.answer import SSEAnswer, read_json


class GeminiAnswer(SSEAnswer):
    """One answer as it grows, streamed or whole. Fields that this code does not know say nothing to it."""

    content_fields = frozenset({"candidates", "promptFeedback", "usageMetadata", "responseId"})
    # No response header has an id of the request.
    request_id_headers = ()
    code_field = "status"
    # The model wrote what is no answer; its words, if any, stand beside.
    failed_reasons = SSEAnswer.failed_reasons | {
        "MALFORMED_FUNCTION_CALL",
        "MALFORMED_RESPONSE",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "MISSING_THOUGHT_SIGNATURE",
    }

    def __init__(self, provider: str, signatures: Signatures) -> None:
        super().__init__(provider)
        self._signatures = signatures
        self._response_id: str | None = None
        self._calls = 0
        self._usage: dict[str, Any] = {}
        self._finish: str | None = None
        #: Why the prompt got no answer.
        self._blocked: str | None = None

    def event(self, event: Mapping[str, Any]) -> Iterator[Part]:
        if self._response_id is None and "responseId" in event:
            self._response_id = event["responseId"]
            yield ResponseStarted(event["responseId"])
        for candidate in event.get("candidates") or ():
            if candidate.get("index", 0) == 0:
                yield from self._candidate(candidate)
        # Later counts are cumulative.
        self._usage |= event.get("usageMetadata") or {}
        blocked = (event.get("promptFeedback") or {}).get("blockReason")
        self._blocked = block_reason(blocked, self.provider) or self._blocked

    def answer(self, answer: Any) -> Iterator[Part]:
        # A stream that was not asked for as events is a list of them.
        events = answer if isinstance(answer, list) else [answer]
        if not events:
            raise self.malformed("an empty list")
        for event in events:
            yield from self.event(event)
        yield from self._finished()

    def closing(self, last: bytes) -> Iterator[Part]:
        # The last event may lack its blank line, and be whole all the same.
        with contextlib.suppress(ValueError):
            yield from self.event(read_json(last))
        yield from self._finished()

    def _finished(self) -> Iterator[Part]:
        """Return what the end of the body makes certain. No line marks it: it has come if a finish reason had."""
        if self._usage:
            yield _usage(self._usage)
        if self._finish is not None:
            reason = FINISH.get(self._finish, "other")
            yield Finish("tool_calls" if self._calls and reason == "stop" else reason, self._finish)
        elif self._blocked is not None:
            yield Finish("content_filter", self._blocked)

    def _candidate(self, candidate: Mapping[str, Any]) -> Iterator[Part]:
        for part in (candidate.get("content") or {}).get("parts") or ():
            if "functionCall" in part:
                yield self._call(part["functionCall"], part.get("thoughtSignature"))
            elif part.get("text"):
                yield ThinkingDelta(part["text"]) if part.get("thought") else TextDelta(part["text"])
        reason = finish_reason(candidate.get("finishReason"), self.provider)
        self.refuse_reason(reason, candidate.get("finishMessage"))
        self._finish = reason or self._finish

    def _call(self, call: Mapping[str, Any], signature: str | None) -> ToolCallDelta:
        number = self._calls
        self._calls += 1
        call_id = call.get("id") or own_id(self._response_id or "", number)
        if signature is not None:
            self._signatures.keep(call_id, signature)
        return ToolCallDelta(number, call_id, call["name"], json.dumps(call.get("args") or {}, ensure_ascii=False))


def _usage(raw: Mapping[str, Any]) -> Usage:
    """Return the counts under the common names. What a tool of the provider's read counts as prompt, thoughts as answer."""
    prompt = (raw.get("promptTokenCount") or 0) + (raw.get("toolUsePromptTokenCount") or 0)
    completion = (raw.get("candidatesTokenCount") or 0) + (raw.get("thoughtsTokenCount") or 0)
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=raw.get("totalTokenCount") or prompt + completion,
        cached_prompt_tokens=raw.get("cachedContentTokenCount"),
        reasoning_tokens=raw.get("thoughtsTokenCount"),
        raw=dict(raw),
    )
