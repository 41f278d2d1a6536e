"""Gemini's generateContent, streamed as server-sent events or not.

https://ai.google.dev/api/generate-content (read 2026-11). Calls may have no ids there.
"""

from __future__ import annotations

import json
from typing import Any, Final

from conformance.timeline.evidence import FinishReason
from conformance.wire.answer import Reading, counts, json_object, summed
from conformance.wire.events import sse_events

_REASONS: Final[dict[str, FinishReason]] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    **dict.fromkeys(("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"), "content_filter"),
    **dict.fromkeys(("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"), "content_filter"),
    **dict.fromkeys(("MODEL_ARMOR", "ESCALATION"), "content_filter"),
}
#: Reasons with which it says that there is no answer.
_FAILURES: Final = frozenset(
    {
        *("MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"),
        *("MISSING_THOUGHT_SIGNATURE", "PUP_LIMITED_DISABLED"),
    }
)
_COUNTS: Final = {"cached_prompt_tokens": "cachedContentTokenCount", "reasoning_tokens": "thoughtsTokenCount"}


def read_stream(body: bytes, reading: Reading) -> None:
    for _, data in sse_events(body):
        event = json_object(data)
        if event.get("error"):
            reading.failed = True
            return
        _add(reading, event)


def read_plain(body: bytes, reading: Reading) -> None:
    _add(reading, json_object(body))
    reading.ended = True


def _add(reading: Reading, event: dict[str, Any]) -> None:
    _use(reading, event.get("usageMetadata"))
    if (event.get("promptFeedback") or {}).get("blockReason"):
        # Such a prompt gets no candidates.
        reading.ended, reading.finish_reason = True, "content_filter"
    for candidate in [each for each in event.get("candidates", []) if not each.get("index")][:1]:
        for part in (candidate.get("content") or {}).get("parts", ()):
            if "functionCall" in part:
                call = part["functionCall"]
                reading.call(call.get("id"), call["name"], json.dumps(call.get("args") or {}))
            elif part.get("thought"):
                reading.think(part.get("text"))
            else:
                reading.say(part.get("text"))
        reason = candidate.get("finishReason")
        if reason is not None:
            # What tells the end stands in the last event that holds any of the answer.
            reading.ended = True
            reading.finish(reason, {**_REASONS, "STOP": "tool_calls"} if reading.calls else _REASONS, _FAILURES)


def _use(reading: Reading, sent: dict[str, Any] | None) -> None:
    if sent is not None:
        prompt = sent.get("promptTokenCount") or 0
        completion = sum(sent.get(name) or 0 for name in ("candidatesTokenCount", "thoughtsTokenCount"))
        if sent.get("totalTokenCount") != prompt + completion:
            # What a tool of the provider's read, where the total counts it.
            prompt += sent.get("toolUsePromptTokenCount") or 0
        reading.usage = summed({**counts(sent, _COUNTS), "prompt_tokens": prompt, "completion_tokens": completion})
