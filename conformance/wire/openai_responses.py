"""OpenAI's Responses.

A streamed answer is read from its deltas; the whole response in its last event tells usage, status and reason alone.
https://platform.openai.com/docs/api-reference/responses-streaming (read 2026-11).
"""

from __future__ import annotations

from typing import Any, Final

from conformance.timeline.evidence import FinishReason
from conformance.wire.answer import Reading, counts, json_object
from conformance.wire.events import sse_events

_REASONS: Final[dict[str, FinishReason]] = {"max_output_tokens": "length", "content_filter": "content_filter"}
#: Items that are calls of the caller's tools, and the field that has what they are given.
_CALLS: Final = {"function_call": "arguments", "custom_tool_call": "input"}
_COUNTS: Final = {"prompt_tokens": "input_tokens", "completion_tokens": "output_tokens"}
_PROMPT_COUNTS: Final = {"cached_prompt_tokens": "cached_tokens", "cache_creation_tokens": "cache_write_tokens"}


def read_stream(body: bytes, reading: Reading) -> None:
    for _, data in sse_events(body):
        if data.strip() == b"[DONE]":
            return
        event = json_object(data)
        match event["type"]:
            case "error" | "response.failed":
                reading.failed = True
                return
            case "response.output_text.delta" | "response.refusal.delta":
                reading.say(event["delta"])
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" | "response.reasoning.delta":
                reading.think(event["delta"])
            case "response.output_item.added" if event["item"]["type"] in _CALLS:
                reading.begin_call(event["output_index"], event["item"]["call_id"], event["item"]["name"])
            case "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta":
                reading.argue(event["output_index"], event["delta"])
            case "response.completed" | "response.incomplete":
                _end(reading, event["response"])
                return


def read_plain(body: bytes, reading: Reading) -> None:
    response = json_object(body)
    for item in response["output"]:
        if item["type"] == "message":
            for part in item["content"]:
                reading.say(part.get("text") or part.get("refusal"))
        elif item["type"] in _CALLS:
            reading.call(item["call_id"], item["name"], item[_CALLS[item["type"]]])
        elif item["type"] == "reasoning":
            for part in [*item.get("summary", []), *(item.get("content") or [])]:
                reading.think(part["text"])
    _end(reading, response)
    # What is still at work is no answer to a call that waits for one.
    reading.failed = reading.failed or response.get("status") in ("queued", "in_progress")


def _end(reading: Reading, response: dict[str, Any]) -> None:
    sent = response.get("usage")
    if sent is not None:
        reading.usage = counts(sent, _COUNTS)
        reading.usage |= counts(sent.get("input_tokens_details") or {}, _PROMPT_COUNTS)
        reading.usage |= counts(sent.get("output_tokens_details") or {}, {"reasoning_tokens": "reasoning_tokens"})
    status, why = response.get("status"), (response.get("incomplete_details") or {}).get("reason")
    # The wire has no reason of its own for an answer that calls tools.
    whole: FinishReason = "tool_calls" if reading.calls else "stop"
    reading.finish_reason = _REASONS.get(why or "", "other") if why or status == "incomplete" else whole
    reading.failed = status in ("failed", "cancelled")
    reading.ended = True
