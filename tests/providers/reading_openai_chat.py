"""What an OpenAI chat answer says, read from its bytes with nothing but json: the reading that the adapter is held to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

_REASONS: Final = {"stop": "stop", "length": "length", "tool_calls": "tool_calls", "content_filter": "content_filter"}


@dataclass(frozen=True)
class Reading:
    """One answer; the names are those of a replay's result."""

    text: str
    #: `[{id, type, function: {name, arguments}}]`.
    tool_calls: list[dict[str, Any]]
    usage: dict[str, int] | None
    finish_reason: str | None


def read_stream(body: bytes) -> Reading:
    """Read the events of a stream, up to `[DONE]`."""
    text = ""
    calls: dict[int, dict[str, Any]] = {}
    usage: dict[str, Any] | None = None
    reason: str | None = None
    for event in _events(body):
        usage = event.get("usage") or usage
        for choice in event["choices"]:
            delta = choice["delta"]
            text += delta.get("content") or ""
            text += delta.get("refusal") or ""
            for piece in delta.get("tool_calls") or []:
                call = calls.setdefault(piece["index"], {"id": "", "name": "", "arguments": ""})
                call["id"] = piece.get("id") or call["id"]
                call["name"] = piece["function"].get("name") or call["name"]
                call["arguments"] += piece["function"].get("arguments") or ""
            reason = choice["finish_reason"] or reason
    return _reading(text, [calls[index] for index in sorted(calls)], usage, reason)


def read_plain(body: bytes) -> Reading:
    """Read an answer that was not streamed."""
    answer = json.loads(body)
    choice = answer["choices"][0]
    message = choice["message"]
    calls = [{"id": call["id"], **call["function"]} for call in message.get("tool_calls") or []]
    text = (message["content"] or "") + (message.get("refusal") or "")
    return _reading(text, calls, answer.get("usage"), choice["finish_reason"])


def _reading(text: str, calls: list[dict[str, Any]], usage: dict[str, Any] | None, reason: str | None) -> Reading:
    return Reading(
        text,
        [
            {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": call["arguments"]}}
            for call in calls
        ],
        None if usage is None else _usage(usage),
        None if reason is None else _REASONS[reason],
    )


def _usage(sent: dict[str, Any]) -> dict[str, int]:
    counts = {name: sent[name] for name in ("prompt_tokens", "completion_tokens", "total_tokens")}
    for name, group, key in (
        ("cached_prompt_tokens", "prompt_tokens_details", "cached_tokens"),
        ("reasoning_tokens", "completion_tokens_details", "reasoning_tokens"),
    ):
        told = (sent.get(group) or {}).get(key)
        if told is not None:
            counts[name] = told
    return counts


def _events(body: bytes) -> Iterator[dict[str, Any]]:
    for line in body.decode().splitlines():
        if line.startswith("data: {"):
            yield json.loads(line.removeprefix("data: "))
        if line == "data: [DONE]":
            return
    raise AssertionError("the recorded stream has no end marker")
