"""What a recorded answer of Anthropic says, read from its bytes with nothing but json."""

from __future__ import annotations

import json
from typing import Any, Final

from tests.providers.reading import Said

REASONS: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


def read(content_type: str, body: bytes) -> Said:
    """Return what the answer says, streamed or whole."""
    if not content_type.startswith("text/event-stream"):
        return _message(json.loads(body))
    message: dict[str, Any] = {}
    for line in body.decode().splitlines():
        if line.startswith("data:"):
            _add(message, json.loads(line.removeprefix("data:")))
    return _message(message)


def _add(message: dict[str, Any], event: dict[str, Any]) -> None:
    """Let the message grow by one event, into what the API would have answered at once."""
    if event["type"] == "message_start":
        message |= event["message"]
    elif event["type"] == "content_block_start":
        message["content"].append(dict(event["content_block"], partial=""))
    elif event["type"] == "content_block_delta":
        block, delta = message["content"][event["index"]], event["delta"]
        block["partial"] += delta.get("partial_json", "")
        for name in ("text", "thinking"):
            block[name] = block.get(name, "") + delta.get(name, "")
    elif event["type"] == "message_delta":
        message["stop_reason"] = event["delta"]["stop_reason"]
        message["usage"] |= event["usage"]


def _message(message: dict[str, Any]) -> Said:
    blocks, usage = message["content"], message["usage"]
    return Said(
        text="".join(block["text"] for block in blocks if block["type"] == "text"),
        thinking="".join(block["thinking"] for block in blocks if block["type"] == "thinking"),
        calls=[
            (block["name"], block["id"], json.loads(block.get("partial") or "null") or block["input"])
            for block in blocks
            if block["type"] == "tool_use"
        ],
        tokens=(usage["input_tokens"], usage["output_tokens"], usage.get("cache_read_input_tokens")),
        finish_reason=REASONS[message["stop_reason"]],
    )
