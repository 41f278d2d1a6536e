"""Cohere's chat API, version 2. https://docs.cohere.com/reference/chat-stream (read 2026-11)."""

from __future__ import annotations

from typing import Any, Final

from conformance.timeline.evidence import FinishReason
from conformance.wire.answer import Reading, counts, json_object
from conformance.wire.events import sse_events

_REASONS: Final[dict[str, FinishReason]] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
}
_FAILURES: Final = frozenset({"ERROR", "TIMEOUT"})
_COUNTS: Final = {"prompt_tokens": "input_tokens", "completion_tokens": "output_tokens"}


def read_stream(body: bytes, reading: Reading) -> None:
    current: dict[int | None, int] = {}
    for _, data in sse_events(body):
        if reading.ended or data.strip() == b"[DONE]":
            return
        event = json_object(data)
        if "type" not in event:
            reading.failed = True
            return
        _take(event, reading, current)


def _take(event: dict[str, Any], reading: Reading, current: dict[int | None, int]) -> None:
    """Take one event; `current` has the number of the call that each index stands for at the moment."""
    delta = event.get("delta") or {}
    message = delta.get("message") or {}
    match event["type"]:
        case "content-start" | "content-delta":
            reading.think(message["content"].get("thinking"))
            reading.say(message["content"].get("text"))
        case "tool-plan-delta":
            reading.think(message["tool_plan"])
        case "tool-call-start":
            call = message["tool_calls"]
            number = current[event.get("index")] = len(reading.calls)
            reading.begin_call(number, call.get("id"), call["function"]["name"])
            reading.argue(number, call["function"].get("arguments"))
        case "tool-call-delta":
            reading.argue(current[event.get("index")], message["tool_calls"]["function"]["arguments"])
        case "message-end":
            _end(delta, reading)


def read_plain(body: bytes, reading: Reading) -> None:
    answer = json_object(body)
    message = answer["message"]
    reading.think(message.get("tool_plan"))
    for block in message.get("content") or ():
        reading.think(block.get("thinking"))
        reading.say(block.get("text"))
    for call in message.get("tool_calls") or ():
        reading.call(call["id"], call["function"]["name"], call["function"]["arguments"])
    _end(answer, reading)


def _end(sent: dict[str, Any], reading: Reading) -> None:
    reading.finish(sent["finish_reason"], _REASONS, _FAILURES)
    usage = sent.get("usage") or {}
    if usage.get("tokens"):
        reading.usage = counts(usage["tokens"], _COUNTS) | counts(usage, {"cached_prompt_tokens": "cached_tokens"})
    reading.ended = True
