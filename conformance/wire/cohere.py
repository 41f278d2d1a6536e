"""Cohere's chat API, version 1. https://docs.cohere.com/v1/reference/chat-stream (read 2026-11)."""

from __future__ import annotations

from typing import Any, Final

from conformance.timeline.evidence import FinishReason
from conformance.wire.answer import Reading, counts, json_object, read_lines

_REASONS: Final[dict[str, FinishReason]] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "ERROR_TOXIC": "content_filter",
}
_FAILURES: Final = frozenset({"ERROR", "ERROR_LIMIT", "USER_CANCEL"})
_COUNTS: Final = {"prompt_tokens": "input_tokens", "completion_tokens": "output_tokens"}


def read_stream(body: bytes, reading: Reading) -> None:
    read_lines(body, reading, _take)


def read_plain(body: bytes, reading: Reading) -> None:
    _end(json_object(body), reading)


def _take(event: dict[str, Any], reading: Reading) -> None:
    match event.get("event_type"):
        case None if "text" in event:
            _end(event, reading)
        case None:
            reading.failed = True
        case "text-generation" | "tool-calls-chunk":
            reading.say(event.get("text"))
        case "tool-calls-generation":
            _call(event["tool_calls"], reading)
        case "stream-end":
            _end(event["response"], reading)


def _call(calls: list[dict[str, Any]], reading: Reading) -> None:
    for call in calls:
        # It has no ids.
        reading.call(None, call["name"], call["parameters"])


def _end(answer: dict[str, Any], reading: Reading) -> None:
    # The end says all of it again.
    text = answer.get("text") or ""
    if text.startswith(reading.text) and text.strip() != reading.text.strip():
        reading.say(text[len(reading.text) :])
    _call((answer.get("tool_calls") or [])[len(reading.calls) :], reading)
    reasons: dict[str, FinishReason] = {**_REASONS, "COMPLETE": "tool_calls"} if reading.calls else _REASONS
    reading.finish(answer["finish_reason"], reasons, _FAILURES)
    tokens = answer.get("meta", {}).get("tokens")
    reading.usage = counts(tokens, _COUNTS) if tokens else None
    reading.ended = True
