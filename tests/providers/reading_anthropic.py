"""What an answer of Anthropic says, read from its bytes with nothing but json: the reading the adapter is held to."""

from __future__ import annotations

import json
from typing import Any, Final

from tests.providers.reading import Said

_REASONS: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_COUNTS: Final = {
    "cached_prompt_tokens": "cache_read_input_tokens",
    "cache_creation_tokens": "cache_creation_input_tokens",
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
        message["content"].append({**event["content_block"], "json": ""})
    elif event["type"] == "content_block_delta":
        block, delta = message["content"][event["index"]], event["delta"]
        block["json"] += delta.get("partial_json", "")
        for name in ("text", "thinking"):
            block[name] = block.get(name, "") + delta.get(name, "")
    elif event["type"] == "message_delta":
        message["stop_reason"] = event["delta"]["stop_reason"]
        message["usage"] |= event["usage"]


def _message(message: dict[str, Any]) -> Said:
    blocks, sent = message["content"], message["usage"]
    prompt, completion = sent["input_tokens"], sent["output_tokens"]
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    return Said(
        text="".join(block["text"] for block in blocks if block["type"] == "text"),
        thinking="".join(block["thinking"] for block in blocks if block["type"] == "thinking"),
        calls=[
            (block["id"], block["name"], json.loads(block["json"]) if block.get("json") else block["input"])
            for block in blocks
            if block["type"] == "tool_use"
        ],
        usage=usage | {ours: sent[theirs] for ours, theirs in _COUNTS.items() if theirs in sent},
        finish_reason=_REASONS[message["stop_reason"]],
    )
