"""Ollama's own chat API. https://docs.ollama.com/api/chat (read 2026-11)."""

from __future__ import annotations

from typing import Any, Final

from conformance.timeline.evidence import FinishReason
from conformance.wire.answer import Reading, counts, json_object, read_lines

_REASONS: Final[dict[str, FinishReason]] = {"stop": "stop", "length": "length"}
_COUNTS: Final = {"prompt_tokens": "prompt_eval_count", "completion_tokens": "eval_count"}


def read_stream(body: bytes, reading: Reading) -> None:
    read_lines(body, reading, _take)


def read_plain(body: bytes, reading: Reading) -> None:
    _take(json_object(body), reading)


def _take(answer: dict[str, Any], reading: Reading) -> None:
    if answer.get("error"):
        reading.failed = True
        return
    message = answer.get("message") or {}
    reading.think(message.get("thinking"))
    reading.say(message.get("content"))
    for call in message.get("tool_calls") or ():
        reading.call(call.get("id"), call["function"]["name"], call["function"].get("arguments") or {})
    if answer.get("done"):
        reading.ended = True
        # A line of nothing but the end is no answer, and neither is one that tells of the model alone.
        is_empty = not (reading.kinds or answer.keys() - {"done", "model", "created_at", "message"})
        reading.failed = is_empty or answer.get("done_reason") in ("load", "unload")
        reading.usage = counts(answer, _COUNTS) or None
        reason = answer.get("done_reason")
        if reason is not None:
            reading.finish_reason = (
                "tool_calls" if reason == "stop" and reading.calls else _REASONS.get(reason, "other")
            )
