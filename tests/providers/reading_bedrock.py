"""What an answer of Bedrock Converse says, read from its bytes with json and botocore's framing: the adapter's measure."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any, Final

from botocore.eventstream import EventStreamBuffer

from tests.providers.reading import Said

_REASONS: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "guardrail_intervened": "content_filter",
}
_COUNTS: Final = {
    "prompt_tokens": "inputTokens",
    "completion_tokens": "outputTokens",
    "total_tokens": "totalTokens",
    "cached_prompt_tokens": "cacheReadInputTokens",
    "cache_creation_tokens": "cacheWriteInputTokens",
}


def read(content_type: str, body: bytes) -> Said:
    """Return what the answer says, streamed or whole."""
    if content_type.startswith("application/vnd.amazon.eventstream"):
        return _streamed(body)
    answer = json.loads(body)
    blocks = answer["output"]["message"]["content"]
    uses = [block["toolUse"] for block in blocks if "toolUse" in block]
    thoughts = [block.get("reasoningContent", {}).get("reasoningText", {}) for block in blocks]
    return Said(
        text="".join(block.get("text", "") for block in blocks),
        thinking="".join(thought.get("text", "") for thought in thoughts),
        calls=[(use["toolUseId"], use["name"], use["input"]) for use in uses],
        usage=_usage(answer["usage"]),
        finish_reason=_REASONS[answer["stopReason"]],
    )


def _streamed(body: bytes) -> Said:
    said, names, arguments = Said(), {}, defaultdict[int, str](str)
    buffer = EventStreamBuffer()
    buffer.add_data(body)
    for message in buffer:
        kind, event = message.headers[":event-type"], json.loads(message.payload)
        index, delta = event.get("contentBlockIndex"), event.get("delta", {})
        if kind == "contentBlockStart":
            use = event["start"]["toolUse"]
            names[index] = (use["toolUseId"], use["name"])
        said.text += delta.get("text", "")
        said.thinking += delta.get("reasoningContent", {}).get("text", "")
        if "toolUse" in delta:
            arguments[index] += delta["toolUse"]["input"]
        if kind == "messageStop":
            said.finish_reason = _REASONS[event["stopReason"]]
        if kind == "metadata":
            said.usage = _usage(event["usage"])
    said.calls = [(*names[index], json.loads(arguments[index] or "{}")) for index in sorted(names)]
    return said


def _usage(sent: dict[str, Any]) -> dict[str, int]:
    return {ours: sent[theirs] for ours, theirs in _COUNTS.items() if theirs in sent}
