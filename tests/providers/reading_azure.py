"""What an answer of a chat model on Azure says, read from its bytes with nothing but json."""

from __future__ import annotations

import json
from typing import Any

from tests.providers.reading import Said


def read(content_type: str, body: bytes) -> Said:
    """Return what the answer says, streamed or whole."""
    if not content_type.startswith("text/event-stream"):
        completion = json.loads(body)
        choice = completion["choices"][0]
        message = choice["message"]
        calls = [
            (call["id"], call["function"]["name"], call["function"]["arguments"])
            for call in message.get("tool_calls", [])
        ]
        return _said(message["content"] or "", calls, completion["usage"], choice["finish_reason"])
    text, reason = "", ""
    usage: dict[str, Any] = {}
    parts: dict[int, dict[str, str]] = {}
    for line in body.decode().splitlines():
        if not line.startswith("data: {"):
            continue
        event: dict[str, Any] = json.loads(line.removeprefix("data: "))
        usage = event.get("usage") or usage
        for choice in event["choices"]:
            text += choice["delta"].get("content") or ""
            reason = choice["finish_reason"] or reason
            for piece in choice["delta"].get("tool_calls", []):
                call = parts.setdefault(piece["index"], {"id": piece.get("id", ""), "name": "", "arguments": ""})
                for name, value in piece["function"].items():
                    call[name] += value
    assert body.rstrip().endswith(b"data: [DONE]")
    return _said(text, [(one["id"], one["name"], one["arguments"]) for one in parts.values()], usage, reason)


def _said(text: str, calls: list[tuple[str, str, str]], sent: dict[str, Any], reason: str) -> Said:
    usage = {name: sent[name] for name in ("prompt_tokens", "completion_tokens", "total_tokens")}
    usage["cached_prompt_tokens"] = sent["prompt_tokens_details"]["cached_tokens"]
    usage["reasoning_tokens"] = sent["completion_tokens_details"]["reasoning_tokens"]
    return Said(
        text=text,
        calls=[(call_id, name, json.loads(arguments)) for call_id, name, arguments in calls],
        usage=usage,
        finish_reason=reason,
    )
