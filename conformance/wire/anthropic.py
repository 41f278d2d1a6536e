"""Anthropic's messages. https://docs.anthropic.com/en/api/messages-streaming (read 2026-11)."""

from __future__ import annotations

from typing import Any, Final

from conformance.timeline.evidence import FinishReason
from conformance.wire.answer import Reading, counts, json_object
from conformance.wire.events import sse_events

_REASONS: Final[dict[str, FinishReason]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_COUNTS: Final = {
    "prompt_tokens": "input_tokens",
    "completion_tokens": "output_tokens",
    "cached_prompt_tokens": "cache_read_input_tokens",
    "cache_creation_tokens": "cache_creation_input_tokens",
}


def read_stream(body: bytes, reading: Reading) -> None:
    usage: dict[str, Any] = {}
    for name, data in sse_events(body):
        if name == "ping":
            # It says nothing, so that readers may leave it unread.
            continue
        event = json_object(data)
        match event["type"]:
            case "error":
                reading.failed = True
                return
            case "message_start":
                usage |= event["message"]["usage"]
            case "content_block_start":
                _begin(reading, event["index"], event["content_block"])
            case "content_block_delta":
                _add(reading, event["index"], event["delta"])
            case "message_delta":
                usage |= event.get("usage") or {}
                _end(reading, event["delta"].get("stop_reason"), usage)
            case "message_stop":
                reading.ended = True
                return


def read_plain(body: bytes, reading: Reading) -> None:
    message = json_object(body)
    for index, block in enumerate(message["content"]):
        _begin(reading, index, block)
        if block["type"] == "tool_use":
            reading.argue(index, block["input"])
    _end(reading, message["stop_reason"], message["usage"])
    reading.ended = True


def _begin(reading: Reading, index: int, block: dict[str, Any]) -> None:
    if block["type"] == "text":
        reading.say(block["text"])
    elif block["type"] == "thinking":
        reading.think(block["thinking"])
    elif block["type"] == "tool_use":
        reading.begin_call(index, block["id"], block["name"], block.get("input"))


def _add(reading: Reading, index: int, delta: dict[str, Any]) -> None:
    match delta["type"]:
        case "text_delta":
            reading.say(delta["text"])
        case "thinking_delta":
            reading.think(delta["thinking"])
        case "input_json_delta" if reading.has_call(index):
            reading.argue(index, delta["partial_json"])


def _end(reading: Reading, reason: str | None, sent: dict[str, Any]) -> None:
    usage = reading.usage = counts(sent, _COUNTS)
    if "cache_creation_tokens" not in usage and sent.get("cache_creation"):
        usage["cache_creation_tokens"] = sum(sent["cache_creation"].values())
    # What was read from the cache, or into it, is counted apart.
    usage["prompt_tokens"] += usage.get("cached_prompt_tokens", 0) + usage.get("cache_creation_tokens", 0)
    if reason is not None:
        reading.finish_reason = _REASONS.get(reason, "other")
