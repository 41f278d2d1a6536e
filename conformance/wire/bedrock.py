"""Amazon Bedrock's Converse and ConverseStream.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html (read 2026-11).
"""

from __future__ import annotations

from typing import Any, Final

from conformance.timeline.evidence import FinishReason
from conformance.wire.answer import Reading, counts, json_object
from conformance.wire.events import aws_messages

_REASONS: Final[dict[str, FinishReason]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}
_FAILURES: Final = frozenset({"malformed_model_output", "malformed_tool_use"})
#: The type of a use of a tool that the provider runs itself.
_HOSTED: Final = "server_tool_use"
_COUNTS: Final = {
    "prompt_tokens": "inputTokens",
    "completion_tokens": "outputTokens",
    "cached_prompt_tokens": "cacheReadInputTokens",
    "cache_creation_tokens": "cacheWriteInputTokens",
}


def read_stream(body: bytes, reading: Reading) -> None:
    hosted: set[Any] = set()
    for headers, payload in aws_messages(body):
        if headers.get(":message-type") != "event":
            reading.failed = True
            return
        event = json_object(payload)
        index = event.get("contentBlockIndex")
        match headers[":event-type"]:
            case "contentBlockStart":
                use = (event.get("start") or {}).get("toolUse")
                if use is not None and use.get("type") == _HOSTED:
                    hosted.add(index)
                elif use is not None:
                    reading.begin_call(index, use["toolUseId"], use["name"])
            case "contentBlockDelta":
                delta = event["delta"]
                reading.say(delta.get("text"))
                reading.think((delta.get("reasoningContent") or {}).get("text"))
                if "toolUse" in delta and index not in hosted:
                    reading.argue(index, delta["toolUse"]["input"])
            case "messageStop":
                reading.finish(event["stopReason"], _REASONS, _FAILURES)
                reading.ended = True
            case "metadata":
                _use(reading, event.get("usage"))


def read_plain(body: bytes, reading: Reading) -> None:
    answer = json_object(body)
    for block in answer["output"]["message"]["content"]:
        reading.say(block.get("text"))
        for part in (block.get("citationsContent") or {}).get("content") or ():
            reading.say(part.get("text"))
        reading.think((block.get("reasoningContent") or {}).get("reasoningText", {}).get("text"))
        use = block.get("toolUse")
        if use is not None and use.get("type") != _HOSTED:
            reading.call(use["toolUseId"], use["name"], use["input"])
    _use(reading, answer.get("usage"))
    reading.finish(answer["stopReason"], _REASONS, _FAILURES)
    reading.ended = True


def _use(reading: Reading, sent: dict[str, Any] | None) -> None:
    if sent is not None:
        usage = reading.usage = counts(sent, _COUNTS)
        # What was read from the cache, or into it, is counted apart.
        usage["prompt_tokens"] += usage.get("cached_prompt_tokens", 0) + usage.get("cache_creation_tokens", 0)
